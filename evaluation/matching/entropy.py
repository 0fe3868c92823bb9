"""Entropy balancing: the least uneven weights under which comparison people have the cases' means."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from evaluation.matching.design import DesignMatrix, independent_columns
from evaluation.matching.errors import MatchingError, NoOverlapError
from evaluation.regression import weighted_gram

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
TOLERANCE = 1e-8
AT_THE_EDGE = 1e-9
MOST_STEPS = 200
LEAST_STEP_SIZE = 1e-10
BEYOND_DOUBT = 1e-6
MOST_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class EntropyBalance:
    """Weights (`person_id`, `is_treated`, `weight`) and how well and how evenly they balance.

    Cases weigh 1 (or their base weight), controls add up to the cases. `largest_imbalance` is the largest
    absolute difference of means left, in standard deviations of the cohort; `effective_controls` the square of
    the controls' summed weight over the sum of its squares (Kish). Controls outside the cases' values of `edges`
    weigh 0: no case has such a value.
    """

    weights: pl.DataFrame
    largest_imbalance: float
    effective_controls: float
    largest_share: float
    edges: tuple[str, ...]


def entropy_balance(design: DesignMatrix, *, cohort: pl.DataFrame, base_weight: str | None = None) -> EntropyBalance:
    """Weights w of the controls, as near as possible to their base weights, with the cases' mean in every column.

    Minimises sum w log(w / base weight) subject to the means (Hainmueller 2012), by Newton's method on the
    dual with halved steps, until the largest difference of means is below 1e-8 standard deviations. For the effect
    among the cases, assuming that the covariates' columns are all that confounds. `cohort` has
    `person_id`, `is_treated` and, if asked for, the column `base_weight` of the same people.

    Raises `NoOverlapError` with the covariates that cannot be balanced, and `MatchingError` if an arm is empty.

    By hand: controls x = 0, 1 and a case mean of 0.75: the weights are 0.25 and 0.75 of the cases.
    """
    treated, base = design.treated(cohort), np.ones(design.person_id.len())
    if base_weight is not None:
        base = design.column_of(cohort, base_weight).cast(pl.Float64).to_numpy()
    if not (base[treated].sum() > 0 and base[~treated].sum() > 0) or (base < 0).any():
        raise MatchingError("entropy balancing needs cases and controls with weights of 0 or more, not all 0")
    gaps = design.values[~treated]  # the one copy of the pool: differences from the cases' means
    gaps -= np.average(design.values[treated], axis=0, weights=base[treated])
    is_inside, is_edge = _inside(gaps, base[~treated] > 0, design.names)
    free = gaps if is_inside.all() and not is_edge.any() else gaps[np.ix_(is_inside, ~is_edge)]
    shares = np.zeros(len(gaps))
    shares[is_inside] = _shares(free, base[~treated][is_inside])
    imbalance = np.abs(shares @ gaps)
    if imbalance.size and imbalance.max() > TOLERANCE:
        worst = np.argsort(-imbalance, kind="stable")[:MOST_NAMED]
        raise NoOverlapError(tuple(design.names[i] for i in worst if imbalance[i] > TOLERANCE))
    weights = base.copy()
    weights[~treated] = shares * base[treated].sum()
    return EntropyBalance(
        weights=pl.DataFrame({"person_id": design.person_id, "is_treated": treated, "weight": weights}),
        largest_imbalance=float(imbalance.max(initial=0.0)),
        effective_controls=float(1 / np.sum(shares**2)),
        largest_share=float(shares.max()),
        edges=tuple(name for name, edge in zip(design.names, is_edge, strict=True) if edge),
    )


def _inside(gaps: Floats, is_used: Flags, names: tuple[str, ...]) -> tuple[Flags, Flags]:
    """Controls that may have weight, and columns settled by leaving the others out.

    A mean that equals the lowest or highest value of the controls, such as that of an indicator nobody among the
    cases has, is reached only by giving weight 0 to everyone else.
    """
    is_inside, is_edge = is_used.copy(), np.zeros(gaps.shape[1], dtype=np.bool_)
    while True:
        if not is_inside.any():
            raise NoOverlapError(tuple(name for name, edge in zip(names, is_edge, strict=True) if edge))
        rows = is_inside[:, None]
        lowest = gaps.min(axis=0, where=rows, initial=np.inf)
        highest = gaps.max(axis=0, where=rows, initial=-np.inf)
        outside = (lowest > AT_THE_EDGE) | (highest < -AT_THE_EDGE)
        if outside.any():
            raise NoOverlapError(tuple(name for name, is_out in zip(names, outside, strict=True) if is_out))
        new = ((lowest >= -AT_THE_EDGE) | (highest <= AT_THE_EDGE)) & ~is_edge
        if not new.any():
            return is_inside, is_edge
        for column in np.flatnonzero(new):
            is_inside &= np.abs(gaps[:, column]) <= AT_THE_EDGE
        is_edge |= new


def _shares(gaps: Floats, base: Floats) -> Floats:
    """Shares q exp(gaps b) / sum, with b from Newton's method on the convex log sum q exp(gaps b)."""
    used = independent_columns(_moments(gaps, base / base.sum())[1])
    gaps = gaps if used.all() else gaps[:, used]
    exponent = np.log(base)
    shares, value = _weighted(exponent)
    least = float(
        exponent.min()
    )  # the value is never lower where weights exist: it is -sum of shares log(share / base)
    for _ in range(MOST_STEPS):
        gradient, information = _moments(gaps, shares)
        if np.abs(gradient).max(initial=0.0) < TOLERANCE / 100:
            break
        step = -np.linalg.lstsq(information - np.outer(gradient, gradient), gradient, rcond=1e-14)[0]
        change, slope, size = gaps @ step, float(gradient @ step), 1.0
        while size > LEAST_STEP_SIZE:
            new_shares, new_value = _weighted(exponent + size * change)
            if new_value <= value + 1e-4 * size * slope:
                break
            size /= 2
        else:
            break
        exponent, shares, value = exponent + size * change, new_shares, new_value
        if value < least - BEYOND_DOUBT:
            break
    return shares


def _weighted(exponent: Floats) -> tuple[Floats, float]:
    top = exponent.max()
    weights = np.exp(exponent - top)
    total = weights.sum()
    return weights / total, float(top + np.log(total))


def _moments(values: Floats, shares: Floats) -> tuple[Floats, Floats]:
    """Weighted mean and cross-products."""
    return shares @ values, weighted_gram(values, shares)
