"""Poisson regression by Newton steps, kept in the form that sandwich errors need."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_factor, cho_solve

Floats = NDArray[np.float64]

DEPENDENT = 1e-10  # share of a column's length that the columns before it don't explain, squared
LARGEST_LOG_RATE = 300.0  # exp of more overflows
CONVERGED = 1e-11  # Newton decrement per event before the last step, which squares it
MOST_STEPS = 60
MOST_HALVINGS = 30
BLOCK_PRODUCTS = 2_000_000  # of numbers in one block's product
START_ROWS = 4000  # so many rows find where Newton's steps on all rows start
START_STEPS = 4
RIDGE = 1e-6


class NotEstimableError(ValueError):
    """The data can't give this estimate; the message says why, without counts."""


@dataclass(frozen=True, kw_only=True)
class Regression:
    """A fitted regression of n rows on p columns.

    `coefficients` (p) belong to `design` (n x p), the columns left after those that earlier ones explain; `kept`
    are their positions in the design that was given. `score_residuals` (n) are weight x (observed - expected), `bread`
    (p x p) is the inverse of design' x diag(weight x expected) x design.
    """

    coefficients: Floats
    design: Floats
    kept: NDArray[np.intp]
    expected: Floats
    score_residuals: Floats
    bread: Floats

    @property
    def influences(self) -> Floats:
        """What each row adds to each coefficient (n x p): the sandwich's scores times its bread."""
        return (self.design * self.score_residuals[:, None]) @ self.bread

    def influence_on(self, contrast: ArrayLike) -> Floats:
        """What each row adds to one linear combination of the coefficients (n)."""
        influence: Floats = (self.design @ (self.bread @ np.asarray(contrast, dtype=float))) * self.score_residuals
        return influence

    def position(self, column: int) -> int:
        """Where the coefficient of a column of the given design stands; `NotEstimableError` if it was left out."""
        found = np.flatnonzero(self.kept == column)
        if not found.size:
            raise NotEstimableError(f"column {column} of the design is explained by the columns before it")
        return int(found[0])


def poisson_regression(
    counts: ArrayLike, design: ArrayLike, *, exposure: ArrayLike | None = None, weights: ArrayLike | None = None
) -> Regression:
    """Maximum-likelihood Poisson regression of counts, with expected count = exposure x exp(design x coefficients).

    `counts` (n, zero or more), `design` (n x p, with its intercept), `exposure` (n, person-years; rows with none
    say nothing), `weights` (n). Newton steps from R's start (counts + 0.1), halved where the likelihood falls.
    A group of rows without any event is expected none: its coefficient stops far below the others, which are what
    they would be without the group. Raises `NotEstimableError` without events or without convergence. McCullagh
    and Nelder (1989).

    By hand: an intercept only, counts 1 and 3 over 1 and 1 person-years: log(4 / 2) = 0.693.
    """
    y, x, time, weight = _arrays(counts, design, exposure, weights)
    if not np.any(y * weight > 0):
        raise NotEstimableError("there are no events")
    kept = independent_columns(x, weight * time)
    x = x if kept.size == x.shape[1] else x[:, kept]
    coefficients = _poisson_newton(y, x, time, weight)
    expected = time * _rate(x @ coefficients)
    return Regression(
        coefficients=coefficients,
        design=x,
        kept=kept,
        expected=expected,
        score_residuals=weight * (y - expected),
        bread=inverse_gram(x, weight * expected),
    )


def with_intercept(*columns: ArrayLike) -> Floats:
    """A design matrix (n x p): ones, then the columns and matrices as given."""
    blocks = [np.asarray(block, dtype=float) for block in columns]
    blocks = [block[:, None] if block.ndim == 1 else block for block in blocks]
    return np.column_stack([np.ones(blocks[0].shape[0]), *blocks])


def independent_columns(design: Floats, weights: Floats) -> NDArray[np.intp]:
    """Positions of the columns that the weighted columns before them don't explain, in order.

    By hand: columns (1, 1), (1, 0), (0, 1): the third is the first less the second, so 0 and 1 stay.
    """
    return independent_in(weighted_gram(design, weights))


def independent_in(gram: Floats, *, dependent: float = DEPENDENT) -> NDArray[np.intp]:
    """Positions of the columns that those before them don't explain, from their cross-products (p x p)."""
    length = np.sqrt(np.diag(gram))
    left = gram / np.outer(np.where(length > 0, length, 1.0), np.where(length > 0, length, 1.0))
    kept = []
    for column in range(gram.shape[0]):
        remaining = left[column, column]
        if remaining > dependent:
            kept.append(column)
            left = left - np.outer(left[:, column], left[column]) / remaining
    return np.array(kept, dtype=np.intp)


