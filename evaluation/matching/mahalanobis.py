"""Nearest-neighbour matching on Mahalanobis distance within a propensity caliper and exact strata."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy.spatial import cKDTree

from evaluation.matching.candidates import (
    PERSON,
    STRATUM,
    Candidates,
    Floats,
    Integers,
    candidates,
    in_matching_order,
    numbers,
)
from evaluation.matching.distances import mahalanobis_coordinates
from evaluation.matching.free_controls import SAME_DISTANCE
from evaluation.matching.pairs import pairs_frame

FIRST_LOOK = 16
WIDER = 4


def mahalanobis_pairs(
    people: pl.DataFrame,
    *,
    covariates: Sequence[str],
    score: str,
    caliper: float | None = None,
    exact: Sequence[str] = (),
    ratio: int = 1,
    with_replacement: bool = False,
    seed: int,
    tie_breaker: str | None = None,
) -> pl.DataFrame:
    """Up to `ratio` controls per case, nearest in `covariates` among those within `caliper` of its `score`.

    Greedy like `nearest_neighbour_pairs`: cases in order of `score` (the logit of the propensity score),
    largest first, in `ratio` rounds. `distance` is the Mahalanobis distance (covariance pooled within arms;
    Rubin 1980; caliper as in Rosenbaum & Rubin 1985). Raises what `candidates` and `mahalanobis_coordinates` do.
    """
    found = candidates(people, exact=exact, scores=[score], seed=seed, tie_breaker=tie_breaker)
    picked = _picked(found, covariates, score, np.inf if caliper is None else caliper, ratio, with_replacement)
    case_rows, control_rows = (np.array([pick[i] for pick in picked], dtype=np.int64) for i in (0, 1))
    return pairs_frame(
        found, case_rows=case_rows, control_rows=control_rows, distances=np.array([pick[2] for pick in picked])
    )


class Neighbours:
    """Controls by distance for every case of its stratum: the nearest few at once, more when those are gone."""

    def __init__(self, found: Candidates, covariates: Sequence[str], score: str, caliper: float) -> None:
        self._cases, controls = mahalanobis_coordinates(found, covariates)
        self._stratum = found.cases[STRATUM].to_list()
        self._case_score, self._control_score = numbers(found.cases, score), numbers(found.controls, score)
        self._caliper = caliper
        self._person = found.controls[PERSON].to_list()
        self._trees: dict[int, tuple[cKDTree, Integers]] = {}
        self._lists: dict[int, tuple[Integers, Floats]] = {}
        self._looked_at = [0] * len(self._cases)
        self._seen_below = [np.inf] * len(self._cases)
        strata = found.controls[STRATUM].to_numpy()
        for stratum in set(self._stratum):
            first, last = np.searchsorted(strata, [stratum, stratum + 1])
            if last > first:
                self._trees[stratum] = (cKDTree(controls[first:last]), np.arange(first, last))
                self._look(np.flatnonzero(found.cases[STRATUM].to_numpy() == stratum), stratum, FIRST_LOOK)

    def first(self, case: int, *, unusable: set[int]) -> tuple[int, float] | None:
        """Row and distance of the nearest control within the caliper who is not `unusable`; None if there is none."""
        stratum = self._stratum[case]
        if stratum not in self._trees:
            return None
        while True:
            rows, distances = self._lists[case]
            for row, distance in zip(rows.tolist(), distances.tolist(), strict=True):
                if distance >= self._seen_below[case]:
                    break  # others may be as far away, and one of them have the lower tie number
                if self._person[row] not in unusable:
                    return row, distance
            if self._looked_at[case] >= len(self._trees[stratum][1]):
                return None
            self._look(np.array([case]), stratum, self._looked_at[case] * WIDER)

    def _look(self, cases: Integers, stratum: int, number: int) -> None:
        tree, rows = self._trees[stratum]
        number = min(number, len(rows))
        distances, places = tree.query(self._cases[cases], k=np.arange(1, number + 1))
        for case, near, place in zip(cases.tolist(), distances, places, strict=True):
            theirs = rows[place]
            inside = np.abs(self._control_score[theirs] - self._case_score[case]) <= self._caliper
            # Rows are sorted by tie, so that the row number settles what is equally far.
            order = np.lexsort((theirs[inside], np.round(near[inside] / SAME_DISTANCE)))
            self._lists[case] = (theirs[inside][order], near[inside][order])
            self._looked_at[case] = number
            self._seen_below[case] = np.inf if number == len(rows) else near[-1] - SAME_DISTANCE


def _picked(
    found: Candidates, covariates: Sequence[str], score: str, caliper: float, ratio: int, with_replacement: bool
) -> list[tuple[int, int, float]]:
    if not found.cases.height or not found.controls.height:
        return []
    neighbours = Neighbours(found, covariates, score, caliper)
    person = found.controls[PERSON].to_list()
    taken: set[int] = set()
    own: list[set[int]] = [set() if with_replacement else taken for _ in range(found.cases.height)]
    picked: list[tuple[int, int, float]] = []
    order = in_matching_order(found.cases, score).tolist()
    for _ in range(ratio):
        still_finding = []
        for case in order:
            match = neighbours.first(case, unusable=own[case])
            if match is not None:
                picked.append((case, *match))
                own[case].add(person[match[0]])
                still_finding.append(case)
        order = still_finding
    return picked
