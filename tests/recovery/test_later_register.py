"""What a population file from after the follow-up does: later care-home moves are balanced as if known before.

Nobody's admissions change. In one world people move after an emergency admission in both arms alike, in the other the
pilot halves such moves. Differences are within the same cohorts, balanced on residence as another file has it.
"""

import math
from functools import cache

import numpy as np
import polars as pl
import pytest

from benchmarks.study_draws import known_covariates, weighted_estimates
from evaluation.matching.weighted import balanced_weights
from evaluation.simulation.trials import TrialPlan, simulated_trial

DRAWS, CASES, WITHIN = 16, 600, 3.3
OUTCOME, CARE_HOME = "without_pilot_emergency_admissions", "is_care_home_resident"
MOVES_PER_ADMISSION = 0.1
FILES = ("at_index", "later", "later_moves_halved", "left_out")


def with_residence(people: pl.DataFrame, rng: np.random.Generator) -> dict[str, pl.Series]:
    """Residence in a care home as each file has it: on the index date, six months later, and with the pilot at work."""
    use = people["emergency_admissions_12_months"].to_numpy()
    at_index = rng.random(people.height) < np.minimum(0.02 + 0.02 * use, 0.2)
    stays = (1 - MOVES_PER_ADMISSION) ** people[OUTCOME].to_numpy()
    stays_if_helped = (1 - MOVES_PER_ADMISSION / 2) ** people[OUTCOME].to_numpy()
    luck = rng.random(people.height)
    helped = np.where(people["is_treated"].to_numpy(), stays_if_helped, stays)
    files = {"at_index": at_index, "later": at_index | (luck > stays), "later_moves_halved": at_index | (luck > helped)}
    return {name: pl.Series(CARE_HOME, values) for name, values in files.items()}


def estimates(number: int, *, cases: int = CASES) -> dict[str, float]:
    """The log rate ratio of emergency admissions, none planted, by what is balanced."""
    rng = np.random.default_rng([20090330, number])
    people = simulated_trial(TrialPlan(cases=cases, mechanism="transient_crisis", pool_per_case=5), rng)
    residence = with_residence(people, rng)
    found = {}
    for name in FILES:
        known = people.with_columns(residence[name]) if name in residence else people
        arms = known.filter("is_treated"), known.filter(~pl.col("is_treated"))
        weights = balanced_weights(*arms, covariates=known_covariates(known))
        effect = weighted_estimates(*arms, weights, outcomes=[OUTCOME])[OUTCOME]
        assert effect is not None
        found[name] = effect.log_rate_ratio
    return found


@cache
def drawn() -> pl.DataFrame:
    return pl.DataFrame([estimates(number) for number in range(DRAWS)])


def difference(name: str, beside: str) -> tuple[float, float]:
    """How much higher the estimate by one file is than by another, and the Monte Carlo error of that."""
    found = drawn()[name] - drawn()[beside]
    return found.mean(), found.std() / math.sqrt(DRAWS)


@pytest.mark.parametrize("name", ["later", "left_out"])
def test_a_later_file_does_no_harm_where_moves_do_not_depend_on_the_pilot(name):
    bias, error = difference(name, "at_index")
    assert abs(bias) < WITHIN * error


def test_a_later_file_hides_a_part_of_the_effect_where_the_pilot_halves_moves_that_follow_admissions():
    bias, error = difference("later_moves_halved", "later")
    assert bias > WITHIN * error > 0
