"""Optimal matching within exact strata: the pairs whose distances have the least sum."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy.optimize import linear_sum_assignment

from evaluation.matching.candidates import PERSON, STRATUM, Candidates, Floats, Integers, candidates, numbers
from evaluation.matching.distances import mahalanobis_coordinates
from evaluation.matching.errors import TooLargeError
from evaluation.matching.pairs import pairs_frame

MOST_CELLS = 50_000_000


def optimal_pairs(
    people: pl.DataFrame,
    *,
    score: str,
    covariates: Sequence[str] = (),
    caliper: float | None = None,
    exact: Sequence[str] = (),
    ratio: int = 1,
    seed: int,
    tie_breaker: str | None = None,
) -> pl.DataFrame:
    """Up to `ratio` controls per case with the least total distance in each stratum, no control twice.

    The distance is that of `score`, or the Mahalanobis distance in `covariates`; no pair is further apart in
    `score` than `caliper`. First as many cases as possible get a control, then as many pairs as possible
    are formed, then the sum of distances is least (Rosenbaum 1989). Raises what `candidates` does, and
    `TooLargeError` where a stratum is too large for an assignment.

    By hand: cases 0 and 2, controls 1 and 4: greedy from the top takes 2-1 and 0-4, sum 5; optimal 0-1, 2-4, sum 3.
    """
    found = candidates(people, exact=exact, scores=[score], seed=seed, tie_breaker=tie_breaker)
    width = np.inf if caliper is None else caliper
    case_score, control_score = numbers(found.cases, score)[:, None], numbers(found.controls, score)[:, None]
    points = (case_score, control_score)
    if covariates and found.cases.height and found.controls.height:
        points = mahalanobis_coordinates(found, covariates)
    is_taken = np.zeros(found.controls.height, dtype=np.bool_)
    person = found.controls[PERSON].to_numpy()
    case_rows, control_rows, distances = [], [], []
    for cases, controls in _strata(found):
        free = controls[~is_taken[person[controls]]]
        _refuse_large(len(cases) * ratio, len(free))
        distance = _distances(points[0][cases], points[1][free])
        distance[_distances(case_score[cases], control_score[free]) > width] = np.inf
        rows, columns = _assigned(distance, ratio)
        is_taken[person[free[columns]]] = True
        case_rows.append(cases[rows])
        control_rows.append(free[columns])
        distances.append(distance[rows, columns])
    nothing = np.zeros(0, dtype=np.int64)
    return pairs_frame(
        found,
        case_rows=np.concatenate([nothing, *case_rows]),
        control_rows=np.concatenate([nothing, *control_rows]),
        distances=np.concatenate([nothing.astype(np.float64), *distances]),
    )


def _strata(found: Candidates) -> list[tuple[Integers, Integers]]:
    """Rows of cases and controls of each stratum; both frames are sorted by it."""
    of_cases, of_controls = (arm[STRATUM].to_numpy() for arm in (found.cases, found.controls))
    strata = np.unique(of_cases)
    edges = [(np.searchsorted(rows, strata), np.searchsorted(rows, strata + 1)) for rows in (of_cases, of_controls)]
    return [
        (np.arange(edges[0][0][n], edges[0][1][n]), np.arange(edges[1][0][n], edges[1][1][n]))
        for n in range(len(strata))
    ]


def _refuse_large(wanted: int, free: int) -> None:
    if wanted * (wanted + free) > MOST_CELLS:
        raise TooLargeError(
            "a stratum is too large for optimal matching; match exactly on more columns, or match the nearest neighbour"
        )


def _distances(cases: Floats, controls: Floats) -> Floats:
    squares = np.zeros((len(cases), len(controls)))
    for column in range(cases.shape[1]):
        squares += (cases[:, column, None] - controls[None, :, column]) ** 2
    return np.sqrt(squares)


def _assigned(distance: Floats, ratio: int) -> tuple[Integers, Integers]:
    """Rows and columns of the pairs of least total distance; infinite cells are never chosen.

    Each of the `ratio` copies of a case may stay alone at a price: above the sum of all distances for a
    further copy, above all those prices together for the first.
    """
    cases, controls = distance.shape
    allowed = distance[np.isfinite(distance)]
    further = 1 + cases * ratio * (allowed.max() if allowed.size else 0.0)
    prices = np.concatenate([np.full(cases, further * (cases * ratio + 1)), np.full(cases * (ratio - 1), further)])
    cost = np.hstack([np.tile(distance, (ratio, 1)), np.tile(prices[:, None], (1, cases * ratio))])
    rows, columns = linear_sum_assignment(cost)
    is_pair = columns < controls
    return rows[is_pair] % cases, columns[is_pair]
