"""Predicted use of care without the pilot: the prognostic score, never judged on the people it was fitted on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from evaluation.matching.design import DesignMatrix
from evaluation.matching.draws import folds
from evaluation.matching.errors import MatchingError
from evaluation.matching.terms import Terms, covariate_columns
from evaluation.regression import Floats, poisson_regression, with_intercept

LARGEST_LOG_RATE_RATIO = 12.0  # across a column's range; beyond it some people's events are ruled out or in


@dataclass(frozen=True, kw_only=True)
class PrognosticModel:
    """The log of the expected events per person-year as a function of covariates, once for each fold of people.

    `coefficients` (folds x (1 + columns)): intercept and one for each of `names`, in the columns' own units, fitted
    without the people of that fold (`folds` by `seed`). `lowest` and `highest`: the range of each column among the
    people fitted on; `unknown_as`: by covariate what unknown numbers were set to.
    """

    terms: Terms
    names: tuple[str, ...]
    coefficients: Floats
    lowest: Floats
    highest: Floats
    unknown_as: Mapping[str, float]
    seed: int

    def scores(self, people: pl.DataFrame, *, whose: str = "person_id") -> pl.DataFrame:
        """`person_id`, `prognostic_score` of everyone in `people`, sorted by person.

        Each by the model that was fitted without their fold: nobody's own events are in their score. `whose` is the
        column that says whose records they are, if one person stands in several rows. A value beyond those fitted on
        counts as the nearest of them: what the model says of it is not known. Column by column, so that no matrix of
        two million people is held and people of a fold who are alike get the same number.
        """
        ordered = people.sort("person_id")
        fold = folds(ordered[whose], seed=self.seed, number=len(self.coefficients))
        places = {name: place for place, name in enumerate(self.names)}
        total = self.coefficients[fold, 0]
        for column in covariate_columns(ordered, terms=self.terms, unknown_as=self.unknown_as):
            place = places.get(column.name)
            if place is not None and self.coefficients[:, place + 1].any():
                within = np.clip(column.values, self.lowest[place], self.highest[place])
                total += within * self.coefficients[fold, place + 1]
        return ordered.select("person_id", pl.Series("prognostic_score", total))


def coefficients_by_fold(
    design: DesignMatrix, *, outcomes: pl.DataFrame, fold: NDArray[np.int64], number: int
) -> Floats:
    """Intercept and coefficients (folds x (1 + columns)) in the covariates' own units, each fitted without its fold.

    `outcomes` has the people of `design` with `events` and `person_years`, both known, years above 0; `fold` one
    number below `number` per row of `design`. Poisson regression on the covariates (Hansen 2008). Covariates that
    rule events out with certainty among the people fitted on get 0.

    Raises `MatchingError` where the people to fit on have no events.
    """
    events, years = (
        np.asarray(design.column_of(outcomes, name).cast(pl.Float64).to_numpy()) for name in ("events", "person_years")
    )
    fitted = np.array([_fitted(design.values, events, years, rows=fold != one) for one in range(number)])
    slopes = fitted[:, 1:] / design.scales
    return np.column_stack([fitted[:, 0] - slopes @ design.means, slopes])


def _fitted(values: Floats, events: Floats, years: Floats, *, rows: NDArray[np.bool_]) -> Floats:
    """Intercept and one coefficient per column, 0 for those that rule events out or in with certainty."""
    if not events[rows].sum():
        raise MatchingError("the people to fit a prognostic score on have no events outside one of the folds")
    columns = with_intercept(values[rows])
    used = np.ones(columns.shape[1], dtype=np.bool_)
    while True:
        model = poisson_regression(events[rows], columns[:, used], exposure=years[rows])
        coefficients = np.zeros(used.size)
        coefficients[np.flatnonzero(used)[model.kept]] = model.coefficients
        is_certain = np.abs(coefficients) * np.ptp(columns, axis=0) > LARGEST_LOG_RATE_RATIO
        if not is_certain.any():
            return coefficients
        used &= ~is_certain
