"""How the demo study's estimates stand up: tables of sensitivity and verdicts, on the study whose effects are known."""

import math
import shutil

import duckdb
import polars as pl
import pytest

from evaluation.estimation import sensitivity_estimates
from pipelines.metrics import activity_metrics
from pipelines.sensitivity import sensitivity_variants
from pipelines.warehouse import Warehouse

OUTCOMES = {"emergency_admissions", "elective_admissions", "outpatient_attendances", "cost_gbp"}
LIMITS = ("relative_change_pct", "relative_low_pct", "relative_high_pct")


@pytest.fixture(scope="module")
def sensitivity(published_demo) -> pl.DataFrame:
    with duckdb.connect(published_demo, read_only=True) as connection:
        return connection.sql("from sensitivity_estimates").pl()


@pytest.fixture(scope="module")
def verdicts(published_demo) -> pl.DataFrame:
    with duckdb.connect(published_demo, read_only=True) as connection:
        return connection.sql("from robustness").pl()


@pytest.fixture(scope="module")
def defaults(published_demo) -> pl.DataFrame:
    with duckdb.connect(published_demo, read_only=True) as connection:
        return connection.sql("from metric_estimates where is_default and population = 'all_sites'").pl()


def of(frame: pl.DataFrame, analysis: str, metric: str = "emergency_admissions") -> pl.DataFrame:
    return frame.filter(pl.col("analysis") == analysis, pl.col("metric_id") == metric)


def test_the_plan_is_the_default_of_metric_estimates(sensitivity, defaults):
    planned = sensitivity.filter(pl.col("analysis") == "as_planned").sort("metric_id")
    assert set(planned["metric_id"]) == OUTCOMES
    same = defaults.filter(pl.col("metric_id").is_in(OUTCOMES)).sort("metric_id")
    for name in LIMITS:
        assert planned[name].to_list() == pytest.approx(same[name].to_list(), rel=1e-9)
    assert planned["caution"].to_list() == same["caution"].to_list()


def test_each_site_is_left_out_once_and_each_recorded_group_hidden_once(sensitivity, defaults):
    sites = of(sensitivity, "site_left_out")
    assert sites.height == sites["variant"].n_unique() > 10
    groups = of(sensitivity, "hidden_group")
    assert {"age_and_sex", "recent_emergency_use", "earlier_emergency_use"} <= set(groups["variant"])
    assert groups["shift_pct"].is_not_null().all()


def test_hiding_what_led_people_to_join_moves_the_estimate_up(sensitivity):
    shifts = dict(of(sensitivity, "hidden_group").select("variant", "shift_pct").iter_rows())
    assert max(shifts["recent_emergency_use"], shifts["earlier_emergency_use"]) > 10


def test_the_widened_interval_holds_the_plain_one(sensitivity, verdicts):
    assert set(verdicts["metric_id"]) == OUTCOMES
    assert (verdicts["widened_low_pct"] < verdicts["relative_low_pct"]).all()
    assert (verdicts["widened_high_pct"] > verdicts["relative_high_pct"]).all()
    widened = of(sensitivity, "widened_interval").row(0, named=True)
    verdict = verdicts.filter(pl.col("metric_id") == "emergency_admissions").row(0, named=True)
    assert (verdict["widened_low_pct"], verdict["strongest_group"]) == (widened["relative_low_pct"], widened["variant"])


def test_two_percent_more_emergency_admissions_could_not_have_been_detected(verdicts):
    verdict = verdicts.filter(pl.col("metric_id") == "emergency_admissions")["verdict"].item()
    assert "No evidence of a change; falls larger than " in verdict
    assert "A change of +2% or -5% could not have been detected." in verdict
    assert verdict.endswith("None of this can show that nothing is hidden.")


