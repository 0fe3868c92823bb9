"""Contracts become suites: what the reader promises, what the quality blocks add, and the limits of both."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from pipelines.contracts import Column, Contract, ContractError, QualityLimit, source_contract
from pipelines.quality.checks import rule_checks
from pipelines.quality.rules import QUALITY_RULES
from pipelines.quality.suites import (
    EARLIEST_DATE,
    LAKE_VIEWS,
    QUALITY_TABLES,
    Between,
    Counted,
    Flag,
    InSet,
    Matches,
    NotNull,
    Unique,
    suites,
)

LATEST = date(2011, 6, 30)


def column(name, sql_type="VARCHAR", *, quality=(), valid=(), required=False, **options):
    return Column(name, sql_type, "What it is.", name, required, valid=valid, options=options, quality=quality)


def contract(*columns, quality=()):
    return Contract(
        id="hes_apc", title="", version="1", status="active", table="hes_apc", description="", limitations="",
        grain="", columns=columns, options={}, path=Path("hes_apc.odcs.yaml"), sha256="", quality=quality,
    )  # fmt: skip


def rules(*columns, quality=()):
    found = suites([contract(*columns, quality=quality)], latest_date=LATEST)
    return {(rule.rule_id, rule.column_name): rule for suite in found for rule in suite.rules}


def asked(*columns, quality=()):
    return {key: rule.test for key, rule in rules(*columns, quality=quality).items()}


def test_what_the_reader_promises_is_asked_with_no_failed_row_allowed():
    found = rules(
        column("PSEUDO_HESID", person=True, places=True),
        column("SEX", valid=("1", "2")),
        column("LSOA11", pattern="[EW][0-9]{8}"),
        column("AGE", "BIGINT", minimum=1, maximum=5),
        column("EPIEND", "DATE", places="epistat = '3'", not_after_data=True),
    )
    assert {key: rule.test for key, rule in found.items()} == {
        ("not_null", "person_id"): NotNull("person_id"),
        ("valid_codes", "sex"): InSet("sex", ("1", "2")),
        ("valid_form", "lsoa11"): Matches("lsoa11", "^([EW][0-9]{8})$"),
        ("plausible_range", "age"): Between("age", 1, 5),
        ("date_in_window", "epiend"): Between("epiend", EARLIEST_DATE, LATEST),
    }
    assert {(rule.severity, rule.threshold, rule.table_name) for rule in found.values()} == {
        ("error", 0.0, "lake_admissions")
    }


def test_lists_and_dates_that_may_be_future_promise_nothing():
    assert asked(
        column("DIAGNOSES", "VARCHAR[]", pattern="x"),
        column("APPTDATE", "DATE", not_after_data=True, may_be_future="attended = '0'"),
    ) == {}  # fmt: skip


def test_a_limit_at_a_column_adds_completeness_and_softens_a_promise():
    limits = (QualityLimit("not_null", "warning", 0.2), QualityLimit("valid_codes", "warning", 0.1))
    found = rules(column("SEX", valid=("1",), quality=limits))
    assert found["not_null", "sex"].test == NotNull("sex", may_be_absent=True)
    assert (found["not_null", "sex"].severity, found["not_null", "sex"].threshold) == ("warning", 0.2)
    assert (found["valid_codes", "sex"].severity, found["valid_codes", "sex"].threshold) == ("warning", 0.1)


def test_only_a_column_that_the_supplier_may_leave_out_may_be_absent():
    limits = (QualityLimit("not_null", "warning", 0.2),)
    assert asked(column("SEX", quality=limits, required=True)) == {("not_null", "sex"): NotNull("sex")}


def test_a_limit_at_the_table_is_asked_of_the_small_table_of_its_rule():
    limits = (
        QualityLimit("delivery_volume", "warning", 0.0),
        QualityLimit("quarantine_rate", "error", 0.05),
        QualityLimit("unique_key", "warning", 0.01, columns=("EPIKEY",)),
    )
    found = rules(column("EPIKEY"), quality=limits)
    assert found["delivery_volume", "*"].test == Flag("is_volume_expected", "hes_apc")
    assert found["quarantine_rate", "*"].test == Counted("rows_read", "rows_quarantined", "hes_apc")
    assert found["unique_key", "epikey"].test == Unique(("delivery_id", "epikey"))
    assert found["unique_key", "epikey"].table_name == "lake_admissions"


@pytest.mark.parametrize(
    ("columns", "limits", "message"),
    [
        ((), ("not_nul",), "not_nul is not a quality rule\n  did you mean: not_null"),
        ((), ("not_null",), "the table: quality rule not_null does not fit here"),
        (("plausible_range",), (), "column A: quality rule plausible_range does not fit here"),
        (("fresh",), (), "column A: fresh is not a quality rule"),
    ],
)
def test_a_rule_that_does_not_exist_or_fit_is_refused_with_its_place(columns, limits, message):
    named = [tuple(QualityLimit(rule_id, "error", 0.0) for rule_id in ids) for ids in (columns, limits)]
    with pytest.raises(ContractError) as refused:
        rules(column("A", quality=named[0]), quality=named[1])
    assert str(refused.value).startswith("hes_apc.odcs.yaml: ")
    assert message in str(refused.value)


def test_a_threshold_or_severity_is_not_in_the_fingerprint_of_a_suite_but_what_is_counted_is():
    def fingerprint(limit, **changes):
        changed = replace(column("SEX", valid=("1",), quality=(limit,)), **changes)
        (suite,) = suites([contract(changed)], latest_date=LATEST)
        return suite.fingerprint

    limit = QualityLimit("not_null", "warning", 0.2)
    assert fingerprint(limit) == fingerprint(QualityLimit("not_null", "error", 0.0))
    assert fingerprint(limit) != fingerprint(limit, valid=("1", "2"))
    assert fingerprint(limit) != fingerprint(limit, name="GENDER")


def test_every_rule_of_every_source_contract_has_its_words_and_every_rule_is_used():
    contracts = [source_contract(name) for name in LAKE_VIEWS]
    found = [rule for suite in suites(contracts, latest_date=LATEST) for rule in suite.rules]
    assert {rule.rule_id for rule in found} == set(QUALITY_RULES)
    assert {rule.table_name for rule in found} == {*LAKE_VIEWS.values(), *QUALITY_TABLES}
    keys = [(rule.contract_id, rule.table_name, rule.rule_id, rule.column_name) for rule in found]
    assert len(keys) == len(set(keys))


def test_a_check_blocks_where_the_contract_says_error_and_a_quarantined_rate_always_does():
    blocking = {check.name: check.blocks for check in rule_checks()}
    assert blocking["hes_apc__quarantine_rate"]
    assert blocking["hes_apc__not_null"]
    assert not blocking["hes_apc__delivery_volume"]
    assert not blocking["hes_apc__person_known"]
