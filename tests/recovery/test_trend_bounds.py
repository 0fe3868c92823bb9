"""Bounds by relative magnitude hold the truth where trends differ by no more than they say, and can fail where more."""

import math
from dataclasses import replace

import numpy as np
import pytest

from evaluation.estimation.area_effects import NEVER_TREATED, staggered_effect
from evaluation.estimation.area_intervals import JackknifeError, JointEstimates
from evaluation.estimation.area_panels import AreaPanel
from evaluation.estimation.relative_magnitudes import magnitude_bounds
from tests.area_worlds import drawn_panel

DRAWS = 400
PANELS = 25
EFFECT = -0.3
COVARIANCE = 1e-3 * np.array([[1.0, -0.4, 0.1], [-0.4, 1.5, -0.7], [0.1, -0.7, 1.5]])


def covered(changes: tuple[float, float], *, bias: float, magnitude: float) -> float:
    """How often bounds hold the effect, which is estimated with this bias and beside these changes before."""
    rng = np.random.default_rng(26)
    draws = rng.multivariate_normal([EFFECT + bias, *changes], COVARIANCE, size=DRAWS)
    error = JackknifeError(covariances=COVARIANCE[None], freedoms=np.array([1e9]))
    found = [magnitude_bounds(JointEstimates(estimates=one, error=error)).at(magnitude) for one in draws]
    return float(np.mean([low <= EFFECT <= high for low, high in found]))


@pytest.mark.parametrize("changes", [(0.0, 0.0), (0.02, -0.05), (0.2, 0.2), (-0.4, 0.1)])
@pytest.mark.parametrize("magnitude", [0.5, 2.0])
@pytest.mark.parametrize("side", [-1, 1])
def test_the_worst_trends_that_a_magnitude_allows_are_covered(changes, magnitude: float, side: int) -> None:
    worst = side * magnitude * max(abs(change) for change in changes)
    assert covered(changes, bias=worst, magnitude=magnitude) > 0.95 - 3 * math.sqrt(0.95 * 0.05 / DRAWS)


def test_where_one_change_is_much_the_largest_no_more_is_covered_than_is_promised() -> None:
    """One limit misses in 2.5%, the other never: 97.5%, not all."""
    assert covered((0.6, 0.0), bias=0.6, magnitude=1.0) == pytest.approx(0.975, abs=4 * math.sqrt(0.025 / DRAWS))


def test_trends_that_differ_by_more_than_a_magnitude_allows_are_often_not_covered() -> None:
    assert covered((0.2, 0.2), bias=0.4, magnitude=1.0) < 0.5
    assert covered((0.0, 0.0), bias=0.4, magnitude=1.0) < 0.5  # nothing before tells of what began with the pilot


def drifting(rng: np.random.Generator, *, before: float, after: float) -> AreaPanel:
    """Pilot areas without an effect whose rate drifts from the others, per person-year and year, to go-live and on."""
    panel = drawn_panel(rng, pilots=10, others=14)
    since = np.where(panel.is_pilot, panel.months[:, None] - panel.first_month, 0).T / 12
    drift = np.where(since < 0, before, after) * since
    return replace(panel, counts=panel.counts + panel.person_years * drift)


def shares_covered(before: float, after: float, magnitudes: tuple[float, ...]) -> list[float]:
    rng = np.random.default_rng(6_000_026)
    panels = (drifting(rng, before=before, after=after) for _ in range(PANELS))
    trends = [staggered_effect(panel, NEVER_TREATED).trends for panel in panels]
    limits = np.array([[one.bounds.at(magnitude) for magnitude in magnitudes] for one in trends])
    return np.mean((limits[..., 0] <= 0) & (limits[..., 1] >= 0), axis=0).tolist()


def test_a_planted_drift_passes_for_an_effect_until_its_magnitude_is_allowed() -> None:
    parallel, once, twice = shares_covered(0.06, 0.06, (0.0, 1.0, 2.0))
    assert parallel < 0.5
    assert min(once, twice) > 0.95 - 4 * math.sqrt(0.95 * 0.05 / PANELS)


def test_a_drift_that_doubles_at_go_live_takes_twice_the_largest_before() -> None:
    once, twice = shares_covered(0.12, 0.24, (1.0, 2.0))
    assert once < 0.5
    assert twice > 0.95 - 4 * math.sqrt(0.95 * 0.05 / PANELS)
