"""Values that stay text: codes, identifiers, answers, times, pseudonyms, and lists of codes."""

from pipelines.contracts import Column
from pipelines.reading.value import (
    BLANKS,
    NULL_CODES,
    Cell,
    Value,
    is_lost,
    is_one_of,
    is_rewritten,
    literal,
    literals,
    without_null_codes,
)

PSEUDONYM_LENGTH = 64
CODE_PATTERNS = {
    "icd10": "[A-Z][0-9]{2}[0-9X]?[0-9A-Z]{0,2}",
    "opcs4": "[A-Z][0-9]{2}[0-9X]?",
}
_TIME = "([01][0-9]|2[0-3])[0-5][0-9]"


def code(cell: Cell) -> Value:
    """A code: upper case, without outer blanks, one of the valid codes or of the pattern where there is one."""
    upper = f"upper({cell.trimmed})"
    if cell.column.options.get("format") == "icd10":
        upper = f"replace({upper}, '.', '')"
    first = cell.column.options.get("first_characters")
    return Value(
        cell=cell,
        text=without_null_codes(upper),
        parsed=f"left({cell.text}, {int(first)})" if first else cell.text,
        value=_allowed(cell.column, cell.parsed),
        fault=literal("unknown_code" if cell.column.valid else "malformed_code"),
        repair=(
            f"case when contains({cell.raw}, chr(10)) then 'newline_in_field' "
            f"when contains({cell.raw}, '.') then 'dotted_code' "
            f"when {cell.text} = upper({cell.raw}) then 'lower_case_code' else 'padded_code' end"
        ),
        is_faulty=is_lost(cell),
        is_repaired=is_rewritten(cell, cell.text),
    )


def _allowed(column: Column, parsed: str) -> str:
    pattern = column.options.get("pattern") or CODE_PATTERNS.get(str(column.options.get("format")))
    if column.valid:
        return f"case when {is_one_of(parsed, column.valid)} then {parsed} end"
    if pattern:
        return f"case when regexp_full_match({parsed}, {literal(str(pattern))}) then {parsed} end"
    return parsed


def identifier(cell: Cell) -> Value:
    """Text as it is written, without outer blanks; an inner line break becomes a blank."""
    cleaned = f"replace(replace(trim({cell.raw}, {literal(BLANKS)}), chr(13), ''), chr(10), ' ')"
    return _as_written(cell, f"case when {cell.is_plain} then {cell.raw} else {cleaned} end", "outer_blanks")


def answer(cell: Cell) -> Value:
    """An answer to a questionnaire's item, as written; `2.0` is `2`."""
    return _as_written(cell, f"regexp_replace({cell.trimmed}, '^([0-9]+)[.]0+$', '\\1')", "whole_number")


def _as_written(cell: Cell, text: str, repair: str) -> Value:
    return Value(
        cell=cell,
        text=without_null_codes(text),
        parsed=cell.text,
        value=cell.parsed,
        fault="'malformed_code'",
        repair=(
            f"case when contains({cell.raw}, chr(10)) then 'newline_in_field' "
            f"when {cell.text} = {cell.trimmed} then 'outer_blanks' else {literal(repair)} end"
        ),
        is_faulty=is_lost(cell),
        is_repaired=is_rewritten(cell, cell.text),
    )


def pseudonym(cell: Cell) -> Value:
    """A person's pseudonym as it stands: no inner blanks, at most 64 characters, case kept."""
    trimmed = f"trim({cell.raw}, {literal(BLANKS)})"
    allowed = f"length({cell.text}) <= {PSEUDONYM_LENGTH} and ({cell.joined} or not regexp_matches({cell.text}, '\\s'))"
    return Value(
        cell=cell,
        joined=cell.is_plain,
        text=without_null_codes(f"case when {cell.joined} then {cell.raw} else {trimmed} end"),
        parsed=cell.text,
        value=f"case when {allowed} then {cell.parsed} end",
        fault="'malformed_person'",
        repair="'outer_blanks'",
        is_faulty=is_lost(cell),
        is_repaired=is_rewritten(cell, cell.text),
    )


def nhs_number(cell: Cell) -> Value:
    """The pseudonym that took an NHS number's place when the file was taken in, with the verdict of then."""
    return Value(
        cell=cell,
        text=cell.raw,
        parsed=cell.text,
        value=cell.parsed,
        fault="__person_rule",
        repair="'blanks_in_number'",
        is_faulty="(coalesce(__person_rule, 'missing_person') <> 'missing_person')",
        is_repaired="(__person_is_repaired)",
    )


def time(cell: Cell) -> Value:
    """A time of day as HHMM; `9:05`, `09:05:00` and `905` are repaired."""
    digits = f"replace({cell.text}, ':', '')"
    return Value(
        cell=cell,
        text=without_null_codes(cell.trimmed),
        parsed=(
            f"case when length({digits}) = 4 and {digits} = {cell.text} then {cell.text} "
            f"when regexp_full_match({cell.text}, '[0-9]{{1,2}}:[0-9]{{2}}:[0-9]{{2}}([.][0-9]+)?') "
            f"then lpad(replace(left({cell.text}, instr({cell.text}, ':') + 2), ':', ''), 4, '0') "
            f"when length({digits}) between 3 and 4 then lpad({digits}, 4, '0') end"
        ),
        value=f"case when regexp_full_match({cell.parsed}, {literal(_TIME)}) then {cell.parsed} end",
        fault="'impossible_time'",
        repair="'time_format'",
        is_faulty=is_lost(cell),
        is_repaired=is_rewritten(cell, cell.parsed),
    )


def codes(cell: Cell) -> Value:
    """A list column: the codes of several cells in their order, those that are empty or malformed left out.

    Where all cells are well-formed codes, their joined text is split, which is faster than looking at each.
    """
    pattern = CODE_PATTERNS[str(cell.column.options["format"])]
    joined = f"concat_ws(chr(31), {', '.join(cell.raw_list)})"
    all_codes = literal(f"({pattern}(\\x1f{pattern})*)?")
    as_list = f"case when {cell.joined} = '' then []::varchar[] else string_split({cell.joined}, chr(31)) end"
    written = f"list_filter([{', '.join(cell.raw_list)}], lambda code: code is not null)"
    present = f"lambda code: trim(code, {literal(BLANKS)}) not in ({literals(NULL_CODES)})"
    well_formed = f"lambda code: regexp_full_match(code, {literal(pattern)})"
    return Value(
        cell=cell,
        joined=f"case when {joined} = '-' then '' when regexp_full_match({joined}, {all_codes}) then {joined} end",
        text=f"case when {cell.joined} is null then list_filter({written}, {present}) end",
        parsed=f"case when {cell.joined} is null then list_transform({cell.text}, lambda code: {_cleaned('code')}) end",
        value=f"case when {cell.joined} is null then list_filter({cell.parsed}, {well_formed}) else {as_list} end",
        fault="'malformed_code'",
        repair=(
            f"case when contains(array_to_string({cell.text}, ' '), '.') then 'dotted_code' else 'padded_code' end"
        ),
        is_faulty=f"({cell.joined} is null and len({cell.value}) < len({cell.parsed}))",
        is_repaired=(
            f"(case when {cell.joined} is not null or {cell.parsed} = {cell.text} then false "
            f"else coalesce({cell.value} <> list_filter({cell.text}, "
            f"lambda code: list_contains({cell.value}, {_cleaned('code')})), false) end)"
        ),
    )


def _cleaned(text: str) -> str:
    return f"upper(replace(trim({text}, {literal(BLANKS)}), '.', ''))"
