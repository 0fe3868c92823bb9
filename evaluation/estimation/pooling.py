"""Effects across sites: random effects by restricted maximum likelihood, Hartung-Knapp intervals, shrunken sites."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.stats import chi2

from evaluation.estimation.intervals import CONFIDENCE_LEVEL, quantile, two_sided_p
from evaluation.regression import Floats

FEWEST_FOR_PREDICTION = 3
LARGEST_TAU2 = 1e6  # in units of the sites' mean variance


@dataclass(frozen=True, kw_only=True)
class Heterogeneity:
    """How far sites differ beyond chance: variance between sites with its 95% interval, Cochran's Q, I2, H2."""

    tau2: float
    tau2_low: float
    tau2_high: float
    q: float
    q_p_value: float
    i2_pct: float
    h2: float


@dataclass(frozen=True, kw_only=True)
class SiteEffect:
    """One site's own estimate, and the same drawn towards the mean by how uncertain it is."""

    site: str
    estimate: float
    standard_error: float
    shrunken: float
    shrunken_low: float
    shrunken_high: float


@dataclass(frozen=True, kw_only=True)
class PooledEffect:
    """The mean effect over sites, on the scale of the estimates (log rate ratios).

    `fixed_*` is the common effect of these sites; `low`, `high` of the mean are Hartung-Knapp and never
    narrower than the fixed ones; `prediction_*` is for a new site, None with fewer than three.
    """

    estimate: float
    standard_error: float
    low: float
    high: float
    p_value: float
    fixed_estimate: float
    fixed_standard_error: float
    fixed_low: float
    fixed_high: float
    prediction_low: float | None
    prediction_high: float | None
    heterogeneity: Heterogeneity
    sites: tuple[SiteEffect, ...]


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """The mean effect without one site."""

    site: str
    estimate: float
    low: float
    high: float
    tau2: float


def pooled_effect(estimates: ArrayLike, standard_errors: ArrayLike, *, sites: Sequence[str]) -> PooledEffect:
    """Random-effects mean of site effects with everything that is said about it.

    `estimates` (k, log rate ratios), `standard_errors` (k, above zero), `sites` (k names); two sites or more.
    Variance between sites by restricted maximum likelihood; the error is Hartung and Knapp's (2001) with t of
    k-1 degrees of freedom, its factor never below 1 and the error never below the fixed one (Roever, Knapp and
    Friede 2015); prediction interval with t of k-2 (Higgins, Thompson and Spiegelhalter 2009); interval of
    tau2 by Q-profile (Viechtbauer 2007); I2 against the typical variance within sites (Higgins and Thompson
    2002); sites shrunk by empirical Bayes. Assumes sites' errors independent, effects normal around their mean.
    Raises `ValueError` where an estimate or error is missing.

    By hand: 0 and 0.2, both with error 0.1: mean 0.1; Q = 2, tau2 = 0.02 - 0.01 = 0.01.
    """
    y, v = _checked(estimates, standard_errors, sites)
    tau2 = reml_tau2(y, v)
    weights = 1 / (v + tau2)
    mean, k = _mean(y, weights), y.size
    fixed, fixed_error = _mean(y, 1 / v), math.sqrt(1 / float((1 / v).sum()))
    spread = float(weights @ (y - mean) ** 2) / (k - 1)
    error = max(math.sqrt(max(1.0, spread) / float(weights.sum())), fixed_error)
    margin = quantile(k - 1) * error
    beyond = quantile(k - 2) * math.sqrt(tau2 + error**2) if k >= FEWEST_FOR_PREDICTION else None
    return PooledEffect(
        estimate=mean,
        standard_error=error,
        low=mean - margin,
        high=mean + margin,
        p_value=two_sided_p(mean / error, k - 1),
        fixed_estimate=fixed,
        fixed_standard_error=fixed_error,
        fixed_low=fixed - quantile() * fixed_error,
        fixed_high=fixed + quantile() * fixed_error,
        prediction_low=None if beyond is None else mean - beyond,
        prediction_high=None if beyond is None else mean + beyond,
        heterogeneity=_heterogeneity(y, v, tau2),
        sites=tuple(_shrunken(y, v, tau2, mean, error, sites)),
    )


def leave_one_out(estimates: ArrayLike, standard_errors: ArrayLike, *, sites: Sequence[str]) -> tuple[LeftOut, ...]:
    """The pooled effect without each site in turn; three sites or more."""
    y, errors = np.asarray(estimates, dtype=float), np.asarray(standard_errors, dtype=float)
    found = []
    for position, site in enumerate(sites):
        others = np.arange(y.size) != position
        rest = [name for name in sites if name != site]
        pooled = pooled_effect(y[others], errors[others], sites=rest)
        tau2 = pooled.heterogeneity.tau2
        found.append(LeftOut(site=site, estimate=pooled.estimate, low=pooled.low, high=pooled.high, tau2=tau2))
    return tuple(found)


