"""Rate ratio after the index date between weighted groups that balance exactly: doubly robust, errors by person."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluation.estimation.clustering import clustered_variances, group_numbers
from evaluation.estimation.rate_ratios import RateRatio, rate_with_influence, sample_of, standard_error
from evaluation.regression import Floats, independent_columns, inverse_gram

ESTIMATOR = "weighted_cohort"
ATT, ATO = "att", "ato"  # the effect in the cases, and in the overlap population
LARGEST_LEVERAGE = 0.95  # of a row alone in its kind, which has no residual to enlarge
LARGEST_IMBALANCE = 1e-3  # in the cases' standard deviations: weights balance exactly or they are other weights

Booleans = NDArray[np.bool_]


class UnbalancedWeightsError(ValueError):
    """The weights do not balance what they are said to balance."""


@dataclass(frozen=True, kw_only=True)
class WeightedDesign:
    """Weighted people and what their weights balance, comparison people first, ready for any of their outcomes.

    `order` (n) are the rows as given, in the order of all else: `is_treated`, `weights` (n, 1 for cases of `att`),
    `balanced` (n x b, with intercept), `person_numbers`. `slopes` (n) say how the log of a weight follows the log odds
    of being a case: by 1 for comparison people and not at all for cases of `att`. `bread` (b x b) is the inverse of
    balanced' x diag(|slopes| x weights) x balanced, `leverages` (n) the share of a row's outcome that its own
    expectation takes from it.
    """

    order: NDArray[np.intp]
    is_treated: Booleans
    weights: Floats
    slopes: Floats
    estimand: str
    balanced: Floats
    bread: Floats
    leverages: Floats
    person_numbers: NDArray[np.intp]

    @property
    def comparison_rows(self) -> int:
        """How many rows are comparison people's."""
        return int(np.count_nonzero(~self.is_treated))


def weighted_cohort(
    *,
    counts: ArrayLike,
    person_years: ArrayLike,
    is_treated: ArrayLike,
    weights: ArrayLike,
    balanced: ArrayLike,
    person_ids: ArrayLike,
) -> RateRatio:
    """The effect on the cases' rate: their own over the rate they would have had, from weighted comparison people.

    `counts`, `person_years` (n) after the index date; `is_treated` (n); `weights` (n) are entropy-balancing
    weights of the comparison people (the cases' are not used; any scale) and `balanced` (n x b) what they balance,
    without intercept; `person_ids` (n), since a person may stand in the pool at several index dates.

    Estimand: the average effect on the treated, as a ratio of rates per person-year alive and observed. Because the
    weights balance exactly, a linear regression of the outcome on `balanced` would change nothing: it is in the
    estimate already. Doubly robust therefore: right if either the log odds of enrolment or the outcome is linear
    in `balanced` (Hainmueller 2012; Zhao and Percival 2017), which is why squares and products stand in it. Assumes
    no hidden confounder, overlap, and person-time that the pilot does not change.

    Errors: with w = exp(lambda'x) on the comparison people, solve together (M-estimation, Stefanski and Boos 2002)
      sum_0 w x - sum_1 x = 0,   R1 = sum_1 y / sum_1 t,   R0 = sum_0 w y / sum_0 w t.
    With e = y - R0 t, K = sum_0 w x x' and C = sum_0 w e x', a person adds to sum_0 w t (R0's estimate - R0)
    w e, less C K^-1 times w x (of a comparison person) or -x (of a case). R0 is what a weighted linear regression on x
    expects at the cases' means, and follows the outcomes of single people of great weight; a comparison person's
    influence is therefore divided by the root of one less its leverage w x'K^-1 x (HC2: MacKinnon and White 1985). The
    influences on both rates are summed by person, factor G/(G-1).

    Raises `UnbalancedWeightsError`, and `NotEstimableError` where a group has no events or no person-time.

    By hand: nothing balanced, unit weights, cases 1 event in 2 years, others 1 in 1: log(0.5 / 1) = -0.693.
    """
    design = weighted_design(is_treated=is_treated, weights=weights, balanced=balanced, person_ids=person_ids)
    return weighted_rate_ratio(design, counts=counts, person_years=person_years)


