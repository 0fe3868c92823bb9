"""The page `docs/rules.md`: every rule's id with its fate, where it holds, what it expects and what to do."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipelines.contracts import Column, Contract, source_contract
from pipelines.protocol import EXTRACT_CONTRACTS
from pipelines.quality_docs import quality_section
from pipelines.reading.rules import BAD_VALUES, BROKEN_RECORDS, REFUSED_FILES, REPAIRS, Rule, record_rule
from pipelines.reading.typing_sql import places
from pipelines.tables_docs import markdown_table

SURVEYS = "surveys"
MADE_BY = "<!-- Made from the source contracts and the reader's rules by `make docs`; change those, not this page. -->"
INTRODUCTION = f"""{MADE_BY}
# Rules

How extracts are read, and below what is then asked of the accepted records ([quality rules](#quality-rules)).

## Rules of reading

What becomes of every file, record and value of an extract, under which rule, and what to do. An id never changes: it
stands in `quarantine_summary`, in the quarantine that `icp quarantine` shows, in `nulled_fields` and `repaired_fields`
of the lake (`id:column`), and at the start of `refusal_reason` in `deliveries`.

- A **file is refused** when it is not what its folder is for. The others are read, the run ends with exit code 3 and
  publishes nothing new.
- A **record is quarantined** only when it cannot be taken apart or cannot be placed on a person's time line. It stands
  once, under the first rule it fails in the contract's order; `also_failed` names the others.
- Any other bad **value is nulled** and counted; its record is kept.
- A value that is only written differently is **repaired** and counted.

A record that was read and placed is `accepted`, `superseded` (a later delivery brings it again, or replaces its period)
or `duplicate`. An accepted one may be `unlinked` (its person is not in the population) or opted out; both are in no
result. Blank lines are counted and are no records. A file that changes while it is looked at is `growing` and left for
the next run; the same content again is a `duplicate_file`.
"""
REPAIRS_OF_CODE = ("padded_code", "lower_case_code", "newline_in_field")
REPAIRS_OF_TEXT = ("outer_blanks", "newline_in_field")


RulesOf = Callable[[Contract, Column], tuple[str, ...]]


@dataclass(frozen=True)
class Kind:
    """What a column's values may be found to be: its form in words, rules they fail, ways they are repaired."""

    form: str
    faults: tuple[str, ...]
    repairs: tuple[str, ...]


KINDS: Mapping[str, Kind] = {
    "DATE": Kind("a date, yyyy-mm-dd", ("impossible_date", "sentinel_date"), ("date_format", "outer_blanks")),
    "BIGINT": Kind("a whole number", ("not_a_number", "out_of_range"), ("whole_number", "number_format")),
    "DOUBLE": Kind("a number", ("not_a_number", "out_of_range"), ("outer_blanks",)),
    "BOOLEAN": Kind("true or false, y or n, yes or no, 1 or 0", ("unknown_code",), ("outer_blanks",)),
    "code": Kind("a code", (), REPAIRS_OF_CODE),
    "icd10": Kind("an ICD-10 code", ("malformed_code",), ("dotted_code", *REPAIRS_OF_CODE)),
    "icd10 list": Kind("ICD-10 codes", ("malformed_code",), ("dotted_code", "padded_code")),
    "opcs4 list": Kind("OPCS-4 codes", ("malformed_code",), ("dotted_code", "padded_code")),
    "identifier": Kind("text", (), REPAIRS_OF_TEXT),
    "answer": Kind("an answer", (), ("whole_number", *REPAIRS_OF_TEXT)),
    "time": Kind("a time, HHMM", ("impossible_time",), ("time_format",)),
    "person": Kind(
        "a pseudonym, or an NHS number in a column `NHSNO`",
        (
            "malformed_person",
            "nhs_number_not_numeric",
            "nhs_number_wrong_length",
            "nhs_number_equal_digits",
            "nhs_number_wrong_check_digit",
        ),
        ("outer_blanks", "blanks_in_number"),
    ),
}


def rules_page() -> str:
    """Text of the page, the same for the same contracts and rules."""
    contracts = extract_contracts()
    parts = [
        INTRODUCTION.rstrip(),
        _section("Files that are refused", REFUSED_FILES, "", {}),
        _section("Records that are quarantined", _quarantining(contracts), "where", _where(contracts, quarantined_by)),
        _section("Values that are nulled", _known(contracts, nulled_by), "where", _where(contracts, nulled_by)),
        _section("Values that are repaired", REPAIRS, "where", _where(contracts, repaired_by)),
        "## Column by column",
        *(_extract(extract, contract) for extract, contract in contracts.items()),
        quality_section(),
    ]
    return "\n\n".join(parts) + "\n"


def extract_contracts() -> Mapping[str, Contract]:
    """The contract of every extract, surveys last."""
    return {name: source_contract(contract) for name, contract in {**EXTRACT_CONTRACTS, SURVEYS: "survey"}.items()}


def quarantined_by(contract: Contract, column: Column) -> tuple[str, ...]:
    """Rules that refuse a record for this column, in the order in which the reader looks."""
    found: tuple[str, ...] = ()
    if places(column):
        missing = "missing_person" if column.options.get("person") else "missing_value"
        found = (missing, *_faults(column))
    return found + tuple(rule["id"] for rule in _declared(contract) if rule["column"] == column.name)


def nulled_by(_contract: Contract, column: Column) -> tuple[str, ...]:
    """Rules that null a value of this column and keep its record."""
    return () if places(column) == "true" else _faults(column)


def repaired_by(_contract: Contract, column: Column) -> tuple[str, ...]:
    """Ways in which values of this column are repaired."""
    infants = ("infant_age",) if column.options.get("recode") else ()
    return _kind(column).repairs + infants


def _faults(column: Column) -> tuple[str, ...]:
    is_coded = _kind(column) is KINDS["code"]
    unknown = ("unknown_code",) if is_coded and column.valid else ()
    malformed = ("malformed_code",) if is_coded and column.options.get("pattern") and not column.valid else ()
    future = ("future_date",) if column.options.get("not_after_data") else ()
    return _kind(column).faults + unknown + malformed + future


def _kind(column: Column) -> Kind:
    if column.options.get("person"):
        return KINDS["person"]
    if column.sql_type == "VARCHAR[]":
        return KINDS[f"{column.options['format']} list"]
    return KINDS[str(column.options.get("format", "code")) if column.sql_type == "VARCHAR" else column.sql_type]


def _declared(contract: Contract) -> Sequence[Mapping[str, str]]:
    return contract.options.get("record_rules", [])


def _quarantining(contracts: Mapping[str, Contract]) -> Mapping[str, Rule]:
    return {**BROKEN_RECORDS, **_known(contracts, quarantined_by)}


def _known(contracts: Mapping[str, Contract], rules_of: RulesOf) -> Mapping[str, Rule]:
    """Rules that `rules_of` finds in the contracts, in the order of the reader's own list, declared ones last."""
    found = {
        rule: record_rule(rule, contract)
        for contract in contracts.values()
        for column in contract.columns
        for rule in rules_of(contract, column)
    }
    own = [rule for rule in BAD_VALUES if rule in found]
    return {rule: found[rule] for rule in [*own, *(rule for rule in found if rule not in own)]}


def _where(contracts: Mapping[str, Contract], rules_of: RulesOf) -> Mapping[str, str]:
    found: dict[str, list[str]] = {rule: ["any line of a text file"] for rule in (*BROKEN_RECORDS, "cp1252_line")}
    for extract, contract in contracts.items():
        for column in contract.columns:
            for rule in rules_of(contract, column):
                found.setdefault(rule, []).append(f"{extract}.{column.name}")
    return {rule: _grouped(places) for rule, places in found.items()}


def _grouped(places: Iterable[str]) -> str:
    extracts: dict[str, list[str]] = {}
    for place in places:
        extract, _, column = place.partition(".")
        extracts.setdefault(f"`{column}`" if column else "", []).append(extract)
    return "; ".join(f"{column} in {', '.join(names)}" if column else names[0] for column, names in extracts.items())


def _section(title: str, rules: Mapping[str, Rule], place: str, where: Mapping[str, str]) -> str:
    header = ("rule", "expected", "what to do", *([place] if place else []))
    rows = [
        (f"`{rule}`", text.expected, text.advice, *([where.get(rule, "")] if place else []))
        for rule, text in rules.items()
    ]
    return f"## {title}\n\n{markdown_table(header, rows)}".rstrip()


def _extract(extract: str, contract: Contract) -> str:
    rows = [
        (
            f"`{column.name}`",
            expected_of(column),
            _condition(column) + _ids(quarantined_by(contract, column)),
            _ids(nulled_by(contract, column)),
            _ids(repaired_by(contract, column)),
        )
        for column in contract.columns
    ]
    header = ("column", "expected", "quarantined by", "nulled by", "repaired by")
    asked = " The items of its instrument are read as answers." if extract == SURVEYS else ""
    title = f"### {extract}: {contract.title}\n\nContract `{contract.id}` {contract.version}.{asked}"
    return f"{title}\n\n{markdown_table(header, rows)}".rstrip()


def expected_of(column: Column) -> str:
    """What a value of this column should be, in words."""
    options = column.options
    parts = [_kind(column).form]
    if column.valid:
        parts.append(f"one of {' '.join(f'`{value}`' for value in column.valid)}")
    if "pattern" in options:
        parts.append(f"of the form `{options['pattern']}`")
    if "minimum" in options or "maximum" in options:
        parts.append(
            f"from {options.get('minimum', 0)}" + (f" to {options['maximum']}" if "maximum" in options else "")
        )
    if "first_characters" in options:
        parts.append(f"of which the first {options['first_characters']} characters are kept")
    if options.get("not_after_data"):
        exempt = f" unless `{options['may_be_future']}`" if "may_be_future" in options else ""
        parts.append(f"not in the future{exempt}")
    return ", ".join(parts) + ("; the column is required" if column.is_required else "")


def _condition(column: Column) -> str:
    condition = places(column)
    return f"where `{condition}`: " if condition not in ("", "true") else ""


def _ids(rules: Sequence[str]) -> str:
    return " ".join(f"`{rule}`" for rule in rules)
