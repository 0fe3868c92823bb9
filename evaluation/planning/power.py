"""Power of a comparison of two rates, and the smallest fall that it finds, at 5% two-sided."""

import math
from dataclasses import dataclass
from typing import Any

from scipy.stats import norm, t

from evaluation.planning.rates import EventRate

LEVEL, POWER = 0.05, 0.80
FALLS_PCT = tuple(tenth / 10 for tenth in range(1, 1000))


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Who is compared, and for how many person-years each: after the index date, or by the change since before.

    `comparison_people` are people in effect (weights that differ make fewer of them); `years_before` is None where
    people are compared after the index date alone. With `sites` the effect is the mean across as many sites of like
    size, whose own effects differ by `site_spread_pct` percent (a standard deviation, on the log scale); None: the
    effect in these pilots, all people together.
    """

    pilot_people: float
    comparison_people: float
    years: float
    years_before: float | None = None
    sites: int | None = None
    site_spread_pct: float = 0.0

    @property
    def variance_of_sites(self) -> float:
        """What sites add to the variance of the log rate ratio. By hand: 10% at 16 sites: 0.0953^2 / 16 = 0.000568."""
        return site_variance(self.site_spread_pct) / self.sites if self.sites else 0.0

    @property
    def distribution(self) -> Any:
        """Of the estimate over its error: normal, or Student's with sites - 1 degrees of freedom."""
        return t(self.sites - 1) if self.sites else norm


def site_variance(site_spread_pct: float) -> float:
    """Variance of the sites' own log rate ratios, from their standard deviation in percent."""
    return math.log1p(site_spread_pct / 100) ** 2


def variances(rate: EventRate, *, years: float, change_pct: float, years_before: float | None) -> tuple[float, float]:
    """What a pilot person and a comparison person each add to the variance of the log rate ratio.

    After the index date alone: 1 / expected events + dispersion (Zhu and Lakkis 2014, method 2: the rates that are
    assumed). By the change since before: 1 / expected events after + 1 / expected events before, because a
    person's own lasting rate cancels out.

    By hand: rate 0.5 a year, dispersion 2, half a year, no change: 1 / 0.25 + 2 = 6 each.
    """
    after = rate.per_year * years
    spread = rate.dispersion if years_before is None else 1 / (rate.per_year * years_before)
    return 1 / (after * (1 + change_pct / 100)) + spread, 1 / after + spread


def standard_error(rate: EventRate, comparison: Comparison, *, change_pct: float) -> float:
    """Standard error of the log rate ratio if the pilot changes the rate by `change_pct`."""
    pilot, other = variances(rate, years=comparison.years, change_pct=change_pct, years_before=comparison.years_before)
    of_people = pilot / comparison.pilot_people + other / comparison.comparison_people
    return math.sqrt(of_people + comparison.variance_of_sites)


def power(rate: EventRate, comparison: Comparison, *, change_pct: float) -> float:
    """Probability (0 to 1) that the comparison finds a change of this size, at 5% two-sided.

    Errors are those of people, one by one, without what covariates explain: with them it is rather larger. Assumes
    large numbers, the rate and dispersion of the time before, and nobody lost to follow-up.

    By hand: 6 from each of 2,400 and 2,400 people: standard error sqrt(0.005) = 0.0707; a ratio of exp(-0.198)
    is 2.80 of them: 80% (here a little less, since fewer events are expected after a fall). Across sites the quantiles
    are Student's, with sites - 1 degrees of freedom.
    """
    error, errors = standard_error(rate, comparison, change_pct=change_pct), comparison.distribution
    return float(errors.cdf(abs(math.log1p(change_pct / 100)) / error - errors.ppf(1 - LEVEL / 2)))


def minimum_detectable_change_pct(rate: EventRate, comparison: Comparison) -> float | None:
    """The smallest fall, in percent and to a tenth, that is found with 80% power; None where no fall would be."""
    sure = float(comparison.distribution.ppf(1 - LEVEL / 2) + comparison.distribution.ppf(POWER))
    for fall in FALLS_PCT:
        if -math.log1p(-fall / 100) >= sure * standard_error(rate, comparison, change_pct=-fall):
            return float(fall)
    return None
