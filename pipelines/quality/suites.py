"""Suites: what the contracts ask of each table, as rules that can be counted; one suite a table."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby

from pipelines.contracts import Column, Contract, ContractError, QualityLimit
from pipelines.protocol import EXTRACT_CONTRACTS
from pipelines.quality.rules import QUALITY_RULES
from pipelines.reading.value import lake_name
from pipelines.strict_yaml import nearest

WHOLE_TABLE = "*"
SUITE_VERSION = "1"
EARLIEST_DATE = date(1850, 1, 1)
LAKE_VIEWS = {contract: f"lake_{role}" for role, contract in EXTRACT_CONTRACTS.items()} | {"survey": "lake_surveys"}


@dataclass(frozen=True)
class NotNull:
    """A value in every row; where the column `may_be_absent`, an empty one is not evaluated."""

    column: str
    may_be_absent: bool = False


@dataclass(frozen=True)
class InSet:
    """A value of a closed list, or none."""

    column: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Matches:
    """Text that is a regular expression from end to end, or none."""

    column: str
    pattern: str


@dataclass(frozen=True)
class Between:
    """A value within bounds, both included, or none."""

    column: str
    lowest: float | date | None
    highest: float | date | None


@dataclass(frozen=True)
class Unique:
    """Rows that differ in the columns taken together."""

    columns: tuple[str, ...]


@dataclass(frozen=True)
class Flag:
    """True in a small table's rows of a contract; a row without a verdict is not evaluated."""

    column: str
    contract_id: str


@dataclass(frozen=True)
class Counted:
    """Rows that a small table has already counted for a contract: those evaluated, and those failed among them."""

    evaluated: str
    failed: str
    contract_id: str


Test = NotNull | InSet | Matches | Between | Unique | Flag | Counted


@dataclass(frozen=True)
class Rule:
    """One rule in force: what is counted, and the limit that the count is judged by."""

    contract_id: str
    table_name: str
    rule_id: str
    column_name: str
    test: Test
    severity: str
    threshold: float


@dataclass(frozen=True)
class Suite:
    """The rules of all contracts on one table."""

    table_name: str
    rules: tuple[Rule, ...]

    @property
    def fingerprint(self) -> str:
        """A hash of what is counted; thresholds and severities are not in it, a changed one needs no new count."""
        counted = sorted(f"{rule.contract_id} {rule.rule_id} {rule.column_name} {rule.test!r}" for rule in self.rules)
        text = "\n".join([SUITE_VERSION, self.table_name, *counted])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


FLAGS = {
    "delivery_volume": ("delivery_volumes", "is_volume_expected"),
    "provider_month_complete": ("provider_month_records", "is_complete"),
    "provider_month_filled": ("provider_month_completeness", "is_complete"),
    "data_until_supported": ("extract_ends", "is_data_until_supported"),
    "extract_fresh": ("extract_freshness", "is_fresh"),
    "control_total_agrees": ("control_total_differences", "is_agreed"),
    "coding_depth_by_arm": ("coding_depth_change", "is_alike"),
}
COUNTS = {
    "quarantine_rate": ("delivery_rates", "rows_read", "rows_quarantined"),
    "nulled_rate": ("delivery_rates", "rows_accepted", "rows_nulled"),
    "person_known": ("record_references", "rows_with_person", "rows_of_unknown_people"),
    "site_known": ("record_references", "rows_with_site", "rows_of_unknown_sites"),
    "continuous_spells_agree": ("continuous_spell_agreement", "spells_judged", "spells_judged_that_differ"),
}
QUALITY_TABLES = tuple(dict.fromkeys(table for table, *_ in [*FLAGS.values(), *COUNTS.values()]))


