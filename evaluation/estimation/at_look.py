"""What a result may claim at the look it is seen at: an interval held to the p-value that counts there."""

import math

from evaluation.estimation.intervals import CONFIDENCE_LEVEL, quantile

ONLY_BELOW = "at this look only a p-value up to {level} would count as a finding"
NONE_COUNTS = "at this look no p-value would count as a finding, because nothing of the 5% may be spent"


def only_below(nominal_level: float) -> str:
    """Which p-value would count, as part of a sentence; two digits, as the caution on the look has it."""
    return ONLY_BELOW.format(level=f"{nominal_level:.2g}") if nominal_level > 0 else NONE_COUNTS


def limits_at_look(
    change_pct: float,
    low_pct: float,
    high_pct: float,
    *,
    nominal_level: float | None,
    degrees_of_freedom: int | None = None,
) -> tuple[float, float]:
    """The 95% interval of a relative change in percent, stretched to the level that counts at a look.

    `nominal_level` is the p-value that counts; None: no looks are planned, the interval stays; 0: nothing counts, so no
    change is excluded. The interval is normal on the log scale, or Student's with `degrees_of_freedom`. A lower limit
    of -100% stays.

    By hand: -10 (-19 to 0) at 0.0027: 3 standard errors in place of 1.96 each way, log 0.9 - 0.1054 x 3 / 1.96: -23.4%.
    """
    if nominal_level is None or nominal_level >= 1 - CONFIDENCE_LEVEL:
        return low_pct, high_pct
    if nominal_level <= 0:
        return -100.0, math.inf
    further = quantile(degrees_of_freedom, level=1 - nominal_level) / quantile(degrees_of_freedom)
    low, high = (_stretched(change_pct, limit, further) for limit in (low_pct, high_pct))
    return low, high


def is_only_seen(low_pct: float, high_pct: float, *, at_look: tuple[float, float]) -> bool:
    """Whether a 95% interval excludes no change and the limits at the look do not: a fall or rise, but no finding.

    By hand: -18.2 to -1 excludes no change, -22 to +4 does not.
    """
    return not low_pct <= 0 <= high_pct and at_look[0] <= 0 <= at_look[1]


def _stretched(change_pct: float, limit_pct: float, further: float) -> float:
    if limit_pct <= -100 or change_pct <= -100:
        return limit_pct
    middle = math.log1p(change_pct / 100)
    return 100 * math.expm1(middle + further * (math.log1p(limit_pct / 100) - middle))
