"""The gate on bias: by how much the groups' expected rates differ, whatever single covariates say."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from evaluation.matching.balance import NOISE
from evaluation.matching.errors import MatchingError
from evaluation.matching.populations import Population, Stage, stages
from evaluation.matching.words import bias_caution

Floats = NDArray[np.float64]
TOLERATED_SHARE = 0.25
NOBODY = "No comparison people at this stage."
NO_SIZE = "The protocol states no smallest worthwhile change to judge it by."
IMPLIED_BIAS: dict[str, pl.DataType] = {
    **dict.fromkeys(("population", "stage", "metric_id", "label"), pl.String()),
    **dict.fromkeys(("implied_bias_log_rate_ratio", "standard_error", "score_difference"), pl.Float64()),
    "tolerated_bias": pl.Float64(),
    "is_beyond_tolerance": pl.Boolean(),
    **dict.fromkeys(("caution", "reason"), pl.String()),
}


@dataclass(frozen=True, kw_only=True)
class ScoredOutcome:
    """An outcome with each person's log expected rate without the pilot (`person_id`, `prognostic_score`).

    Where there are no scores (None), `reason` says why. `tolerated_bias` is a log rate ratio, None where nothing says
    how much matters.
    """

    metric_id: str
    label: str
    scores: pl.DataFrame | None
    tolerated_bias: float | None
    reason: str = ""


def tolerated_bias(smallest_worthwhile_change_pct: float | None) -> float | None:
    """A quarter of the smallest worthwhile change, as a log rate ratio without sign; None where none is stated.

    >>> round(tolerated_bias(-5.0), 4)
    0.0128
    """
    if not smallest_worthwhile_change_pct:
        return None
    return TOLERATED_SHARE * abs(math.log1p(smallest_worthwhile_change_pct / 100))


def implied_bias(
    cohort: pl.DataFrame, *, outcomes: Sequence[ScoredOutcome], populations: Sequence[Population]
) -> pl.DataFrame:
    """Bias of an unadjusted log rate ratio that remaining differences imply; a row per population, stage and outcome.

    The implied bias is log(mean expected rate of the cases / weighted mean of the controls), above 0 where the cases
    would use more without the pilot; `score_difference` the difference of the mean scores themselves. Beyond tolerance
    where its size is above the outcome's `tolerated_bias`; in a part of the cases only if also beyond three standard
    errors. Columns `IMPLIED_BIAS`: what is not known is null and `reason` says why. The standard error is that of
    people drawn independently, with the scores as they are. Assumes that the score's model holds; hidden
    covariates are not in it (Hansen 2008; Stuart, Lee & Leacy 2013).

    Raises `MatchingError` if somebody in the cohort has no score.

    By hand: cases with rates 2 and 4, controls with 1 and 3: log(3 / 2) = 0.405.
    """
    ordered = cohort.sort("person_id").select("person_id", "is_treated")
    compared = stages(ordered, populations)
    rows = []
    for outcome in outcomes:
        scores = None if outcome.scores is None else _aligned(outcome.scores, ordered)
        rows += [_row(outcome, scores, population, stage) for population, both in compared for stage in both]
    return pl.DataFrame(rows, schema=IMPLIED_BIAS, orient="row")


def _aligned(scores: pl.DataFrame, ordered: pl.DataFrame) -> Floats:
    joined = ordered.join(scores.select("person_id", "prognostic_score"), on="person_id", how="left")
    found = joined.sort("person_id")["prognostic_score"]
    if found.null_count() or found.len() != ordered.height:
        raise MatchingError("everyone in the cohort needs one prognostic score")
    return np.asarray(found.to_numpy(), dtype=np.float64)


def _row(outcome: ScoredOutcome, scores: Floats | None, population: Population, stage: Stage) -> dict[str, object]:
    row: dict[str, object] = {
        "population": population.name,
        "stage": stage.name,
        "metric_id": outcome.metric_id,
        "label": outcome.label,
        "tolerated_bias": outcome.tolerated_bias,
        "caution": "",
        "reason": "",
    }
    if scores is None:
        return row | {"reason": outcome.reason}
    if not stage.cases.size or not stage.controls.size:
        return row | {"reason": NOBODY}
    return row | _found(scores, outcome.tolerated_bias, population, stage)


def _found(scores: Floats, tolerated: float | None, population: Population, stage: Stage) -> dict[str, object]:
    ours, theirs = scores[stage.cases], scores[stage.controls]
    bias = _log_mean(ours, stage.case_weights) - _log_mean(theirs, stage.control_weights)
    error = float(np.hypot(_relative_error(ours, stage.case_weights), _relative_error(theirs, stage.control_weights)))
    differs = float(np.average(ours, weights=stage.case_weights) - np.average(theirs, weights=stage.control_weights))
    found = {"implied_bias_log_rate_ratio": bias, "standard_error": error, "score_difference": differs}
    if tolerated is None:
        return found | {"reason": NO_SIZE}
    limit = max(tolerated, NOISE * error) if population.is_part else tolerated
    is_beyond = abs(bias) > limit
    return found | {
        "is_beyond_tolerance": is_beyond,
        "caution": bias_caution(bias, error, tolerated) if is_beyond else "",
    }


def _log_mean(scores: Floats, weights: Floats) -> float:
    top = scores.max()
    return float(top + np.log(np.sum(weights * np.exp(scores - top)) / weights.sum()))


def _relative_error(scores: Floats, weights: Floats) -> float:
    """Standard error of the log of the weighted mean rate, people drawn independently (delta method)."""
    rates = np.exp(scores - scores.max())
    mean = np.sum(weights * rates) / weights.sum()
    return float(np.sqrt(np.sum((weights * (rates - mean)) ** 2)) / (weights.sum() * mean))
