"""From effects by month from go-live to how far pilot areas and others drifted apart, year by year before it."""

from dataclasses import dataclass

import numpy as np

from evaluation.estimation.area_cautions import NO_INTERVAL
from evaluation.estimation.area_intervals import JointEstimates
from evaluation.estimation.area_panels import MONTHS_PER_YEAR, Integers
from evaluation.estimation.relative_magnitudes import MagnitudeBounds, magnitude_bounds
from evaluation.estimation.staggered_adoption import CellEffects
from evaluation.regression import Floats

NO_YEAR_BEFORE = (
    "No bounds: no whole year before the one that the change is counted from is known for all pilot areas, so how "
    "far trends differed before go-live is not known."
)


@dataclass(frozen=True, kw_only=True)
class Trends:
    """Changes (S) from each year before go-live to the next, the latest first, and the effect's bounds from them.

    A change is the pilot areas' less the others', per person-year. `bounds` is None where `reason` says why.
    """

    changes: Floats
    bounds: MagnitudeBounds | None
    reason: str


def yearly_trends(joint: JointEstimates, cells: CellEffects, event_months: Integers, *, first_column: int) -> Trends:
    """Bounds of the overall effect by relative magnitude (`magnitude_bounds`), a period being a year from go-live.

    `joint` has the overall effect of `cells` first and, from `first_column` on, the effect by month from go-live.
    Years go back from go-live: the base, on which the effects are 0 on average, and as many whole years before as all
    pilot areas have, so that a change between two of them is no change of areas. Years, so that season and single
    months' noise are in none of them; single months would have the largest of many noisy changes, and the effect many
    steps away. A straight drift apart is then a relative magnitude of 1 or less. The effect reaches as many steps as
    the mean year after go-live, by the weights of its cells: a cell in months 0 to 11 one, in 12 to 23 two.

    By hand: months -36 to -25 at 0.10, -24 to -13 at 0.04, the base at 0: changes -0.04 and -0.06. With 18 months
    after, all of one weight: reach (12 x 1 + 6 x 2) / 18 = 1.33.
    """
    years = _whole_years(cells)
    sums = np.zeros((max(years, 1), joint.estimates.size))
    sums[0, 0] = 1.0
    for number in range(1, years):  # years count back: 1 is the base
        for start, weight in ((number, 1.0), (number + 1, -1.0)):
            first = -start * MONTHS_PER_YEAR
            is_of_year = (event_months >= first) & (event_months < first + MONTHS_PER_YEAR)
            sums[number, first_column + np.flatnonzero(is_of_year)] += weight / MONTHS_PER_YEAR
    found = joint.combined(sums)
    if not np.isfinite(found.intervals[0].low):
        return Trends(changes=found.estimates[1:], bounds=None, reason=NO_INTERVAL)
    if years < 2:
        return Trends(changes=found.estimates[1:], bounds=None, reason=NO_YEAR_BEFORE)
    return Trends(changes=found.estimates[1:], bounds=magnitude_bounds(found, reach=_reach(cells)), reason="")


def _whole_years(cells: CellEffects) -> int:
    """How many whole years before go-live all groups have, the base included; 0 where a month of it is not known."""
    groups = 1 + np.count_nonzero(np.diff(cells.event_times) < 0)  # cells come group by group, times rising
    known = cells.event_times[np.isfinite(cells.effects)]
    years = 0
    while all(np.count_nonzero(known == -month) == groups for month in _months(years)):
        years += 1
    return years


def _months(year: int) -> range:
    return range(year * MONTHS_PER_YEAR + 1, (year + 1) * MONTHS_PER_YEAR + 1)


def _reach(cells: CellEffects) -> float:
    after = (cells.event_times >= 0) & np.isfinite(cells.effects)
    steps = cells.event_times[after] // MONTHS_PER_YEAR + 1
    return float(cells.weights[after] @ steps / cells.weights[after].sum())
