"""Intervals of estimates that compare areas: leaving out one area at a time, few areas honoured."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.estimation.intervals import quantile, two_sided_p
from evaluation.regression import Floats, NotEstimableError

FEWEST_AREAS = 2  # of a kind


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate with its standard error, 95% limits and p-value; not numbers where they can't be known."""

    estimate: float
    standard_error: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p_value: float = math.nan


@dataclass(frozen=True, kw_only=True)
class JackknifeError:
    """Standard errors (k) of k estimates and their degrees of freedom; not a number where they can't be known."""

    standard_errors: Floats
    degrees_of_freedom: Floats


def jackknife_by_area(
    estimates: Callable[[NDArray[np.bool_]], Floats], is_treated: NDArray[np.bool_]
) -> JackknifeError:
    """Errors of estimates (k) that a function of the kept units (n flags) gives, leaving out one unit at a time.

    Treated and comparison units are two strata (Rust and Rao 1996): sum over strata of (n-1)/n x squared deviations
    from the stratum's mean, with Welch's and Satterthwaite's degrees of freedom, so that few areas on either side make
    the interval wide. For a difference between two means of equal weights it is Welch's (1947) test, whose error is
    CR2's (Bell and McCaffrey 2002); in general it is the clustered jackknife CR3 (MacKinnon, Nielsen and Webb 2023). A
    group that holds one area is no difficulty: effects may differ between areas, and that is in the error.

    By hand: means of (1, 3) and (0, 2, 4), error^2 2/2 + 4/3 = 7/3, degrees of freedom (7/3)^2 / (1 + 16/18) = 2.88.
    Raises `NotEstimableError` with fewer than two units of a kind.
    """
    variances, freedoms = [], []
    for stratum in (is_treated, ~is_treated):
        members = np.flatnonzero(stratum)
        if members.size < 2:
            raise NotEstimableError("an interval needs two areas of each kind")
        left_out = np.array([estimates(np.arange(is_treated.size) != member) for member in members])
        variances.append((members.size - 1) / members.size * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))
        freedoms.append(members.size - 1)
    variance: Floats = variances[0] + variances[1]
    parts = variances[0] ** 2 / freedoms[0] + variances[1] ** 2 / freedoms[1]
    freedom = np.divide(variance**2, parts, out=np.full(variance.shape, np.nan), where=parts > 0)
    return JackknifeError(standard_errors=np.sqrt(variance), degrees_of_freedom=freedom)


def intervals_by_area(numbers: Callable[[NDArray[np.bool_]], Floats], is_pilot: NDArray[np.bool_]) -> list[Interval]:
    """Numbers (k) that a function of the kept areas (n flags) gives, each with its limits by `jackknife_by_area`.

    Without limits where there are fewer than two areas of a kind.
    """
    found = numbers(np.ones(is_pilot.size, dtype=bool))
    if min(is_pilot.sum(), (~is_pilot).sum()) < FEWEST_AREAS:
        return [Interval(estimate=value) for value in found.tolist()]
    errors = jackknife_by_area(numbers, is_pilot)
    return [
        _interval(*three)
        for three in zip(
            found.tolist(), errors.standard_errors.tolist(), errors.degrees_of_freedom.tolist(), strict=True
        )
    ]


def finite(value: float) -> float | None:
    """A number for a table: None where it is none."""
    return value if math.isfinite(value) else None


def _interval(estimate: float, error: float, freedom: float) -> Interval:
    if not (math.isfinite(estimate) and error > 0 and freedom > 0):
        return Interval(estimate=estimate)
    return Interval(
        estimate=estimate,
        standard_error=error,
        low=estimate - quantile(freedom) * error,
        high=estimate + quantile(freedom) * error,
        p_value=two_sided_p(estimate / error, freedom),
    )
