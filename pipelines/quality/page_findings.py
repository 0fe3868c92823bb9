"""What the quality page is about: every rule of the latest run with its last twelve runs, worst first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import polars as pl

from pipelines.masking import SMALLEST_SHOWN, drawn_part

RUNS_SHOWN = 12
Group = Literal["blocks", "warns", "engine", "not_evaluated", "passes"]
GROUPS: Mapping[str, Group] = {"pass": "passes", "error": "engine"}
Row = Mapping[str, Any]
Key = tuple[str, str, str, str | None]
KEY = ("contract_id", "table_name", "rule_id", "column_name")


@dataclass(frozen=True)
class Point:
    """A rule in one run; counts are null where it was not evaluated, status is `absent` where it took no part."""

    started_at: datetime
    status: str
    evaluated_rows: int | None
    failed_rows: int | None

    @property
    def drawn_share(self) -> float | None:
        """Share of failed rows as a picture may show it."""
        if self.failed_rows is None or not self.evaluated_rows or self.evaluated_rows < SMALLEST_SHOWN:
            return None
        return drawn_part(self.failed_rows, self.evaluated_rows) / self.evaluated_rows


@dataclass(frozen=True)
class Finding:
    """A rule with its outcome in the latest run that evaluated rules, and its trend, oldest run first."""

    contract_id: str
    table_name: str
    rule_id: str
    column_name: str | None
    severity: str
    dimension: str
    threshold: float | None
    trend: tuple[Point, ...]

    @property
    def now(self) -> Point:
        """The outcome in the latest run."""
        return self.trend[-1]

    @property
    def group(self) -> Group:
        """The part of the page that the rule stands in."""
        if self.now.status == "fail":
            return "blocks" if self.severity == "error" else "warns"
        return GROUPS.get(self.now.status, "not_evaluated")

    @property
    def failing_since(self) -> Point:
        """The first of the runs in a row, up to now, in which the rule failed."""
        since = self.now
        for point in reversed(self.trend):
            if point.status == "fail":
                since = point
            elif point.status == "pass":
                break
        return since


def findings_of(quality: pl.DataFrame) -> tuple[Finding, ...]:
    """All rules of the latest run, and those of the eleven runs before that took no part in it, worst first.

    `quality` has the columns of `data_quality` and `started_at`; empty: no findings.
    """
    runs = last_runs(quality)
    if not runs:
        return ()
    outcomes = {run: list(quality.filter(pl.col("run_id") == run).iter_rows(named=True)) for run, _ in runs}
    by_key = {run: {_key(row): row for row in rows} for run, rows in outcomes.items()}
    *_, (latest, _) = runs
    missing = {key: row for rows in by_key.values() for key, row in rows.items() if key not in by_key[latest]}
    found = [_finding(row, row, runs, by_key) for row in outcomes[latest]]
    found += [_finding(row, None, runs, by_key) for row in missing.values()]
    return tuple(sorted(found, key=_order))


def last_runs(quality: pl.DataFrame) -> Sequence[tuple[str, datetime]]:
    """Id and start of the last runs that evaluated rules, oldest first, twelve at most."""
    runs = quality.select("run_id", "started_at").unique().sort("started_at", "run_id").tail(RUNS_SHOWN)
    return [(run, started_at) for run, started_at in runs.iter_rows()]


def in_group(findings: Iterable[Finding], group: Group) -> tuple[Finding, ...]:
    """The findings of one part of the page, in their order."""
    return tuple(finding for finding in findings if finding.group == group)


def _finding(
    rule: Row, now: Row | None, runs: Sequence[tuple[str, datetime]], by_key: Mapping[str, Mapping[Key, Row]]
) -> Finding:
    *earlier, (_, started_at) = runs
    return Finding(
        contract_id=rule["contract_id"],
        table_name=rule["table_name"],
        rule_id=rule["rule_id"],
        column_name=rule["column_name"],
        severity=rule["severity"],
        dimension=rule["dimension"],
        threshold=rule["threshold"],
        trend=(*(_point(by_key[run].get(_key(rule)), then) for run, then in earlier), _point(now, started_at)),
    )


def _point(row: Row | None, started_at: datetime) -> Point:
    if row is None:
        return Point(started_at=started_at, status="absent", evaluated_rows=None, failed_rows=None)
    return Point(
        started_at=started_at,
        status=row["status"],
        evaluated_rows=row["evaluated_rows"],
        failed_rows=row["failed_rows"],
    )


def _key(row: Row) -> Key:
    contract_id, table_name, rule_id, column_name = (row[name] for name in KEY)
    return contract_id, table_name, rule_id, column_name


def _order(finding: Finding) -> tuple[float, str, str, str]:
    share = finding.now.drawn_share if finding.now.status == "fail" else None
    return -(share or 0.0), finding.table_name, finding.column_name or "", finding.rule_id
