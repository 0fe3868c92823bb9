"""Months of a provider: records that are missing, and fields that are empty for months."""

from datetime import date

from pipelines.contracts import source_contract
from pipelines.reading.value import lake_name
from tests.sql.small_study import SmallStudy, appointment, attendance, episode


def provider_months(counts, *, provider="RAA", **given):
    """Appointments by month of 2010 at one provider; verdicts by month."""
    study = SmallStudy(
        outpatients=[
            appointment(f"2010-{month:02}-15", person_id=f"p{number}", procode3=provider)
            for month, count in counts.items()
            for number in range(count)
        ],
        coverage={"outpatients": [date(2010, month, 1) for month in range(1, 7)]},
        **given,
    )
    return study.query("select month(month), records, is_complete from provider_month_records order by 1")


def test_a_month_of_a_provider_with_less_than_half_of_its_median_is_incomplete():
    found = provider_months({1: 60, 2: 60, 3: 29, 4: 30, 6: 60})
    assert found == [(1, 60, None), (2, 60, None), (3, 29, None), (4, 30, None), (5, 0, None), (6, 60, None)]
    found = provider_months({1: 60, 2: 60, 3: 29, 4: 60, 6: 60})
    assert found == [(1, 60, True), (2, 60, True), (3, 29, False), (4, 60, True), (5, 0, False), (6, 60, True)]
    assert provider_months({1: 60, 2: 60, 3: 30, 4: 60, 5: 60, 6: 60})[2] == (3, 30, True)


def test_months_before_a_providers_first_one_are_not_missing():
    assert provider_months({3: 60, 4: 60, 5: 60, 6: 60})[0] == (3, 60, True)


def test_a_provider_whose_usual_month_is_small_has_no_verdict():
    assert {verdict for *_, verdict in provider_months({1: 49, 2: 49, 3: 49, 4: 49, 5: 49})} == {None}


def limits(contract_id, **thresholds):
    """Shares without a value that a contract allows, by key field."""
    return [
        {"contract_id": contract_id, "table_name": "t", "rule_id": "not_null", "column_name": column,
         "severity": "warning", "dimension": "completeness", "threshold": threshold}
        for column, threshold in thresholds.items()
    ]  # fmt: skip


def diagnosed(missing, *, records=60, share=0.05):
    """Episodes of six months at RAA, of which so many a month have no primary diagnosis; verdicts by month."""
    study = SmallStudy(
        admissions=[
            episode(f"2010-{month:02}-10", f"2010-{month:02}-12", person_id=f"p{number}", sex="1",
                    diag_01=None if number < missing.get(month, 0) else "I10")
            for month in range(1, 7)
            for number in range(records)
        ],
        coverage={"admissions": [date(2010, month, 1) for month in range(1, 7)]},
        data_quality_limits=limits("hes_apc", diag_01=share),
    )  # fmt: skip
    found = study.query("select month(month), records, filled_records, is_complete from provider_month_completeness")
    return sorted(found)


def test_a_provider_that_leaves_diagnoses_empty_for_months_is_found():
    found = diagnosed({3: 60, 4: 60, 5: 12})
    assert found == [
        (1, 60, 60, True),
        (2, 60, 60, True),
        (3, 60, 0, False),
        (4, 60, 0, False),
        (5, 60, 48, False),
        (6, 60, 60, True),
    ]


def test_a_field_may_lack_what_the_contract_allows_and_five_errors_of_counting():
    # 5% of 60 is 3; five times the square root of 60 * 0.05 * 0.95 is 8.4.
    assert [verdict for *_, verdict in diagnosed({1: 11, 2: 12})][:2] == [True, False]


def test_months_of_fewer_than_50_records_and_fields_that_nobody_fills_have_no_verdict():
    assert {verdict for *_, verdict in diagnosed({1: 49}, records=49)} == {None}
    assert {verdict for *_, verdict in diagnosed(dict.fromkeys(range(1, 7), 60))} == {None}


def test_an_admission_date_that_was_assumed_does_not_fill_the_field():
    study = SmallStudy(
        admissions=[episode("2010-08-01", "2010-08-05", admidate=None)],
        data_quality_limits=limits("hes_apc", admidate=0.01),
    )
    assert study.query("select records, filled_records from provider_month_completeness") == [(1, 0)]


def test_every_field_whose_missing_values_a_contract_limits_is_counted():
    asked = {
        contract_id: {
            lake_name(column)
            for column in source_contract(contract_id).columns
            if not column.options.get("places") and any(limit.rule_id == "not_null" for limit in column.quality)
        }
        for contract_id in ("hes_apc", "hes_op", "hes_ae")
    }
    study = SmallStudy(
        admissions=[episode("2010-08-01", "2010-08-05")],
        outpatients=[appointment("2010-08-01")],
        emergency_care=[attendance("2010-08-01")],
        data_quality_limits=[
            row for contract_id, columns in asked.items() for row in limits(contract_id, **dict.fromkeys(columns, 0.05))
        ],
    )
    counted = study.query("select contract_id, list(column_name) from provider_month_completeness group by contract_id")
    assert {contract_id: set(columns) for contract_id, columns in counted} == asked
