"""Which months the records of a file are from, by the labels that HES puts on each: FYEAR with PARTYEAR."""

import re
from datetime import date
from pathlib import Path

import duckdb

from pipelines.reading.delivery import Period
from pipelines.reading.layout import Layout
from pipelines.reading.typing_sql import raw_cell

_WHOLE_YEAR = 99


def label_period(fyear: str, partyear: str) -> Period | None:
    """Months of one label: FYEAR `0102` is April 2001 to March 2002, PARTYEAR its YYYYMM, MM 99 the whole year.

    None where the two are no such label. Example: label_period("0102", "200199") is 2001-04 to 2002-03.
    """
    if not (re.fullmatch(r"\d{4}", fyear) and re.fullmatch(r"\d{6}", partyear)):
        return None
    start, end, year, month = int(fyear[:2]), int(fyear[2:]), int(partyear[:4]), int(partyear[4:])
    if (start + 1) % 100 != end:
        return None
    if month == _WHOLE_YEAR:
        return Period(date(year, 4, 1), date(year + 1, 3, 1)) if year % 100 == start else None
    if not 1 <= month <= 12:
        return None
    first_year = year if month >= 4 else year - 1
    return Period(date(year, month, 1), date(year, month, 1)) if first_year % 100 == start else None


def period_of_records(connection: duckdb.DuckDBPyConnection, raw: Path, layout: Layout) -> Period | None:
    """Months from the earliest to the latest label in a file's raw records; None where no record has one."""
    cells = [layout.cells.get(name) for name in ("FYEAR", "PARTYEAR")]
    if None in cells:
        return None
    fyear, partyear = (raw_cell(found[0]) for found in cells if found)
    rows = connection.execute(
        f"select distinct trim({fyear}), trim({partyear}) from read_parquet($raw) "
        f"where {fyear} is not null and {partyear} is not null",
        {"raw": str(raw)},
    ).fetchall()
    periods = [period for row in rows if (period := label_period(*row)) is not None]
    if not periods:
        return None
    return Period(min(period.first for period in periods), max(period.last for period in periods))
