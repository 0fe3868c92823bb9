"""Rate ratio after the index date against a weighted comparison pool: doubly robust, errors by person."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluation.estimation.clustering import clustered_variance, group_numbers
from evaluation.estimation.rate_ratios import RateRatio, rate_with_influence, sample_of, standard_error
from evaluation.regression import (
    Floats,
    NotEstimableError,
    Regression,
    independent_columns,
    inverse_gram,
    poisson_regression,
)

ESTIMATOR = "weighted_cohort"
ESTIMAND = "att"
PEOPLE_WITH_EVENTS_PER_COLUMN = 5.0  # fewer, and a regression of counts follows single people
LARGEST_IMBALANCE = 1e-3  # in the cases' standard deviations: weights balance exactly or they are other weights

Booleans = NDArray[np.bool_]


class UnbalancedWeightsError(ValueError):
    """The weights do not balance what they are said to balance."""


@dataclass(frozen=True, kw_only=True)
class WeightedDesign:
    """Weighted people and their covariates, comparison people first, ready for any of their outcomes.

    `order` (n) are the rows as given, in the order of all else: `is_treated`, `weights` (0 for cases), `balanced`
    (n x b) and `covariates` (n x p) with intercept, `person_numbers`. `bread` (b x b) is the inverse of
    balanced' x diag(weights) x balanced.
    """

    order: NDArray[np.intp]
    is_treated: Booleans
    weights: Floats
    balanced: Floats
    covariates: Floats
    bread: Floats
    person_numbers: NDArray[np.intp]

    @property
    def comparison_rows(self) -> int:
        """How many rows are comparison people's."""
        return int(np.count_nonzero(~self.is_treated))


@dataclass(frozen=True, kw_only=True)
class RateWithout:
    """The cases' rate per person-year without the pilot, and what each row of a design adds to it (n)."""

    rate: float
    influences: Floats


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
    and `covariates` (n x p) the outcome model's columns, the first ones first, both without intercept; `person_ids`
    (n), since a person may stand in the pool at several index dates. The model takes one column for every five
    comparison people with events (in effect), and leaves the last ones to the weights.

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
    design = weighted_design(
        is_treated=is_treated, weights=weights, balanced=balanced, covariates=covariates, person_ids=person_ids
    )
    return weighted_rate_ratio(design, counts=counts, person_years=person_years)


def weighted_design(
    *,
    is_treated: ArrayLike,
    weights: ArrayLike,
    balanced: ArrayLike,
    covariates: ArrayLike,
    person_ids: ArrayLike,
) -> WeightedDesign:
    """What all outcomes of the same people share, with the arguments of `weighted_cohort`; raises as it does.

    Columns are taken less the cases' means: the same models, better conditioned. `balanced` and `covariates` are
    held once if they are the same matrix.
    """
    treated = np.asarray(is_treated, dtype=bool)
    order = np.argsort(treated, kind="stable")
    w = _case_numbers(np.asarray(weights, dtype=float), treated)[order]
    x = _centred(balanced, treated, order)
    z = x if covariates is balanced else _centred(covariates, treated, order)
    _refuse_imbalance(x, w, treated[order])
    kept = independent_columns(x, w)
    x = x if kept.size == x.shape[1] else x[:, kept]
    return WeightedDesign(
        order=order,
        is_treated=treated[order],
        weights=w,
        balanced=x,
        covariates=z,
        bread=inverse_gram(x, w),
        person_numbers=group_numbers(person_ids)[order],
    )


def weighted_rate_ratio(design: WeightedDesign, *, counts: ArrayLike, person_years: ArrayLike) -> RateRatio:
    """The effect on one outcome, as `weighted_cohort` has it; `counts` and `person_years` (n) as the design was given.

    Someone whose count is not known has no person-years: the weights stay, the model speaks for those who are known.
    """
    without = rate_without_pilot(design, counts=counts, person_years=person_years)
    return against_rate_without(design, without, counts=counts, person_years=person_years)


def rate_without_pilot(design: WeightedDesign, *, counts: ArrayLike, person_years: ArrayLike) -> RateWithout:
    """The cases' rate as it would have been, for which their own counts are not looked at."""
    y, t = (np.asarray(values, dtype=float)[design.order] for values in (counts, person_years))
    return _rate_without(_outcome_model(y, t, design), t, design)


