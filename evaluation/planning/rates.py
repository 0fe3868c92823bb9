"""How often something happens to people, and how much that varies between them beyond chance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class EventRate:
    """Events per person-year, and how the people's own rates spread: their variance over the square of their mean.

    `dispersion` 0 means that everybody has the same rate (Poisson counts); counts of people whose rates spread like a
    gamma distribution are negative binomial, variance mean + dispersion x mean^2.
    """

    per_year: float
    dispersion: float


def event_rate(counts: ArrayLike, years: ArrayLike) -> EventRate:
    """Rate and dispersion of n people with `counts` (n) over `years` (n) person-years, by moments.

    The rate is the sum of counts over the sum of years; the dispersion is the variance that chance doesn't explain,
    (sum of (count - expected)^2 - sum of expected) / sum of expected^2, and 0 where chance explains all. People
    without person-time count for nothing. Raises `ValueError` without person-time or events.

    By hand: a year each and counts 0, 0, 0, 4: rate 1, (1 + 1 + 1 + 9 - 4) / 4 = 2.
    """
    observed, exposure = np.asarray(counts, dtype=np.float64), np.asarray(years, dtype=np.float64)
    if exposure.sum() <= 0 or observed.sum() <= 0:
        raise ValueError("a rate needs person-time and events")
    rate = float(observed.sum() / exposure.sum())
    expected: Floats = rate * exposure
    excess = float(np.sum((observed - expected) ** 2) - expected.sum())
    return EventRate(per_year=rate, dispersion=max(excess / float(np.sum(expected**2)), 0.0))
