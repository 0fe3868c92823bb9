"""Bounds by relative magnitude on the example of the paper: profits after a cut of value added tax on restaurants.

Estimates by year (2004 to 2007 and 2009 to 2012, less 2008) and their covariances of Benzarti and Carloni (2019,
*American Economic Journal: Economic Policy* 11), section 6.1 of Rambachan and Roth (2023), as the R package HonestDiD
has them (`BCdata_EventStudy`), and its results: the plain interval of the effect in 2009, and the conditional
confidence set at a relative magnitude of 1 on a grid of 200 points.
"""

import numpy as np
import pytest
from scipy.optimize import linprog

from evaluation.estimation.area_intervals import JackknifeError, JointEstimates
from evaluation.estimation.relative_magnitudes import MagnitudeBounds, magnitude_bounds

ESTIMATES = np.array(
    [
        0.006696351804,
        0.02934503369,
        -0.006472972222,
        0.0730149895,
        0.1959611177,
        0.3120639026,
        0.2395415455,
        0.1260425001,
    ]
)
# fmt: off
UPPER = [
    8.428358124e-4, 4.768686777e-4, 2.618051076e-4, 2.354220342e-4, 1.676371467e-4, 1.128707663e-4,
    1.992816215e-5, -1.368265366e-4,
    6.425420288e-4, 3.987425007e-4, 2.435515198e-4, 2.201960306e-4, 1.804591157e-4, 3.84376508e-5, -2.960421989e-5,
    5.229949602e-4, 2.11768609e-4, 1.840722252e-4, 1.45852784e-4, 7.005197403e-5, 5.952994979e-5,
    3.089595411e-4, 1.197866077e-4, 1.334081317e-4, 1.016335009e-4, 1.079051726e-4,
    3.59970436e-4, 2.478818642e-4, 1.749579242e-4, 1.654256921e-4,
    4.263949813e-4, 2.171437809e-4, 2.892747871e-4,
    4.886697861e-4, 3.805322049e-4,
    7.61739444e-4,
]
# fmt: on
BEFORE = 4
PLAIN = (0.15877494280765, 0.233147292681241)
CONDITIONAL = (0.07055244362, 0.3184394077)
MANY = 1e9  # degrees of freedom with which t is the normal distribution


def bounds(*, after: np.ndarray, error: float = 1.0) -> MagnitudeBounds:
    """Of a mean of the effects after 2008, by the changes from year to year up to 2008."""
    covariance = np.zeros((8, 8))
    covariance[np.triu_indices(8)] = UPPER
    covariance = covariance + covariance.T - np.diag(np.diag(covariance))
    sums = np.zeros((1 + BEFORE, 8))
    sums[0, BEFORE:] = after
    for year in range(BEFORE):
        sums[1 + year, year] = -1
        if year + 1 < BEFORE:
            sums[1 + year, year + 1] = 1
    errors = JackknifeError(covariances=error * covariance[None], freedoms=np.array([MANY]))
    joint = JointEstimates(estimates=ESTIMATES, error=errors).combined(sums)
    return magnitude_bounds(joint, reach=float(after @ np.arange(1, 5)))


FIRST = np.array([1.0, 0, 0, 0])


def test_with_parallel_trends_it_is_the_plain_interval() -> None:
    assert bounds(after=FIRST).at(0) == pytest.approx(PLAIN, abs=1e-7)


def test_at_a_magnitude_of_one_the_bounds_hold_the_conditional_set_and_are_little_wider() -> None:
    low, high = bounds(after=FIRST).at(1)
    assert low < CONDITIONAL[0]
    assert high > CONDITIONAL[1]
    assert high - low < 1.1 * (CONDITIONAL[1] - CONDITIONAL[0])


def test_the_rise_of_profits_holds_up_to_one_and_a_half_times_the_largest_change_before() -> None:
    assert bounds(after=FIRST).holds_up_to == 1.51  # by the table of limits: 0.0015 at 1.5, below 0 at 2


@pytest.mark.parametrize("after", [FIRST, np.array([0, 0, 0, 1.0]), np.full(4, 0.25), np.array([0.4, 0.3, 0.2, 0.1])])
@pytest.mark.parametrize("magnitude", [0.5, 1.0, 2.0])
def test_without_errors_the_bounds_are_the_linear_programme_of_the_paper(after: np.ndarray, magnitude: float) -> None:
    largest = np.abs(np.diff([*ESTIMATES[:BEFORE], 0.0])).max()
    steps = np.eye(4) - np.eye(4, k=-1)  # how trends after differ from each year to the next
    limit = np.full(8, magnitude * largest)
    worst = [
        linprog(side * after, A_ub=np.vstack([steps, -steps]), b_ub=limit, bounds=(None, None)).fun for side in (1, -1)
    ]
    estimate = float(after @ ESTIMATES[BEFORE:])
    assert bounds(after=after, error=0.0).at(magnitude) == pytest.approx((estimate + worst[0], estimate - worst[1]))
