"""The prognostic score of an earlier calendar cohort, for people as they are known on their index date."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from evaluation.matching.covariates import affordable_terms, known_covariates
from evaluation.matching.design import DesignMatrix, design_matrix
from evaluation.matching.draws import draws, folds
from evaluation.matching.errors import MatchingError
from evaluation.matching.pool import DRAW, FEWEST_SAMPLED
from evaluation.matching.prognostic import scores_by_fold
from evaluation.regression import NotEstimableError

EVENTS_PER_COLUMN = 10
FOLDS = 5
NOBODY_EARLIER = "The data do not reach back far enough for an earlier cohort to fit a prognostic score on."
FEW_EVENTS = "Too few events in the earlier cohort to fit a prognostic score on."
NOT_FITTED = "The earlier cohort's covariates and events give no prognostic score."


def earlier_cohort_scores(
    at_index: pl.DataFrame, *, earlier: pl.DataFrame, covariates: Sequence[str], seed: int
) -> pl.DataFrame:
    """Log of the expected events per person-year, for everyone in `at_index`: `person_id`, `prognostic_score`.

    `earlier` are people at an earlier date, at which and after which nobody was treated, with the covariates as they
    were known then, `events` and `person_years` after it; they may be the same people. The covariates must mean the
    same in both frames. A Poisson regression (Hansen 2008) on at most 20,000 of `earlier`, those with the lowest
    draws by seed and person, and on as many of the covariates, in their order, as there are ten events for each
    column (Peduzzi et al. 1996). Everyone is scored by the model that was fitted without their fold, so nobody's own
    events are in their score. A value beyond those fitted on counts as the nearest of them: what the model says of
    it is not known.

    Raises `MatchingError`, in a sentence for the reader, where there is nothing to fit on.
    """
    fitted_on = _fitted_on(earlier, seed=seed)
    both_known = known_covariates(at_index, known_covariates(fitted_on, covariates))
    most_columns = int(fitted_on["events"].sum()) // EVENTS_PER_COLUMN
    terms = affordable_terms(fitted_on, both_known, most_columns=most_columns)
    if not terms.covariates or not most_columns:
        raise MatchingError(FEW_EVENTS if both_known else NOBODY_EARLIER)
    rows = _stacked(fitted_on, at_index, terms.covariates)
    design = design_matrix(rows, terms=terms)
    design = _within_range(design, design.column_of(rows, "is_fitted_on").to_numpy())
    fold = folds(design.column_of(rows, "person"), seed=seed, number=FOLDS)
    try:
        found = scores_by_fold(design, outcomes=rows, fold=fold)
    except (MatchingError, NotEstimableError) as error:
        raise MatchingError(NOT_FITTED) from error
    scored = rows.join(found, on="person_id").filter(~pl.col("is_fitted_on"))
    return scored.select(pl.col("person").alias("person_id"), "prognostic_score").sort("person_id")


def _fitted_on(earlier: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    known = earlier.filter(pl.col("events").is_not_null(), pl.col("person_years") > 0)
    if known.is_empty():
        raise MatchingError(NOBODY_EARLIER)
    drawn = known.with_columns(pl.Series(DRAW, draws(known["person_id"], seed=seed)))
    return drawn.bottom_k(FEWEST_SAMPLED, by=[DRAW, "person_id"])


def _stacked(fitted_on: pl.DataFrame, at_index: pl.DataFrame, covariates: Sequence[str]) -> pl.DataFrame:
    """A row per person and date under a key of its own (`person_id`), and whose it is (`person`)."""
    unknown = at_index.with_columns(events=pl.lit(None), person_years=pl.lit(None))
    parts = [
        rows.select(
            pl.concat_str(pl.lit("earlier " if is_fitted_on else "at index "), "person_id").alias("person_id"),
            pl.col("person_id").alias("person"),
            pl.col("events").cast(pl.Float64),
            pl.col("person_years").cast(pl.Float64),
            pl.lit(is_fitted_on).alias("is_fitted_on"),
            *covariates,
        )
        for rows, is_fitted_on in ((fitted_on, True), (unknown, False))
    ]
    return pl.concat(parts, how="vertical_relaxed")


def _within_range(design: DesignMatrix, is_fitted_on: NDArray[np.bool_]) -> DesignMatrix:
    known = design.values[is_fitted_on]
    return replace(design, values=np.clip(design.values, known.min(axis=0), known.max(axis=0)))
