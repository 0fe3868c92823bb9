"""Which cases are compared with which weighted controls, before and after matching or weighting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from evaluation.matching.errors import MatchingError
from evaluation.matching.pairs import matching_weights

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
BEFORE, AFTER_MATCHING, AFTER_WEIGHTING = "before", "after_matching", "after_weighting"


@dataclass(frozen=True, kw_only=True)
class Population:
    """Cases to be described and, by stage, the weights (`person_id`, `weight`) that matching or balancing gave.

    `case_ids` are the cases before matching; None: every case. Before, everyone else of the cohort is their
    pool, or the people to whom the stage `before` gives weights. `is_part` marks a site or another part of the cases,
    in which differences by chance alone are larger.
    """

    name: str
    weightings: Mapping[str, pl.DataFrame]
    case_ids: pl.Series | None = None
    is_part: bool = False


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Rows of the cohort and their weights at one stage: before everyone of the pool weighs the same."""

    name: str
    cases: Integers
    controls: Integers
    case_weights: Floats
    control_weights: Floats

    @property
    def effective_controls(self) -> float:
        """Square of the summed weight over the sum of squares (Kish)."""
        return effective_number(self.control_weights)

    @property
    def noise(self) -> float:
        """Standard error of a standardised difference between people drawn alike: (1/n + 1/m)^0.5."""
        numbers = (effective_number(self.case_weights), self.effective_controls)
        return float(np.sqrt(sum(1 / n for n in numbers))) if min(numbers) > 0 else np.inf


def site_populations(cohort: pl.DataFrame, *, pairs: pl.DataFrame) -> list[Population]:
    """A population `site:<id>` for every site of the cases in `cohort`: its cases, its matched pairs."""
    cases = cohort.filter("is_treated").select("person_id", "site_id")
    found = []
    for site in cases["site_id"].drop_nulls().unique().sort():
        ids = cases.filter(pl.col("site_id") == site)["person_id"]
        weights = matching_weights(pairs.filter(pl.col("case_id").is_in(ids.implode())))
        found.append(Population(name=f"site:{site}", weightings={AFTER_MATCHING: weights}, case_ids=ids, is_part=True))
    return found


def stages(ordered: pl.DataFrame, populations: Sequence[Population]) -> list[tuple[Population, list[Stage]]]:
    """The stages of each population, `before` first, as rows of the sorted cohort.

    Raises `MatchingError` where somebody who has a weight is not in the cohort, or stands twice.
    """
    treated = ordered["is_treated"].to_numpy()
    return [(one, _stages(one, ordered, np.asarray(treated, dtype=np.bool_))) for one in populations]


def among(stage: Stage, people: NDArray[np.bool_]) -> Stage:
    """The stage with only those of its people whom `people`, one flag a row of the cohort, holds; weights are kept."""
    cases, controls = people[stage.cases], people[stage.controls]
    return Stage(
        name=stage.name,
        cases=stage.cases[cases],
        controls=stage.controls[controls],
        case_weights=stage.case_weights[cases],
        control_weights=stage.control_weights[controls],
    )


def _stages(population: Population, ordered: pl.DataFrame, treated: NDArray[np.bool_]) -> list[Stage]:
    is_theirs = treated.copy()
    if population.case_ids is not None:
        is_theirs &= ordered["person_id"].is_in(population.case_ids.implode()).to_numpy()
    pool = np.where(treated, 0.0, 1.0)
    if BEFORE in population.weightings:
        pool = np.where(treated, 0.0, _aligned(population, BEFORE, ordered))
    found = [_stage(BEFORE, np.where(is_theirs, 1.0, pool), is_theirs, ~treated)]
    for name in population.weightings:
        if name != BEFORE:
            found.append(_stage(name, _aligned(population, name, ordered), is_theirs, ~treated))
    return found


def _stage(name: str, weights: Floats, is_case: NDArray[np.bool_], is_control: NDArray[np.bool_]) -> Stage:
    cases, controls = np.flatnonzero(is_case & (weights > 0)), np.flatnonzero(is_control & (weights > 0))
    return Stage(
        name=name,
        cases=cases,
        controls=controls,
        case_weights=weights[cases],
        control_weights=weights[controls],
    )


def _aligned(population: Population, stage: str, ordered: pl.DataFrame) -> Floats:
    given = population.weightings[stage].select("person_id", pl.col("weight").cast(pl.Float64))
    if given["person_id"].n_unique() < given.height:
        raise MatchingError(f"{population.name}: a person has more than one weight")
    joined = ordered.select("person_id").join(given, on="person_id", how="left", maintain_order="left")
    if joined["weight"].count() < given.height:
        raise MatchingError(f"{population.name}: a person with a weight is not in the cohort")
    return np.asarray(joined["weight"].fill_null(0.0).to_numpy(), dtype=np.float64)


def effective_number(weights: Floats) -> float:
    """How many people of equal weight would be as precise: the square of the sum over the sum of squares (Kish)."""
    squares = float(np.sum(weights**2))
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0
