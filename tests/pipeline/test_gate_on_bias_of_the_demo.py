"""The gate on bias of the demo: what is published, what is carried to estimates, and the same score made again."""

import shutil
from collections.abc import Iterator

import duckdb
import numpy as np
import polars as pl
import pytest

from evaluation.matching import earlier_cohort_scores
from pipelines.implied_bias import implied_biases
from pipelines.placebo import covariates_as_at_placebo, placebo_use_sql
from pipelines.warehouse import Warehouse

METRICS = ["elective_admissions", "emergency_admissions", "outpatient_attendances"]


@pytest.fixture(scope="module")
def warehouse(demo_study, tmp_path_factory) -> Iterator[Warehouse]:
    copy = tmp_path_factory.mktemp("gate") / "warehouse.duckdb"
    shutil.copy(demo_study.output / "warehouse.duckdb", copy)
    with Warehouse(copy) as opened:
        yield opened


def published(path, query: str) -> pl.DataFrame:
    with duckdb.connect(path, read_only=True) as connection:
        return connection.sql(query).pl()


def test_every_count_among_the_outcomes_has_all_stages_of_all_sites(published_demo):
    found = published(published_demo, "from implied_bias where population = 'all_sites' order by metric_id")
    assert found["metric_id"].unique().sort().to_list() == METRICS
    assert found.height == 3 * len(METRICS)
    assert found["implied_bias_log_rate_ratio"].is_not_null().all()


def test_whoever_has_pairs_has_a_stage_before_them_also_without_weights(published_demo):
    found = published(published_demo, "from implied_bias")
    key = ("population", "metric_id")
    matched = found.filter(pl.col("stage") == "after_matching", pl.col("implied_bias_log_rate_ratio").is_not_null())
    weighted = found.filter(stage="after_weighting")
    assert matched.join(weighted, on=key, how="anti").height > 0
    before = found.filter(pl.col("stage") == "before", pl.col("implied_bias_log_rate_ratio").is_not_null())
    assert matched.join(before, on=key, how="anti").is_empty()


def test_pilot_people_are_expected_to_use_more_before_and_weights_bring_the_scores_together(published_demo):
    found = published(published_demo, "from implied_bias where population = 'all_sites'")
    before, weighted = (found.filter(stage=stage).sort("metric_id") for stage in ("before", "after_weighting"))
    assert (before["implied_bias_log_rate_ratio"] > 1.96 * before["standard_error"]).all()
    assert (weighted["score_difference"].abs() < before["score_difference"].abs() / 4).all()


def test_only_the_outcome_with_a_worthwhile_change_is_judged(published_demo):
    found = published(published_demo, "from implied_bias")
    judged = found.filter(pl.col("is_beyond_tolerance").is_not_null())
    assert judged["metric_id"].unique().to_list() == ["emergency_admissions"]
    assert judged["tolerated_bias"].unique().to_list() == pytest.approx([-np.log(0.95) / 4])
    assert ((judged["caution"] != "") == judged["is_beyond_tolerance"]).all()
    assert (found.filter(pl.col("is_beyond_tolerance").is_null())["reason"] != "").all()


def test_whatever_is_beyond_tolerance_stands_on_the_estimates_of_the_same_people_and_on_no_others(published_demo):
    stages = {"weighted_cohort": "after_weighting", "matched_cohort": "after_matching"}
    said = {
        (row["population"], row["metric_id"], row["stage"]): row["caution"]
        for row in published(published_demo, "from implied_bias").iter_rows(named=True)
    }
    carried = 0
    for table in ("metric_estimates", "estimates_by_horizon"):
        columns = "population, metric_id, design, caution"
        for population, metric, design, caution in published(published_demo, f"select {columns} from {table}").rows():
            sentence = said.get((population, metric, stages.get(design, "")), "")
            assert ("Groups not alike" in caution) == bool(sentence)
            assert sentence in caution
            carried += bool(sentence)
    assert carried > 0


def test_the_score_is_fitted_on_comparison_people_alone_and_on_use_before_their_index_date(warehouse, demo_study):
    """The same score from tables read another way gives the bias that is published."""
    seed, names = demo_study.protocol.comparison.seed, demo_study.protocol.comparison.covariates
    people = warehouse.read("design_people")
    at_index = covariates_as_at_placebo(warehouse)
    same = people.select("person_id", *(name for name in people.columns if name not in at_index.columns))
    use = warehouse.connection.sql(placebo_use_sql()).pl()  # from `person_months`, which the design stage does not have
    assert use.sort("person_id").equals(warehouse.read("placebo_use"))
    earlier = warehouse.read("placebo_covariates").filter(~pl.col("is_treated")).join(same, on="person_id")
    events = use.select("person_id", events="emergency_admissions", person_years=pl.col("person_days") / 365.25)
    scores = earlier_cohort_scores(
        at_index.join(same, on="person_id"), earlier=earlier.join(events, on="person_id"), covariates=names, seed=seed
    )
    weights = warehouse.connection.sql("from comparison_weights where population = 'all_sites'").pl()
    cases = people.filter("is_treated").join(scores, on="person_id")["prognostic_score"].exp().mean()
    others = weights.join(scores, on="person_id")
    theirs = (others["weight"] * others["prognostic_score"].exp()).sum() / others["weight"].sum()
    row = warehouse.read("implied_bias").row(
        by_predicate=(pl.col("population") == "all_sites")
        & (pl.col("stage") == "after_weighting")
        & (pl.col("metric_id") == "emergency_admissions"),
        named=True,
    )
    assert row["implied_bias_log_rate_ratio"] == pytest.approx(np.log(cases / theirs))


def test_no_window_at_the_index_date_reaches_further_back_than_at_the_placebo_date(warehouse):
    clipped = covariates_as_at_placebo(warehouse)
    assert clipped["emergency_admissions_24_months"].equals(
        clipped["emergency_admissions_12_months"].rename("emergency_admissions_24_months")
    )
    whole = warehouse.read("covariates").join(clipped.select("person_id"), on="person_id", how="semi")
    for name in ("emergency_admissions_12_months", "outpatient_attendances_3_months", "is_in_hospital"):
        assert clipped[name].equals(whole.sort("person_id")[name]), name


def test_somebody_who_is_gone_since_the_design_was_frozen_is_left_out(warehouse, demo_study):
    before = implied_biases(warehouse, demo_study)
    gone = warehouse.read("covariates_as_at_placebo")
    weighted = warehouse.connection.sql("select person_id from comparison_weights where population = 'all_sites'").pl()
    some = gone.filter(~pl.col("is_treated")).join(weighted, on="person_id", how="semi").head(100)
    warehouse.write("covariates_as_at_placebo", gone.join(some, on="person_id", how="anti"))
    after = implied_biases(warehouse, demo_study)
    warehouse.write("covariates_as_at_placebo", gone)
    assert after.height == before.height
    assert not after.equals(before)
    assert after.filter(population="all_sites")["implied_bias_log_rate_ratio"].is_not_null().all()


def test_without_an_earlier_cohort_every_row_is_null_and_says_why(warehouse, demo_study):
    known = warehouse.read("placebo_covariates")
    warehouse.write("placebo_covariates", known.clear())
    found = implied_biases(warehouse, demo_study)
    warehouse.write("placebo_covariates", known)
    assert found.height > 0
    assert found["implied_bias_log_rate_ratio"].is_null().all()
    assert found["reason"].str.contains("do not reach back far enough").all()
    assert (found["caution"] == "").all()
