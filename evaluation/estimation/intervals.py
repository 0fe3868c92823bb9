"""Quantiles and p-values: normal, or Student's t where there are degrees of freedom; errors read off intervals."""

import math

from scipy.stats import norm, t

CONFIDENCE_LEVEL = 0.95
POWER = 0.80


def quantile(degrees_of_freedom: float | None = None, *, level: float = CONFIDENCE_LEVEL) -> float:
    """How many standard errors an interval of this level reaches to each side: 1.960 for a normal 95% one."""
    upper = 0.5 + level / 2
    return float(norm.ppf(upper) if degrees_of_freedom is None else t.ppf(upper, degrees_of_freedom))


def two_sided_p(statistic: float, degrees_of_freedom: float | None = None) -> float:
    """Two-sided p-value of an estimate divided by its standard error: 0.05 for a normal 1.960."""
    size = abs(statistic)
    return float(2 * (norm.sf(size) if degrees_of_freedom is None else t.sf(size, degrees_of_freedom)))


def log_standard_error(relative_low_pct: float | None, relative_high_pct: float | None) -> float | None:
    """Standard error of a log rate ratio, read off its normal 95% interval in percent.

    None without an interval, and where a limit is -100%, which a log cannot show.

    By hand: -17.8% to +21.7% is exp(-0.196) to exp(0.196): 0.1.
    """
    if relative_low_pct is None or relative_high_pct is None or relative_low_pct <= -100:
        return None
    return (math.log1p(relative_high_pct / 100) - math.log1p(relative_low_pct / 100)) / (2 * quantile())
