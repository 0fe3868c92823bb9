"""Whatever the areas: their order, their number of people in all, and what all share change nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.estimation.area_effects import (
    NEVER_TREATED,
    STAGGERED,
    its_effect,
    staggered_effect,
    synthetic_effect,
)
from evaluation.estimation.area_intervals import JackknifeError, JointEstimates
from evaluation.estimation.area_panels import AreaPanel
from evaluation.estimation.relative_magnitudes import MagnitudeBounds, magnitude_bounds
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


def drawn(seed: int, changes: int) -> JointEstimates:
    """An effect and changes before it, with covariances of two strata of few areas."""
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(2, changes + 1, changes + 1)) * rng.uniform(0.01, 1, size=(2, 1, 1))
    return JointEstimates(
        estimates=rng.normal(size=changes + 1),
        error=JackknifeError(
            covariances=roots @ roots.transpose(0, 2, 1), freedoms=rng.integers(1, 20, 2).astype(float)
        ),
    )


def limits(bounds: MagnitudeBounds) -> np.ndarray:
    return np.column_stack([bounds.low, bounds.high])


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, changes=st.integers(1, 4), reach=st.floats(1, 3))
def test_bounds_begin_at_the_interval_never_narrow_and_hold_what_the_estimates_alone_allow(
    seed: int, changes: int, reach: float
) -> None:
    joint = drawn(seed, changes)
    bounds = magnitude_bounds(joint, reach=reach)
    own = joint.intervals[0]
    assert bounds.at(0) == pytest.approx((own.low, own.high))
    assert (np.diff(bounds.low) <= 0).all()
    assert (np.diff(bounds.high) >= 0).all()
    most = reach * bounds.magnitudes * np.abs(joint.estimates[1:]).max()
    assert (bounds.low <= own.estimate - most).all()
    assert (bounds.high >= own.estimate + most).all()
    holds = bounds.holds_up_to
    for magnitude, (low, high) in zip(bounds.magnitudes, limits(bounds), strict=True):
        assert (not low <= 0 <= high) == (holds is not None and magnitude <= holds)


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, changes=st.integers(1, 4))
def test_bounds_turn_with_the_sign_of_all_and_do_not_mind_that_of_a_change(seed: int, changes: int) -> None:
    joint = drawn(seed, changes)
    expected = limits(magnitude_bounds(joint))
    turned = np.eye(changes + 1)
    turned[0, 0] = -1
    assert limits(magnitude_bounds(joint.combined(turned))) == pytest.approx(-expected[:, ::-1])
    mirrored = np.diag(np.random.default_rng(seed).choice([-1.0, 1.0], changes + 1))
    mirrored[0, 0] = 1
    assert limits(magnitude_bounds(joint.combined(mirrored))) == pytest.approx(expected)


@settings(max_examples=6, deadline=None)
@given(seed=SEEDS)
def test_bounds_do_not_mind_the_order_of_areas_or_the_size_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    panel = drawn_panel(rng, pilots=4, others=10)
    other = changed(panel, rng.permutation(14), size=3.0)
    ours, theirs = (staggered_effect(one, NEVER_TREATED).trends for one in (panel, other))
    assert limits(ours.bounds) == pytest.approx(limits(theirs.bounds), rel=1e-6, abs=1e-9)
    assert ours.changes == pytest.approx(theirs.changes)
