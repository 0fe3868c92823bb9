"""One draw of the simulation study: a made-up cohort, and what each method says of it."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np
import polars as pl

from evaluation.estimation.carried_forward import less_drift, years_of_drift
from evaluation.estimation.lead_changes import DRIFTED, are_held_out
from evaluation.estimation.matched_cohort import matched_cohort
from evaluation.estimation.matched_did import matched_did
from evaluation.estimation.metrics import Metric
from evaluation.estimation.month_roles import months_used
from evaluation.estimation.pooling import FEWEST_FOR_PREDICTION, PooledEffect, pooled_effect
from evaluation.estimation.rate_ratios import RateRatio
from evaluation.estimation.site_ratios import SiteCount, entered_ratios
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
    EXPECTED,
    FOLLOW_UP,
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
WEIGHTED, MATCHED, DID, CARRIED = "weighted_cohort", "matched_cohort", "matched_did", "carried_forward"
PAIRS = Settings(exact=("sex", "age_band", "emergency_discharge_class"))
SITE_SPREAD, DIFFER = 0.15, "_sites_differ"


@dataclass(frozen=True)
class Cell:
    """One mechanism and number of cases; its cohorts serve every effect, or the published ones where sites differ."""

    mechanism: str
    cases: int
    site_spread: float = 0.0

    @property
    def label(self) -> str:
        """The mechanism, and whether sites differ."""
        return f"{self.mechanism}{DIFFER if self.site_spread else ''}"

    @property
    def name(self) -> str:
        """As it stands in the results' count of draws."""
        return f"{self.label}/{self.cases}"

    @property
    def effects(self) -> tuple[str, ...]:
        """Which of `EFFECTS` are looked at."""
        return ("published",) if self.site_spread else tuple(EFFECTS)

    def with_effect(self, effect: str) -> str:
        """As it stands in the results' figures."""
        return f"{self.label}/{effect}/{self.cases}"


CELLS = (
    *(Cell(mechanism, cases) for cases, mechanism in product(SIZES, MECHANISMS)),
    *(Cell("transient_crisis", cases, SITE_SPREAD) for cases in SIZES),
)
Found = dict[tuple[str, str, str], RateRatio | None]


@dataclass(frozen=True, kw_only=True)
class Draw:
    """What each method says of one cohort, by effect, method and outcome, and the true log rate ratios in its sites.

    `across_sites`, by outcome, where sites differ and enough of them have an estimate.
    """

    found: Found
    truths: dict[tuple[str, str], float]
    across_sites: dict[str, PooledEffect | None] = field(default_factory=dict)


def draw_of_default(cell: Cell, draw: int) -> Draw:
    """Estimates of the default in one draw; None where it gave none."""
    people = _people(cell, draw)
    return Draw(found=_default(cell, people), truths=_truths(cell, people))


def draw_of_all(cell: Cell, draw: int) -> Draw:
    """As `draw_of_default`, of every method, from the same people."""
    people = _people(cell, draw)
    pairs = matched_estimates(people, cell.effects, seed=draw)
    found = {(effect, method, name): ratio for effect, method, name, ratio in pairs}
    across = _across_sites(people) if cell.site_spread else {}
    return Draw(found=_default(cell, people) | found, truths=_truths(cell, people), across_sites=across)


def _people(cell: Cell, draw: int) -> pl.DataFrame:
    rng = np.random.default_rng([SEED, CELLS.index(cell), draw])
    plan = TrialPlan(cases=cell.cases, mechanism=cell.mechanism, ratios=PUBLISHED_EFFECTS, site_spread=cell.site_spread)
    return simulated_trial(plan, rng)


def _truths(cell: Cell, people: pl.DataFrame) -> dict[tuple[str, str], float]:
    """The planted ratio; where sites differ, the ratio of the expected counts of all their cases."""
    planted = {(effect, name): math.log(EFFECTS[effect][name]) for effect, name in product(cell.effects, OUTCOMES)}
    if not cell.site_spread:
        return planted
    cases = people.filter("is_treated")
    beyond = np.exp(cases["site_log_effect"].to_numpy())
    means = {name: np.average(beyond, weights=cases[f"{EXPECTED}{name}"].to_numpy()) for name in OUTCOMES}
    return {(effect, name): log + math.log(means[name]) for (effect, name), log in planted.items()}


