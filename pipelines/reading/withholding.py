"""NHS numbers in text that is kept for the data manager, and in columns that are said to hold pseudonyms."""

import re
from pathlib import Path

import duckdb

from pipelines.reading.delivery import RefusedDeliveryError
from pipelines.reading.layout import Layout
from pipelines.reading.pseudonym import nhs_number_rule_sql
from pipelines.reading.typing_sql import NHS_NUMBER, raw_cell

WITHHELD = "[number withheld]"
# One in eleven numbers of ten digits passes the check digit by chance, so pseudonyms of ten digits stay far below
# this, and a column of NHS numbers with some that are wrong stays above it.
MOST_PSEUDONYMS = 0.9
_LONG_NUMBER = re.compile(r"\d(?:[ -]?\d){8,}")
_TEN_DIGITS = re.compile(r"(?<!\d)\d(?:[ -]?\d){9}(?!\d)")
TEN_DIGITS_SQL = "'([0-9][ -]?){10}'"


def without_numbers(text: str, *, has_numbers: bool) -> str:
    """A text with each valid NHS number in it withheld, in a file with NHS numbers every number of nine digits or more.

    >>> without_numbers("2,943 476 5919,2010-01-02,1234567890", has_numbers=False)
    '2,[number withheld],2010-01-02,1234567890'
    """
    if has_numbers:
        return _LONG_NUMBER.sub(WITHHELD, text)
    return _TEN_DIGITS.sub(lambda found: WITHHELD if is_nhs_number(found[0]) else found[0], text)


def is_nhs_number(written: str) -> bool:
    """Whether ten digits, blanks and hyphens aside, are a valid NHS number (NHS Data Dictionary: modulus 11).

    Example: 9434765919 has 9*10 + 4*9 + 3*8 + 4*7 + 7*6 + 6*5 + 5*4 + 9*3 + 1*2 + 9 = 308, which is 28 * 11.
    """
    digits = [int(digit) for digit in written if digit.isdecimal()]
    weighted = sum(weight * digit for weight, digit in zip(range(10, 0, -1), digits, strict=True))
    return len(set(digits)) > 1 and weighted % 11 == 0


def refuse_numbers_as_pseudonyms(connection: duckdb.DuckDBPyConnection, raw: Path, layout: Layout) -> None:
    """Raises RefusedDeliveryError where nearly all different values of a pseudonym column are valid NHS numbers."""
    name = layout.person_column
    if name in (None, NHS_NUMBER):
        return
    cell = raw_cell(layout.header.index(str(name)))
    digits = f"replace(replace(trim({cell}), ' ', ''), '-', '')"
    ten_digits = f"select {cell}, {digits} as digits from read_parquet($raw) where length({cell}) between 10 and 16"
    found = connection.execute(f"select 1 from ({ten_digits}) where length(digits) = 10 limit 1", {"raw": str(raw)})
    if found.fetchone() is None:
        return
    share = connection.execute(
        f"select avg(({nhs_number_rule_sql('digits', 'digits')} is null)::integer) "
        f"from (select distinct {digits} as digits from read_parquet($raw) where trim({cell}) not in ('', '-', '&'))",
        {"raw": str(raw)},
    ).fetchone()
    if share and share[0] is not None and share[0] >= MOST_PSEUDONYMS:
        raise RefusedDeliveryError("nhs_numbers_as_pseudonyms", f"its column {name} holds NHS numbers")
