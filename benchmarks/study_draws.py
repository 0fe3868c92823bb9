"""One draw of the simulation study: a made-up cohort, and what each method says of it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import polars as pl

from evaluation.estimation.matched_cohort import matched_cohort
from evaluation.estimation.matched_did import matched_did
from evaluation.estimation.rate_ratios import RateRatio
from evaluation.estimation.weighted_cohort import (
    UnbalancedWeightsError,
    weighted_design,
    weighted_rate_ratio,
)
from evaluation.matching import design_matrix, regression_terms
from evaluation.matching.covariates import COVARIATES, covariates_of_pairs
from evaluation.matching.matched import matched_pairs
from evaluation.matching.pool import with_draws
from evaluation.matching.settings import Settings
from evaluation.matching.weighted import Weighted, balanced_weights
from evaluation.regression import NotEstimableError
from evaluation.simulation.trials import (
    MECHANISMS,
    NO_EFFECT,
    OUTCOMES,
    PUBLISHED_EFFECTS,
    WITHOUT,
    TrialPlan,
    simulated_trial,
)

EFFECTS = {"none": NO_EFFECT, "published": PUBLISHED_EFFECTS}
SIZES = (1200, 3600)
DAYS_PER_YEAR = 365.25
SEED = 20_120_322
WEIGHTED, MATCHED, DID = "weighted_cohort", "matched_cohort", "matched_did"


@dataclass(frozen=True)
class Cell:
    """One mechanism and number of cases; its cohorts serve every effect."""

    mechanism: str
    cases: int

    @property
    def name(self) -> str:
        """As it stands in the results' count of draws."""
        return f"{self.mechanism}/{self.cases}"

    def with_effect(self, effect: str) -> str:
        """As it stands in the results' figures."""
        return f"{self.mechanism}/{effect}/{self.cases}"


CELLS = tuple(Cell(mechanism, cases) for cases, mechanism in product(SIZES, MECHANISMS))
Found = dict[tuple[str, str, str], RateRatio | None]


def effects_of_default(cell: Cell, draw: int) -> Found:
    """Estimates of the default in one draw by effect, method and outcome; None where it gave none."""
    return _default(_people(cell, draw))


def effects_of_all(cell: Cell, draw: int) -> Found:
    """As `effects_of_default`, of every method, from the same people."""
    people = _people(cell, draw)
    found = {(effect, method, name): ratio for effect, method, name, ratio in _matched(people, seed=draw)}
    return _default(people) | found


def _people(cell: Cell, draw: int) -> pl.DataFrame:
    rng = np.random.default_rng([SEED, CELLS.index(cell), draw])
    return simulated_trial(TrialPlan(cases=cell.cases, mechanism=cell.mechanism, ratios=PUBLISHED_EFFECTS), rng)


def _default(people: pl.DataFrame) -> Found:
    return {(effect, WEIGHTED, name): ratio for effect, name, ratio in _weighted(people)}


def _weighted(people: pl.DataFrame) -> Iterator[tuple[str, str, RateRatio | None]]:
    cases, pool = people.filter("is_treated"), people.filter(~pl.col("is_treated"))
    weighted = balanced_weights(cases, pool, covariates=known_covariates(people))
    outcomes = {(effect, name): _column(effect, name) for effect, name in product(EFFECTS, OUTCOMES)}
    found = weighted_estimates(cases, pool, weighted, outcomes=outcomes.values())
    yield from ((effect, name, found[column]) for (effect, name), column in outcomes.items())


def weighted_estimates(
    cases: pl.DataFrame, pool: pl.DataFrame, weighted: Weighted, *, outcomes: Iterable[str]
) -> dict[str, RateRatio | None]:
    """By column of counts, the estimate of `weighted_cohort`; None where there is none."""
    if weighted.weights.is_empty():
        return dict.fromkeys(outcomes)
    rows = pl.concat([cases.with_columns(weight=pl.lit(1.0)), pool.join(weighted.weights, on="person_id")])
    matrix = design_matrix(rows, terms=weighted.terms)
    try:
        design = weighted_design(
            is_treated=matrix.treated(rows),
            weights=matrix.column_of(rows, "weight").to_numpy(),
            balanced=matrix.values,
            person_ids=np.arange(rows.height),
        )
    except UnbalancedWeightsError:
        return dict.fromkeys(outcomes)
    years = matrix.column_of(rows, "person_days").to_numpy() / DAYS_PER_YEAR
    return {
        name: _or_none(weighted_rate_ratio, design, counts=matrix.column_of(rows, name).to_numpy(), person_years=years)
        for name in outcomes
    }


def _column(effect: str, name: str) -> str:
    return f"{WITHOUT}{name}" if effect == "none" else name


def _matched(trial: pl.DataFrame, *, seed: int) -> Iterator[tuple[str, str, str, RateRatio | None]]:
    people = with_draws(trial, seed=seed)
    settings = Settings(exact=("sex", "age_band", "emergency_discharge_class"))
    pool = people.filter(~pl.col("is_treated"))
    alike_in = covariates_of_pairs(known_covariates(people))
    pairs = matched_pairs(people, sample=pool, covariates=alike_in, settings=settings).pairs
    sets = pairs.select("case_id", set_id=pl.col("case_id").rank("dense").cast(pl.Int64))
    of_cases = sets.unique().select(pl.col("case_id").alias("person_id"), "set_id", weight=pl.lit(1.0))
    of_controls = pairs.select(pl.col("control_id").alias("person_id"), sets["set_id"], "weight")
    rows = pl.concat([of_cases, of_controls]).join(people, on="person_id", maintain_order="left")
    used = people.join(rows.select("person_id").unique(), on="person_id", how="semi")
    matrix = design_matrix(used, terms=regression_terms(used, known_covariates(people), cases=of_cases.height))
    values = matrix.values[matrix.person_id.search_sorted(rows["person_id"]).to_numpy()]
    person_ids = rows["person_id"].rank("dense").to_numpy()
    shared = {
        "is_treated": rows["is_treated"].to_numpy(),
        "weights": rows["weight"].to_numpy(),
        "person_ids": person_ids,
        "set_ids": rows["set_id"].to_numpy(),
    }
    years = rows["person_days"].to_numpy() / DAYS_PER_YEAR
    for effect, name in product(EFFECTS, OUTCOMES):
        outcome = {"counts": rows[_column(effect, name)].to_numpy(), "person_years": years}
        before = {
            "baseline_counts": rows[f"early_{name}"].to_numpy(),
            "baseline_person_years": rows["early_days"].to_numpy() / DAYS_PER_YEAR,
        }
        yield effect, MATCHED, name, _or_none(matched_cohort, covariates=values, **outcome, **shared)
        yield effect, DID, name, _or_none(matched_did, **before, **outcome, **shared)


def _or_none(method: Callable[..., RateRatio], *given: Any, **arguments: Any) -> RateRatio | None:
    try:
        return method(*given, **arguments)
    except NotEstimableError:
        return None


def known_covariates(people: pl.DataFrame) -> list[str]:
    """The covariates of a study that made-up people have, the most important first."""
    return [name for name in COVARIATES if name in people.columns]
