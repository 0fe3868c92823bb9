"""An effect that only people in a crisis have: overlap weights find what it is in the overlap population, and cover.

The truth of each cohort is that of its own pilot people: what they may expect to use with the pilot over what the same
people used without it, each counted by the chance of not having joined. What they use with it is drawn apart.
"""

import math

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom

from benchmarks.study_draws import known_covariates
from evaluation.estimation.weighted_cohort import ATO, weighted_design, weighted_rate_ratio
from evaluation.matching.covariates import CASES_PER_COLUMN, affordable_terms
from evaluation.matching.overlap import overlap_weights
from evaluation.simulation.trials import TrialPlan, simulated_trial

DRAWS, CASES, WITHIN = 60, 500, 3.3
WITHOUT, WITH = "without_pilot_emergency_admissions", "emergency_admissions"
HALVED = 0.5


def draw(number: int) -> dict[str, float]:
    """One cohort: the estimates with the effect and without, the truth, and the effect on all pilot people."""
    rng = np.random.default_rng([20180401, number])
    ratios = {"emergency_admissions": HALVED, "elective_admissions": 1.0, "outpatient_attendances": 1.0}
    plan = TrialPlan(cases=CASES, mechanism="transient_crisis", ratios=ratios, pool_per_case=2)
    people = simulated_trial(plan, rng).sort("person_id")
    helped = pl.col("is_treated") & (pl.col("emergency_admissions_3_months") > 0)
    people = people.with_columns(pl.when(helped).then(WITH).otherwise(WITHOUT).alias(WITH), is_helped=helped)
    terms = affordable_terms(people, known_covariates(people), most_columns=CASES // CASES_PER_COLUMN)
    found = overlap_weights(people, terms=terms)
    design = weighted_design(
        is_treated=found.is_treated,
        weights=found.weights,
        balanced=found.balanced,
        person_ids=np.arange(people.height),
        estimand=ATO,
    )
    years = people["person_days"].to_numpy() / 365.25
    planted, none = (
        weighted_rate_ratio(design, counts=people[name].to_numpy(), person_years=years) for name in (WITH, WITHOUT)
    )
    cases = people.filter("is_treated")
    without = cases[WITHOUT].to_numpy()
    with_pilot = without * np.where(cases["is_helped"], HALVED, 1.0)
    w = found.weights[found.is_treated]
    truth = math.log((w @ with_pilot) / (w @ without))
    return {
        "error": planted.log_rate_ratio - truth,
        "truth": truth,
        "among_all": math.log(with_pilot.sum() / without.sum()),
        "of_none": none.log_rate_ratio,
        "covers": none.log_low <= 0 <= none.log_high,
        "standard_error": none.standard_error,
        "effective_share": planted.sample.effective_cases / CASES,
    }


@pytest.fixture(scope="module")
def drawn() -> pl.DataFrame:
    return pl.DataFrame([draw(number) for number in range(DRAWS)])


def test_the_planted_effect_is_found_in_the_overlap_population_and_not_among_all(drawn):
    error = WITHIN * drawn["error"].std() / math.sqrt(DRAWS)
    assert abs(drawn["error"].mean()) < error
    # the people in a crisis, whose admissions were halved, count less: the effect is smaller than among all
    assert drawn["truth"].mean() - drawn["among_all"].mean() > error
    assert 0.5 < drawn["effective_share"].mean() < 0.98


def test_no_effect_is_none_in_the_overlap_population_and_intervals_cover(drawn):
    spread = drawn["of_none"].std()
    assert abs(drawn["of_none"].mean()) < WITHIN * spread / math.sqrt(DRAWS)
    assert drawn["covers"].sum() >= binom.ppf(0.0005, DRAWS, 0.95)
    assert drawn["standard_error"].mean() / spread == pytest.approx(1, abs=WITHIN / math.sqrt(2 * (DRAWS - 1)))
