"""The design matrix of a model: standardised columns, without those that say nothing new."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from evaluation.matching.errors import MatchingError
from evaluation.matching.terms import Column, Terms, covariate_columns

Floats = NDArray[np.float64]
LEAST_UNEXPLAINED = 1e-8
LEAST_SPREAD = 1e-10


@dataclass(frozen=True, kw_only=True)
class DesignMatrix:
    """Covariates of a cohort as a matrix: one row per person, sorted by `person_id`, one column per name.

    Columns have mean 0 and standard deviation 1 over everyone; value = column x `scales` + `means` is the
    covariate in its own unit. No column for the intercept. `constant` and `collinear` name what was dropped.
    """

    person_id: pl.Series
    values: Floats
    names: tuple[str, ...]
    means: Floats
    scales: Floats
    constant: tuple[str, ...]
    collinear: tuple[str, ...]

    def column_of(self, people: pl.DataFrame, name: str) -> pl.Series:
        """A column of `people` in the order of the design.

        Raises `MatchingError` unless the people are those of the design, each once.
        """
        ordered = people.select("person_id", name).sort("person_id")
        if not ordered["person_id"].equals(self.person_id):
            raise MatchingError(f"{name} must come with the people of the design matrix, one row each")
        return ordered[name]

    def treated(self, cohort: pl.DataFrame) -> NDArray[np.bool_]:
        """Who is a case, in the order of the design; raises `MatchingError` where that is unknown."""
        is_treated = self.column_of(cohort, "is_treated")
        if is_treated.null_count():
            raise MatchingError("is_treated must be known for everyone in the cohort")
        return np.asarray(is_treated.to_numpy(), dtype=np.bool_)


def design_matrix(cohort: pl.DataFrame, *, terms: Terms) -> DesignMatrix:
    """Columns of `terms` for everyone in `cohort`, standardised, constant and collinear ones dropped.

    Rule: a column whose standard deviation is at most 1e-10 of (1 + its largest absolute value) is constant;
    going through the rest in order, a column is collinear if those kept before it (and the intercept)
    explain all but 1e-8 of its variance. So the last category of a covariate is its reference.

    Raises `MatchingError` if people are not unique, or what `covariate_columns` raises.

    By hand: x = 1, 3 has mean 2 and standard deviation 1 (divisor n), so the column is -1, 1.
    """
    ordered = cohort.sort("person_id")
    if ordered["person_id"].n_unique() < ordered.height:
        raise MatchingError("person_id must be unique in the cohort: one row per person")
    kept, constant, means, scales = [], [], [], []
    for column in covariate_columns(ordered, terms=terms):
        mean, scale = _mean_and_scale(column)
        if scale == 0:
            constant.append(column.name)
            continue
        kept.append(Column(name=column.name, values=(column.values - mean) / scale))
        means.append(mean)
        scales.append(scale)
    values = np.empty((ordered.height, len(kept)))
    names = tuple(column.name for column in kept)
    for number in range(len(names)):
        values[:, number] = kept[number].values
        kept[number] = Column(name=names[number], values=np.empty(0))  # the memory of two million people
    used = independent_columns(values.T @ values / max(ordered.height, 1))
    return DesignMatrix(
        person_id=ordered["person_id"],
        values=values if used.all() else values[:, used],
        names=tuple(name for name, is_used in zip(names, used, strict=True) if is_used),
        means=np.array(means)[used],
        scales=np.array(scales)[used],
        constant=tuple(constant),
        collinear=tuple(name for name, is_used in zip(names, used, strict=True) if not is_used),
    )


def independent_columns(gram: Floats) -> NDArray[np.bool_]:
    """Which columns are not a linear combination of earlier ones, from their cross-products X'X.

    A column is kept if at least 1e-8 of its own sum of squares is left when the columns kept before it are
    taken out (Gram-Schmidt in order, on the cross-products).
    """
    left = gram.astype(np.float64).copy()
    sums_of_squares = np.diag(gram).copy()
    kept = np.zeros(len(gram), dtype=np.bool_)
    for number in range(len(gram)):
        pivot = left[number, number]
        if pivot > LEAST_UNEXPLAINED * sums_of_squares[number] and pivot > 0:
            kept[number] = True
            left = left - np.outer(left[:, number], left[number]) / pivot
    return kept


def linear_predictor(values: Floats, coefficients: Floats, *, intercept: float = 0.0) -> Floats:
    """Intercept + values x coefficients, added up column by column: people alike in all columns get the same number.

    A matrix product does not promise that, and its last digits would decide between equally near people.
    """
    total = np.full(len(values), intercept)
    for number, coefficient in enumerate(coefficients):
        total += values[:, number] * coefficient
    return total


def _mean_and_scale(column: Column) -> tuple[float, float]:
    if not column.values.size:
        return 0.0, 0.0
    mean, scale = float(column.values.mean()), float(column.values.std())
    return mean, 0.0 if scale <= LEAST_SPREAD * (1 + float(np.abs(column.values).max())) else scale
