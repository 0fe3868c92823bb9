"""The ways in which pairs can be found, by the name that a protocol gives them."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from evaluation.matching.distances import key_columns
from evaluation.matching.mahalanobis import mahalanobis_pairs
from evaluation.matching.nearest import nearest_neighbour_pairs
from evaluation.matching.optimal import optimal_pairs
from evaluation.matching.pool import DRAW
from evaluation.matching.settings import Settings


def pairs_by_method(
    people: pl.DataFrame,
    *,
    score: str,
    covariates: Sequence[str],
    exact: Sequence[str],
    caliper: float,
    settings: Settings,
) -> pl.DataFrame:
    """Pairs with the columns of `PAIRS`, within `caliper` of each other's `score` and equal in the `exact` columns.

    `settings.method`: `nearest` in the score; `mahalanobis`, nearest in the first eight numbers among `covariates`, in
    the score if there are none; `optimal`, the least sum of distances in the score within each stratum, which uses no
    control twice; `prognostic`, nearest in `settings.prognostic_score`, in the score if that does not vary. `people`:
    `person_id`, `is_treated`, `draw`, by which ties are broken, the score, the exact columns and the covariates.

    Raises `TooLargeError` where a stratum is too large for optimal pairs.
    """
    asked: dict[str, Any] = {
        "score": score,
        "exact": exact,
        "ratio": settings.ratio,
        "caliper": caliper,
        "seed": settings.seed,
        "tie_breaker": DRAW,
    }
    needed = people.select(*dict.fromkeys(("person_id", "is_treated", DRAW, score, *exact)))
    if settings.method == "optimal":
        return optimal_pairs(needed, **asked)
    asked["with_replacement"] = settings.with_replacement
    keys = key_columns(people, _measured_in(covariates, settings))
    if not keys.width:
        return nearest_neighbour_pairs(needed, **asked)
    return mahalanobis_pairs(needed.hstack(keys), covariates=keys.columns, **asked)


def _measured_in(covariates: Sequence[str], settings: Settings) -> Sequence[str]:
    """The columns whose distance decides who is nearest; none where the score decides."""
    if settings.method == "prognostic":
        return (settings.prognostic_score,)
    return covariates if settings.method == "mahalanobis" else ()