def weighted_gram(design: Floats, weights: Floats) -> Floats:
    """design' x diag(weights) x design (p x p), weights zero or more, summed over blocks of rows.

    Blocks stay in the processor's cache; the product of a block with itself costs half of one with another.
    """
    width = design.shape[1]
    gram = np.zeros((width, width))
    root = np.sqrt(weights)
    rows = min(max(BLOCK_PRODUCTS // max(width, 1) ** 2, 16), 4096)
    for start in range(0, design.shape[0], rows):
        block = design[start : start + rows] * root[start : start + rows, None]
        gram += block.T @ block
    return gram


def inverse_gram(design: Floats, weights: Floats) -> Floats:
    """Inverse of `weighted_gram`, scaled to unit lengths before it is inverted."""
    gram = weighted_gram(design, weights)
    scale = 1 / np.sqrt(np.maximum(np.diag(gram), np.finfo(float).tiny))
    scaling = np.outer(scale, scale)
    try:
        inverse: Floats = cho_solve(cho_factor(gram * scaling), np.eye(gram.shape[0])) * scaling
    except np.linalg.LinAlgError as error:
        raise NotEstimableError("columns of the design can't be told apart in these data") from error
    return inverse


def _poisson_newton(y: Floats, x: Floats, time: Floats, weight: Floats) -> Floats:
    seen = time > 0
    if not seen.all():
        y, x, time, weight = y[seen], x[seen], time[seen], weight[seen]
    starts = [(_log_likelihood(start, y, x, time, weight), start) for start in _starts(y, x, time, weight)]
    likelihood, coefficients = max(starts, key=lambda found: found[0])
    for _ in range(MOST_STEPS):
        expected = time * _rate(x @ coefficients)
        score = x.T @ (weight * (y - expected))
        step = inverse_gram(x, weight * expected) @ score
        size, closer = 1.0, -np.inf
        for _ in range(MOST_HALVINGS):
            closer = _log_likelihood(coefficients + size * step, y, x, time, weight)
            if closer >= likelihood - 1e-12 * abs(likelihood):
                break
            size /= 2
        coefficients, likelihood = coefficients + size * step, closer
        if step @ score < CONVERGED * float(weight @ y):
            return coefficients
    raise NotEstimableError(
        "the Poisson regression did not converge: look for covariates that are nearly explained by others"
    )


def _starts(y: Floats, x: Floats, time: Floats, weight: Floats) -> Iterator[Floats]:
    """R's start (counts + 0.1); among many rows, some Newton steps further on evenly spaced ones of them; one rate.

    The best is that of the highest likelihood in all rows. A single row of far more use than any other throws the first
    two off; with one rate for everybody the steps that follow end at the maximum, which is the only one.
    """
    rate = float(weight @ y) / float(weight @ time)
    yield np.log(rate) * (_ridge_inverse(x, weight) @ (x.T @ weight))
    rows = slice(None, None, max(y.size // START_ROWS, 1))
    y, x, time, weight = y[rows], x[rows], time[rows], weight[rows]
    start = y + 0.1
    working = np.log(start / time) + (y - start) / start
    coefficients = _ridge_inverse(x, weight * start) @ (x.T @ (weight * start * working))
    yield coefficients
    if rows.step > 1:
        for _ in range(START_STEPS):
            expected = time * _rate(x @ coefficients)
            coefficients = coefficients + _ridge_inverse(x, weight * expected) @ (x.T @ (weight * (y - expected)))
        yield coefficients


def _ridge_inverse(design: Floats, weights: Floats) -> Floats:
    """Inverse of `weighted_gram` that exists even where some columns vary in other rows only."""
    gram = weighted_gram(design, weights)
    length = np.sqrt(np.diag(gram))
    scale = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
    scaling = np.outer(scale, scale)
    inverse: Floats = np.linalg.inv(gram * scaling + RIDGE * np.eye(length.size)) * scaling
    return inverse


def _log_likelihood(coefficients: Floats, y: Floats, x: Floats, time: Floats, weight: Floats) -> float:
    log_rate = x @ coefficients
    return float(weight @ (y * log_rate - time * _rate(log_rate)))


def _rate(log_rate: Floats) -> Floats:
    rate: Floats = np.exp(np.minimum(log_rate, LARGEST_LOG_RATE))
    return rate


def _arrays(
    outcomes: ArrayLike, design: ArrayLike, exposure: ArrayLike | None, weights: ArrayLike | None
) -> tuple[Floats, Floats, Floats, Floats]:
    y, x = np.asarray(outcomes, dtype=float), np.asarray(design, dtype=float)
    time = np.ones_like(y) if exposure is None else np.asarray(exposure, dtype=float)
    weight = np.ones_like(y) if weights is None else np.asarray(weights, dtype=float)
    for name, array in {"outcomes": y, "design": x, "exposure": time, "weights": weight}.items():
        if array.shape[0] != y.shape[0] or not np.isfinite(array).all():
            raise ValueError(f"{name}: expected one finite value a row")
    if (time < 0).any() or (weight < 0).any():
        raise ValueError("exposure and weights: expected zero or more")
    return y, x, time, weight
