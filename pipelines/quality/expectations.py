"""Rules as Great Expectations' expectations, and its results as counts; importing this takes five seconds or more."""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb

from pipelines.interrupts import stop_if_asked
from pipelines.quality.dialect import lent
from pipelines.quality.suites import Between, Counted, Flag, InSet, Matches, NotNull, Rule, Suite, Unique

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # before the import: nothing is sent anywhere

import great_expectations as gx
import great_expectations.expectations as gxe
from great_expectations.exceptions import GreatExpectationsError
from great_expectations.expectations.row_conditions import Column
from sqlalchemy.exc import SQLAlchemyError

logging.getLogger("great_expectations").setLevel(logging.CRITICAL + 1)  # its messages may hold values of rows

COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}


@dataclass(frozen=True)
class Count:
    """What became of one rule: rows evaluated and failed; both None where the engine failed."""

    rule: Rule
    evaluated_rows: int | None
    failed_rows: int | None

    @property
    def is_engine_fault(self) -> bool:
        """True where the engine could not count, which says nothing about the data."""
        return self.evaluated_rows is None


def count_suites(connection: duckdb.DuckDBPyConnection, suites: Sequence[Suite]) -> list[Count]:
    """Counts of all rules, asked of the tables and views that a connection of ours sees, one validation a suite.

    Nothing but counts comes back: no value of a row is fetched or logged. A fault of the engine in one rule or
    suite leaves the others as they are. A request to stop is not such a fault, though Great Expectations makes
    one of it when it comes within a query.
    """
    stop_if_asked()
    with data_source(connection) as source:
        counts = [count for suite in suites for count in _count_suite(source, suite)]
    stop_if_asked()
    return counts


@contextmanager
def data_source(connection: duckdb.DuckDBPyConnection) -> Iterator[Any]:
    """A connection of ours as Great Expectations' data source, with nothing kept and nothing shown."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    with lent(connection) as url:
        yield context.data_sources.add_sql("warehouse", connection_string=url, create_temp_table=False)


def _count_suite(source: Any, suite: Suite) -> list[Count]:
    try:
        results = validate(source, suite)
    except (GreatExpectationsError, SQLAlchemyError, duckdb.Error):
        return [Count(rule, None, None) for rule in suite.rules]
    found: dict[int, dict[str, dict[str, Any]]] = {}
    for result in results:
        meta = result.expectation_config.meta
        found.setdefault(meta["rule"], {})[meta.get("part", "rows")] = result.result
    return [_count(rule, found.get(number, {})) for number, rule in enumerate(suite.rules)]


def validate(source: Any, suite: Suite) -> list[Any]:
    """Great Expectations' own results of one suite, one or two a rule; `meta` says of which."""
    name = suite.table_name
    expectations = [
        expectation
        for number, rule in enumerate(suite.rules)
        for expectation in _expectations(rule, meta={"rule": number})
    ]
    asset = source.add_table_asset(name, table_name=name)
    batch = asset.add_batch_definition_whole_table(name).get_batch()
    asked = gx.ExpectationSuite(name=name, expectations=expectations)
    return list(batch.validate(asked, result_format=COUNTS_ONLY).results)


def _expectations(rule: Rule, *, meta: dict[str, Any]) -> Iterator[Any]:
    match rule.test:
        case NotNull(column=column):
            yield gxe.ExpectColumnValuesToNotBeNull(column=column, meta=meta)
        case InSet(column=column, values=values):
            yield gxe.ExpectColumnValuesToBeInSet(column=column, value_set=list(values), meta=meta)
        case Matches(column=column, pattern=pattern):
            yield gxe.ExpectColumnValuesToMatchRegex(column=column, regex=pattern, meta=meta)
        case Between(column=column, lowest=lowest, highest=highest):
            yield gxe.ExpectColumnValuesToBeBetween(column=column, min_value=lowest, max_value=highest, meta=meta)
        case Unique(columns=columns):
            yield gxe.ExpectCompoundColumnsToBeUnique(column_list=list(columns), meta=meta)
        case Flag(column=column, contract_id=contract_id):
            of_contract = Column("contract_id") == contract_id
            yield gxe.ExpectColumnValuesToBeInSet(column=column, value_set=[True], row_condition=of_contract, meta=meta)
        case Counted(evaluated=evaluated, failed=failed, contract_id=contract_id):
            of_contract = Column("contract_id") == contract_id
            for part, column in {"evaluated": evaluated, "failed": failed}.items():
                yield gxe.ExpectColumnSumToBeBetween(
                    column=column, min_value=0, row_condition=of_contract, meta={**meta, "part": part}
                )


def _count(rule: Rule, parts: dict[str, dict[str, Any]]) -> Count:
    if isinstance(rule.test, Counted):
        return _summed(rule, parts)
    result = parts.get("rows", {})
    if "element_count" not in result:
        return Count(rule, None, None)
    # Of missing values only those count that the rule is about; of no rows there is no unexpected one.
    is_about_missing = isinstance(rule.test, NotNull)
    evaluated = int(result["element_count"]) - (0 if is_about_missing else int(result.get("missing_count") or 0))
    failed = int(result.get("unexpected_count") or 0)
    if isinstance(rule.test, NotNull) and rule.test.may_be_absent and failed == evaluated:
        return Count(rule, 0, 0)
    return Count(rule, evaluated, failed)


def _summed(rule: Rule, parts: dict[str, dict[str, Any]]) -> Count:
    if any("observed_value" not in parts.get(part, {}) for part in ("evaluated", "failed")):
        return Count(rule, None, None)
    evaluated, failed = (int(parts[part]["observed_value"] or 0) for part in ("evaluated", "failed"))
    return Count(rule, evaluated, failed)