def _across_sites(people: pl.DataFrame) -> dict[str, PooledEffect | None]:
    """Each site weighted by itself against the pool, pooled as `site_pooling` does."""
    pool = people.filter(~pl.col("is_treated"))
    of_sites: dict[str, list[RateRatio]] = {name: [] for name in OUTCOMES}
    for _, cases in people.filter("is_treated").group_by("site_id", maintain_order=True):
        weighted = balanced_weights(cases, pool, covariates=known_covariates(people))
        found = weighted_estimates(cases, pool, weighted, outcomes=OUTCOMES)
        for name, ratio in found.items():
            if ratio is not None:
                of_sites[name].append(ratio)
    return {name: _pooled(ratios) for name, ratios in of_sites.items()}


def _pooled(ratios: list[RateRatio]) -> PooledEffect | None:
    entered = [one for one in entered_ratios([_count(ratio) for ratio in ratios]) if one is not None]
    if len(entered) < FEWEST_FOR_PREDICTION:
        return None
    return pooled_effect(
        [one.log_ratio for one in entered],
        [one.error for one in entered],
        sites=[str(number) for number in range(len(entered))],
    )


def _count(ratio: RateRatio) -> SiteCount:
    years = ratio.sample.person_years_cases
    error = None if ratio.sample.rests_on_few else ratio.standard_error
    return SiteCount(observed=ratio.rate * years, expected=ratio.rate_without * years, error=error)


def _default(cell: Cell, people: pl.DataFrame) -> Found:
    cases, pool = people.filter("is_treated"), people.filter(~pl.col("is_treated"))
    weighted = balanced_weights(cases, pool, covariates=known_covariates(people))
    outcomes = {(effect, name): _column(effect, name) for effect, name in product(cell.effects, OUTCOMES)}
    found = weighted_estimates(cases, pool, weighted, outcomes=outcomes.values())
    return {(effect, WEIGHTED, name): found[column] for (effect, name), column in outcomes.items()}


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


def matched_estimates(
    trial: pl.DataFrame, effects: Iterable[str], *, seed: int, settings: Settings = PAIRS
) -> Iterator[tuple[str, str, str, RateRatio | None]]:
    """Effect, method, outcome and estimate of both designs with pairs; None where there is none."""
    people = with_draws(trial, seed=seed)
    pool = people.filter(~pl.col("is_treated"))
    covariates = covariates_of_pairs(known_covariates(people))
    pairs = matched_pairs(people, sample=pool, covariates=covariates, settings=settings).pairs
    alike_in = (*covariates, *settings.exact)
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
    for effect, name in product(effects, OUTCOMES):
        outcome = {"counts": rows[_column(effect, name)].to_numpy(), "person_years": years}
        before = {
            "baseline_counts": rows[f"early_{name}"].to_numpy(),
            "baseline_person_years": rows["early_days"].to_numpy() / DAYS_PER_YEAR,
        }
        yield effect, MATCHED, name, _or_none(matched_cohort, covariates=values, **outcome, **shared)
        did = _or_none(matched_did, **before, **outcome, **shared)
        yield effect, DID, name, did
        used = months_used(Metric(metric_id=name, label=name, domain="utilisation", unit="per person-year"), alike_in)
        if are_held_out(DRIFTED, used=used):
            yield effect, CARRIED, name, _carried_forward(did, rows, name, shared)


def _carried_forward(
    did: RateRatio | None, rows: pl.DataFrame, name: str, shared: Mapping[str, Any]
) -> RateRatio | None:
    """`matched_did` less what the groups drifted apart before the crisis, as `with_carried_forward` has it."""
    first, last = (rows[f"early_{which}_half_year_{name}"].to_numpy() for which in ("first", "last"))
    years = rows["half_year_days"].to_numpy() / DAYS_PER_YEAR
    counted = {"baseline_counts": first, "counts": last, "baseline_person_years": years, "person_years": years}
    drift = _or_none(matched_did, **counted, **shared)
    if did is None or drift is None:
        return None
    log_ratio, error = less_drift(
        (did.log_rate_ratio, did.standard_error),
        (drift.log_rate_ratio, drift.standard_error),
        years=years_of_drift(FOLLOW_UP),
    )
    return replace(did, estimator=CARRIED, log_rate_ratio=log_ratio, standard_error=error)


def _or_none(method: Callable[..., RateRatio], *given: Any, **arguments: Any) -> RateRatio | None:
    try:
        return method(*given, **arguments)
    except NotEstimableError:
        return None


def known_covariates(people: pl.DataFrame) -> list[str]:
    """The covariates of a study that made-up people have, the most important first."""
    return [name for name in COVARIATES if name in people.columns]