def suites(contracts: Iterable[Contract], *, latest_date: date) -> tuple[Suite, ...]:
    """The suites of source contracts, by table; dates after `latest_date` are out of the window.

    What the reader promises (columns that place a record are filled, codes, forms, bounds, dates) is asked of
    every contract, with no failed row allowed; the contracts' `quality` blocks add rules and set other limits.
    Raises ContractError for a quality rule that does not exist or does not fit where it stands.
    """
    rules = [rule for contract in contracts for rule in contract_rules(contract, latest_date=latest_date)]
    ordered = sorted(rules, key=_table_name)
    return tuple(Suite(table, tuple(group)) for table, group in groupby(ordered, key=_table_name))


def contract_rules(contract: Contract, *, latest_date: date) -> Iterator[Rule]:
    """Every rule of one source contract; see `suites`."""
    for column in contract.columns:
        yield from _column_rules(contract, column, latest_date)
    for limit in contract.quality:
        yield _table_rule(contract, limit)


def _table_name(rule: Rule) -> str:
    return rule.table_name


def _column_rules(contract: Contract, column: Column, latest_date: date) -> Iterator[Rule]:
    limits = {limit.rule_id: limit for limit in column.quality}
    tests = dict(_promised(column, latest_date))
    if "not_null" in limits:
        tests.setdefault("not_null", NotNull(lake_name(column), may_be_absent=not column.is_required))
    for rule_id in limits.keys() - tests.keys():
        raise _misplaced(contract, f"column {column.name}", rule_id)
    for rule_id, test in tests.items():
        rule = Rule(contract.id, LAKE_VIEWS[contract.id], rule_id, lake_name(column), test, "error", 0.0)
        yield _limited(rule, limits[rule_id]) if rule_id in limits else rule


def _promised(column: Column, latest_date: date) -> Iterator[tuple[str, Test]]:
    """What holds for every accepted record, if the reader keeps its word."""
    name, options = lake_name(column), column.options
    if options.get("places") is True:
        yield "not_null", NotNull(name)
    if column.sql_type.endswith("[]"):
        return
    if column.valid:
        yield "valid_codes", InSet(name, column.valid)
    if "pattern" in options:
        yield "valid_form", Matches(name, f"^({options['pattern']})$")
    if "minimum" in options or "maximum" in options:
        yield "plausible_range", Between(name, options.get("minimum"), options.get("maximum"))
    if options.get("not_after_data") and "may_be_future" not in options:
        yield "date_in_window", Between(name, EARLIEST_DATE, latest_date)


def _table_rule(contract: Contract, limit: QualityLimit) -> Rule:
    table, test = _table_test(contract, limit)
    about = ", ".join(lake_name(_column(contract, name)) for name in limit.columns) or WHOLE_TABLE
    return Rule(contract.id, table, limit.rule_id, about, test, limit.severity, limit.threshold)


def _table_test(contract: Contract, limit: QualityLimit) -> tuple[str, Test]:
    if limit.rule_id == "unique_key" and limit.columns:
        key = tuple(lake_name(_column(contract, name)) for name in limit.columns)
        return LAKE_VIEWS[contract.id], Unique(("delivery_id", *key))
    if limit.rule_id in FLAGS:
        table, column = FLAGS[limit.rule_id]
        return table, Flag(column, contract.id)
    if limit.rule_id in COUNTS:
        table, evaluated, failed = COUNTS[limit.rule_id]
        return table, Counted(evaluated, failed, contract.id)
    raise _misplaced(contract, "the table", limit.rule_id)


def _column(contract: Contract, name: str) -> Column:
    found = next((column for column in contract.columns if column.name == name), None)
    if found is None:
        known = [column.name for column in contract.columns]
        raise ContractError(f"{contract.path.name}: quality: {name} is not a column", *nearest(name, known))
    return found


def _limited(rule: Rule, limit: QualityLimit) -> Rule:
    return replace(rule, severity=limit.severity, threshold=limit.threshold)


def _misplaced(contract: Contract, place: str, rule_id: str) -> ContractError:
    if rule_id in QUALITY_RULES:
        return ContractError(f"{contract.path.name}: {place}: quality rule {rule_id} does not fit here")
    return ContractError(
        f"{contract.path.name}: {place}: {rule_id} is not a quality rule", *nearest(rule_id, list(QUALITY_RULES))
    )
