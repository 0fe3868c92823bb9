"""Who may be matched with whom: cases and controls of the same exact stratum, in an order that rows can't change."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from evaluation.matching.draws import draws
from evaluation.matching.errors import MatchingError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
STRATUM, TIE, PERSON = "stratum_number", "tie_number", "person_number"


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Cases and the controls of their strata, each sorted by stratum and tie.

    Added columns: `stratum_number`; `tie_number`, by which equally good choices are made, lowest first;
    `person_number`, the same for rows of one control who stands in several strata.
    """

    cases: pl.DataFrame
    controls: pl.DataFrame


def candidates(
    people: pl.DataFrame, *, exact: Sequence[str], scores: Sequence[str], seed: int, tie_breaker: str | None
) -> Candidates:
    """Splits `people` (`person_id`, `is_treated`, `exact`, `scores`) into strata that hold a case.

    Missing values of an exact column match missing values. A control may stand in several strata (one row
    each, such as one per site or index month). Ties are broken by hash of seed and person, or by the numbers
    in the column `tie_breaker`.

    Raises `MatchingError` if a column is missing, a score is null, infinite or not a number, a case stands
    twice, or a control twice in a stratum.
    """
    _check(people, exact, scores, tie_breaker)
    cases = people.filter("is_treated")
    strata = cases.select(exact).unique().sort(exact, nulls_last=False) if exact else None
    arms = [_in_strata(arm, strata, exact) for arm in (cases, people.filter(~pl.col("is_treated")))]
    found = Candidates(cases=_ordered(arms[0], seed, tie_breaker), controls=_ordered(arms[1], seed, tie_breaker))
    if found.cases["person_id"].n_unique() < found.cases.height:
        raise MatchingError("a case stands twice among the people to match")
    if found.controls.select("person_id", STRATUM).is_duplicated().any():
        raise MatchingError("a control stands twice in a stratum; exact must name what tells its rows apart")
    return found


def numbers(frame: pl.DataFrame, column: str) -> Floats:
    """A column as floating-point numbers."""
    return np.asarray(frame[column].cast(pl.Float64).to_numpy(), dtype=np.float64)


def in_matching_order(cases: pl.DataFrame, score: str) -> Integers:
    """Row numbers of the cases, largest score first, ties by `tie_number`: MatchIt's default order."""
    return np.lexsort((np.arange(cases.height), cases[TIE].to_numpy(), -numbers(cases, score)))


def _check(people: pl.DataFrame, exact: Sequence[str], scores: Sequence[str], tie_breaker: str | None) -> None:
    needed = ["person_id", "is_treated", *exact, *scores, *([tie_breaker] if tie_breaker else [])]
    absent = [name for name in needed if name not in people.columns]
    if absent:
        raise MatchingError(f"the people to match have no column {', '.join(absent)}")
    if people["person_id"].null_count() or people["is_treated"].null_count():
        raise MatchingError("person_id and is_treated must be known for everyone who is to be matched")
    for name in scores:
        if people[name].null_count() or not people[name].cast(pl.Float64).is_finite().all():
            raise MatchingError(f"{name} is missing, infinite or not a number for some people")


def _in_strata(arm: pl.DataFrame, strata: pl.DataFrame | None, exact: Sequence[str]) -> pl.DataFrame:
    if strata is None:
        return arm.with_columns(pl.lit(0, dtype=pl.Int64).alias(STRATUM))
    numbered = strata.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias(STRATUM))
    return arm.join(numbered, on=list(exact), how="inner", nulls_equal=True)


def _ordered(arm: pl.DataFrame, seed: int, tie_breaker: str | None) -> pl.DataFrame:
    person = pl.col("person_id").rank("dense").cast(pl.Int64) - 1
    tie = (
        pl.Series(TIE, draws(arm["person_id"], seed=seed))
        if tie_breaker is None
        else arm[tie_breaker].cast(pl.UInt64).alias(TIE)
    )
    return arm.with_columns(tie, person.alias(PERSON)).sort(STRATUM, TIE, "person_id")
