"""Mahalanobis distance as ordinary distance: covariates turned into uncorrelated coordinates of variance 1."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from evaluation.matching.candidates import Candidates, Floats, numbers
from evaluation.matching.design import independent_columns, linear_predictor
from evaluation.matching.errors import MatchingError


def mahalanobis_coordinates(found: Candidates, covariates: Sequence[str]) -> tuple[Floats, Floats]:
    """Coordinates of cases and of controls, in which the Euclidean distance is the Mahalanobis distance.

    The covariance is pooled within the arms: squares about each arm's mean, over n - 2. Raises
    `MatchingError` for covariates that are constant or a combination of the others, and for null values.

    By hand: one covariate with standard deviation 2 within arms: people at 1 and 5 are 2 apart.
    """
    arms = [np.column_stack([_known(arm, name) for name in covariates]) for arm in (found.cases, found.controls)]
    centred = [arm - arm.mean(axis=0) for arm in arms if len(arm)]
    squares = np.sum([arm.T @ arm for arm in centred], axis=0)
    independent = independent_columns(squares)
    if not independent.all():
        names = ", ".join(name for name, is_kept in zip(covariates, independent, strict=True) if not is_kept)
        raise MatchingError(f"Mahalanobis distance: {names} do not vary, or follow from the other covariates")
    covariance = squares / max(sum(len(arm) for arm in arms) - 2, 1)
    whitening = np.linalg.inv(np.linalg.cholesky(covariance))
    cases, controls = (np.column_stack([linear_predictor(arm, row) for row in whitening]) for arm in arms)
    return cases, controls


def _known(arm: pl.DataFrame, name: str) -> Floats:
    if arm[name].null_count():
        raise MatchingError(f"Mahalanobis distance: {name} is not known for everyone")
    return numbers(arm, name)
