"""Overlap weights by hand: who counts how much, exact balance, what separation costs, the effect and its error."""

import math

import numpy as np
import polars as pl
import pytest

from evaluation.estimation.weighted_cohort import (
    ATO,
    UnbalancedWeightsError,
    weighted_design,
    weighted_rate_ratio,
)
from evaluation.matching import MatchingError, Terms
from evaluation.matching.overlap import overlap_weights
from evaluation.simulation.trials import TrialPlan, simulated_trial

# Of three people without the characteristic one is a case (chances 1/3), of three with it two (2/3).
SIX = pl.DataFrame(
    {
        "person_id": ["a", "b", "c", "d", "e", "f"],
        "is_treated": [True, True, True, False, False, False],
        "is_frail": [0, 1, 1, 0, 0, 1],
    }
)
FRAIL = Terms(linear=("is_frail",))


def made_up(cases: int = 300) -> pl.DataFrame:
    plan = TrialPlan(cases=cases, mechanism="transient_crisis", pool_per_case=3)
    return simulated_trial(plan, np.random.default_rng(5))


def effect(counts: list[int], **changes):
    found = overlap_weights(SIX, terms=FRAIL)
    given = {
        "is_treated": found.is_treated,
        "weights": found.weights,
        "balanced": found.balanced,
        "person_ids": np.arange(6),
        "estimand": ATO,
    }
    return weighted_rate_ratio(weighted_design(**given | changes), counts=counts, person_years=np.ones(6))


def test_everyone_counts_by_the_chance_of_being_in_the_other_arm():
    found = overlap_weights(SIX, terms=FRAIL)
    assert found.person_id.to_list() == list("abcdef")
    assert found.weights == pytest.approx([2 / 3, 1 / 3, 1 / 3, 1 / 3, 1 / 3, 2 / 3])


def test_the_effect_is_the_ratio_of_the_weighted_rates():
    # cases (2 x 2 + 1 x 0 + 1 x 2) / 4 = 1.5, others (1 x 1 + 1 x 3 + 2 x 4) / 4 = 3
    found = effect([2, 0, 2, 1, 3, 4])
    assert (found.rate, found.rate_without) == pytest.approx((1.5, 3))
    assert (found.log_rate_ratio, found.change) == pytest.approx((math.log(0.5), -1.5))
    assert found.estimand == "ato"
    # weights 2, 1, 1: 16 / 6 people in effect
    assert found.sample.effective_cases == pytest.approx(16 / 6)
    assert found.sample.n_cases == 3


def test_the_error_knows_that_the_chances_are_estimated():
    # Rates 1.5 and 1.5. On the log ratio, weights known: 1/6 -1/4 1/12 of cases, 1/12 -1/4 1/6 of others; what the two
    # strata balance taken away: 0 -1/6 1/6 and 1/6 -1/6 0; each with a leverage of (2/9) / (6 x 1/9) = 1/3.
    found = effect([2, 0, 2, 1, 3, 1])
    assert found.log_rate_ratio == pytest.approx(0)
    assert found.standard_error == pytest.approx(math.sqrt(4 / 36 / (1 - 1 / 3) * 6 / 5))


def test_means_of_all_columns_of_the_score_are_equal_exactly():
    people = made_up()
    terms = Terms(
        counts=("emergency_admissions_3_months", "outpatient_attendances_12_months"),
        squared=("age_at_index",),
        categories=("emergency_discharge_class", "sex"),
        interactions=(("emergency_admissions_3_months", "age_at_index"),),
    )
    found = overlap_weights(people, terms=terms)
    case, w = found.is_treated, found.weights
    means = [np.average(found.balanced[arm], axis=0, weights=w[arm]) for arm in (case, ~case)]
    assert found.balanced.shape[1] == 12
    assert means[0] == pytest.approx(means[1], abs=1e-9)
    assert w[case].sum() == pytest.approx(w[~case].sum(), rel=1e-9)
    unweighted = [found.balanced[arm].mean(axis=0) for arm in (case, ~case)]
    assert np.abs(unweighted[0] - unweighted[1]).max() > 0.5
    assert not found.rests_on_few


def test_a_column_that_tells_the_arms_apart_is_named_and_not_balanced():
    people = made_up().with_columns(is_frail=pl.col("is_treated") & (pl.col("age_at_index") > 75))
    terms = Terms(linear=("is_frail", "age_at_index"))
    found = overlap_weights(people, terms=terms)
    assert found.balanced.shape[1] == 1
    assert found.cautions == ("Propensity leaves out is_frail: they tell cases from comparison people with certainty.",)
    case, w = found.is_treated, found.weights
    age, frail = (people.sort("person_id")[name].to_numpy().astype(float) for name in ("age_at_index", "is_frail"))
    ages, frailties = ([np.average(x[arm], weights=w[arm]) for arm in (case, ~case)] for x in (age, frail))
    assert ages[0] == pytest.approx(ages[1], abs=1e-7)
    assert frailties[0] > frailties[1] == 0


def test_fewer_than_twenty_in_effect_are_few_and_so_are_two_for_each_column():
    age = Terms(linear=("age_at_index",))
    assert overlap_weights(SIX, terms=FRAIL).rests_on_few
    assert overlap_weights(made_up(18), terms=age).rests_on_few
    assert not overlap_weights(made_up(40), terms=age).rests_on_few
    many = tuple(f"{use}_12_months" for use in ("emergency_admissions", "outpatient_attendances"))
    by_class = Terms(counts=many, categories=("emergency_discharge_class", "imd_quintile", "age_band"))
    assert overlap_weights(made_up(40), terms=by_class).rests_on_few


def test_without_an_arm_there_are_no_chances():
    with pytest.raises(MatchingError, match="both cases and comparison people"):
        overlap_weights(SIX.filter("is_treated"), terms=FRAIL)


@pytest.mark.parametrize("weights", [[2 / 3, 1 / 3, 1 / 3, 1 / 3, 1 / 3, 1.1], [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]])
def test_weights_that_are_no_chances_or_do_not_balance_are_refused(weights):
    with pytest.raises(UnbalancedWeightsError, match=r"expected (probabilities|weights that balance)"):
        effect([2, 0, 2, 1, 3, 4], weights=np.array(weights))
