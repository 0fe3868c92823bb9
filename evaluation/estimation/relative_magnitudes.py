"""What an effect may be if trends differ after the start by so many times the most they differed before it."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t

from evaluation.estimation.area_intervals import JointEstimates
from evaluation.estimation.intervals import CONFIDENCE_LEVEL
from evaluation.regression import Floats, NotEstimableError

STEPS_PER_UNIT = 100
LARGEST_MAGNITUDE = 5


@dataclass(frozen=True, kw_only=True)
class MagnitudeBounds:
    """Limits of the effect by relative magnitude: 0, 0.01, ... 5 (G, rising), and its lowest and highest limit (G)."""

    magnitudes: Floats
    low: Floats
    high: Floats

    def at(self, magnitude: float) -> tuple[float, float]:
        """The limits at one of the magnitudes, which is a multiple of 0.01."""
        place = round(magnitude * STEPS_PER_UNIT)
        return float(self.low[place]), float(self.high[place])

    @property
    def holds_up_to(self) -> float | None:
        """The largest magnitude at which no change is outside the limits; None if at 0 it is inside already.

        The largest of all that were asked if no change is outside there too.
        """
        outside = np.flatnonzero((self.low > 0) | (self.high < 0))
        return float(self.magnitudes[outside[-1]]) if outside.size else None


def magnitude_bounds(joint: JointEstimates, *, reach: float = 1.0) -> MagnitudeBounds:
    """Limits of an effect if trends after the start differ by up to M times the most seen before (M = 0 to 5).

    `joint` has the effect first, then by how much treated and others drifted apart from each period before the start
    to the next (S). Each period after the start they may drift by up to M times the largest of these, either way
    (Rambachan and Roth 2023, *Review of Economic Studies* 90, relative magnitudes, there Mbar). `reach` is how many
    such steps are in the effect: 1 for the first period after, 1.5 for the mean of the first two.

    The limits are the lowest and the highest 95% limit of the effect moved by M x `reach` times each of the S changes,
    up and down. At M = 0 they are the effect's own. Coverage of 95% or more is promised where the restriction holds:
    the true effect then lies between its mean moved up and moved down by the change that is truly largest, each limit
    of these two misses in at most 2.5%, and no limit of the other changes comes between. That takes intervals of the
    moved effects that hold what they say, no more; the covariance of effect and changes is in each. It is wider than
    the conditional test of the paper, which is not made for errors of few areas. At a larger M the limits are never
    narrower: degrees of freedom alone could make them so.

    By hand, without errors: effect -0.30, changes 0.07 and -0.04, `reach` 1: at M = 1 from -0.37 to -0.23, and no
    change is outside up to M = 4.28. Raises `NotEstimableError` without errors or without a change.
    """
    changes = joint.estimates.size - 1
    if joint.error is None or changes == 0:
        raise NotEstimableError("relative magnitudes need errors, and a change between periods before the start")
    magnitudes = np.arange(LARGEST_MAGNITUDE * STEPS_PER_UNIT + 1) / STEPS_PER_UNIT
    signs = np.vstack([np.eye(changes), -np.eye(changes)])  # 2S x S
    moves = (reach * magnitudes[:, None, None] * signs).reshape(-1, changes)
    moved = np.column_stack([np.ones(moves.shape[0]), moves])
    errors, freedoms = joint.error.of(moved)
    margins = np.where(errors > 0, t.ppf(0.5 + CONFIDENCE_LEVEL / 2, freedoms) * errors, 0.0)
    centres = moved @ joint.estimates
    low, high = ((centres + side * margins).reshape(magnitudes.size, -1) for side in (-1, 1))
    return MagnitudeBounds(
        magnitudes=magnitudes,
        low=np.minimum.accumulate(low.min(axis=1)),
        high=np.maximum.accumulate(high.max(axis=1)),
    )
