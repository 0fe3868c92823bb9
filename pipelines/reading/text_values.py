"""Values that stay text: codes, identifiers, answers, times, pseudonyms, and lists of codes."""

from pipelines.contracts import Column
from pipelines.reading.value import (
    BLANKS,
    NULL_CODES,
    PLAIN_TEXT,
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

PSEUDONYM_LENGTH = 64
CODE_PATTERNS = {
    "icd10": "[A-Z][0-9]{2}[0-9X]?[0-9A-Z]{0,2}",
    "opcs4": "[A-Z][0-9]{2}[0-9X]?",
}
_PLAIN_CODE = "[0-9A-Z]+"
_PLAIN_ANSWER = "[0-9A-Za-z]+"
_TIME = "([01][0-9]|2[0-3])[0-5][0-9]"


def code(cell: Cell) -> Value:
    """A code: upper case, without outer blanks, one of the valid codes or of the pattern where there is one."""
    upper = f"upper({cell.trimmed})"
    if cell.column.options.get("format") == "icd10":
        upper = f"replace({upper}, '.', '')"
    first = cell.column.options.get("first_characters")
    short = f" and length({cell.raw}) <= {int(first)}" if first else ""
    return Value(
        cell=cell,
        is_as_due=f"{matches(cell.raw, _PLAIN_CODE)} and {_is_allowed(cell.column, cell.raw)}{short}",
        as_due=cell.raw,
        text=without_null_codes(upper),
        parsed=f"left({cell.text}, {int(first)})" if first else cell.text,
        value=f"case when {_is_allowed(cell.column, cell.parsed)} then {cell.parsed} end",
        fault=literal("unknown_code" if cell.column.valid else "malformed_code"),
        repair=(
            f"case when contains({cell.raw}, chr(10)) then 'newline_in_field' "
            f"when contains({cell.raw}, '.') then 'dotted_code' "
            f"when {cell.text} = upper({cell.raw}) then 'lower_case_code' else 'padded_code' end"
        ),
        is_faulty=is_lost(cell),
        is_repaired=is_rewritten(cell, cell.text),
    )


def _is_allowed(column: Column, code: str) -> str:
    pattern = column.options.get("pattern") or CODE_PATTERNS.get(str(column.options.get("format")))
    if column.valid:
        return is_one_of(code, column.valid)
    return matches(code, str(pattern)) if pattern else "true"


def identifier(cell: Cell) -> Value:
    """Text as it is written, without outer blanks; an inner line break becomes a blank."""
    cleaned = f"replace(replace({cell.trimmed}, chr(13), ''), chr(10), ' ')"
    return _as_written(cell, cleaned, repair="outer_blanks", as_due=PLAIN_TEXT)


def answer(cell: Cell) -> Value:
    """An answer to a questionnaire's item, as written; `2.0` is `2`."""
    cleaned = f"regexp_replace({cell.trimmed}, '^([0-9]+)[.]0+$', '\\1')"
    return _as_written(cell, cleaned, repair="whole_number", as_due=_PLAIN_ANSWER)


def _as_written(cell: Cell, text: str, *, repair: str, as_due: str) -> Value:
    return Value(
        cell=cell,
        is_as_due=matches(cell.raw, as_due),
        as_due=cell.raw,
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
    allowed = f"length({cell.text}) <= {PSEUDONYM_LENGTH} and not regexp_matches({cell.text}, '\\s')"
    return Value(
        cell=cell,
        is_as_due=f"{matches(cell.raw, PLAIN_TEXT)} and length({cell.raw}) <= {PSEUDONYM_LENGTH}",
        as_due=cell.raw,
        text=without_null_codes(cell.trimmed),
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
        is_as_due="__person_rule is null and not __person_is_repaired",
        as_due=cell.raw,
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
        is_as_due=matches(cell.raw, _TIME),
        as_due=cell.raw,
        text=without_null_codes(cell.trimmed),
        parsed=(
            f"case when length({digits}) = 4 and {digits} = {cell.text} then {cell.text} "
            f"when regexp_full_match({cell.text}, '[0-9]{{1,2}}:[0-9]{{2}}:[0-9]{{2}}([.][0-9]+)?') "
            f"then lpad(replace(left({cell.text}, instr({cell.text}, ':') + 2), ':', ''), 4, '0') "
            f"when length({digits}) between 3 and 4 then lpad({digits}, 4, '0') end"
        ),
        value=f"case when {matches(cell.parsed, _TIME)} then {cell.parsed} end",
        fault="'impossible_time'",
        repair="'time_format'",
        is_faulty=is_lost(cell),
        is_repaired=is_rewritten(cell, cell.parsed),
    )


def codes(cell: Cell) -> Value:
    """A list column: the codes of several cells in their order, those that are empty or malformed left out."""
    pattern = CODE_PATTERNS[str(cell.column.options["format"])]
    written = f"[{', '.join(cell.raw_list)}]"
    present = f"lambda code: trim(code, {literal(BLANKS)}) not in ({literals(NULL_CODES)})"
    return Value(
        cell=cell,
        is_as_due=" and ".join(f"coalesce({matches(raw, f'{pattern}|-')}, true)" for raw in cell.raw_list),
        as_due=f"list_filter({written}, lambda code: code <> '-')",
        text=f"list_filter({written}, {present})",
        parsed=f"list_transform({cell.text}, lambda code: {_cleaned('code')})",
        value=f"list_filter({cell.parsed}, lambda code: {matches('code', pattern)})",
        fault="'malformed_code'",
        repair=(
            f"case when contains(array_to_string({cell.text}, ' '), '.') then 'dotted_code' else 'padded_code' end"
        ),
        is_faulty=f"({cell.parsed} is not null and len({cell.value}) < len({cell.parsed}))",
        is_repaired=(
            f"(case when {cell.parsed} is null or {cell.parsed} = {cell.text} then false "
            f"else coalesce({cell.value} <> list_filter({cell.text}, "
            f"lambda code: list_contains({cell.value}, {_cleaned('code')})), false) end)"
        ),
    )


def _cleaned(text: str) -> str:
    return f"upper(replace(trim({text}, {literal(BLANKS)}), '.', ''))"
