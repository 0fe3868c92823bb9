"""Interrupted time series: segmented Poisson regression with season, autocorrelation and a comparison series."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from evaluation.estimation.clustering import newey_west_covariance
from evaluation.estimation.intervals import quantile, two_sided_p
from evaluation.estimation.rate_ratios import standard_error
from evaluation.regression import Floats, NotEstimableError, Regression, poisson_regression

MONTHS_PER_YEAR = 12
HARMONICS = 2


@dataclass(frozen=True, kw_only=True)
class SegmentChange:
    """A change at the interruption on the log scale, of the level or of the slope per time step."""

    estimate: float
    standard_error: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True, kw_only=True)
class InterruptedTimeSeries:
    """Change of level, and of slope where asked; with a comparison series both are the pilot's less its.

    `average` is the change over the steps after the interruption: level + slope x the mean time since it.
    `dispersion` is the Pearson statistic over residual degrees of freedom; `lag_1_correlation` that of the Pearson
    residuals, whatever the errors take account of.
    """

    level: SegmentChange
    slope: SegmentChange | None
    average: SegmentChange
    dispersion: float
    lag_1_correlation: float
    n_times: int


def interrupted_time_series(
    *,
    counts: ArrayLike,
    population: ArrayLike,
    times: ArrayLike,
    is_after: ArrayLike,
    is_comparison: ArrayLike | None = None,
    change_of_slope: bool = True,
    harmonics: int = HARMONICS,
    errors: Literal["newey_west", "quasi_poisson"] = "newey_west",
    lags: int | None = None,
) -> InterruptedTimeSeries:
    """Segmented Poisson regression of a series of counts with the registered population as exposure.

    One row a series and time step: `counts`, `population`, `times` (whole steps, such as months), `is_after`
    and `is_comparison` (n). Terms: level, time, step after the interruption, time since it (if
    `change_of_slope`), sine and cosine pairs of the year (12 steps, `harmonics` of them); with a comparison
    series each of them has its own value there except the season, and the changes are the pilot's less the
    comparison's (Bernal, Cummins and Gasparrini 2017, 2018). A series alone assumes that nothing else
    changed then; with a comparison, that nothing else changed for the pilot alone.

    Errors: `newey_west`, Bartlett weights over `lags` steps (None: 4 (T/100)^(2/9) rounded down, T steps; Newey and
    West 1994), series summed at each time (Driscoll and Kraay 1998), factor n/(n-p); `quasi_poisson`, model errors
    times the root of the dispersion, no autocorrelation. Both with t of n-p degrees of freedom. Many lags on a
    short series give errors that are too small. Raises `NotEstimableError` with fewer than two steps
    before or after, or where the series fits without residuals.

    By hand: 9, 11, 11, 9 before and 4, 6, 6, 4 after, without season: no trend, log(5 / 10) = -0.693.
    """
    y, time = np.asarray(counts, dtype=float), np.asarray(times, dtype=float)
    after = np.asarray(is_after, dtype=bool)
    pilot = np.ones_like(after) if is_comparison is None else ~np.asarray(is_comparison, dtype=bool)
    if min(np.unique(time[pilot & arm]).size for arm in (after, ~after)) < 2:
        raise NotEstimableError("expected at least two time steps before and after")
    design = segmented_design(time, after, pilot, change_of_slope=change_of_slope, harmonics=harmonics)
    model = poisson_regression(y, design, exposure=population)
    freedom = y.size - model.kept.size
    pearson = (y - model.expected) / np.sqrt(model.expected)
    dispersion = float(pearson @ pearson) / freedom
    n_times = int(np.unique(time).size)
    if errors == "quasi_poisson":
        covariance = model.bread * dispersion
    else:
        used = newey_west_lags(n_times) if lags is None else lags
        covariance = newey_west_covariance(model.influences, time, lags=used) * (y.size / freedom)
    since = time[pilot & after] - time[after].min()
    level, slope = {0: 1.0}, {1: 1.0} if change_of_slope else {}
    average = level | ({1: float(since.mean())} if change_of_slope else {})
    return InterruptedTimeSeries(
        level=_change(model, covariance, level, freedom),
        slope=_change(model, covariance, slope, freedom) if slope else None,
        average=_change(model, covariance, average, freedom),
        dispersion=dispersion,
        lag_1_correlation=_lag_1(pearson[pilot][np.argsort(time[pilot], kind="stable")]),
        n_times=n_times,
    )


def newey_west_lags(n_times: int) -> int:
    """The lags of Newey and West's (1994) rule: 4 (T/100)^(2/9), rounded down; 3 for 59 steps."""
    return int(4.0 * (n_times / 100) ** (2 / 9))


def segmented_design(
    times: Floats, is_after: ArrayLike, is_pilot: ArrayLike, *, change_of_slope: bool, harmonics: int
) -> Floats:
    """Design (n x p): the pilot's step first, then its change of slope if asked, then all that is adjusted for.

    Columns that a series alone can't tell apart are left to `poisson_regression`, which drops the later ones.
    """
    after, pilot = np.asarray(is_after, dtype=bool), np.asarray(is_pilot, dtype=float)
    since = np.where(after, times - times[after].min(), 0.0)
    step = after.astype(float)
    segments = [step, since] if change_of_slope else [step]
    year = 2 * math.pi * times / MONTHS_PER_YEAR
    season = [wave(k * year) for k in range(1, harmonics + 1) for wave in (np.sin, np.cos)]
    trend = times - times.mean()
    common = [np.ones_like(times), trend, *season]
    own = [pilot, pilot * trend, *segments] if (pilot == 0).any() else []
    return np.column_stack([*(pilot * segment for segment in segments), *common, *own])


def _change(model: Regression, covariance: Floats, columns: Mapping[int, float], freedom: float) -> SegmentChange:
    """A weighted sum of coefficients, by column of the given design."""
    contrast = np.zeros(model.coefficients.size)
    for column, weight in columns.items():
        contrast[model.position(column)] = weight
    estimate = float(contrast @ model.coefficients)
    error = standard_error(float(contrast @ covariance @ contrast))
    return SegmentChange(
        estimate=estimate,
        standard_error=error,
        low=estimate - quantile(freedom) * error,
        high=estimate + quantile(freedom) * error,
        p_value=two_sided_p(estimate / error, freedom),
    )


def _lag_1(residuals: Floats) -> float:
    centred = residuals - residuals.mean()
    return float(centred[1:] @ centred[:-1] / (centred @ centred))
