"""The simulation study in short: its cohorts are what they say, and the default is right within 99.9% limits."""

import math

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom

from benchmarks.performance import SUMS, count, count_bracket, count_prediction, coverage, performance
from benchmarks.study_draws import (
    CARRIED,
    CELLS,
    DID,
    EFFECTS,
    SITE_SPREAD,
    WEIGHTED,
    Cell,
    draw_of_all,
    draw_of_default,
)
from evaluation.estimation.pooling import pooled_effect
from evaluation.simulation.trials import MECHANISMS, OUTCOMES, PUBLISHED_EFFECTS, SITES, TrialPlan, simulated_trial

DRAWS, FIRST = 18, 2_000_000
WITHIN = 3.3
CRISIS = Cell("transient_crisis", 1200)


def trial(mechanism: str, *, ratio: float = 1.0) -> pl.DataFrame:
    plan = TrialPlan(cases=3000, mechanism=mechanism, ratios=dict.fromkeys(OUTCOMES, ratio), pool_per_case=5)
    return simulated_trial(plan, np.random.default_rng(7))


def cases_rate(people: pl.DataFrame, name: str) -> float:
    return people.filter("is_treated")[name].mean()


def test_people_join_after_a_crisis_and_get_better_without_any_effect():
    people = trial("transient_crisis")
    before, after = cases_rate(people, "emergency_admissions_6_months"), cases_rate(people, "emergency_admissions")
    assert before == pytest.approx(0.76, abs=0.06)
    assert after == pytest.approx(0.35, abs=0.04)
    others = people.filter(~pl.col("is_treated"))
    assert others["emergency_admissions"].mean() == pytest.approx(
        others["emergency_admissions_6_months"].mean(), rel=0.1
    )


def test_a_hidden_difference_is_there_before_and_after_and_stands_in_no_column():
    people = trial("stable_hidden_difference")
    same_history = people.filter(emergency_admissions_24_months=0)
    rates = same_history.group_by("is_treated").agg(pl.col("outpatient_attendances").mean()).sort("is_treated")
    assert rates["outpatient_attendances"][1] > rates["outpatient_attendances"][0]


def test_effects_multiply_the_rates_of_cases_only():
    people = trial("transient_crisis", ratio=0.5)
    others = people.filter(~pl.col("is_treated"))
    for name in OUTCOMES:
        assert cases_rate(people, name) == pytest.approx(cases_rate(people, f"without_pilot_{name}") / 2, rel=0.12)
        assert others[name].equals(others[f"without_pilot_{name}"].rename(name))


def test_death_ends_what_is_observed():
    people = trial("transient_crisis")
    assert people["person_days"].max() == pytest.approx(182.625)
    assert 0.01 < (people["person_days"] < 182).mean() < 0.05


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_the_same_seed_gives_the_same_people(mechanism):
    assert trial(mechanism).equals(trial(mechanism))


def test_an_unknown_mechanism_is_refused_with_those_that_are_known():
    with pytest.raises(ValueError, match="expected one of transient_crisis"):
        trial("luck")


def test_sites_differ_around_the_planned_effect_and_the_pool_does_not():
    plan = TrialPlan(
        cases=4000, mechanism="transient_crisis", ratios=PUBLISHED_EFFECTS, pool_per_case=2, site_spread=0.3
    )
    people = simulated_trial(plan, np.random.default_rng(11))
    cases, others = people.filter("is_treated"), people.filter(~pl.col("is_treated"))
    assert others["site_id"].null_count() == others.height
    assert (others["site_log_effect"] == 0).all()
    of_sites = cases.group_by("site_id").agg(pl.col("site_log_effect").unique().len(), people=pl.len())
    assert of_sites.height == SITES
    assert (of_sites["site_log_effect"] == 1).all()
    assert of_sites["people"].max() > 2 * of_sites["people"].min()
    halves = cases.with_columns(above=pl.col("site_log_effect") > 0).partition_by("above", as_dict=True)
    for half in halves.values():
        ratio = half["outpatient_attendances"].sum() / half["without_pilot_outpatient_attendances"].sum()
        planted = 0.80 * np.average(np.exp(half["site_log_effect"]), weights=half["expected_outpatient_attendances"])
        assert ratio == pytest.approx(planted, rel=0.06)


def test_the_truth_where_sites_differ_is_that_of_these_sites():
    drawn = draw_of_default(Cell("transient_crisis", 1200, SITE_SPREAD), 0)
    planted = {name: math.log(PUBLISHED_EFFECTS[name]) for name in OUTCOMES}
    beyond = {name: drawn.truths["published", name] - planted[name] for name in OUTCOMES}
    assert set(drawn.truths) == {("published", name) for name in OUTCOMES}
    assert 0 < max(abs(value) for value in beyond.values()) < 0.15


