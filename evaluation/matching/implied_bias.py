"""The gate on bias: by how much the groups' expected rates differ, whatever single covariates say."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from evaluation.matching.balance import NOISE
from evaluation.matching.errors import MatchingError
from evaluation.matching.populations import Population, Stage, stages

Floats = NDArray[np.float64]
IMPLIED_BIAS = {
    "population": pl.String(),
    "stage": pl.String(),
    "implied_bias_log_rate_ratio": pl.Float64(),
    "standard_error": pl.Float64(),
    "score_difference": pl.Float64(),
    "tolerated_bias": pl.Float64(),
    "is_beyond_tolerance": pl.Boolean(),
}


def implied_bias(
    cohort: pl.DataFrame, *, prognostic_scores: pl.DataFrame, populations: Sequence[Population], tolerated_bias: float
) -> pl.DataFrame:
    """Bias of an unadjusted log rate ratio that remaining differences imply; one row per population and stage.

    `prognostic_scores` has `person_id`, `prognostic_score`: each person's log expected rate without the pilot. The
    implied bias is log(mean expected rate of the cases / weighted mean of the controls); `score_difference` the
    difference of the mean scores themselves. Judged against `tolerated_bias`, a log rate ratio such as a quarter
    of the smallest worthwhile change; in a part of the cases only if also beyond three standard errors. Assumes
    that the score's model holds; hidden covariates are not in it (Hansen 2008; Stuart, Lee & Leacy 2013).

    Raises `MatchingError` if somebody in the cohort has no score.

    By hand: cases with rates 2 and 4, controls with 1 and 3: log(3 / 2) = 0.405.
    """
    ordered = cohort.sort("person_id").select("person_id", "is_treated")
    joined = ordered.join(prognostic_scores.select("person_id", "prognostic_score"), on="person_id", how="left")
    scores = joined.sort("person_id")["prognostic_score"]
    if scores.null_count() or scores.len() != ordered.height:
        raise MatchingError("everyone in the cohort needs one prognostic score")
    values = scores.to_numpy()
    rows = [
        _row(values, population, stage, tolerated_bias)
        for population, both in stages(ordered, populations)
        for stage in both
    ]
    return pl.DataFrame(rows, schema=IMPLIED_BIAS, orient="row")


def _row(
    scores: Floats, population: Population, stage: Stage, tolerated: float
) -> dict[str, str | float | bool | None]:
    row: dict[str, str | float | bool | None] = {
        "population": population.name,
        "stage": stage.name,
        "tolerated_bias": tolerated,
    }
    if not stage.cases.size or not stage.controls.size:
        return row
    ours, theirs = scores[stage.cases], scores[stage.controls]
    bias = _log_mean(ours, stage.case_weights) - _log_mean(theirs, stage.control_weights)
    error = float(np.hypot(_relative_error(ours, stage.case_weights), _relative_error(theirs, stage.control_weights)))
    limit = max(tolerated, NOISE * error) if population.is_part else tolerated
    return row | {
        "implied_bias_log_rate_ratio": bias,
        "standard_error": error,
        "score_difference": float(
            np.average(ours, weights=stage.case_weights) - np.average(theirs, weights=stage.control_weights)
        ),
        "is_beyond_tolerance": abs(bias) > limit,
    }


def _log_mean(scores: Floats, weights: Floats) -> float:
    top = scores.max()
    return float(top + np.log(np.sum(weights * np.exp(scores - top)) / weights.sum()))


def _relative_error(scores: Floats, weights: Floats) -> float:
    """Standard error of the log of the weighted mean rate, people drawn independently (delta method)."""
    rates = np.exp(scores - scores.max())
    mean = np.sum(weights * rates) / weights.sum()
    return float(np.sqrt(np.sum((weights * (rates - mean)) ** 2)) / (weights.sum() * mean))