def reml_tau2(y: Floats, v: Floats, design: Floats | None = None) -> float:
    """Variance between sites by restricted maximum likelihood, zero where that is the most likely (Viechtbauer 2005).

    `design` (k x p) are the columns that effects are regressed on; one of ones, where there is none. The score in
    tau2 is solved by bracketing from every sign change on a grid, and the most likely root or zero is taken: Fisher
    scoring alone can stop at the wrong one.
    """
    x = np.ones((y.size, 1)) if design is None else design
    scale = float(v.mean()) + float(np.var(y))
    grid = np.concatenate([[0.0], np.geomspace(1e-8, 1e4, 121)]) * scale
    scores = [_reml_score(tau2, y, v, x) for tau2 in grid]
    roots = [0.0]
    for low, high, at_low, at_high in zip(grid[:-1], grid[1:], scores[:-1], scores[1:], strict=True):
        if at_low > 0 >= at_high:
            roots.append(float(brentq(_reml_score, low, high, args=(y, v, x), xtol=1e-15 * scale, rtol=1e-14)))
    return max(roots, key=lambda tau2: _restricted_likelihood(tau2, y, v, x))


def _reml_score(tau2: float, y: Floats, v: Floats, x: Floats) -> float:
    w = 1 / (v + tau2)
    weighted = w[:, None] * x
    bread = np.linalg.inv(x.T @ weighted)
    residuals = y - x @ (bread @ (weighted.T @ y))
    return float((w**2) @ residuals**2 - w.sum() + np.trace(bread @ (weighted.T @ weighted))) / 2


def _restricted_likelihood(tau2: float, y: Floats, v: Floats, x: Floats) -> float:
    w = 1 / (v + tau2)
    weighted = w[:, None] * x
    cross = x.T @ weighted
    residuals = y - x @ np.linalg.solve(cross, weighted.T @ y)
    return float(np.log(w).sum() - np.linalg.slogdet(cross)[1] - w @ residuals**2) / 2


def _mean(y: Floats, weights: Floats) -> float:
    return float(weights @ y / weights.sum())


def _heterogeneity(y: Floats, v: Floats, tau2: float) -> Heterogeneity:
    k, w = y.size, 1 / v
    q = _q(0.0, y, v)
    typical = (k - 1) * float(w.sum()) / float(w.sum() ** 2 - w @ w)
    tail = (1 - CONFIDENCE_LEVEL) / 2
    return Heterogeneity(
        tau2=tau2,
        tau2_low=_profile(y, v, float(chi2.isf(tail, k - 1))),
        tau2_high=_profile(y, v, float(chi2.ppf(tail, k - 1))),
        q=q,
        q_p_value=float(chi2.sf(q, k - 1)),
        i2_pct=100 * tau2 / (tau2 + typical),
        h2=tau2 / typical + 1,
    )


def _q(tau2: float, y: Floats, v: Floats) -> float:
    w = 1 / (v + tau2)
    return float(w @ (y - _mean(y, w)) ** 2)


def _profile(y: Floats, v: Floats, level: float) -> float:
    """The variance between sites at which the generalised Q has this value; zero if it never reaches it."""
    if _q(0.0, y, v) <= level:
        return 0.0
    largest = LARGEST_TAU2 * (float(v.mean()) + float(np.var(y)))
    return float(brentq(lambda tau2: _q(tau2, y, v) - level, 0.0, largest, xtol=1e-14 * largest, rtol=1e-13))


def _shrunken(y: Floats, v: Floats, tau2: float, mean: float, error: float, sites: Sequence[str]) -> list[SiteEffect]:
    kept = tau2 / (tau2 + v)
    best = kept * y + (1 - kept) * mean
    margins = quantile(y.size - 1) * np.sqrt(kept * v + ((1 - kept) * error) ** 2)
    return [
        SiteEffect(
            site=site,
            estimate=float(y[i]),
            standard_error=math.sqrt(float(v[i])),
            shrunken=float(best[i]),
            shrunken_low=float(best[i] - margins[i]),
            shrunken_high=float(best[i] + margins[i]),
        )
        for i, site in enumerate(sites)
    ]


def _checked(estimates: ArrayLike, standard_errors: ArrayLike, sites: Sequence[str]) -> tuple[Floats, Floats]:
    y, errors = np.asarray(estimates, dtype=float), np.asarray(standard_errors, dtype=float)
    if y.size < 2 or not y.size == errors.size == len(sites) == len(set(sites)):
        raise ValueError("expected two sites or more, each once, with an estimate and a standard error")
    if not (np.isfinite(y).all() and np.isfinite(errors).all() and (errors > 0).all()):
        raise ValueError("expected finite estimates and standard errors above zero; leave out sites without them")
    return y, errors**2