def against_rate_without(
    design: WeightedDesign, without: RateWithout, *, counts: ArrayLike, person_years: ArrayLike
) -> RateRatio:
    """The cases' rate over the one without the pilot, `without` from the same people and person-years."""
    y, t = (np.asarray(values, dtype=float)[design.order] for values in (counts, person_years))
    rate, on_rate = rate_with_influence(y, t, design.is_treated.astype(float))
    on_change, on_log = on_rate - without.influences, on_rate / rate - without.influences / without.rate
    people = design.person_numbers
    return RateRatio(
        estimator=ESTIMATOR,
        estimand=ESTIMAND,
        log_rate_ratio=math.log(rate / without.rate),
        standard_error=standard_error(clustered_variance(on_log, people)),
        rate=rate,
        rate_without=without.rate,
        change=rate - without.rate,
        change_standard_error=standard_error(clustered_variance(on_change, people)),
        sample=sample_of(
            counts=y, is_treated=design.is_treated, person_years=t, weights=design.weights, person_ids=people
        ),
    )


def _case_numbers(weights: Floats, treated: Booleans) -> Floats:
    """Weights of the comparison people that sum to the number of cases; zero for the cases."""
    others = np.where(treated, 0.0, weights)
    if not np.isfinite(others).all() or (others < 0).any() or others.sum() <= 0:
        raise UnbalancedWeightsError("weights: expected finite values, zero or more, of which some are above zero")
    scaled: Floats = others * (treated.sum() / others.sum())
    return scaled


def _centred(columns: ArrayLike, treated: Booleans, order: NDArray[np.intp]) -> Floats:
    """An intercept and the columns less the cases' means, comparison people first."""
    matrix = np.asarray(columns, dtype=float)
    design = np.ones((matrix.shape[0], matrix.shape[1] + 1))
    design[:, 1:] = matrix[order]
    design[:, 1:] -= matrix[treated].mean(axis=0)
    return design


def _refuse_imbalance(balanced: Floats, weights: Floats, treated: Booleans) -> None:
    spread = balanced[treated, 1:].std(axis=0)
    gap = np.abs(weights @ balanced[:, 1:]) / treated.sum()
    unbalanced = np.flatnonzero(gap > LARGEST_IMBALANCE * np.where(spread > 0, spread, 1.0))
    if unbalanced.size:
        raise UnbalancedWeightsError(
            f"weights: columns {unbalanced.tolist()} of balanced have other means among cases than among weighted "
            "comparison people; expected entropy-balancing weights of exactly these columns"
        )


def _outcome_model(y: Floats, t: Floats, design: WeightedDesign) -> Regression:
    w, others = design.weights, slice(0, design.comparison_rows)
    z = design.covariates[:, : _columns_carried(y[others], w[others])]
    model = poisson_regression(y[others], z[others], exposure=t[others], weights=w[others])
    if model.kept.size < z.shape[1]:
        among_all = independent_columns(z, np.where(design.is_treated, t, w * t))
        if among_all.size > model.kept.size:
            raise NotEstimableError("a covariate varies among cases but not among comparison people: no overlap")
    return model


def _columns_carried(y: Floats, w: Floats) -> int:
    """How many columns, intercept included, the comparison people with events can carry, by Kish's number of them."""
    theirs = w[y > 0]
    squares = float(theirs @ theirs)
    effective = float(theirs.sum()) ** 2 / squares if squares > 0 else 0.0
    return 1 + int(effective / PEOPLE_WITH_EVENTS_PER_COLUMN)


def _rate_without(model: Regression, t: Floats, design: WeightedDesign) -> RateWithout:
    treated, x = design.is_treated, design.balanced
    z = design.covariates if model.kept.size == design.covariates.shape[1] else design.covariates[:, model.kept]
    expected = np.where(treated, t * np.exp(np.where(treated, z @ model.coefficients, 0.0)), 0.0)
    years = float(t[treated].sum())
    without = float(expected.sum()) / years
    if not 0 < without < np.inf:
        raise NotEstimableError("the rate without the pilot can't be predicted for these people")
    on_coefficients = model.bread @ (z.T @ expected)
    residuals = np.zeros_like(t)
    residuals[: design.comparison_rows] = model.score_residuals
    by_outcome_model = (z @ on_coefficients) * residuals
    slope = x.T @ by_outcome_model
    by_weights = (x @ (design.bread @ slope)) * np.where(treated, -1.0, design.weights)
    own = np.where(treated, expected - without * t, 0.0)
    return RateWithout(rate=without, influences=(own + by_outcome_model - by_weights) / years)
