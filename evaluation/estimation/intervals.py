"""Quantiles and p-values: normal, or Student's t where there are degrees of freedom."""

from scipy.stats import norm, t

from evaluation.estimation.effects import CONFIDENCE_LEVEL


def quantile(degrees_of_freedom: float | None = None, *, level: float = CONFIDENCE_LEVEL) -> float:
    """How many standard errors an interval of this level reaches to each side: 1.960 for a normal 95% one."""
    upper = 0.5 + level / 2
    return float(norm.ppf(upper) if degrees_of_freedom is None else t.ppf(upper, degrees_of_freedom))


def two_sided_p(statistic: float, degrees_of_freedom: float | None = None) -> float:
    """Two-sided p-value of an estimate divided by its standard error: 0.05 for a normal 1.960."""
    size = abs(statistic)
    return float(2 * (norm.sf(size) if degrees_of_freedom is None else t.sf(size, degrees_of_freedom)))
