"""Errors with twelve clusters or fewer: CR2 with Satterthwaite degrees of freedom, and Webb's wild bootstrap."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evaluation.estimation.clustering import group_numbers, group_sums
from evaluation.estimation.intervals import quantile, two_sided_p
from evaluation.regression import Floats, NotEstimableError, Regression

FEW_CLUSTERS = 12
WEBB_POINTS = np.array([-math.sqrt(1.5), -1.0, -math.sqrt(0.5), math.sqrt(0.5), 1.0, math.sqrt(1.5)])
DRAWS = 9999
ALONE = 1e-9  # a direction that one cluster alone decides: its residuals there are zero whatever happens


@dataclass(frozen=True, kw_only=True)
class SmallSampleError:
    """A coefficient with its CR2 error, Satterthwaite degrees of freedom, 95% t interval and p-value."""

    estimate: float
    standard_error: float
    degrees_of_freedom: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True, kw_only=True)
class WildClusterTest:
    """A coefficient's t-statistic under the null, and the share of bootstrap statistics at least as large."""

    statistic: float
    p_value: float
    draws: int


def cr2_error(model: Regression, clusters: ArrayLike, *, column: int) -> SmallSampleError:
    """Bias-reduced clustered error of the coefficient of one column of the given design.

    Each cluster's residuals are multiplied by (I - H_gg)^(-1/2), H the hat matrix of the regression with
    its working weights (Bell and McCaffrey 2002; Pustejovsky and Tipton 2018; for Poisson as clubSandwich
    does); degrees of freedom are Satterthwaite's with independent errors as the working model. Only p x p
    matrices are formed, so clusters of thousands of rows are no burden.

    By hand: every row its own cluster gives HC2, residual^2 / (1 - leverage).
    Raises `NotEstimableError` with fewer than two clusters.
    """
    groups = group_numbers(clusters)
    if groups.max(initial=0) < 1:
        raise NotEstimableError("expected at least two clusters")
    position = model.position(column)
    root = np.sqrt(model.working_weights)
    rows, residuals = model.design * root[:, None], _standardised(model, root)
    parts = [_adjusted(rows[groups == g], residuals[groups == g], model.bread, position) for g in np.unique(groups)]
    scores = np.array([score for score, _, _ in parts])
    lengths, loadings = np.array([length for _, length, _ in parts]), np.array([loading for *_, loading in parts])
    error = math.sqrt(float(scores @ scores))
    between = np.diag(lengths) - loadings @ model.bread @ loadings.T
    freedom = float(np.trace(between) ** 2 / np.sum(between**2))
    estimate = float(model.coefficients[position])
    return SmallSampleError(
        estimate=estimate,
        standard_error=error,
        degrees_of_freedom=freedom,
        low=estimate - quantile(freedom) * error,
        high=estimate + quantile(freedom) * error,
        p_value=two_sided_p(estimate / error, freedom),
    )


def wild_cluster_test(
    restricted: Regression,
    design: ArrayLike,
    clusters: ArrayLike,
    *,
    column: int,
    rng: np.random.Generator,
    draws: int = DRAWS,
) -> WildClusterTest:
    """p-value of a coefficient being zero, by the wild cluster bootstrap with the null imposed.

    `restricted` is the regression fitted without `column` of `design` (n x p, all columns; independent ones),
    so residuals obey the null. Scores of each cluster are multiplied by one of Webb's (2023) six points, the
    coefficient and its clustered t-statistic are recomputed, and the p-value is (1 + draws with |t*| at
    least |t|) / (1 + draws). For least squares that is the restricted wild cluster bootstrap (Cameron, Gelbach
    and Miller 2008); for Poisson the score bootstrap of Kline and Santos (2012), one Newton step from the null.
    Only p-vectors and p x p matrices of clusters are used. With very few treated clusters it can't reject
    whatever the effect (MacKinnon and Webb 2017): read it beside `cr2_error`.
    """
    x, groups = np.asarray(design, dtype=float), group_numbers(clusters)
    scores = group_sums(x * restricted.score_residuals[:, None], groups)
    weighted = x * restricted.working_weights[:, None]
    grams = np.stack([x[groups == g].T @ weighted[groups == g] for g in np.unique(groups)])
    direction = np.linalg.inv(grams.sum(axis=0))
    observed = _t_statistics(scores[None], grams, direction, column)[0]
    multipliers = rng.choice(WEBB_POINTS, size=(draws, scores.shape[0]))
    drawn = _t_statistics(multipliers[:, :, None] * scores, grams, direction, column)
    larger = np.count_nonzero(np.abs(drawn) >= abs(observed) * (1 - 1e-12))
    return WildClusterTest(statistic=float(observed), p_value=float((1 + larger) / (1 + draws)), draws=draws)


def _standardised(model: Regression, root: Floats) -> Floats:
    """Residuals on the scale on which the working model has unit variance."""
    return np.divide(model.score_residuals, root, out=np.zeros_like(root), where=root > 0)


def _adjusted(rows: Floats, residuals: Floats, bread: Floats, position: int) -> tuple[float, float, Floats]:
    """A cluster's adjusted score, the squared length of its adjusted loading, and design' x that loading."""
    basis, triangle = np.linalg.qr(rows)
    values, vectors = np.linalg.eigh(triangle @ bread @ triangle.T)
    basis = basis @ vectors
    left = 1 - values
    stretch = np.where(left > ALONE, 1 / np.sqrt(np.where(left > ALONE, left, 1.0)), 0.0)
    loading = rows @ bread[:, position]
    adjusted = loading + basis @ ((stretch - 1) * (basis.T @ loading))
    return float(adjusted @ residuals), float(adjusted @ adjusted), rows.T @ adjusted


def _t_statistics(scores: Floats, grams: Floats, direction: Floats, column: int) -> Floats:
    """Clustered t-statistics (draws) of one coefficient after a Newton step from each draw's scores (d x G x p)."""
    steps = scores.sum(axis=1) @ direction
    on_column = direction[:, column]
    remaining = scores @ on_column - steps @ np.einsum("gpq,q->pg", grams, on_column)
    variance = (remaining**2).sum(axis=1)
    statistics: Floats = steps[:, column] / np.sqrt(np.maximum(variance, np.finfo(float).tiny))
    return statistics
