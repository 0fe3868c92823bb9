"""Whether effects differ with what sites are like: random-effects meta-regression, Knapp-Hartung errors."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi2

from evaluation.estimation.intervals import quantile, two_sided_p
from evaluation.estimation.pooling import reml_tau2
from evaluation.regression import Floats

FEWEST_SITES_PER_COEFFICIENT = 10
DEPENDENT = 1e-10  # smallest over largest singular value from which on columns say the same


@dataclass(frozen=True, kw_only=True)
class Coefficient:
    """A term on the scale of the estimates (log rate ratios), with its 95% interval."""

    name: str
    estimate: float
    standard_error: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True, kw_only=True)
class MetaRegression:
    """The intercept, a coefficient per moderator, and what is left between sites.

    `knapp_hartung_factor` is what the errors of the model with known variances were multiplied by; `q` is the
    residual heterogeneity, chi-square with `degrees_of_freedom` if there is none.
    """

    intercept: Coefficient
    coefficients: tuple[Coefficient, ...]
    tau2: float
    q: float
    q_p_value: float
    degrees_of_freedom: int
    knapp_hartung_factor: float


def enough_sites(sites: int, coefficients: int) -> bool:
    """Whether there are ten sites a coefficient, the intercept not counted (Cochrane Handbook 6.5, 10.11.5.1)."""
    return sites >= FEWEST_SITES_PER_COEFFICIENT * coefficients


def meta_regression(
    estimates: ArrayLike, standard_errors: ArrayLike, moderators: ArrayLike, *, names: Sequence[str]
) -> MetaRegression:
    """Effects of k sites regressed on p moderators (k x p), with random effects between sites.

    `estimates` are log rate ratios (k), `standard_errors` theirs (k, above zero), `names` those of the columns of
    `moderators`; an intercept is added. Variance left between sites by restricted maximum likelihood; errors by Knapp
    and Hartung (2003) with t of k - p - 1 degrees of freedom, their factor never below 1. Assumes sites' errors
    independent, and effects normal around the line. Sites were not assigned what they are like: a coefficient is a
    difference between sites, not an effect.

    Raises `ValueError` with fewer than ten sites a coefficient, and where columns say the same as others.

    By hand: effects 0 at five sites and 0.2 at five others, all with error 0.1: slope 0.2, tau2 0 since sites of a kind
    are alike, error 0.1 x sqrt(1/5 + 1/5) = 0.0632.
    """
    y, errors, x = (np.asarray(values, dtype=float) for values in (estimates, standard_errors, moderators))
    design = _design(y, errors, x, names)
    v = errors**2
    tau2 = reml_tau2(y, v, design)
    bread, beta = _fit(y, 1 / (v + tau2), design)
    freedom = y.size - design.shape[1]
    residuals = y - design @ beta
    factor = math.sqrt(max(1.0, float(residuals**2 @ (1 / (v + tau2))) / freedom))
    found = [
        _coefficient(name, float(value), factor * math.sqrt(float(variance)), freedom)
        for name, value, variance in zip(("intercept", *names), beta, np.diag(bread), strict=True)
    ]
    fixed = y - design @ _fit(y, 1 / v, design)[1]
    q = float(fixed**2 @ (1 / v))
    return MetaRegression(
        intercept=found[0],
        coefficients=tuple(found[1:]),
        tau2=tau2,
        q=q,
        q_p_value=float(chi2.sf(q, freedom)),
        degrees_of_freedom=freedom,
        knapp_hartung_factor=factor,
    )


def _fit(y: Floats, weights: Floats, design: Floats) -> tuple[Floats, Floats]:
    bread = np.asarray(np.linalg.inv(design.T @ (weights[:, None] * design)), dtype=np.float64)
    return bread, bread @ design.T @ (weights * y)


def _coefficient(name: str, estimate: float, error: float, freedom: int) -> Coefficient:
    margin = quantile(freedom) * error
    return Coefficient(
        name=name,
        estimate=estimate,
        standard_error=error,
        low=estimate - margin,
        high=estimate + margin,
        p_value=two_sided_p(estimate / error, freedom),
    )


def _design(y: Floats, errors: Floats, x: Floats, names: Sequence[str]) -> Floats:
    if x.ndim != 2 or not y.size == errors.size == x.shape[0] or x.shape[1] != len(names):
        raise ValueError("expected a row of moderators a site and a name a column")
    if not all(np.isfinite(values).all() for values in (y, errors, x)) or not (errors > 0).all():
        raise ValueError("expected finite effects and moderators and errors above zero; leave out sites without them")
    if not names or not enough_sites(y.size, len(names)):
        raise ValueError(f"expected {FEWEST_SITES_PER_COEFFICIENT} sites a coefficient or more")
    design = np.column_stack([np.ones(y.size), x])
    lengths = np.linalg.norm(design, axis=0)
    singular = np.linalg.svd(design / np.where(lengths > 0, lengths, 1.0), compute_uv=False)
    if singular[-1] < DEPENDENT * singular[0]:
        raise ValueError("moderators: a column says the same for all sites, or the same as others")
    return design
