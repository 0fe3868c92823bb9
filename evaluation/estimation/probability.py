"""How probable it is that a rate fell, fell by what is worth while, or rose: a normal prior, stated."""

import math
from dataclasses import dataclass

from scipy.stats import norm

WHOLE_FROM = 10  # percentages from here on are shown without a decimal


@dataclass(frozen=True, kw_only=True)
class Prior:
    """What is believed of the log rate ratio before the data: normal."""

    mean: float
    standard_deviation: float

    @property
    def words(self) -> str:
        """The prior as a sentence, to be printed beside every probability."""
        low, high = (100 * math.expm1(self.mean + sign * 1.959964 * self.standard_deviation) for sign in (-1, 1))
        return f"Before the data: a change between {_pct(low)} and {_pct(high)} held to be 95% likely."


@dataclass(frozen=True, kw_only=True)
class Probabilities:
    """Probabilities of a fall, of a fall (or rise) of at least the worthwhile change, and of a rise."""

    fell: float
    worthwhile: float | None
    rose: float
    prior: Prior


def sceptical_prior(largest_likely_pct: float) -> Prior:
    """Centred on no change, with 95% of changes below `largest_likely_pct` up, or the same ratio down.

    A convention, not a finding. 20%, the protocol's default, is strong enough to be sceptical of large effects and weak
    beside a national study. Raises `ValueError` for a spread that is not above 0.

    By hand: 20%: standard deviation log(1.2) / 1.960 = 0.0930.
    """
    if largest_likely_pct <= 0:
        raise ValueError("a prior needs a largest likely change above 0%")
    return Prior(mean=0.0, standard_deviation=math.log1p(largest_likely_pct / 100) / float(norm.ppf(0.975)))


def probabilities(
    log_rate_ratio: float,
    standard_error: float,
    *,
    prior: Prior,
    smallest_worthwhile_change_pct: float | None = None,
) -> Probabilities:
    """Posterior probabilities with a normal prior and a normal likelihood on the log rate ratio.

    Precision-weighted: 1/variance = 1/error^2 + 1/sd^2 (Spiegelhalter, Freedman and Parmar 1994). A negative
    worthwhile change asks for a fall at least as large, a positive one for a rise. Takes the estimate as
    unbiased: hidden confounding is not in these probabilities.

    By hand: estimate -0.1, error 0.1, prior 0 and 0.1: posterior -0.05 and 0.0707, fell: Phi(0.707) = 0.760.
    """
    precision = 1 / standard_error**2 + 1 / prior.standard_deviation**2
    mean = (log_rate_ratio / standard_error**2 + prior.mean / prior.standard_deviation**2) / precision
    spread = math.sqrt(1 / precision)
    fell = float(norm.cdf(0.0, mean, spread))
    return Probabilities(
        fell=fell,
        worthwhile=_worthwhile(mean, spread, smallest_worthwhile_change_pct),
        rose=1 - fell,
        prior=prior,
    )


def _pct(value: float) -> str:
    return f"{value:+.0f}%" if abs(value) >= WHOLE_FROM else f"{value:+.1f}%"


def _worthwhile(mean: float, spread: float, change_pct: float | None) -> float | None:
    if change_pct is None:
        return None
    limit = math.log1p(change_pct / 100)
    return float(norm.cdf(limit, mean, spread) if change_pct < 0 else norm.sf(limit, mean, spread))