def weighted_design(
    *,
    is_treated: ArrayLike,
    weights: ArrayLike,
    balanced: ArrayLike,
    person_ids: ArrayLike,
    estimand: str = ATT,
) -> WeightedDesign:
    """What all outcomes of the same people share, with the arguments of `weighted_cohort`; raises as it does.

    With `ato`, `weights` (n) are those of cases too: everyone's probability of being in the other group by a logistic
    regression on `balanced` by maximum likelihood, whose score equations are the balance (Li, Morgan and Zaslavsky
    2018, Journal of the American Statistical Association 113). The effect is then that in the overlap population,
    where people count the more, the nearer their chances were to even; errors as in `weighted_cohort`, with weights
    1 - e of cases and e of comparison people, log weights that fall by e and rise by 1 - e with the log odds, and so
    leverages e (1 - e) x'K^-1 x with K = sum e (1 - e) x x' over everyone.

    Columns are taken less the cases' means: the same weights, better conditioned.
    """
    treated = np.asarray(is_treated, dtype=bool)
    order = np.argsort(treated, kind="stable")
    w, slopes = (values[order] for values in _weights_and_slopes(weights, treated, estimand))
    x = _centred(balanced, treated, order)
    _refuse_imbalance(x, w, treated[order])
    responses = np.abs(slopes) * w
    kept = independent_columns(x, responses)
    x = x if kept.size == x.shape[1] else x[:, kept]
    bread = inverse_gram(x, responses)
    return WeightedDesign(
        order=order,
        is_treated=treated[order],
        weights=w,
        slopes=slopes,
        estimand=estimand,
        balanced=x,
        bread=bread,
        leverages=np.minimum(responses * np.einsum("ij,ij->i", x @ bread, x), LARGEST_LEVERAGE),
        person_numbers=group_numbers(person_ids)[order],
    )


def weighted_rate_ratio(design: WeightedDesign, *, counts: ArrayLike, person_years: ArrayLike) -> RateRatio:
    """The effect on one outcome, as `weighted_cohort` has it; `counts` and `person_years` (n) as the design was given.

    Someone whose count is not known has no person-years: the weights stay, the rates are of those who are known.
    """
    y, t = (np.asarray(values, dtype=float)[design.order] for values in (counts, person_years))
    people = design.person_numbers
    rate, on_rate = rate_with_influence(y, t, np.where(design.is_treated, design.weights, 0.0))
    without, on_without = rate_with_influence(y, t, np.where(design.is_treated, 0.0, design.weights))
    known = np.column_stack([on_rate / rate - on_without / without, on_rate - on_without])
    variances = clustered_variances(with_weights_estimated(design, known), people)
    return RateRatio(
        estimator=ESTIMATOR,
        estimand=design.estimand,
        log_rate_ratio=math.log(rate / without),
        standard_error=standard_error(variances[0]),
        rate=rate,
        rate_without=without,
        change=rate - without,
        change_standard_error=standard_error(variances[1]),
        sample=sample_of(
            counts=y, is_treated=design.is_treated, person_years=t, weights=design.weights, person_ids=people
        ),
    )


def with_weights_estimated(design: WeightedDesign, influences: Floats) -> Floats:
    """What rows add (n, or n x k) to estimates from the weighted people, the weights being estimated too.

    `influences` are what they would add with known weights. In the notation of `weighted_cohort`: less (C K^-1) times
    w x of a comparison person or -w x of a case (w = 1 there), with C = sum influence slope x', over the root of one
    less the row's leverage.
    """
    x, several = design.balanced, influences.ndim > 1
    moved = np.where(design.is_treated, -design.weights, design.weights)
    slopes, moved, left = (
        values[:, None] if several else values for values in (design.slopes, moved, np.sqrt(1 - design.leverages))
    )
    by_weights = x @ (design.bread @ (x.T @ (influences * slopes)))
    found: Floats = (influences - by_weights * moved) / left
    return found


def _weights_and_slopes(weights: ArrayLike, treated: Booleans, estimand: str) -> tuple[Floats, Floats]:
    """Everyone's weight, and how its log follows the log odds of being a case."""
    given = np.asarray(weights, dtype=float)
    if estimand == ATT:
        return np.where(treated, 1.0, _case_numbers(given, treated)), np.where(treated, 0.0, 1.0)
    if not ((given >= 0) & (given <= 1)).all():
        raise UnbalancedWeightsError("weights: expected probabilities of being in the other group, from 0 to 1")
    return given, np.where(treated, given - 1, 1 - given)


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
    gap = np.abs(np.where(treated, -weights, weights) @ balanced[:, 1:]) / weights[treated].sum()
    unbalanced = np.flatnonzero(gap > LARGEST_IMBALANCE * np.where(spread > 0, spread, 1.0))
    if unbalanced.size:
        raise UnbalancedWeightsError(
            f"weights: columns {unbalanced.tolist()} of balanced have other weighted means among cases than among "
            "comparison people; expected weights that balance exactly these columns"
        )
