"""Rate ratio after the index date against a weighted comparison pool: doubly robust, errors by person."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_factor, cho_solve

from evaluation.estimation.clustering import clustered_variance
from evaluation.estimation.rate_ratios import RateRatio, rate_with_influence, sample_of, standard_error
from evaluation.estimation.regression import (
    Floats,
    NotEstimableError,
    Regression,
    independent_columns,
    poisson_regression,
    weighted_gram,
    with_intercept,
)

ESTIMATOR = "weighted_cohort"
ESTIMAND = "att"
LARGEST_IMBALANCE = 1e-3  # in the cases' standard deviations: weights balance exactly or they are other weights

Booleans = NDArray[np.bool_]


class UnbalancedWeightsError(ValueError):
    """The weights do not balance what they are said to balance."""


def weighted_cohort(
    *,
    counts: ArrayLike,
    person_years: ArrayLike,
    is_treated: ArrayLike,
    weights: ArrayLike,
    balanced: ArrayLike,
    covariates: ArrayLike,
    person_ids: ArrayLike,
) -> RateRatio:
    """The effect on the cases' rate: their own over the rate they would have had, from weighted comparison people.

    `counts`, `person_years` (n) after the index date; `is_treated` (n); `weights` (n) are entropy-balancing
    weights of the comparison people (the cases' are not used; any scale), `balanced` (n x b) what they balance
    and `covariates` (n x p) the outcome model's columns, both without intercept; `person_ids` (n), since a person
    may stand in the pool at several index dates.

    Estimand: the average effect on the treated, as a ratio of rates per person-year alive and observed.
    Poisson regression of the comparison people's counts, weighted and with person-time as exposure, predicts
    the cases' counts; their sum over person-years is the rate without the pilot. Doubly robust: right if either the
    log odds of enrolment are linear in `balanced`, or log rates in `covariates`, because the weighted
    residuals of a canonical regression sum to zero (Robins, Rotnitzky and Zhao 1994; Hainmueller 2012; Zhao and
    Percival 2017). Assumes no hidden confounder, overlap, and person-time that the pilot does not change.

    Errors: with w = exp(lambda'x) on the comparison people, solve together (M-estimation, Stefanski and Boos 2002)
      sum_0 w x - sum_1 x = 0,   sum_0 w z (y - t m) = 0,   m = exp(beta'z),
      R1 = sum_1 y / sum_1 t,    R0 = sum_1 t m / sum_1 t.
    With K = sum_0 w x x', H = sum_0 w t m z z', C = sum_0 w (y - t m) z x', d = sum_1 t m z, v = H^-1 d, a person
    adds to sum_1 t m: t m if a case, and v' [w z (y - t m)] - (v' C K^-1) [w x, or -x if a case]; dividing and
    subtracting the rate gives the influence on R0. Both influences are summed by person, factor G/(G-1).

    Raises `UnbalancedWeightsError`, and `NotEstimableError` where a group has no events or no person-time, or a
    covariate varies among cases only.

    By hand: no covariates, unit weights, cases 1 event in 2 years, others 1 in 1: log(0.5 / 1) = -0.693.
    """
    y, t, w = (np.asarray(values, dtype=float) for values in (counts, person_years, weights))
    treated = np.asarray(is_treated, dtype=bool)
    w = _case_numbers(w, treated)
    x, z = _centred(balanced, treated), _centred(covariates, treated)
    _refuse_imbalance(x, w, treated)
    model = _outcome_model(y, t, z, w, treated)
    rate, on_rate = rate_with_influence(y, t, treated.astype(float))
    without, on_without = _rate_without(model, t, w, x, z[:, model.kept], treated)
    on_change, on_log = on_rate - on_without, on_rate / rate - on_without / without
    return RateRatio(
        estimator=ESTIMATOR,
        estimand=ESTIMAND,
        log_rate_ratio=math.log(rate / without),
        standard_error=standard_error(clustered_variance(on_log, person_ids)),
        rate=rate,
        rate_without=without,
        change=rate - without,
        change_standard_error=standard_error(clustered_variance(on_change, person_ids)),
        sample=sample_of(counts=y, is_treated=treated, person_years=t, weights=w, person_ids=person_ids),
    )


def _case_numbers(weights: Floats, treated: Booleans) -> Floats:
    """Weights of the comparison people that sum to the number of cases; zero for the cases."""
    others = np.where(treated, 0.0, weights)
    if not np.isfinite(others).all() or (others < 0).any() or others.sum() <= 0:
        raise UnbalancedWeightsError("weights: expected finite values, zero or more, of which some are above zero")
    scaled: Floats = others * (treated.sum() / others.sum())
    return scaled


def _centred(columns: ArrayLike, treated: Booleans) -> Floats:
    """Design with intercept, columns less the cases' means: the same model, better conditioned."""
    matrix = np.asarray(columns, dtype=float)
    return with_intercept(matrix - matrix[treated].mean(axis=0))


def _refuse_imbalance(balanced: Floats, weights: Floats, treated: Booleans) -> None:
    spread = balanced[treated, 1:].std(axis=0)
    gap = np.abs(weights @ balanced[:, 1:]) / treated.sum()
    unbalanced = np.flatnonzero(gap > LARGEST_IMBALANCE * np.where(spread > 0, spread, 1.0))
    if unbalanced.size:
        raise UnbalancedWeightsError(
            f"weights: columns {unbalanced.tolist()} of balanced have other means among cases than among weighted "
            "comparison people; expected entropy-balancing weights of exactly these columns"
        )


def _outcome_model(y: Floats, t: Floats, z: Floats, w: Floats, treated: Booleans) -> Regression:
    others = ~treated
    model = poisson_regression(y[others], z[others], exposure=t[others], weights=w[others])
    if independent_columns(z, np.where(treated, t, w * t)).size > model.kept.size:
        raise NotEstimableError("a covariate varies among cases but not among comparison people: no overlap")
    return model


def _rate_without(
    model: Regression, t: Floats, w: Floats, x: Floats, z: Floats, treated: Booleans
) -> tuple[float, Floats]:
    expected = np.where(treated, t * np.exp(z @ model.coefficients), 0.0)
    years = float(t[treated].sum())
    without = float(expected.sum()) / years
    on_coefficients = model.bread @ (z.T @ expected)
    residuals = np.zeros_like(t)
    residuals[~treated] = model.score_residuals
    by_outcome_model = (z @ on_coefficients) * residuals
    x = x[:, independent_columns(x, w)]
    slope = x.T @ by_outcome_model
    by_weights = (x @ cho_solve(cho_factor(weighted_gram(x, w)), slope)) * np.where(treated, -1.0, w)
    own = np.where(treated, expected - without * t, 0.0)
    return without, (own + by_outcome_model - by_weights) / years
