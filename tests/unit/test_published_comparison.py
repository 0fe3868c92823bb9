"""The published facts as shipped, and what is set beside them."""

import polars as pl
import pytest

from evaluation.estimation import METRIC_ESTIMATES, comparison_with_published
from pipelines.contracts import contract_by_table
from pipelines.instruments import SHIPPED, load_instrument
from pipelines.published import published_results

POLARS_TYPES = {"VARCHAR": pl.String, "DOUBLE": pl.Float64, "BIGINT": pl.Int64, "BOOLEAN": pl.Boolean}


def estimate(metric_id: str, population: str, design: str, **values: object) -> dict:
    row = dict.fromkeys(METRIC_ESTIMATES) | {"metric_id": metric_id, "population": population, "design": design}
    return row | {"is_default": True, "estimator": "saturated_poisson", "n_pilot": 900, "caution": "Beware."} | values


def compared(*estimates: dict, months: int = 6) -> dict[str, dict]:
    ours = pl.DataFrame(estimates, schema=METRIC_ESTIMATES, orient="row")
    found = comparison_with_published(published_results(), ours, follow_up_months=months, run_id="run")
    return {row["result_id"]: row for row in found.iter_rows(named=True)}


RATE = {
    "pilot_baseline": 1.5,
    "pilot_follow_up": 1.2,
    "change": -0.6,
    "change_low": -0.8,
    "change_high": -0.4,
    "relative_change_pct": -20.0,
    "relative_low_pct": -24.0,
    "relative_high_pct": -16.0,
}


def test_shipped_facts_have_the_columns_and_types_of_their_contract():
    columns = contract_by_table("published_results").columns
    facts = published_results()
    assert facts.columns == [column.name for column in columns]
    assert facts.dtypes == [POLARS_TYPES[column.sql_type] for column in columns]


def test_shipped_facts_hold_what_the_contract_requires():
    facts = published_results()
    for column in contract_by_table("published_results").columns:
        if column.is_required:
            assert facts[column.name].null_count() == 0, column.name
        if column.valid:
            assert set(facts[column.name].drop_nulls()) <= set(column.valid), column.name
    assert facts["result_id"].n_unique() == facts.height


def test_a_reason_is_given_exactly_where_results_are_not_comparable():
    facts = published_results()
    assert (facts["comparable"] == facts["why_not"].is_null()).all()
    assert facts.filter("comparable").select("metric_id", "population", "design").null_count().row(0) == (0, 0, 0)


def test_a_p_value_printed_as_a_bound_is_text_only():
    row = published_results().row(by_predicate=pl.col("result_id") == "wsd_mortality", named=True)
    assert (row["p_value"], row["p_value_text"]) == (None, "<0.001")


def test_case_management_results_are_never_mapped_to_all_sites():
    facts = published_results().filter(pl.col("result_id").str.starts_with("icp_cm_"), "comparable")
    assert facts["population"].unique().to_list() == ["case_management"]


def test_columns_are_those_of_the_contract():
    found = comparison_with_published(
        published_results(), pl.DataFrame(schema=METRIC_ESTIMATES), follow_up_months=6, run_id="run"
    )
    columns = contract_by_table("comparison_with_published").columns
    assert found.columns == [column.name for column in columns]
    assert found.dtypes == [POLARS_TYPES[column.sql_type] for column in columns]


def test_every_published_result_has_one_row_even_if_we_have_nothing():
    rows = compared()
    assert list(rows) == published_results()["result_id"].to_list()
    assert rows["icp_all_emerg"]["our_caution"] == (
        "This run has no matched_did estimate of this metric in this population."
    )


def test_relative_changes_stand_beside_relative_changes():
    row = compared(estimate("emergency_admissions", "all_sites", "matched_did", **RATE))["icp_all_emerg"]
    assert (row["our_change"], row["our_change_low"], row["our_change_high"]) == (-20.0, -24.0, -16.0)
    assert (row["our_design"], row["our_n_pilot"], row["our_caution"]) == ("matched_did", 900, "Beware.")


def test_a_change_per_person_year_becomes_one_per_person_over_the_published_months():
    row = compared(estimate("emergency_admissions", "all_sites", "matched_did", **RATE))["vw_emerg"]
    assert (row["our_change"], row["our_baseline"]) == (pytest.approx(-0.3), pytest.approx(0.75))


def test_money_is_per_person_over_the_published_months():
    row = compared(estimate("cost_gbp", "all_sites", "matched_did", change=-100.0))["icp_all_cost"]
    assert row["our_change"] == pytest.approx(-50.0)


def test_a_rate_change_is_per_thousand_people_a_month():
    row = compared(estimate("emergency_admissions", "all_sites", "matched_did", **RATE), months=12)["liverpool_emerg"]
    assert row["our_change"] == pytest.approx(-50.0)


