"""Mahalanobis distance as ordinary distance: covariates turned into uncorrelated coordinates of variance 1."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from evaluation.matching.candidates import Candidates, Floats, numbers
from evaluation.matching.covariates import form_of, terms_of
from evaluation.matching.design import independent_columns, linear_predictor
from evaluation.matching.errors import MatchingError
from evaluation.matching.terms import covariate_columns

MOST_KEYS = 8  # a search tree in more dimensions looks at nearly everybody


def mahalanobis_coordinates(found: Candidates, covariates: Sequence[str]) -> tuple[Floats, Floats]:
    """Coordinates of cases and of controls, in which the Euclidean distance is the Mahalanobis distance.

    The covariance is pooled within the arms: squares about each arm's mean, over n - 2. Raises
    `MatchingError` for covariates that are constant or a combination of the others, and for null values.

    By hand: one covariate with standard deviation 2 within arms: people at 1 and 5 are 2 apart.
    """
    arms = [np.column_stack([_known(arm, name) for name in covariates]) for arm in (found.cases, found.controls)]
    is_case = np.arange(sum(len(arm) for arm in arms)) < len(arms[0])
    squares = _within_arms(np.vstack(arms), is_case)
    independent = independent_columns(squares)
    if not independent.all():
        names = ", ".join(name for name, is_kept in zip(covariates, independent, strict=True) if not is_kept)
        raise MatchingError(f"Mahalanobis distance: {names} do not vary, or follow from the other covariates")
    covariance = squares / max(sum(len(arm) for arm in arms) - 2, 1)
    whitening = np.linalg.inv(np.linalg.cholesky(covariance))
    cases, controls = (np.column_stack([linear_predictor(arm, row) for row in whitening]) for arm in arms)
    return cases, controls


def key_columns(people: pl.DataFrame, covariates: Sequence[str]) -> pl.DataFrame:
    """The first eight numbers among `covariates` as they enter models, for everyone in `people`, in the order of rows.

    Use of care as log(1 + x); unknown numbers are the mean of the known ones; no squares, no categories. Columns that
    do not vary within the arms, or follow from those before them there, are left out. No columns where there are none.

    By hand: of age, sex, admissions and flags, age and admissions come first, sex is no number.
    """
    found: dict[str, Floats] = {}
    is_treated = people["is_treated"].to_numpy()
    for name in (one for one in covariates if form_of(one) != "categories"):
        column = next(covariate_columns(people, terms=terms_of([name], interactions=False)))
        tried = found | {name: column.values}
        if independent_columns(_within_arms(np.column_stack(list(tried.values())), is_treated)).all():
            found = tried
        if len(found) == MOST_KEYS:
            break
    return pl.DataFrame({f"key {name}": values for name, values in found.items()})


def _within_arms(values: Floats, is_treated: NDArray[np.bool_]) -> Floats:
    squares = np.zeros((values.shape[1], values.shape[1]))
    for arm in (values[is_treated], values[~is_treated]):
        if len(arm):
            squares += (arm - arm.mean(axis=0)).T @ (arm - arm.mean(axis=0))
    return squares


def _known(arm: pl.DataFrame, name: str) -> Floats:
    if arm[name].null_count():
        raise MatchingError(f"Mahalanobis distance: {name} is not known for everyone")
    return numbers(arm, name)