def test_where_pairs_lose_over_a_tenth_the_overlap_population_has_a_row_of_its_own(
    sensitivity, verdicts, published_demo
):
    with duckdb.connect(published_demo, read_only=True) as connection:
        query = """select pilot_people, pilot_people_matched from comparison_designs where population = 'all_sites'"""
        ((cases, matched),) = connection.sql(query).fetchall()
    assert cases - matched > 0.1 * cases
    rows = sensitivity.filter(pl.col("analysis") == "overlap_weights")
    assert set(rows["metric_id"]) == OUTCOMES
    assert rows["estimand"].unique().to_list() == ["ato"]
    assert rows["shift_pct"].null_count() == rows.height
    assert rows["relative_low_pct"].is_not_null().all()
    assert ((rows["effective_pilot_people"] > 0.2 * cases) & (rows["effective_pilot_people"] < cases)).all()
    assert rows["caution"].str.starts_with("Exploratory: another question than the plan's").all()
    assert rows["caution"].str.contains(r"pilot people had \d+% fewer emergency admissions in the three months").all()
    assert not verdicts["verdict"].str.contains("nearest to even").any()
    others = sensitivity.filter(pl.col("analysis") != "overlap_weights")
    assert others["estimand"].unique().to_list() == ["att"]


def test_where_pairs_lose_a_tenth_or_less_there_is_no_row_of_the_overlap_population(demo_study, tmp_path):
    copy = tmp_path / "warehouse.duckdb"
    shutil.copy(demo_study.output / "warehouse.duckdb", copy)
    with Warehouse(copy) as warehouse:
        assert [one.analysis for one in sensitivity_variants(warehouse, demo_study.protocol)][-1] == "overlap_weights"
        warehouse.connection.execute(
            "update comparison_designs set pilot_people_matched = pilot_people - pilot_people // 10"
        )
        kept = {one.analysis for one in sensitivity_variants(warehouse, demo_study.protocol)}
    assert "other_spell_rule" in kept
    assert "overlap_weights" not in kept


def test_the_negative_control_of_the_protocol_is_exploratory_and_proves_nothing(sensitivity):
    row = of(sensitivity, "negative_control", "ae_attendances").row(0, named=True)
    assert row["priority"] == "exploratory"
    assert row["caution"].startswith("Exploratory")
    assert row["explanation"].startswith("A negative control, which the pilot can't have changed")
    assert row["relative_low_pct"] < row["relative_change_pct"] < row["relative_high_pct"]


def test_every_outcome_that_is_made_of_admissions_is_tried_under_the_other_spell_rule(sensitivity, verdicts):
    rows = sensitivity.filter(pl.col("analysis") == "other_spell_rule")
    resting = ["cost_gbp", "elective_admissions", "emergency_admissions"]
    assert rows["metric_id"].sort().to_list() == resting
    assert rows["variant"].unique().to_list() == ["hf_che"]
    assert rows["relative_low_pct"].is_not_null().all()
    known = verdicts.filter(pl.col("survives_other_spell_rule").is_not_null())
    assert known["metric_id"].sort().to_list() == resting


def test_people_of_the_pilots_own_areas_are_another_comparison(sensitivity):
    row = of(sensitivity, "local_pool").row(0, named=True)
    assert row["relative_change_pct"] is not None
    assert "Comparison people live in the pilot's own areas" in row["caution"]


@pytest.mark.parametrize("metric", ["elective_admissions", "outpatient_attendances"])
def test_nothing_is_invented_at_a_placebo_date_where_joining_does_not_depend_on_the_outcome(sensitivity, metric):
    row = of(sensitivity, "placebo_index_date", metric).row(0, named=True)
    low, middle, high = (math.log1p(row[name] / 100) for name in (LIMITS[1], LIMITS[0], LIMITS[2]))
    assert abs(middle) < 3.3 * (high - low) / (2 * 1.96)
    assert row["shift_pct"] is None
    assert row["caution"].startswith("Exploratory")


