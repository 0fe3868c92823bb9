"""Deliveries: one file, or one member of an archive, and what became of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal

from pipelines.errors import DataQualityError
from pipelines.reading.rules import REFUSED_FILES

Status = Literal["accepted", "superseded", "duplicate_file", "refused", "growing"]


class RefusedDeliveryError(DataQualityError):
    """A file that cannot be read as what its folder is for: the rule, what was found, expected, and what to do.

    `found` is about the file as a whole, without any value from it. The caller names the file.
    """

    def __init__(self, rule_id: str, found: str) -> None:
        rule = REFUSED_FILES[rule_id]
        self.rule_id, self.found = rule_id, found
        super().__init__(f"{rule_id}: {found}", f"expected: {rule.expected}", f"do: {rule.advice}")

    @property
    def reason(self) -> str:
        """The message in one line, as the ledger keeps it."""
        return "; ".join([self.message, *self.hints])


@dataclass(frozen=True, order=True)
class Period:
    """Whole months from `first` to `last`, each given as the first day of its month."""

    first: date
    last: date

    @property
    def last_day(self) -> date:
        """The last day of the last month."""
        return _next_month(self.last) - timedelta(days=1)

    def months(self) -> Iterator[date]:
        """First days of all months in the period."""
        month = self.first
        while month <= self.last:
            yield month
            month = _next_month(month)

    def overlaps(self, other: "Period") -> bool:
        """Whether a month stands in both."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Delivery:
    """One file of an extract: what it is, what was found in it, and its place among the others.

    `records` and `quarantine` are the Parquet files in the lake (None unless the file was read);
    `rows_read` = records accepted by the contract + `rows_quarantined`; blank lines are no rows.
    `received_at` is the file's own time, UTC. `position` is set by `resolve`: the later delivery has the larger.
    """

    delivery_id: str
    extract: str
    file_name: str
    sha256: str
    received_at: datetime
    status: Status
    contract_id: str
    contract_version: str
    reason: str | None = None
    period: Period | None = None
    version: int = 1
    is_snapshot: bool = False
    instrument: str | None = None
    person_column: str | None = None
    ignored_columns: tuple[str, ...] = ()
    rows_read: int = 0
    rows_quarantined: int = 0
    lines_blank: int = 0
    position: int | None = None
    records: Path | None = None
    quarantine: Path | None = None

    @property
    def is_read(self) -> bool:
        """Whether its records lie in the lake."""
        return self.records is not None and self.status not in ("refused", "growing")


def _next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)