def beside_an_area_design(*estimates: dict) -> dict:
    facts = published_results().filter(pl.col("result_id") == "icp_all_emerg").with_columns(design=pl.lit("area_did"))
    ours = pl.DataFrame(estimates, schema=METRIC_ESTIMATES, orient="row")
    return comparison_with_published(facts, ours, follow_up_months=6, run_id="run").row(0, named=True)


def of_areas(estimator: str, change: float) -> dict:
    return estimate("emergency_admissions", "all_sites", "area_did", estimator=estimator, relative_change_pct=change)


def test_of_several_estimators_of_a_design_the_named_one_stands_whatever_the_order_and_it_is_said():
    three = [
        of_areas("group_time_never_treated", -3.0),
        of_areas("group_time_not_yet_treated", -4.0),
        of_areas("imputation", -5.0),
    ]
    for estimates in (three, three[::-1]):
        row = beside_an_area_design(*estimates)
        assert (row["our_change"], row["our_estimator"]) == (-3.0, "group_time_never_treated")
        assert row["our_caution"] == "Of the estimators of area_did, group_time_never_treated stands here. Beware."


def test_an_only_estimator_stands_without_a_word_and_of_several_without_the_named_one_none_does():
    alone = beside_an_area_design(of_areas("imputation", -5.0))
    assert (alone["our_change"], alone["our_caution"]) == (-5.0, "Beware.")
    row = beside_an_area_design(of_areas("imputation", -5.0), of_areas("group_time_not_yet_treated", -4.0))
    assert (row["our_change"], row["our_estimator"], row["our_n_pilot"]) == (None, None, None)
    assert row["our_caution"] == (
        "This run has several area_did estimates of this metric in this population, and none stands for the others."
    )


def test_a_published_ratio_would_be_met_by_a_ratio():
    ratio = pl.lit("rate_ratio").alias("unit")
    ours = pl.DataFrame([estimate("emergency_admissions", "all_sites", "matched_did", **RATE)], schema=METRIC_ESTIMATES)
    facts = published_results().filter(pl.col("result_id") == "icp_all_emerg").with_columns(ratio)
    row = comparison_with_published(facts, ours, follow_up_months=6, run_id="run").row(0, named=True)
    assert (row["our_change"], row["our_change_low"]) == (pytest.approx(0.80), pytest.approx(0.76))


def test_shares_become_percentages_and_points():
    shares = {"pilot_baseline": 0.71, "pilot_follow_up": 0.8, "change": 0.09}
    row = compared(estimate("knew_who_to_contact_after_discharge", "all_sites", "uncontrolled", **shares))[
        "icp_pt_contact"
    ]
    assert [row[f"our_{name}"] for name in ("baseline", "follow_up", "change")] == pytest.approx([71.0, 80.0, 9.0])


def test_another_population_is_never_used():
    rows = compared(estimate("emergency_admissions", "all_sites", "matched_did", **RATE))
    assert rows["icp_cm_emerg"]["our_change"] is None


def test_another_design_is_never_used():
    row = compared(
        estimate("emergency_admissions", "all_sites", "unmatched_did", **RATE),
        estimate("emergency_admissions", "all_sites", "weighted_cohort", **RATE),
    )["icp_all_emerg"]
    assert (row["our_change"], row["our_design"]) == (None, None)
    assert "no matched_did estimate" in row["our_caution"]


def test_another_length_of_follow_up_is_not_compared():
    row = compared(estimate("emergency_admissions", "all_sites", "matched_did", **RATE), months=12)["icp_all_emerg"]
    assert (row["our_change"], row["our_design"]) == (None, None)
    assert "Published over 6 months" in row["our_caution"]


def test_what_is_not_comparable_stays_empty_with_its_reason():
    row = compared(estimate("ae_attendances", "all_sites", "matched_cohort", **RATE))["iau_rushcliffe_ae_attendances"]
    assert row["our_change"] is None
    assert row["our_caution"] == "Not comparable: Care home residents, who are not a population of this study."


def test_every_comparable_result_of_patients_names_an_item_that_is_shipped():
    items = {item.id for item in load_instrument("patient_experience", folder=SHIPPED).items}
    experience = published_results().filter(pl.col("published_domain") == "experience", "comparable")
    assert set(experience["metric_id"]) <= items


def test_every_comparable_result_of_use_or_cost_names_a_column_of_person_periods():
    columns = {column.name for column in contract_by_table("person_periods").columns}
    use = published_results().filter(pl.col("published_domain").is_in(["utilisation", "cost"]), "comparable")
    assert set(use["metric_id"]) <= columns
