"""The designs with comparison people like the pilot's, on the demo study whose effects are known."""

import math
from typing import Any

import duckdb
import polars as pl
import pytest

from pipelines.study import Study

WITHIN = 3.3


@pytest.fixture(scope="module")
def published(published_demo) -> duckdb.DuckDBPyConnection:
    with duckdb.connect(published_demo, read_only=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def planted(demo_study: Study) -> dict[str, float]:
    """Expected effect by metric and questionnaire item: rate ratios, and percentage points."""
    effects = pl.read_csv(demo_study.root / "truth" / "effects.csv", infer_schema_length=None)
    return dict(effects.select("metric_id", "expected").drop_nulls().iter_rows())


@pytest.mark.parametrize("metric", ["emergency_admissions", "elective_admissions", "outpatient_attendances"])
def test_the_default_is_the_weighted_cohort_and_finds_what_was_planted(published, planted, metric):
    estimate = default_estimate(published, metric, population="all_sites")
    assert estimate["design"] == "weighted_cohort"
    assert abs(errors_from(estimate, planted[metric])) < WITHIN


@pytest.mark.parametrize("metric", ["emergency_admissions", "outpatient_attendances"])
def test_sites_with_case_management_have_what_was_planted_at_all_sites(published, planted, metric):
    estimate = default_estimate(published, metric, population="case_management")
    assert estimate["design"] == "weighted_cohort"
    assert abs(errors_from(estimate, planted[metric])) < WITHIN


def test_elective_admissions_of_sites_with_case_management_rest_on_too_few_people_for_an_interval(published):
    estimate = default_estimate(published, "elective_admissions", population="case_management")
    assert estimate["relative_change_pct"] is not None
    assert estimate["relative_low_pct"] is None


@pytest.mark.parametrize("population", ["all_sites", "case_management"])
def test_every_item_of_the_questionnaire_changed_by_the_points_that_were_planted(published, planted, population):
    rows = published.sql(
        f"""select measure_id, change, standard_error from survey_estimates
        where measure_kind = 'item' and group_name = 'all' and population = '{population}'"""
    ).fetchall()
    changes = {item: (change, error) for item, change, error in rows}
    assert {item: planted[item] for item in changes} == {
        "involved_in_decisions": -5,
        "preferences_taken_into_account": -15,
        "listened_to": 0,
        "knew_who_to_contact_after_discharge": 9,
        "care_coordinated_on_discharge": 0,
        "has_care_plan": 0,
        "sees_doctor_of_choice": 0,
        "sees_nurse_of_choice": 0,
    }
    distances = {item: (change - planted[item]) / error for item, (change, error) in changes.items()}
    assert {item: distance for item, distance in distances.items() if abs(distance) >= WITHIN} == {}
    change, error = changes["preferences_taken_into_account"]
    assert change + WITHIN * error < 15  # the wrong sign would be seen


def test_items_stand_in_metric_estimates_as_shares_of_the_same_change(published):
    rows = published.sql(
        """select estimates.change, survey.change / 100 as share from metric_estimates as estimates
        inner join survey_estimates as survey on survey.measure_id = estimates.metric_id
            and survey.population = estimates.population and survey.group_name = 'all'
        where estimates.population in ('all_sites', 'case_management')"""
    ).fetchall()
    assert len(rows) == 16
    assert [change for change, _ in rows] == pytest.approx([share for _, share in rows])


def default_estimate(published: duckdb.DuckDBPyConnection, metric: str, *, population: str) -> dict[str, Any]:
    query = f"from metric_estimates where is_default and population = '{population}' and metric_id = '{metric}'"
    return published.sql(query).pl().row(0, named=True)


def errors_from(estimate: dict[str, Any], ratio: float) -> float:
    """Standard errors between the estimate and a rate ratio."""
    found, low, high = (math.log1p(estimate[f"relative_{part}_pct"] / 100) for part in ("change", "low", "high"))
    return (found - math.log(ratio)) / ((high - low) / (2 * 1.959964))


def test_default_rows_are_held_against_matched_did_and_their_bracket_holds_both_intervals(published):
    query = """select estimates.*, did.relative_low_pct as did_low, did.relative_high_pct as did_high, bracket
        from metric_estimates as estimates
        left join metric_estimates as did on did.design = 'matched_did' and not did.is_default
            and did.metric_id = estimates.metric_id and did.population = estimates.population
        left join effect_statements as stated
            on stated.metric_id = estimates.metric_id and stated.population = estimates.population"""
    rows = published.sql(f"{query} where estimates.is_default and estimates.design = 'weighted_cohort'").pl()
    both = rows.filter(pl.all_horizontal(pl.col("relative_low_pct", "did_low").is_not_null()))
    assert both.height > 10
    lows, highs = ("relative_low_pct", "did_low", "carried_forward_low_pct"), ("did_high", "carried_forward_high_pct")
    assert both["bracket_low_pct"].equals(both.select(pl.min_horizontal(lows)).to_series())
    assert both["bracket_high_pct"].equals(both.select(pl.max_horizontal("relative_high_pct", *highs)).to_series())
    assert both["designs_agree"].is_not_null().all()
    stated = both.filter(pl.col("bracket").is_not_null())
    assert stated.height >= 4
    third = stated["carried_forward_pct"].is_not_null()
    assert third.any()
    assert not third.all()
    assert stated["bracket"].str.contains("If one of the three is right, the change lies between").equals(third)
    assert stated["bracket"].str.contains("If one of the two is right, the change lies between").equals(~third)
    assert published.sql("from metric_estimates where not is_default and designs_agree is not null").pl().is_empty()


def test_what_a_drift_would_make_of_matched_did_follows_from_the_published_drift(published):
    rows = published.sql(
        """select stated.*, did.relative_change_pct as did, tests.change_a_year_pct as a_year
        from metric_estimates as stated
        inner join metric_estimates as did on did.design = 'matched_did' and not did.is_default
            and did.metric_id = stated.metric_id and did.population = stated.population
        inner join lead_tests as tests on tests.design = 'matched_did'
            and tests.metric_id = stated.metric_id and tests.population = stated.population
        where stated.carried_forward_pct is not null"""
    ).pl()
    assert "outpatient_attendances" in set(rows["metric_id"])
    assert "emergency_admissions" not in set(rows["metric_id"])
    for row in rows.to_dicts():
        ratio = (1 + row["did"] / 100) / (1 + row["a_year"] / 100) ** 1.5
        assert row["carried_forward_pct"] == pytest.approx(100 * (ratio - 1))
    assert rows["is_default"].all()


def test_against_unmatched_people_the_bad_spell_before_joining_passes_for_an_effect(published):
    rows = published.sql(
        """from metric_estimates where design = 'unmatched_did' and population = 'all_sites'
        and metric_id = 'emergency_admissions'"""
    ).pl()
    assert rows["relative_change_pct"][0] < -30


def test_every_metric_and_population_has_one_default_and_all_designs(published):
    rows = published.sql(
        """select metric_id, population, count(*) filter (is_default) as defaults, count(distinct design) as designs
        from metric_estimates
        where (unit like '%person-year%' or metric_id = 'died') and population not like 'subgroup:%'
        and estimand <> 'att_residents' group by all"""
    ).pl()
    assert rows.height > 200
    assert rows["defaults"].unique().to_list() == [1]
    assert rows["designs"].unique().to_list() == [5]


def test_a_part_too_small_for_weights_has_another_default_and_says_why(published):
    rows = published.sql("from metric_estimates where population like 'site:%' and metric_id = 'emergency_admissions'")
    few = rows.filter("design = 'weighted_cohort' and n_pilot = 0").pl()
    assert few.height > 0
    assert all("Too few pilot people" in caution for caution in few["caution"])
    assert not few["is_default"].any()


def test_weighted_comparison_people_have_the_pilots_history(published):
    design = published.sql("from comparison_designs where population = 'all_sites'").pl().row(0, named=True)
    balance = published.sql("from covariate_balance where population = 'all_sites'").pl()
    weighted = pl.col("covariate").str.contains_any(design["weighted_covariates"].split(", "))
    after = balance.filter(pl.col("stage") == "after_weighting", weighted, ~pl.col("covariate").str.contains(" x "))
    assert after["standardised_mean_difference"].abs().max() < 1e-6
    assert balance.filter(pl.col("stage") == "before")["standardised_mean_difference"].abs().max() > 0.3
    assert design["pilot_people_matched"] <= design["pilot_people"] <= 200


def test_days_from_the_last_discharge_stand_of_both_arms_as_they_are_weighted_and_matched(published, demo_study):
    with duckdb.connect(demo_study.output / "warehouse.duckdb", read_only=True) as warehouse:
        known = warehouse.sql("select person_id, days_since_emergency_discharge as days from covariates").pl()
    known = known.drop_nulls("days")
    pairs = published.sql("select comparison_person_id as person_id, pilot_person_id, weight from matched_pairs").pl()
    weights = published.sql("select person_id, weight from comparison_weights where population = 'all_sites'").pl()
    pilot = published.sql("select person_id, cast(1 as double) as weight from people where is_pilot").pl()
    matched = pairs.select(pl.col("pilot_person_id").alias("person_id"), weight=pl.lit(1.0)).unique()
    balance = published.sql(
        """from covariate_balance where population = 'all_sites' and covariate = 'days_since_emergency_discharge'"""
    ).pl()
    stages = {row["stage"]: row for row in balance.iter_rows(named=True)}
    assert set(stages) == {"before", "after_matching", "after_weighting"}
    for stage, arm, people in (
        ("before", "pilot", pilot),
        ("after_weighting", "pilot", pilot),
        ("after_weighting", "comparison", weights),
        ("after_matching", "pilot", matched),
        ("after_matching", "comparison", pairs),
    ):
        theirs = known.join(people, on="person_id")
        mean = (theirs["days"] * theirs["weight"]).sum() / theirs["weight"].sum()
        assert stages[stage][f"{arm}_people"] == theirs.height > 0
        assert stages[stage][f"{arm}_mean"] == pytest.approx(mean)


def test_the_published_matched_results_stand_beside_ours_of_the_same_design(published):
    rows = published.sql(
        "select our_design, our_change, our_caution from comparison_with_published where result_id = 'icp_all_op'"
    ).fetchall()
    ((design, change, caution),) = rows
    assert design == "matched_did"
    assert -60 < change < 20
    assert "months -24 to -7" in caution


def test_weights_and_pairs_are_of_people_outside_the_pilot(published):
    weights = published.sql("select population, sum(weight) as total from comparison_weights group by 1").pl()
    designs = published.sql("select population, pilot_people from comparison_designs where has_weights").pl()
    sums = designs.join(weights, on="population")
    assert sums["total"].to_list() == pytest.approx(sums["pilot_people"].to_list())
    strangers = published.sql(
        """select count(*) from comparison_weights inner join people using (person_id) where is_pilot"""
    ).fetchone()
    assert strangers == (0,)
    pairs = published.sql("select sum(weight), count(distinct comparison_person_id), count(*) from matched_pairs")
    total, people, rows = pairs.fetchone()
    matched = published.sql("select pilot_people_matched from comparison_designs where population = 'all_sites'")
    assert (total, people) == (pytest.approx(matched.fetchone()[0]), rows)
