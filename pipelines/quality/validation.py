"""Counts of all rules: asked of the tables that changed, remembered for those that did not."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import duckdb
import polars as pl

from pipelines.quality.suites import Suite

REMEMBERED = "validated.parquet"
RULE_KEY = ("contract_id", "table_name", "rule_id", "column_name")
COUNTS = {
    **dict.fromkeys(RULE_KEY, pl.String),
    "evaluated_rows": pl.Int64,
    "failed_rows": pl.Int64,
    "is_engine_fault": pl.Boolean,
}
FINGERPRINTS = {"content": pl.String, "suite": pl.String}


def count_rules(
    connection: duckdb.DuckDBPyConnection,
    suites: Sequence[Suite],
    *,
    deliveries: Mapping[str, Iterable[str]],
    folder: Path,
) -> pl.DataFrame:
    """Rows evaluated and failed by every rule of the suites, one row a rule: the columns of `COUNTS`.

    `deliveries` are the ids of the deliveries in each lake view, by view: their records never change, so the ids
    say what it holds. Of other tables the content itself is hashed. What was counted before, for this content
    and this suite, is read from `folder`, and Great Expectations is imported only where something is left to
    count. A rule that the engine failed on has null counts and is counted again next time.
    """
    remembered = _read(folder / REMEMBERED)
    keyed = {suite: (_content(connection, suite.table_name, deliveries), suite.fingerprint) for suite in suites}
    known = dict(remembered.group_by(*FINGERPRINTS))
    new = [suite for suite, key in keyed.items() if key not in known]
    counted = _count(connection, new) if new else {}
    frames = [
        counted[suite].with_columns(content=pl.lit(content), suite=pl.lit(fingerprint))
        if suite in counted
        else known[content, fingerprint]
        for suite, (content, fingerprint) in keyed.items()
    ]
    found = pl.concat(
        [pl.DataFrame(schema=FINGERPRINTS | COUNTS), *(frame.select(remembered.columns) for frame in frames)]
    )
    write_parquet(found, folder / REMEMBERED)
    return found.select(list(COUNTS)).sort(RULE_KEY)


def _count(connection: duckdb.DuckDBPyConnection, suites: Sequence[Suite]) -> dict[Suite, pl.DataFrame]:
    counts = _of_empty_tables(connection, suites)
    filled = [suite for suite in suites if suite not in counts]
    if filled:
        from pipelines.quality.expectations import count_suites

        found = count_suites(connection, filled)
        for suite in filled:
            own = [count for count in found if count.rule.table_name == suite.table_name]
            counts[suite] = _frame([(count.rule, count.evaluated_rows, count.failed_rows) for count in own])
    return counts


def _of_empty_tables(connection: duckdb.DuckDBPyConnection, suites: Sequence[Suite]) -> dict[Suite, pl.DataFrame]:
    """Great Expectations lets an empty table pass; here nothing was evaluated."""
    empty = {suite.table_name for suite in suites if _is_empty(connection, suite.table_name)}
    return {s: _frame([(rule, 0, 0) for rule in s.rules]) for s in suites if s.table_name in empty}


def _frame(rows: Iterable[tuple]) -> pl.DataFrame:
    return pl.DataFrame(
        [(*(getattr(rule, name) for name in RULE_KEY), evaluated, failed, evaluated is None)
         for rule, evaluated, failed in rows],
        schema=COUNTS,
        orient="row",
    )  # fmt: skip


def _content(connection: duckdb.DuckDBPyConnection, table: str, deliveries: Mapping[str, Iterable[str]]) -> str:
    if table in deliveries:
        return hashlib.sha256("\n".join(sorted(deliveries[table])).encode()).hexdigest()[:16]
    found = connection.execute(
        f'select count(*), coalesce(bit_xor(hash(t)), 0), coalesce(sum(hash(t)), 0) from "{table}" as t'
    ).fetchone()
    return hashlib.sha256(f"{duckdb.__version__} {found}".encode()).hexdigest()[:16]


def _is_empty(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    return connection.execute(f'select 1 from "{table}" limit 1').fetchone() is None


def _read(path: Path) -> pl.DataFrame:
    """What was counted before; nothing where the file is not there, is broken, or is of another version."""
    schema = FINGERPRINTS | COUNTS
    with suppress(FileNotFoundError, pl.exceptions.PolarsError):
        found = pl.read_parquet(path)
        if found.schema == schema:
            return found.filter(~pl.col("is_engine_fault").any().over(*FINGERPRINTS))
    return pl.DataFrame(schema=schema)


def write_parquet(frame: pl.DataFrame, path: Path) -> None:
    """Writes a small Parquet file in one step: a reader sees the former or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.part")
    frame.write_parquet(aside)
    aside.replace(path)
