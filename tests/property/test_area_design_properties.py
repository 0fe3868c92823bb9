"""Whatever the areas: their order, their number of people in all, and what all share change nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.estimation.area_effects import STAGGERED, its_effect, staggered_effect, synthetic_effect
from evaluation.estimation.area_panels import AreaPanel
from evaluation.estimation.staggered_adoption import Adoption, group_time_effects, imputed_effects
from evaluation.estimation.synthetic_control import simplex_weights
from tests.area_worlds import NEVER, drawn_panel

SEEDS = st.integers(0, 10**6)


def changed(panel: AreaPanel, order: np.ndarray, *, size: float = 1.0) -> AreaPanel:
    return AreaPanel(
        codes=tuple(panel.codes[position] for position in order),
        first_month=panel.first_month[order],
        months=panel.months,
        counts=panel.counts[order] * size,
        person_years=panel.person_years[order] * size,
        enrolled_years=panel.enrolled_years[order] * size,
    )


@settings(max_examples=6, deadline=None)
@given(seed=SEEDS)
def test_the_order_of_areas_and_the_size_of_all_change_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    panel = drawn_panel(rng, pilots=4, others=10)
    other = changed(panel, rng.permutation(14), size=3.0)
    staggered = [lambda one, name=name: staggered_effect(one, name) for name in STAGGERED]
    for design in (its_effect, synthetic_effect, *staggered):
        ours, theirs = design(panel).ratio, design(other).ratio
        for name in ("estimate", "low", "high", "p_value"):
            expected = pytest.approx(getattr(theirs, name), rel=1e-6, abs=1e-9, nan_ok=True)
            assert getattr(ours, name) == expected


def adoption(rng: np.random.Generator) -> Adoption:
    first = rng.choice([3, 4, 6, NEVER], 12)
    first[:2] = 3, NEVER
    return Adoption(
        outcomes=rng.normal(size=(12, 8)), times=np.arange(8), first_treated=first, weights=rng.uniform(1, 5, 12)
    )


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_levels_of_areas_and_of_months_cancel_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    panel = adoption(rng)
    levels = rng.normal(size=(12, 1)) + rng.normal(size=(1, 8))
    shifted = Adoption(
        outcomes=panel.outcomes + levels,
        times=panel.times,
        first_treated=panel.first_treated,
        weights=panel.weights,
    )
    for estimate in (
        imputed_effects,
        lambda one: group_time_effects(one, comparison="never_treated", base_periods=3),
        lambda one: group_time_effects(one, comparison="not_yet_treated"),
    ):
        assert estimate(shifted).overall == pytest.approx(estimate(panel).overall)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, effect=st.floats(-3, 3))
def test_what_is_added_from_treatment_on_is_the_change_of_the_estimate(seed: int, effect: float) -> None:
    panel = adoption(np.random.default_rng(seed))
    after = panel.times[None, :] >= panel.first_treated[:, None]
    moved = Adoption(
        outcomes=panel.outcomes + effect * after,
        times=panel.times,
        first_treated=panel.first_treated,
        weights=panel.weights,
    )
    for estimate in (imputed_effects, lambda one: group_time_effects(one, comparison="never_treated")):
        assert estimate(moved).overall - estimate(panel).overall == pytest.approx(effect, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, donors=st.integers(2, 30), times=st.integers(1, 40))
def test_a_mix_is_no_worse_than_any_donor_or_their_mean(seed: int, donors: int, times: int) -> None:
    rng = np.random.default_rng(seed)
    target, others = rng.normal(size=times), rng.normal(size=(times, donors))
    weights = simplex_weights(target, others)
    error = np.sum((target - others @ weights) ** 2)
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1)
    assert error <= np.sum((target[:, None] - others) ** 2, axis=0).min() + 1e-8
    assert error <= np.sum((target - others.mean(axis=1)) ** 2) + 1e-8