def test_providers_that_stopped_recording_are_left_out_and_the_estimate_moves_to_the_truth(demo_study, tmp_path):
    copy = tmp_path / "warehouse.duckdb"
    shutil.copy(demo_study.output / "warehouse.duckdb", copy)
    with Warehouse(copy) as warehouse:
        # Half of the providers that pilot people use lose all appointments of follow-up.
        warehouse.connection.execute(
            """create or replace table recording_changes as
            select distinct provider_code, 'outpatient_attendances' as activity
            from usual_providers inner join design_people using (person_id)
            where is_treated and right(provider_code, 1) in ('0', '2', '4', '6', '8')"""
        )
        warehouse.connection.execute(
            """update use_by_period set outpatient_attendances = 0
            where period = 'follow_up' and person_id in (
                select person_id from usual_providers semi join recording_changes using (provider_code)
            )"""
        )
        tried = list(sensitivity_variants(warehouse, demo_study.protocol))
        variants = [one for one in tried if one.analysis in ("as_planned", "provider_left_out")]
        found = sensitivity_estimates(
            variants,
            follow_up=warehouse.connection.sql("from person_periods where period = 'follow_up'").pl(),
            metrics=[metric for metric in activity_metrics(demo_study) if metric.metric_id == "outpatient_attendances"],
            worthwhile_pct={},
            design_caution="",
            follow_up_months=6,
            protocol_hash="hash",
            run_id="run",
        )
    changes = dict(found.select("analysis", "relative_change_pct").iter_rows())
    row = of(found, "provider_left_out", "outpatient_attendances").row(0, named=True)
    assert changes["as_planned"] < -40  # what was planted is -20
    assert row["relative_low_pct"] < -20 < row["relative_high_pct"]
    assert row["explanation"].startswith("Without the people of providers whose recording changed (ZA")


def test_where_no_provider_changed_nobody_is_left_out(sensitivity):
    assert of(sensitivity, "provider_left_out").is_empty()


def test_covariates_at_the_placebo_date_are_those_of_the_months_before_it(demo_study, tmp_path):
    copy = tmp_path / "warehouse.duckdb"
    shutil.copy(demo_study.output / "warehouse.duckdb", copy)
    with Warehouse(copy) as warehouse:
        found = warehouse.connection.sql(
            """select count(*), count(*) filter (where counted = recorded), max(counted)
            from (
                select
                    any_value(known.emergency_admissions_12_months) as recorded,
                    sum(months.emergency_admissions) as counted
                from placebo_covariates as known
                inner join covariates using (person_id)
                inner join person_months as months on known.person_id = months.person_id
                where months.month_from_index between -24 and -13 and covariates.days_registered_24_months >= 730
                group by known.person_id
            )"""
        ).fetchall()
        assert warehouse.connection.sql(
            "select max(number) from (select count(*) as number from placebo_covariates group by person_id)"
        ).fetchall() == [(1,)]
    ((people, alike, most),) = found
    assert people == alike > 1000
    assert most > 1


def test_groups_and_sites_of_very_many_people_are_tried_in_a_sample_with_its_own_plan(demo_study, tmp_path):
    copy = tmp_path / "warehouse.duckdb"
    shutil.copy(demo_study.output / "warehouse.duckdb", copy)
    with Warehouse(copy) as warehouse:
        found = list(sensitivity_variants(warehouse, demo_study.protocol, most_cases=150))
    cases = {(one.analysis, one.variant): int(one.people.is_treated.sum()) for one in found if one.people is not None}
    assert cases["plan_in_sample", ""] == cases["hidden_group", "age_and_sex"] == 150
    assert cases["as_planned", ""] == cases["local_pool", "local"] == cases["other_spell_rule", "hf_che"] > 150
    sites = [number for (analysis, _), number in cases.items() if analysis == "site_left_out"]
    assert sum(150 - number for number in sites) == 150
    assert {one.analysis for one in found if one.is_of_sample} == {"hidden_group", "site_left_out"}
    assert all("sample of the pilot people" in one.caution for one in found if one.is_of_sample)
