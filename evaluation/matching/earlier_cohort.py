"""The prognostic score of an earlier calendar cohort, for people as they are known on their index date."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from evaluation.matching.covariates import affordable_terms, fewer_terms, known_covariates
from evaluation.matching.design import design_matrix
from evaluation.matching.draws import draws, folds
from evaluation.matching.errors import MatchingError
from evaluation.matching.pool import DRAW, FEWEST_SAMPLED
from evaluation.matching.prognostic import PrognosticModel, coefficients_by_fold
from evaluation.matching.terms import Terms, covariate_columns, mean_of_known
from evaluation.regression import NotEstimableError

EVENTS_PER_COLUMN = 10
FOLDS = 5
NOBODY_EARLIER = "The data do not reach back far enough for an earlier cohort to fit a prognostic score on."
FEW_EVENTS = "Too few events in the earlier cohort to fit a prognostic score on."
NOT_FITTED = "The earlier cohort's covariates and events give no prognostic score."


def earlier_cohort_scores(
    at_index: pl.DataFrame, *, earlier: pl.DataFrame, covariates: Sequence[str], seed: int, whose: str = "person_id"
) -> pl.DataFrame:
    """Log of the expected events per person-year, for everyone in `at_index`: `person_id`, `prognostic_score`.

    `earlier` are people at an earlier date, at which and after which nobody was treated, with the covariates as they
    were known then, `events` and `person_years` after it; they may be the same people, and `whose` is the column that
    says so. The covariates must mean the same in both frames. A Poisson regression (Hansen 2008) on at most 20,000 of
    `earlier`, those with the lowest draws by seed and person, and on as many of the covariates, in their order, as
    there are ten events for each column (Peduzzi et al. 1996). Everyone is scored by the model that was fitted without
    their fold, so nobody's own events are in their score. Where the regression has no solution, the last quarter of the
    covariates is left out and it is tried again.

    Raises `MatchingError`, in a sentence for the reader, where there is nothing to fit on.
    """
    fitted_on = _fitted_on(earlier, seed=seed)
    both_known = known_covariates(at_index, known_covariates(fitted_on, covariates))
    most_columns = int(fitted_on["events"].sum()) // EVENTS_PER_COLUMN
    terms = affordable_terms(fitted_on, both_known, most_columns=most_columns)
    if not terms.covariates or not most_columns:
        raise MatchingError(FEW_EVENTS if both_known else NOBODY_EARLIER)
    return _model_of_as_many(fitted_on, terms, both_known, seed=seed, whose=whose).scores(at_index, whose=whose)


def _fitted_on(earlier: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    known = earlier.filter(pl.col("events").is_not_null(), pl.col("person_years") > 0)
    if known.is_empty():
        raise MatchingError(NOBODY_EARLIER)
    drawn = known.with_columns(pl.Series(DRAW, draws(known["person_id"], seed=seed)))
    return drawn.bottom_k(FEWEST_SAMPLED, by=[DRAW, "person_id"])


def _model_of_as_many(
    fitted_on: pl.DataFrame, terms: Terms, covariates: Sequence[str], *, seed: int, whose: str
) -> PrognosticModel:
    """Of as many of the covariates as give one: a few people without events, told apart by two columns, give none."""
    while terms.covariates:
        try:
            return _model(fitted_on, terms, seed=seed, whose=whose)
        except (MatchingError, NotEstimableError):
            terms = fewer_terms(terms, covariates)
    raise MatchingError(NOT_FITTED)


def _model(fitted_on: pl.DataFrame, terms: Terms, *, seed: int, whose: str) -> PrognosticModel:
    ordered = fitted_on.sort("person_id")
    design = design_matrix(ordered, terms=terms)
    fold = folds(ordered[whose], seed=seed, number=FOLDS)
    values = {column.name: column.values for column in covariate_columns(ordered, terms=terms)}
    ranges = np.array([(values[name].min(), values[name].max()) for name in design.names]).reshape(-1, 2)
    numbers = [name for name in terms.covariates if name not in terms.categories]
    return PrognosticModel(
        terms=terms,
        names=design.names,
        coefficients=coefficients_by_fold(design, outcomes=ordered, fold=fold, number=FOLDS),
        lowest=ranges[:, 0],
        highest=ranges[:, 1],
        unknown_as={name: mean_of_known(ordered[name]) for name in numbers},
        seed=seed,
    )
