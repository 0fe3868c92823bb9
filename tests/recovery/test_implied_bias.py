"""The gate on bias: a planted recorded difference is found with its sign and size, by a score of other people."""

import numpy as np
import polars as pl
import pytest

from evaluation.matching import (
    COVARIATES,
    Population,
    ScoredOutcome,
    earlier_cohort_scores,
    implied_bias,
    tolerated_bias,
)
from evaluation.matching.populations import AFTER_WEIGHTING
from evaluation.matching.weighted import balanced_weights
from evaluation.simulation.trials import OUTCOMES, WITHOUT, TrialPlan, simulated_trial

DAYS_PER_YEAR = 365.25
CASES = 3000
PLAN = TrialPlan(cases=CASES, mechanism="transient_crisis", pool_per_case=8)


def trial(seed: int) -> pl.DataFrame:
    return simulated_trial(PLAN, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def earlier() -> pl.DataFrame:
    """Others at an earlier date: nobody of those who are compared."""
    people = trial(1).filter(~pl.col("is_treated"))
    return people.with_columns(person_years=pl.col("person_days") / DAYS_PER_YEAR)


@pytest.fixture(scope="module")
def people() -> pl.DataFrame:
    return trial(2)


def covariates_of(people: pl.DataFrame) -> list[str]:
    return [name for name in COVARIATES if name in people.columns]


def gate(people: pl.DataFrame, earlier: pl.DataFrame, name: str, weightings: dict | None = None) -> dict[str, dict]:
    scores = earlier_cohort_scores(
        people,
        earlier=earlier.with_columns(pl.col(f"{WITHOUT}{name}").alias("events")),
        covariates=covariates_of(people),
        seed=3,
    )
    outcome = ScoredOutcome(metric_id=name, label=name, scores=scores, tolerated_bias=tolerated_bias(-10.0))
    populations = [Population(name="all_sites", weightings=weightings or {})]
    found = implied_bias(people, outcomes=[outcome], populations=populations)
    return {row["stage"]: row for row in found.iter_rows(named=True)}


def true_difference(people: pl.DataFrame, name: str) -> tuple[float, float]:
    """Log ratio of the arms' rates without any pilot, and its standard error (people as they are)."""
    logs, errors = [], []
    for is_treated in (True, False):
        arm = people.filter(pl.col("is_treated") == is_treated)
        counts, years = arm[f"{WITHOUT}{name}"].to_numpy(), arm["person_days"].to_numpy() / DAYS_PER_YEAR
        rate = counts.sum() / years.sum()
        logs.append(np.log(rate))
        errors.append(np.sqrt(np.sum((counts - rate * years) ** 2)) / counts.sum())
    return logs[0] - logs[1], float(np.hypot(*errors))


@pytest.mark.parametrize("name", OUTCOMES)
def test_who_joins_in_a_crisis_is_found_to_use_more_by_as_much_as_without_any_pilot(people, earlier, name):
    row = gate(people, earlier, name)["before"]
    truth, error = true_difference(people, name)
    assert truth > 0.05
    assert row["implied_bias_log_rate_ratio"] == pytest.approx(truth, abs=3.3 * np.hypot(error, row["standard_error"]))
    assert row["is_beyond_tolerance"]
    assert "% above the comparison people's" in row["caution"]


def test_a_difference_the_other_way_is_found_with_its_sign(people, earlier):
    pool = people.filter(~pl.col("is_treated"))
    healthier = (pl.col("emergency_admissions_12_months") == 0) & (pl.col("long_term_conditions") < 2)
    chosen = pool.with_columns(is_treated=healthier & (pl.int_range(pl.len()) % 2 == 0))
    row = gate(chosen, earlier, "emergency_admissions")["before"]
    truth, error = true_difference(chosen, "emergency_admissions")
    assert truth < -0.2
    assert row["implied_bias_log_rate_ratio"] == pytest.approx(truth, abs=3.3 * np.hypot(error, row["standard_error"]))
    assert "% below the comparison people's" in row["caution"]


@pytest.mark.parametrize("name", OUTCOMES)
def test_weights_that_balance_all_of_it_leave_no_more_than_is_tolerated(people, earlier, name):
    cases, pool = people.filter("is_treated"), people.filter(~pl.col("is_treated"))
    weights = balanced_weights(cases, pool, covariates=covariates_of(people)).weights
    both = pl.concat([cases.select("person_id", weight=pl.lit(1.0)), weights])
    row = gate(people, earlier, name, {AFTER_WEIGHTING: both})[AFTER_WEIGHTING]
    assert abs(row["implied_bias_log_rate_ratio"]) < row["tolerated_bias"] == pytest.approx(-np.log(0.9) / 4)
    assert (row["is_beyond_tolerance"], row["caution"]) == (False, "")


def test_a_covariate_that_the_weights_leave_out_is_what_the_gate_still_sees(people, earlier):
    cases, pool = people.filter("is_treated"), people.filter(~pl.col("is_treated"))
    weights = balanced_weights(cases, pool, covariates=["sex", "age_at_index", "imd_quintile"]).weights
    both = pl.concat([cases.select("person_id", weight=pl.lit(1.0)), weights])
    row = gate(people, earlier, "emergency_admissions", {AFTER_WEIGHTING: both})[AFTER_WEIGHTING]
    theirs = pool.join(weights, on="person_id")
    rates = [
        float(
            (arm["weight"] * arm[f"{WITHOUT}emergency_admissions"]).sum() / (arm["weight"] * arm["person_days"]).sum()
        )
        for arm in (cases.with_columns(weight=pl.lit(1.0)), theirs)
    ]
    _, error = true_difference(people, "emergency_admissions")
    assert row["is_beyond_tolerance"]
    assert row["implied_bias_log_rate_ratio"] == pytest.approx(
        np.log(rates[0] / rates[1]), abs=3.3 * np.hypot(error, row["standard_error"])
    )
