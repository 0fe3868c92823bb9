"""How an effect stands up: detectable change, hidden confounding in both directions, a widened interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.estimation.intervals import CONFIDENCE_LEVEL, POWER, quantile


@dataclass(frozen=True, kw_only=True)
class EValue:
    """How strong a hidden confounder must be, with enrolment and with outcome, as risk ratios; 1 is no strength."""

    of_estimate: float
    of_limit: float


def minimum_detectable_change_pct(standard_error: float, *, power: float = POWER) -> float:
    """The smallest fall of a rate, in percent, found with this power at 5% two-sided.

    100 x (1 - exp(-(1.960 + z(power)) x standard error of the log rate ratio)).

    By hand: standard error 0.05 and power 80%: 100 x (1 - exp(-2.802 x 0.05)) = 13.1.
    """
    return -100 * math.expm1(-(quantile(level=CONFIDENCE_LEVEL) + quantile(level=2 * power - 1)) * standard_error)


def e_value(log_rate_ratio: float, *, log_low: float, log_high: float, against_pct: float = 0.0) -> EValue:
    """E-value of an estimate and of the limit nearest to a stated effect (VanderWeele and Ding 2017).

    The least strength of association, on the risk-ratio scale, that an unmeasured confounder needs with both
    enrolment and outcome to move the estimate (or its limit) to `against_pct` percent: 0 asks what would
    explain the effect away, the smallest worthwhile change what would *mask* the hoped-for fall. With the
    ratio R of estimate to stated effect, or its inverse if below 1: R + sqrt(R (R - 1)). A limit on the other
    side needs none: 1. For rates it is the paper's approximation for ratios of counts.

    By hand: R = 3.9 (1.8 to 8.7) against none: 3.9 + sqrt(3.9 x 2.9) = 7.26, limit 1.8 + sqrt(1.8 x 0.8) = 3.0.
    """
    against = math.log1p(against_pct / 100)
    distance = log_rate_ratio - against
    nearest = (log_low if distance > 0 else log_high) - against
    return EValue(of_estimate=_e_value(distance), of_limit=_e_value(nearest) if nearest * distance > 0 else 1.0)


def widened_interval(log_low: float, log_high: float, *, shifts: Sequence[float]) -> tuple[float, float]:
    """Limits widened on both sides by the largest shift of the estimate when recorded covariates are hidden.

    `shifts`: log rate ratio without a group of covariates less the one with all, a value a group. So the limits are
    those under a hidden confounder as strong as the strongest recorded group, in either direction: a benchmark for what
    is not recorded, not a bound on it (Cinelli and Hazlett 2020 on benchmarking).

    By hand: -0.10 to 0.02 with shifts 0.01 and -0.03: -0.13 to 0.05.
    """
    widening = max((abs(shift) for shift in shifts), default=0.0)
    return log_low - widening, log_high + widening


def tipping_shift(log_low: float, log_high: float, *, against_pct: float = 0.0) -> float:
    """The least bias of the log rate ratio, either way, that changes whether the interval covers `against_pct`.

    By hand: -0.10 to 0.02 covers 0; had it been 0.02 lower it would not: 0.02.
    """
    against = math.log1p(against_pct / 100)
    return min(abs(log_low - against), abs(log_high - against))


def _e_value(log_ratio: float) -> float:
    ratio = math.exp(abs(log_ratio))
    return ratio + math.sqrt(ratio * (ratio - 1))
