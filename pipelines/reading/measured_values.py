"""Values that become dates, numbers and flags."""

from pipelines.reading.value import (
    Cell,
    Value,
    is_lost,
    is_one_of,
    is_rewritten,
    literal,
    literals,
    matches,
    without_null_codes,
)

SENTINEL_DATES = ("1800-01-01", "1801-01-01", "1582-10-15")
FIRST_POSSIBLE_DATE, LAST_POSSIBLE_DATE = "1850-01-01", "2199-12-31"
WRITTEN_DATES = ("%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y/%m/%d")
_ISO_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
# Every possible day as we write it, but the 29th of February.
_DATE_AS_DUE = (
    "(18[5-9]|19[0-9]|20[0-9]|21[0-9])[0-9]-"
    "(((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01]))|((0[469]|11)-(0[1-9]|[12][0-9]|30))|(02-(0[1-9]|1[0-9]|2[0-8])))"
)
_PLAIN_INTEGER = "0|-?[1-9][0-9]{0,18}"
_INTEGER_AS_DUE = "0|[1-9][0-9]{0,17}"
_NUMBER_AS_DUE = "[0-9]{1,15}([.][0-9]{1,15})?"
_INTEGER = "[+-]?[0-9]{1,18}([.]0*)?"
_TRUE, _FALSE = ("TRUE", "Y", "YES", "1"), ("FALSE", "N", "NO", "0")


def date(cell: Cell) -> Value:
    """A date: ISO as it stands; dd/mm/yyyy, yyyymmdd and a time behind it are repaired."""
    day = f"split_part(replace({cell.text}, 'T', ' '), ' ', 1)"
    compact = f"case when length({day}) = 8 then try_strptime({day}, '%Y%m%d') end"
    possible = f"between date {literal(FIRST_POSSIBLE_DATE)} and date {literal(LAST_POSSIBLE_DATE)}"
    return Value(
        cell=cell,
        is_as_due=matches(cell.raw, _DATE_AS_DUE),
        as_due=f"try_strptime({cell.raw}, '%Y-%m-%d')::date",
        text=without_null_codes(cell.trimmed),
        parsed=(
            f"case when {matches(cell.text, _ISO_DATE)} then try_cast({cell.text} as date) "
            # The engine takes `epoch` and `infinity` for dates: only what starts with a digit is one.
            f"when {cell.text} between '0' and ':' "
            f"then coalesce(try_strptime({day}, [{literals(WRITTEN_DATES)}]), {compact})::date end"
        ),
        value=f"case when {cell.parsed} {possible} then {cell.parsed} end",
        fault=(
            f"case when {cell.parsed}::varchar in ({literals(SENTINEL_DATES)}) then 'sentinel_date' "
            "else 'impossible_date' end"
        ),
        repair=f"case when {cell.text} = {cell.raw} then 'date_format' else 'outer_blanks' end",
        is_faulty=is_lost(cell),
        is_repaired=_is_not_written_as(cell, _ISO_DATE),
    )


def integer(cell: Cell) -> Value:
    """A whole number within the contract's bounds; `54.0` is 54; recoded where the contract says so."""
    options = cell.column.options
    whole = f"try_cast(split_part({cell.text}, '.', 1) as bigint)"
    recoded = {int(written): int(meant) for written, meant in options.get("recode", {}).items()}
    cases = "".join(f"when {cell.parsed} = {written} then {meant} " for written, meant in recoded.items())
    low, high = int(options.get("minimum", 0)), int(options.get("maximum", 10**12))
    changed = " or ".join(f"{cell.parsed} = {written}" for written in recoded) or "false"
    as_due = f"try_cast({cell.raw} as bigint)"
    unchanged = f" and not {is_one_of(cell.raw, tuple(map(str, recoded)))}" if recoded else ""
    return Value(
        cell=cell,
        is_as_due=f"{matches(cell.raw, _INTEGER_AS_DUE)} and {as_due} between {low} and {high}{unchanged}",
        as_due=as_due,
        text=without_null_codes(cell.trimmed),
        parsed=(
            f"case when {matches(cell.text, _PLAIN_INTEGER)} then try_cast({cell.text} as bigint) "
            f"when {matches(cell.text, _INTEGER)} then {whole} end"
        ),
        value=f"case {cases}when {cell.parsed} between {low} and {high} then {cell.parsed} end",
        fault=f"case when {cell.parsed} is null then 'not_a_number' else 'out_of_range' end",
        repair=(
            f"case when {changed} then 'infant_age' when contains({cell.text}, '.') then 'whole_number' "
            "else 'number_format' end"
        ),
        is_faulty=is_lost(cell),
        is_repaired=f"({_is_not_written_as(cell, _PLAIN_INTEGER)} or coalesce({changed}, false))",
    )


def number(cell: Cell) -> Value:
    """A finite number, not below the contract's minimum."""
    finite = f"isfinite(try_cast({cell.text} as double))"
    minimum = float(cell.column.options.get("minimum", 0))
    as_due = f"try_cast({cell.raw} as double)"
    return Value(
        cell=cell,
        is_as_due=f"{matches(cell.raw, _NUMBER_AS_DUE)} and {as_due} >= {minimum}",
        as_due=as_due,
        text=without_null_codes(cell.trimmed),
        parsed=f"case when {finite} then try_cast({cell.text} as double) end",
        value=f"case when {cell.parsed} >= {minimum} then {cell.parsed} end",
        fault=f"case when {cell.parsed} is null then 'not_a_number' else 'out_of_range' end",
        repair="'outer_blanks'",
        is_faulty=is_lost(cell),
        is_repaired=is_rewritten(cell, cell.text),
    )


def flag(cell: Cell) -> Value:
    """True or false; y, yes, 1 and n, no, 0 are other words for them, in any case."""
    return Value(
        cell=cell,
        is_as_due=is_one_of(cell.raw, (*_TRUE, *_FALSE)),
        as_due=is_one_of(cell.raw, _TRUE),
        text=without_null_codes(f"upper({cell.trimmed})"),
        parsed=(
            f"case when {cell.text} in ({literals(_TRUE)}) then true "
            f"when {cell.text} in ({literals(_FALSE)}) then false end"
        ),
        value=cell.parsed,
        fault="'unknown_code'",
        repair="'outer_blanks'",
        is_faulty=is_lost(cell),
        is_repaired=f"({cell.value} is not null and {cell.text} <> upper({cell.raw}))",
    )


def _is_not_written_as(cell: Cell, pattern: str) -> str:
    """Whether there is a value and its cell is not of the form in which we would write it."""
    return f"({cell.value} is not null and not {matches(cell.raw, pattern)})"
