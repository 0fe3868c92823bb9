"""Predicted use of care without the pilot: the prognostic score, never judged on the people it was fitted on."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from evaluation.matching.design import DesignMatrix, linear_predictor
from evaluation.matching.errors import MatchingError
from evaluation.regression import Floats, poisson_regression, with_intercept

LARGEST_LOG_RATE_RATIO = 12.0  # across a column's range; beyond it some people's events are ruled out or in


def scores_by_fold(design: DesignMatrix, *, outcomes: pl.DataFrame, fold: NDArray[np.int64]) -> pl.DataFrame:
    """Log of the expected events per person-year, for everyone in `design`: `person_id`, `fold`, `prognostic_score`.

    `outcomes` has the same people with `events`, `person_years` and `is_fitted_on`. Poisson regression on the
    covariates (Hansen 2008), fitted on the people of `is_fitted_on` who have person-time and known events; others'
    events may be null. `fold` has one number per row of `design`; everyone is scored by the model that was fitted
    without their fold, so nobody's own outcome is in their score, and cases and controls of a fold are scored alike.
    Rows of one person at several dates belong into one fold. Covariates that rule events out with certainty among the
    people fitted on are left out.

    Raises `MatchingError` where the people to fit on have no events.
    """
    events, person_years, is_fitted_on = (
        design.column_of(outcomes, name) for name in ("events", "person_years", "is_fitted_on")
    )
    usable = is_fitted_on & events.is_not_null() & (person_years > 0).fill_null(value=False)
    score = np.full(len(fold), np.nan)
    for number in np.unique(fold):
        theirs = fold == number
        rows = usable.to_numpy() & ~theirs
        model = _fitted(design, events.filter(pl.Series(rows)), person_years.filter(pl.Series(rows)), rows)
        score[theirs] = linear_predictor(design.values[theirs], model[1:], intercept=float(model[0]))
    return pl.DataFrame({"person_id": design.person_id, "fold": fold, "prognostic_score": score})


def _fitted(design: DesignMatrix, events: pl.Series, person_years: pl.Series, rows: NDArray[np.bool_]) -> Floats:
    """Intercept and one coefficient per column, 0 for those that rule events out or in with certainty."""
    if not events.len() or not events.sum():
        raise MatchingError("the people to fit a prognostic score on have no events outside one of the folds")
    counts, years = (values.cast(pl.Float64).to_numpy() for values in (events, person_years))
    values = with_intercept(design.values[rows])
    used = np.ones(values.shape[1], dtype=np.bool_)
    while True:
        model = poisson_regression(counts, values[:, used], exposure=years)
        coefficients = np.zeros(used.size)
        coefficients[np.flatnonzero(used)[model.kept]] = model.coefficients
        is_certain = np.abs(coefficients) * np.ptp(values, axis=0) > LARGEST_LOG_RATE_RATIO
        if not is_certain.any():
            return coefficients
        used &= ~is_certain