def test_a_prediction_interval_is_held_against_the_effects_of_other_sites():
    pooled = pooled_effect([0.0, 0.1, 0.2], [0.05, 0.05, 0.05], sites=["a", "b", "c"])
    sums = {"draws": 0.0, "covered": 0.0}
    count_prediction(sums, pooled, mean=pooled.prediction_low, spread=0.1)
    # Half of the other sites lie below the lower limit, and none as far as the upper.
    assert sums == {"draws": 1, "covered": pytest.approx(0.5, abs=1e-6)}


def test_figures_of_two_draws_by_hand():
    sums = dict(zip(SUMS, (2.0, 0.0, 0.0, 0.02, 0.2, 1.0, 1.0, 0.0), strict=True))
    found = performance(sums)
    assert found["bias"] == 0
    assert found["bias_error"] == pytest.approx(math.sqrt(0.02) / math.sqrt(2))
    assert found["coverage"] == found["p_below_0_05"] == 0.5
    assert found["said_reduced"] == 0
    assert found["model_over_empirical_error"] == pytest.approx(0.1 / math.sqrt(0.02))


def test_the_default_is_right_after_a_crisis():
    assert CRISIS in CELLS
    kept = {(effect, name): dict.fromkeys(SUMS, 0.0) for effect in EFFECTS for name in OUTCOMES}
    for draw in range(FIRST, FIRST + DRAWS):
        for (effect, method, name), ratio in draw_of_default(CRISIS, draw).found.items():
            assert method == WEIGHTED
            count(kept[effect, name], ratio, truth=math.log(EFFECTS[effect][name]))
    for name, sums in kept.items():
        found = performance(sums)
        assert not sums["failed"], name
        assert abs(found["bias"]) < 0.01 + WITHIN * found["bias_error"], name
        assert sums["covered"] >= binom.ppf(0.0005, sums["draws"], 0.95), name


def test_the_companion_takes_a_lasting_hidden_difference_away_from_which_the_default_suffers():
    """Outpatients at 1,200 cases, 24 draws: an error of the mean of 0.008, and 0.035 where pairs are equal before."""
    cell, name, errors = Cell("stable_hidden_difference", 1200), "outpatient_attendances", {DID: [], WEIGHTED: []}
    for draw in range(FIRST, FIRST + 24):
        found = draw_of_all(cell, draw).found
        for method in errors:
            errors[method].append(found["none", method, name].log_rate_ratio)
    means = {method: np.mean(values) for method, values in errors.items()}
    assert abs(means[DID]) < 0.02 < means[WEIGHTED]


def test_under_a_diverging_trend_the_drift_carried_forward_is_right_and_the_bracket_holds_the_truth():
    """Outpatients at 1,200 cases, 24 draws without an effect: both designs are some 0.05 too high."""
    cell, name = Cell("diverging_trend", 1200), "outpatient_attendances"
    found = [draw_of_all(cell, draw).found for draw in range(FIRST, FIRST + 24)]
    carried = [draw["none", CARRIED, name] for draw in found]
    logs = np.array([one.log_rate_ratio for one in carried])
    assert abs(logs.mean()) < WITHIN * logs.std() / math.sqrt(24)
    assert np.mean([draw["none", method, name].log_rate_ratio for draw in found for method in (WEIGHTED, DID)]) > 0.03
    sums = dict.fromkeys(("draws", "covered", "width"), 0.0)
    for draw in found:
        count_bracket(sums, [draw["none", method, name] for method in (WEIGHTED, DID, CARRIED)], truth=0.0)
    assert sums["covered"] >= binom.ppf(0.0005, 24, 0.95)


def test_only_use_that_pairs_left_open_is_carried_forward():
    found = draw_of_all(Cell("transient_crisis", 1200), FIRST).found
    assert {name for effect, method, name in found if method == CARRIED} == {"outpatient_attendances"}


def test_a_bracket_reaches_from_the_lowest_to_the_highest_limit_of_the_designs():
    found = draw_of_all(Cell("transient_crisis", 1200), FIRST).found
    ratios = [found["none", method, "outpatient_attendances"] for method in (WEIGHTED, DID)]
    low, high = min(one.log_low for one in ratios), max(one.log_high for one in ratios)
    sums = dict.fromkeys(("draws", "covered", "width"), 0.0)
    for truth in (low - 0.001, low + 0.001, high + 0.001):
        count_bracket(sums, ratios, truth=truth)
    assert sums == {"draws": 3, "covered": 1, "width": pytest.approx(3 * (high - low))}
    count_bracket(sums, [*ratios, None], truth=0.0)
    assert sums["draws"] == 3
    assert coverage(sums)["mean_width"] == pytest.approx(high - low)
