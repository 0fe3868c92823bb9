"""Synthetic control: a weighted mix of areas that went the pilot areas' way before, held against placebo areas."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from evaluation.regression import Floats, NotEstimableError


@dataclass(frozen=True, kw_only=True)
class SyntheticControl:
    """Weights of the donors (J, zero or more, sum one), the gaps (T) and what the placebos say.

    A gap is the treated outcome less the weighted donors'; `effect` its mean after, `level` the treated mean after.
    `fit_error` is the root mean squared gap before; `ratio` that of after over it. `p_value` is the share of the
    treated and the placebos whose ratio is as large or larger: it can't fall below 1 / (J + 1).
    """

    weights: Floats
    gaps: Floats
    effect: float
    level: float
    fit_error: float
    ratio: float
    p_value: float


def synthetic_control(treated: Floats, donors: Floats, is_after: NDArray[np.bool_]) -> SyntheticControl:
    """Weights that come nearest to `treated` (T) with `donors` (T x J) before, and the gaps that they leave.

    Abadie, Diamond and Hainmueller (2010), on outcomes before alone. Placebos: each donor in the place of the treated,
    with the other donors, the treated never among them. Assumes that nothing else happened to treated or donors after,
    and that the treated would have gone on as the mix. Raises `NotEstimableError` with fewer than two donors or
    no time before or after, or where the fit leaves no error.

    By hand: donors (1, 1, 1) and (3, 3, 3), treated (2, 2, 5), the last after: weights one half each, effect 3.
    """
    if donors.shape[1] < 2 or is_after.all() or not is_after.any():
        raise NotEstimableError("a synthetic control needs two donors, and times before and after")
    weights = simplex_weights(treated[~is_after], donors[~is_after])
    gaps = treated - donors @ weights
    ratio = _ratio(gaps, is_after)
    placebos = [_placebo_ratio(donors, donor, is_after) for donor in range(donors.shape[1])]
    return SyntheticControl(
        weights=weights,
        gaps=gaps,
        effect=float(gaps[is_after].mean()),
        level=float(treated[is_after].mean()),
        fit_error=_root_mean_square(gaps[~is_after]),
        ratio=ratio,
        p_value=float((1 + sum(placebo >= ratio for placebo in placebos)) / (1 + len(placebos))),
    )


def simplex_weights(target: Floats, donors: Floats) -> Floats:
    """Weights (J), zero or more and summing to one, for which `donors` (T x J) @ weights comes nearest to `target` (T).

    Exact: with D = donors - target, the weights minimise |D w|; so do, scaled to sum one, those of the non-negative
    least squares of D on zeros with a row of ones on one, since for any w the best scale s leaves
    |D w|^2 / (1 + |D w|^2), which rises with |D w| (Lawson and Hanson 1974, chapter 23).

    By hand: target 1, donors 0 and 4: weights 3/4 and 1/4.
    """
    differences = donors - target[:, None]
    scale = math.sqrt(float(np.mean(differences**2)) * differences.shape[0]) or 1.0
    system = np.vstack([differences / scale, np.ones(donors.shape[1])])
    found, _ = nnls(system, np.append(np.zeros(target.size), 1.0))
    weights: Floats = found / found.sum()
    return weights


def _placebo_ratio(donors: Floats, donor: int, is_after: NDArray[np.bool_]) -> float:
    others = np.delete(donors, donor, axis=1)
    weights = simplex_weights(donors[~is_after, donor], others[~is_after])
    return _ratio(donors[:, donor] - others @ weights, is_after)


def _ratio(gaps: Floats, is_after: NDArray[np.bool_]) -> float:
    before = _root_mean_square(gaps[~is_after])
    if not before > 0:
        raise NotEstimableError("an area is met without any error before go-live")
    return _root_mean_square(gaps[is_after]) / before


def _root_mean_square(values: Floats) -> float:
    return math.sqrt(float(np.mean(values**2)))
