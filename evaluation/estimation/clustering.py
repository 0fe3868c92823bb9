"""Covariances of estimates from the influences of rows: by cluster, by two kinds of cluster, over time."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluation.regression import Floats, NotEstimableError


def clustered_covariance(influences: Floats, clusters: ArrayLike, second: ArrayLike | None = None) -> Floats:
    """Covariance (k x k) of k estimates from what each row adds to them (n, or n x k), summed within clusters.

    `clusters` (n): one label a row. The factor is G/(G-1) with G clusters (Liang and Zeger 1986; Stata's
    `vce(cluster)` for maximum likelihood). With `second`, two-way: by the first + by the second - by both
    together, each with its own factor, negative eigenvalues set to zero (Cameron, Gelbach and Miller 2011).
    For least squares, whose custom is G/(G-1) x (n-1)/(n-p), multiply by the second part. Raises
    `NotEstimableError` where there is one cluster only.

    By hand: influences 0.3 and -0.1 in one cluster, -0.2 in another: sums 0.2 and -0.2, 2/1 x 0.08 = 0.16.
    """
    rows = influences[:, None] if influences.ndim == 1 else influences
    first, *others = (_one_way(rows, groups) for groups in _groupings(clusters, second))
    if not others:
        return first
    return _without_negative_directions(first + others[0] - others[1])


def clustered_variances(influences: Floats, clusters: ArrayLike, second: ArrayLike | None = None) -> Floats:
    """Variances (k) of k estimates (n x k); with `second`, two-way ones, but never below either one-way variance.

    The floor is a precaution for few or nearly nested clusters, where the two-way variance can fall below
    both of its parts or below zero (MacKinnon, Nielsen and Webb 2024).
    """
    first, *others = (np.diag(_one_way(influences, groups)) for groups in _groupings(clusters, second))
    if not others:
        return first
    by_second, by_both = others
    found: Floats = np.maximum(first + by_second - by_both, np.maximum(first, by_second))
    return found


def newey_west_covariance(influences: Floats, times: ArrayLike, *, lags: int) -> Floats:
    """Covariance (k x k) of k estimates from rows (n x k) that are correlated over time.

    Influences are summed within each time point first, so that series measured at the same times may be
    correlated too (Driscoll and Kraay 1998); then Bartlett weights 1 - l/(lags+1) for lags 1..`lags` (Newey
    and West 1987). No small-sample factor. Time points are taken in order, as equally spaced.
    """
    rows = influences[:, None] if influences.ndim == 1 else influences
    sums = group_sums(rows, group_numbers(times))
    covariance: Floats = sums.T @ sums
    for lag in range(1, min(lags, sums.shape[0] - 1) + 1):
        lagged = sums[lag:].T @ sums[:-lag]
        covariance = covariance + (1 - lag / (lags + 1)) * (lagged + lagged.T)
    return covariance


def group_numbers(labels: ArrayLike) -> NDArray[np.intp]:
    """Labels of any kind as 0..G-1, in the labels' order; numbers that are hardly larger need no sorting."""
    values = np.asarray(labels)
    if values.dtype.kind in "iu" and values.size and values.min() >= 0 and values.max() <= values.size:
        numbers: NDArray[np.intp] = (np.cumsum(np.bincount(values) > 0) - 1)[values]
        return numbers
    return np.unique(values, return_inverse=True)[1].astype(np.intp).ravel()


def group_sums(rows: Floats, groups: NDArray[np.intp]) -> Floats:
    """Sums of the rows (n x k) of each group (G x k)."""
    columns = [np.bincount(groups, weights=column) for column in rows.T]
    return np.column_stack(columns)


def _groupings(clusters: ArrayLike, second: ArrayLike | None) -> Iterator[NDArray[np.intp]]:
    """Groups by the first label; with a second one also by it, and by both together."""
    first = group_numbers(clusters)
    yield first
    if second is not None:
        other = group_numbers(second)
        yield other
        yield group_numbers(first * (int(other.max()) + 1) + other)


def _one_way(rows: Floats, groups: NDArray[np.intp]) -> Floats:
    sums = group_sums(rows, groups)
    if sums.shape[0] < 2:
        raise NotEstimableError("all people form one cluster, so the error can't be known")
    covariance: Floats = sums.T @ sums * (sums.shape[0] / (sums.shape[0] - 1))
    return covariance


def _without_negative_directions(covariance: Floats) -> Floats:
    values, vectors = np.linalg.eigh(covariance)
    if values[0] >= 0:
        return covariance
    repaired: Floats = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return repaired
