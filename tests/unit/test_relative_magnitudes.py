"""Bounds by relative magnitude by hand: two changes before the start, one effect after it."""

import math

import numpy as np
import pytest

from evaluation.estimation.area_intervals import JackknifeError, JointEstimates, joint_estimates
from evaluation.estimation.relative_magnitudes import magnitude_bounds
from evaluation.regression import NotEstimableError

EFFECT_AND_CHANGES = [-0.30, 0.07, -0.04]
NORMAL = 1.959964
MANY = 1e9  # degrees of freedom with which t is the normal distribution


def joint(estimates: list[float], *covariances: list[list[float]], freedoms: list[float] | None = None):
    return JointEstimates(
        estimates=np.array(estimates),
        error=JackknifeError(
            covariances=np.array(covariances, dtype=float), freedoms=np.array(freedoms or [MANY] * len(covariances))
        ),
    )


def test_without_errors_the_effect_moves_by_the_largest_change_either_way() -> None:
    bounds = magnitude_bounds(joint(EFFECT_AND_CHANGES, np.zeros((3, 3)).tolist()))
    assert bounds.at(0) == pytest.approx((-0.30, -0.30))
    assert bounds.at(1) == pytest.approx((-0.37, -0.23))
    assert bounds.at(2) == pytest.approx((-0.44, -0.16))
    assert bounds.holds_up_to == 4.28  # 0.30 / 0.07 = 4.2857


def test_the_mean_of_two_periods_after_is_a_step_and_a_half_away() -> None:
    bounds = magnitude_bounds(joint(EFFECT_AND_CHANGES, np.zeros((3, 3)).tolist()), reach=1.5)
    assert bounds.at(1) == pytest.approx((-0.30 - 1.5 * 0.07, -0.30 + 1.5 * 0.07))
    assert bounds.holds_up_to == 2.85  # 0.30 / 0.105 = 2.857


def test_a_change_that_varies_with_the_effect_counts_with_its_covariance() -> None:
    together = [[1e-4, 5e-5, 0], [5e-5, 4e-4, 0], [0, 0, 4e-4]]
    low, high = magnitude_bounds(joint(EFFECT_AND_CHANGES, together)).at(1)
    # Moved down by 0.07: variance 1e-4 + 4e-4 - 2 x 5e-5; up: plus. The change of 0.04 is nowhere farther out.
    assert low == pytest.approx(-0.37 - NORMAL * math.sqrt(4e-4), abs=1e-6)
    assert high == pytest.approx(-0.23 + NORMAL * math.sqrt(6e-4), abs=1e-6)


def test_a_smaller_change_that_is_hardly_known_may_decide() -> None:
    unsure = [[1e-4, 0, 0], [0, 0, 0], [0, 0, 1e-2]]
    low, high = magnitude_bounds(joint(EFFECT_AND_CHANGES, unsure)).at(1)
    margin = NORMAL * math.sqrt(1e-4 + 1e-2)
    assert (low, high) == pytest.approx((-0.34 - margin, -0.26 + margin), abs=1e-6)


def test_with_few_areas_the_limits_are_as_far_as_student_says() -> None:
    """Two strata of two degrees of freedom and one variance: four degrees of freedom, t = 2.776."""
    half = [[2e-4, 0], [0, 2e-4]]
    bounds = magnitude_bounds(joint([-0.30, 0.07], half, half, freedoms=[2, 2]))
    assert bounds.at(0) == pytest.approx((-0.30 - 2.7764 * 0.02, -0.30 + 2.7764 * 0.02), abs=1e-5)
    margin = 2.7764 * math.sqrt(8e-4)
    assert bounds.at(1) == pytest.approx((-0.37 - margin, -0.23 + margin), abs=1e-5)


def test_what_covers_no_change_with_parallel_trends_holds_nowhere() -> None:
    assert magnitude_bounds(joint([0.01, 0.0], [[1e-4, 0], [0, 1e-4]])).holds_up_to is None


def test_what_is_far_from_no_change_holds_up_to_all_that_was_asked() -> None:
    assert magnitude_bounds(joint([1.0, 0.01], [[1e-4, 0], [0, 1e-6]])).holds_up_to == 5.0


def test_without_errors_known_or_without_a_change_there_are_no_bounds() -> None:
    for one in (JointEstimates(estimates=np.array([1.0, 0.1]), error=None), joint([1.0], [[1e-4]])):
        with pytest.raises(NotEstimableError, match="need errors, and a change"):
            magnitude_bounds(one)


def test_sums_of_estimates_have_the_errors_of_leaving_out_areas_from_the_sum() -> None:
    rng = np.random.default_rng(3)
    values, is_pilot = rng.normal(size=(9, 3)), np.arange(9) < 4
    sums = np.array([[1.0, -2.0, 0.0], [0.5, 0.5, 0.0]])

    def gaps(kept: np.ndarray) -> np.ndarray:
        return values[kept & is_pilot].mean(axis=0) - values[kept & ~is_pilot].mean(axis=0)

    ours = joint_estimates(gaps, is_pilot).combined(sums).intervals
    directly = joint_estimates(lambda kept: sums @ gaps(kept), is_pilot).intervals
    for one, other in zip(ours, directly, strict=True):
        assert (one.estimate, one.low, one.high) == pytest.approx((other.estimate, other.low, other.high))


def test_an_estimate_that_some_areas_alone_have_spoils_no_other() -> None:
    def numbers(kept: np.ndarray) -> np.ndarray:
        return np.array([kept[:3].mean() + kept[3:] @ [1, 2, 4] / kept[3:].sum(), 1.0 if kept[0] else np.nan])

    found = joint_estimates(numbers, np.arange(6) < 3)
    assert math.isfinite(found.intervals[0].low)
    assert math.isnan(found.intervals[1].low)
    assert math.isfinite(found.combined(np.array([[2.0, 0.0]])).intervals[0].low)
