"""Nearest-neighbour matching on one score, propensity or prognostic, within exact strata."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from evaluation.matching.candidates import (
    PERSON,
    STRATUM,
    TIE,
    Candidates,
    Floats,
    Integers,
    candidates,
    in_matching_order,
    numbers,
)
from evaluation.matching.free_controls import SAME_DISTANCE, FreeControls
from evaluation.matching.pairs import pairs_frame


def nearest_neighbour_pairs(
    people: pl.DataFrame,
    *,
    score: str,
    exact: Sequence[str] = (),
    ratio: int = 1,
    caliper: float | None = None,
    with_replacement: bool = False,
    seed: int,
    tie_breaker: str | None = None,
) -> pl.DataFrame:
    """Up to `ratio` controls per case, nearest in `score`, not further than `caliper` (in units of the score).

    `people`: `person_id`, `is_treated`, `score` and the `exact` columns. Greedy: cases in order of the score, largest
    first, each takes the nearest control that is free; a second control only once every case had its turn for a
    first (MatchIt's `nearest`). With replacement everyone takes their nearest. Ties by hash of seed and person.
    Returns the columns of `pairs_frame`. Raises what `candidates` does.

    By hand: cases 3 and 1, controls 2.9, 2, 0: 3 takes 2.9, then 1 is as far from 2 as from 0: the hash decides.
    """
    found = candidates(people, exact=exact, scores=[score], seed=seed, tie_breaker=tie_breaker)
    width = np.inf if caliper is None else caliper
    if with_replacement:
        rows = _nearest_of_all(found, score, ratio, width)
    else:
        rows = _nearest_free(found, score, ratio, width)
    return pairs_frame(found, case_rows=rows[0], control_rows=rows[1], distances=rows[2])


def _nearest_free(found: Candidates, score: str, ratio: int, width: float) -> tuple[Integers, Integers, Floats]:
    free = FreeControls(
        stratum=found.controls[STRATUM].to_numpy(),
        score=numbers(found.controls, score),
        tie=found.controls[TIE].to_numpy(),
        person=found.controls[PERSON].to_numpy(),
    )
    stratum, wanted = found.cases[STRATUM].to_numpy(), numbers(found.cases, score)
    starts = free.starting_blocks(stratum, wanted).tolist()
    strata, scores, order = stratum.tolist(), wanted.tolist(), in_matching_order(found.cases, score).tolist()
    picked: list[tuple[int, int, float]] = []
    for _ in range(ratio):
        still_finding = []
        for case in order:
            control, distance = free.nearest(starts[case], strata[case], scores[case])
            if control >= 0 and distance <= width:
                free.take(control)
                picked.append((case, control, distance))
                still_finding.append(case)
        order = still_finding
    return _columns(picked)


def _columns(picked: list[tuple[int, int, float]]) -> tuple[Integers, Integers, Floats]:
    cases, controls, distances = zip(*picked, strict=True) if picked else ((), (), ())
    return np.array(cases, dtype=np.int64), np.array(controls, dtype=np.int64), np.array(distances, dtype=np.float64)


def _nearest_of_all(found: Candidates, score: str, ratio: int, width: float) -> tuple[Integers, Integers, Floats]:
    """The `ratio` nearest on either side of each case, of which the nearest `ratio` are kept."""
    case_stratum, case_score = found.cases[STRATUM].to_numpy(), numbers(found.cases, score)
    stratum, value, tie = found.controls[STRATUM].to_numpy(), numbers(found.controls, score), found.controls[TIE]
    if not stratum.size or not case_stratum.size:
        return _columns([])
    above = _side(stratum, value, case_stratum, case_score, ratio, includes_equal=True)
    below = _side(stratum, -value, case_stratum, -case_score, ratio, includes_equal=False)
    rows = np.hstack([above, below])
    distances = np.where(rows >= 0, np.abs(value[rows] - case_score[:, None]), np.inf)
    rounded = np.round(distances / SAME_DISTANCE) * SAME_DISTANCE
    nearest = np.lexsort((tie.to_numpy()[rows], rounded), axis=-1)[:, :ratio]
    rows, distances = (np.take_along_axis(array, nearest, axis=1) for array in (rows, distances))
    case_rows, column = np.nonzero((distances <= width) & np.isfinite(distances))
    return case_rows, rows[case_rows, column], distances[case_rows, column]


def _side(
    stratum: Integers,
    value: Floats,
    case_stratum: Integers,
    case_value: Floats,
    ratio: int,
    *,
    includes_equal: bool,
) -> NDArray[np.int64]:
    """Rows of the first `ratio` controls of the case's stratum from its value upwards; -1 where there are fewer."""
    order = np.lexsort((np.arange(len(value)), value, stratum))  # rows come sorted by tie
    levels = np.unique(np.concatenate([value, case_value]))
    keys = stratum[order] * len(levels) + np.searchsorted(levels, value[order])
    wanted = case_stratum * len(levels) + np.searchsorted(levels, case_value)
    first = np.searchsorted(keys, wanted, side="left" if includes_equal else "right")
    places = first[:, None] + np.arange(ratio)[None, :]
    inside = places < len(order)
    rows = order[np.minimum(places, len(order) - 1)]
    return np.where(inside & (stratum[rows] == case_stratum[:, None]), rows, -1)
