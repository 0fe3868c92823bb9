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
    """How k estimates vary together: a covariance matrix a stratum (s x k x k), which add up, and its freedom (s).

    Standard errors and degrees of freedom, Welch's and Satterthwaite's, are of each estimate (k), not numbers where
    they can't be known.
    """

    covariances: Floats
    freedoms: Floats

    @property
    def standard_errors(self) -> Floats:
        """The root of the variance, strata added up."""
        errors: Floats = np.sqrt(self._variances.sum(axis=0))
        return errors

    @property
    def degrees_of_freedom(self) -> Floats:
        """(Sum of variances)^2 over the sum of variance^2 / freedom of the strata."""
        return self._welch(self._variances)

    def of(self, sums: Floats) -> tuple[Floats, Floats]:
        """Standard errors and degrees of freedom (m) of sums of the estimates, a row of weights each (m x k)."""
        by_stratum = np.array([((sums @ covariance) * sums).sum(axis=1) for covariance in self.covariances])
        return np.sqrt(by_stratum.sum(axis=0)), self._welch(by_stratum)

    @property
    def _variances(self) -> Floats:
        return np.diagonal(self.covariances, axis1=1, axis2=2)  # one that is not known leaves the others alone

    def _welch(self, by_stratum: Floats) -> Floats:
        variance = by_stratum.sum(axis=0)
        parts = (by_stratum**2 / self.freedoms[:, None]).sum(axis=0)
        freedom: Floats = np.divide(variance**2, parts, out=np.full(variance.shape, np.nan), where=parts > 0)
        return freedom


@dataclass(frozen=True, kw_only=True)
class JointEstimates:
    """Estimates (k) with how they vary together; `error` is None where it can't be known."""

    estimates: Floats
    error: JackknifeError | None

    @property
    def intervals(self) -> list[Interval]:
        """Each estimate with its limits; without limits where they can't be known."""
        values = self.estimates.tolist()
        if self.error is None:
            return [Interval(estimate=value) for value in values]
        errors, freedoms = self.error.standard_errors.tolist(), self.error.degrees_of_freedom.tolist()
        return [_interval(*three) for three in zip(values, errors, freedoms, strict=True)]

    def combined(self, sums: Floats) -> "JointEstimates":
        """Sums of the estimates, a row of weights each (m x k), and how these vary together.

        What has no weight in any sum is not looked at.
        """
        used = np.flatnonzero((sums != 0).any(axis=0))
        rows, error = sums[:, used], self.error
        if error is not None:
            covariances = error.covariances[:, used[:, None], used]
            error = JackknifeError(covariances=rows @ covariances @ rows.T, freedoms=error.freedoms)
        return JointEstimates(estimates=rows @ self.estimates[used], error=error)


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
    covariances, freedoms = [], []
    for stratum in (is_treated, ~is_treated):
        members = np.flatnonzero(stratum)
        if members.size < 2:
            raise NotEstimableError("an interval needs two areas of each kind")
        left_out = np.array([estimates(np.arange(is_treated.size) != member) for member in members])
        deviations = left_out - left_out.mean(axis=0)
        covariances.append((members.size - 1) / members.size * (deviations.T @ deviations))
        freedoms.append(members.size - 1)
    return JackknifeError(covariances=np.array(covariances), freedoms=np.array(freedoms, dtype=float))


def joint_estimates(numbers: Callable[[NDArray[np.bool_]], Floats], is_pilot: NDArray[np.bool_]) -> JointEstimates:
    """Numbers (k) that a function of the kept areas (n flags) gives, with their errors by `jackknife_by_area`.

    Without errors where there are fewer than two areas of a kind.
    """
    found = numbers(np.ones(is_pilot.size, dtype=bool))
    if min(is_pilot.sum(), (~is_pilot).sum()) < FEWEST_AREAS:
        return JointEstimates(estimates=found, error=None)
    return JointEstimates(estimates=found, error=jackknife_by_area(numbers, is_pilot))


def intervals_by_area(numbers: Callable[[NDArray[np.bool_]], Floats], is_pilot: NDArray[np.bool_]) -> list[Interval]:
    """Each of the numbers of `joint_estimates` with its limits."""
    return joint_estimates(numbers, is_pilot).intervals


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
