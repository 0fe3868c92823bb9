"""A predictive risk beside few covariates: what they leave of a crisis it takes away, and a planted effect is found."""

import math

import numpy as np
import polars as pl
import pytest

from benchmarks.study_draws import weighted_estimates
from evaluation.estimation.rate_ratios import RateRatio
from evaluation.matching import earlier_cohort_scores, risk_of
from evaluation.matching.weighted import balanced_weights
from evaluation.simulation.trials import OUTCOMES, PUBLISHED_EFFECTS, WITHOUT, TrialPlan, simulated_trial
from tests.recovery.test_implied_bias import DAYS_PER_YEAR, covariates_of

NAME = "emergency_admissions"
PLAN = TrialPlan(cases=2000, mechanism="transient_crisis", ratios=PUBLISHED_EFFECTS, pool_per_case=8)


@pytest.fixture(scope="module")
def people() -> pl.DataFrame:
    """A trial, with the risk that others at an earlier date let expect."""
    earlier, trial = (simulated_trial(PLAN, np.random.default_rng(seed)) for seed in (11, 12))
    known = earlier.filter(~pl.col("is_treated")).with_columns(
        person_years=pl.col("person_days") / DAYS_PER_YEAR, events=f"{WITHOUT}{NAME}"
    )
    scores = earlier_cohort_scores(trial, earlier=known, covariates=covariates_of(trial), seed=3)
    return trial.join(scores.rename({"prognostic_score": risk_of(NAME)}), on="person_id")


def estimate(people: pl.DataFrame, covariates: list[str], outcome: str = NAME) -> RateRatio:
    cases, pool = people.filter("is_treated"), people.filter(~pl.col("is_treated"))
    weighted = balanced_weights(cases, pool, covariates=covariates)
    found = weighted_estimates(cases, pool, weighted, outcomes=[outcome])[outcome]
    assert found is not None
    return found


def distance(ratio: RateRatio, truth: float) -> float:
    return (ratio.log_rate_ratio - truth) / ratio.standard_error


def test_beside_age_and_sex_alone_it_takes_away_what_they_leave_of_a_crisis(people):
    truth, few = math.log(PUBLISHED_EFFECTS[NAME]), ["age_at_index", "sex"]
    assert distance(estimate(people, few), truth) > 5
    assert abs(distance(estimate(people, [risk_of(NAME), *few]), truth)) < 3.3


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_beside_all_covariates_the_planted_effects_are_found_as_without_it(people, outcome):
    known = covariates_of(people)
    with_risk, without = (estimate(people, [*risks, *known], outcome) for risks in ([risk_of(NAME)], []))
    assert abs(distance(with_risk, math.log(PUBLISHED_EFFECTS[outcome]))) < 3.3
    assert with_risk.log_rate_ratio == pytest.approx(without.log_rate_ratio, abs=without.standard_error / 3)


def test_a_few_people_without_events_whom_two_columns_tell_apart_cost_later_covariates_and_not_the_score():
    """Three people of this earlier cohort had two elective admissions in three months, and none afterwards."""
    rng = np.random.default_rng([20_261_128, 0, 1_000_034])
    plan = TrialPlan(cases=1200, mechanism="transient_crisis")
    earlier, trial = (simulated_trial(plan, rng) for _ in range(2))
    others = earlier.filter(~pl.col("is_treated"))
    known = others.with_columns(
        person_years=pl.col("person_days") / DAYS_PER_YEAR, events=f"{WITHOUT}elective_admissions"
    )
    names = [name for name in covariates_of(trial) if not name.endswith("_24_months")]
    twice = known.filter(pl.col("elective_admissions_3_months") == 2)
    assert twice.height > 0
    assert twice["events"].sum() == 0
    scores = earlier_cohort_scores(others, earlier=known, covariates=names, seed=1_000_034)
    expected = scores.join(known.select("person_id", "person_years"), on="person_id")
    total = (expected["prognostic_score"].exp() * expected["person_years"]).sum()
    assert total == pytest.approx(known["events"].sum(), rel=0.05)
