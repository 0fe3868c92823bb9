"""Matched pairs, the weights they give to people, and for whom the effect then stands."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from evaluation.matching.candidates import Candidates, Floats, Integers
from evaluation.matching.errors import MatchingError

PAIRS = {
    "case_id": pl.String(),
    "control_id": pl.String(),
    "set_id": pl.Int64(),
    "match_number": pl.Int64(),
    "weight": pl.Float64(),
    "distance": pl.Float64(),
}
MOST_UNMATCHED = 0.1


@dataclass(frozen=True, kw_only=True)
class MatchedEstimand:
    """For whom a matched comparison gives the effect: the cases that found a control."""

    cases: int
    matched: int

    @property
    def words(self) -> str:
        """The estimand in words, as in "ATT among the 95 of 100 matched"."""
        return att_among(self.matched, self.cases)

    @property
    def loses_too_many(self) -> bool:
        """Whether over 10% of the cases are lost, so that the effect is about the others, and a caution says so."""
        return self.cases - self.matched > MOST_UNMATCHED * self.cases


def att_among(matched: int | str, cases: int | str) -> str:
    """The estimand of pairs in words; counts may come as they are printed, rounded or hidden.

    >>> att_among(95, 100)
    'ATT among the 95 of 100 matched'
    """
    return f"ATT among the {matched} of {cases} matched"


def pairs_frame(found: Candidates, *, case_rows: Integers, control_rows: Integers, distances: Floats) -> pl.DataFrame:
    """Pairs by row numbers of `found` as `case_id control_id set_id match_number weight distance`.

    A set is a case with its k controls, numbered by `case_id`; `match_number` counts them from the nearest;
    each weighs 1/k. Sorted by set and match number.
    """
    tie = found.controls["tie_number"].to_numpy()[control_rows]
    pairs = pl.DataFrame(
        {
            "case_id": found.cases["person_id"].gather(case_rows),
            "control_id": found.controls["person_id"].gather(control_rows),
            "distance": np.asarray(distances, dtype=np.float64),
            "tie": tie,
        }
    ).sort("case_id", "distance", "tie", "control_id")
    return pairs.select(
        "case_id",
        "control_id",
        (pl.col("case_id").rank("dense").cast(pl.Int64)).alias("set_id"),
        (pl.int_range(pl.len()).over("case_id") + 1).cast(pl.Int64).alias("match_number"),
        (1 / pl.len().over("case_id")).alias("weight"),
        "distance",
    ).cast(pl.Schema(PAIRS))


def matching_weights(pairs: pl.DataFrame) -> pl.DataFrame:
    """`person_id`, `is_treated`, `weight`: 1 per matched case, and per control the sum over its pairs of 1/k.

    The controls' weights add up to the number of matched cases. People who are in no pair are absent.

    By hand: case a with controls x, y and case b with x give x 1.5, y 0.5 and a, b 1 each.
    """
    cases = pairs.select(pl.col("case_id").alias("person_id")).unique()
    controls = pairs.group_by(pl.col("control_id").alias("person_id")).agg(pl.col("weight").sum())
    return pl.concat(
        [
            cases.select("person_id", pl.lit(True).alias("is_treated"), pl.lit(1.0).alias("weight")),
            controls.select("person_id", pl.lit(False).alias("is_treated"), "weight"),
        ]
    ).sort("person_id", "is_treated")


def matched_estimand(people: pl.DataFrame, pairs: pl.DataFrame) -> MatchedEstimand:
    """How many of the cases in `people` (`person_id`, `is_treated`) found a control.

    Raises `MatchingError` if a case of the pairs is not among them.
    """
    cases, matched = people.filter("is_treated")["person_id"].unique(), pairs["case_id"].unique()
    if not matched.is_in(cases.implode()).all():
        raise MatchingError("a case of the pairs is not among the people")
    return MatchedEstimand(cases=cases.len(), matched=matched.len())
