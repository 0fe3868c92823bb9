"""Logistic regression by Newton's method, without a penalty; separation is found and named."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.matching.design import independent_columns, linear_predictor
from evaluation.matching.errors import MatchingError, SeparationError
from evaluation.regression import weighted_gram

Floats = NDArray[np.float64]
MOST_STEPS = 100
SMALL_STEP, SMALL_RISE = 1e-9, 1e-14
LEAST_STEP_SIZE = 1e-8
LIKELIHOOD_AT_REST = 1e-6
LARGE_STEP = 0.5
LARGE_SHARE_OF_STEP = 0.1


@dataclass(frozen=True, kw_only=True)
class LogisticRegression:
    """A fitted model: intercept and one coefficient per name (0 for names dropped), and what was left out why."""

    names: tuple[str, ...]
    intercept: float
    coefficients: Floats
    collinear: tuple[str, ...] = ()
    separating: tuple[str, ...] = ()

    def linear_predictor(self, values: Floats) -> Floats:
        """Log odds for rows of the same columns."""
        return linear_predictor(values, self.coefficients, intercept=self.intercept)


def logistic_regression(
    values: Floats, outcome: Floats, *, names: tuple[str, ...], drop_separating: bool = False
) -> LogisticRegression:
    """Maximum likelihood of `outcome` (0 or 1) on `values` (people x names) and an intercept.

    Columns that are collinear among these people get coefficient 0. Separation (Albert & Anderson 1984) is
    recognised by steps that stay large while the likelihood is at rest; `drop_separating` leaves the columns
    of that direction out and fits again, otherwise `SeparationError` names them.

    Raises `MatchingError` if the outcome is the same for everyone.
    """
    if outcome.size == 0 or outcome.min() == outcome.max():
        raise MatchingError("the outcome of the regression does not vary: there is nothing to explain")
    used = independent_columns(_with_intercept_gram(values))[1:]
    collinear = tuple(name for name, is_used in zip(names, used, strict=True) if not is_used)
    separating: tuple[str, ...] = ()
    while True:
        columns = np.flatnonzero(used)
        try:
            beta = _newton(values, outcome, columns, names=names)
        except SeparationError as error:
            if not drop_separating:
                raise
            separating += error.covariates
            used = used & np.array([name not in error.covariates for name in names])
            continue
        coefficients = np.zeros(len(names))
        coefficients[columns] = beta[1:]
        return LogisticRegression(
            names=names,
            intercept=float(beta[0]),
            coefficients=coefficients,
            collinear=collinear,
            separating=separating,
        )


def probability(log_odds: Floats) -> Floats:
    """Probabilities of log odds."""
    return np.asarray(0.5 * (1 + np.tanh(log_odds / 2)))


def _newton(values: Floats, outcome: Floats, columns: NDArray[np.int64], *, names: tuple[str, ...]) -> Floats:
    share = float(outcome.mean())
    beta = np.zeros(len(columns) + 1)
    beta[0] = np.log(share / (1 - share))
    eta = _eta(values, columns, beta)
    for _ in range(MOST_STEPS):
        mean = probability(eta)
        gradient, information = _derivatives(values, columns, outcome - mean, mean * (1 - mean))
        step = _solve(information, gradient)
        change, rise = _eta(values, columns, step), float(step @ gradient)
        if rise < LIKELIHOOD_AT_REST and np.abs(change).max() > LARGE_STEP:
            break
        if np.abs(change).max() < SMALL_STEP or rise < SMALL_RISE:
            return beta + step
        size = _step_size(outcome, eta, change, rise)
        beta, eta = beta + size * step, eta + size * change
    raise SeparationError(_names_of(step, columns, names))


def _step_size(outcome: Floats, eta: Floats, change: Floats, rise: float) -> float:
    """The whole step, halved until the likelihood rises by a small part of what its slope promises."""
    now, size = _log_likelihood(outcome, eta), 1.0
    while size > LEAST_STEP_SIZE:
        found = _log_likelihood(outcome, eta + size * change)
        if found >= now + 1e-4 * size * rise - 1e-12 * abs(now):
            break
        size /= 2
    return size


def _log_likelihood(outcome: Floats, eta: Floats) -> float:
    return float(np.sum(outcome * eta - np.logaddexp(0.0, eta)))


def _eta(values: Floats, columns: NDArray[np.int64], beta: Floats) -> Floats:
    if len(columns) == values.shape[1]:
        return np.asarray(values @ beta[1:] + beta[0])
    full = np.zeros(values.shape[1])
    full[columns] = beta[1:]
    return np.asarray(values @ full + beta[0])


def _derivatives(values: Floats, columns: NDArray[np.int64], residual: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Gradient and information, without a second matrix of everyone."""
    part = values if len(columns) == values.shape[1] else values[:, columns]
    width = len(columns) + 1
    information = np.empty((width, width))
    information[0, 0] = weight.sum()
    information[0, 1:] = information[1:, 0] = weight @ part
    information[1:, 1:] = weighted_gram(part, weight)
    return np.append(residual.sum(), residual @ part), information


def _with_intercept_gram(values: Floats) -> Floats:
    everyone = np.arange(values.shape[1])
    return _derivatives(values, everyone, np.zeros(len(values)), np.ones(len(values)))[1]


def _solve(information: Floats, gradient: Floats) -> Floats:
    """Newton's step; scaled first, so that information that vanishes under separation does not stop it."""
    scale = 1 / np.sqrt(np.maximum(np.diag(information), 1e-300))
    scaled = information * np.outer(scale, scale)
    try:
        solution = np.linalg.solve(scaled, gradient * scale)
    except np.linalg.LinAlgError:
        solution = np.linalg.lstsq(scaled, gradient * scale, rcond=1e-12)[0]
    return np.asarray(solution * scale)


def _names_of(step: Floats, columns: NDArray[np.int64], names: tuple[str, ...]) -> tuple[str, ...]:
    sizes = np.abs(step[1:])
    if not sizes.size:
        return ("the intercept",)
    return tuple(names[columns[i]] for i in np.flatnonzero(sizes >= LARGE_SHARE_OF_STEP * sizes.max()))
