"""Are deaths, use until death and use by month of made-up cohorts found without bias, and do their intervals cover?

The pilot changes nothing here, so the mortality ratio is 1, and the difference in mean cumulative counts 0, in truth.
Events fall on days drawn at random; some people leave before the end, whatever happens to them.
"""

import math
from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom

from evaluation.estimation import ComparedPeople, ComparedPopulation, Metric, UseAfterIndex
from evaluation.estimation.after_index import people_after_index
from evaluation.estimation.cautions import NOT_FROZEN, Circumstances
from evaluation.estimation.cumulative_counts import IN_HOSPITAL, Weighted, cumulative_count_rows, days_alive_rows
from evaluation.estimation.mortality import mortality_rows
from evaluation.estimation.weighted_cohort import WeightedDesign
from evaluation.estimation.weighted_effects import prepared_design
from evaluation.matching import design_matrix
from evaluation.matching.covariates import COVARIATES
from evaluation.matching.weighted import balanced_weights
from evaluation.simulation.trials import DAYS_PER_MONTH, FOLLOW_UP, OUTCOMES, TrialPlan, simulated_trial

DRAWS, FIRST = 16, 4_001_000
WITHIN = 3.3
LEAVE = 0.15
MONTHS = Circumstances(design_state=NOT_FROZEN, follow_up_months=FOLLOW_UP)
METRICS = [Metric(metric_id=name, label=name, domain="utilisation", unit="per person-year") for name in OUTCOMES]
DIED = Metric(metric_id="died", label="Died", domain="outcome", unit="share of people", is_binary=True)


@dataclass(frozen=True)
class Estimate:
    """An estimate less the truth, its standard error, read off its interval."""

    error: float
    standard_error: float

    @property
    def covers(self) -> bool:
        return abs(self.error) < 1.959964 * self.standard_error


def draw(seed: int, *, cases: int = 1200) -> dict[str, Estimate]:
    """Mortality ratio over the follow-up (log), differences at its end, of one made-up cohort after a crisis."""
    rng = np.random.default_rng(seed)
    people = simulated_trial(TrialPlan(cases=cases, mechanism="transient_crisis"), rng)
    one, use = compared(people), followed(people, rng)
    design = prepared_design(one.weighted)
    assert isinstance(design, WeightedDesign)
    deaths = mortality_rows(one, design, use, metric=DIED, circumstances=MONTHS)
    (ratio,) = (row for row in deaths if row["observed_window"] == "follow_up" and row["design"] == "weighted_cohort")
    weighted = Weighted(
        population="all_sites",
        people=people_after_index(one.weighted, design, use),
        reason="",
        design_caution="",
        circumstances=MONTHS,
    )
    found = {"mortality": _of_ratio(ratio)}
    for row in cumulative_count_rows(weighted, metrics=METRICS):
        if row["is_end_of_follow_up"]:
            found[row["metric_id"]] = _of_difference(row)
    for row in days_alive_rows(weighted, metric=METRICS[0]):
        found[row["measure"]] = _of_difference(row)
    return found


def compared(people: pl.DataFrame) -> ComparedPopulation:
    cases, pool = people.filter("is_treated"), people.filter(~pl.col("is_treated"))
    known = [name for name in COVARIATES if name in people.columns]
    found = balanced_weights(cases, pool, covariates=known)
    rows = pl.concat([cases.with_columns(weight=pl.lit(1.0)), pool.join(found.weights, on="person_id")])
    matrix = design_matrix(rows, terms=found.terms)
    weighted = ComparedPeople(
        person_id=matrix.person_id,
        is_treated=matrix.treated(rows),
        weights=matrix.column_of(rows, "weight").to_numpy(),
        covariates=matrix.values,
    )
    return ComparedPopulation(
        population="all_sites",
        pilot_people=cases.height,
        weighted=weighted,
        matched=None,
        weighting_caution="",
        matching_caution="",
    )


def followed(people: pl.DataFrame, rng: np.random.Generator) -> UseAfterIndex:
    """Days until death or the end, or until somebody leaves; events on days before, drawn at random."""
    until = FOLLOW_UP * DAYS_PER_MONTH
    died = people["person_days"].to_numpy() < until - 1e-9
    alive = np.where(died, np.ceil(people["person_days"].to_numpy()), 400).astype(int)
    leaves = np.where(rng.random(people.height) < LEAVE, rng.integers(1, 182, people.height), 1000)
    observed = np.minimum(alive, leaves)
    by_day = []
    for name in OUTCOMES:
        row = np.repeat(np.arange(people.height), people[name].to_numpy())
        day = np.floor(rng.random(row.size) * np.minimum(alive[row], 182)).astype(int)
        stays = {IN_HOSPITAL: np.ones(row.size, dtype=int)} if name == "emergency_admissions" else {}
        by_day.append(pl.DataFrame({"row": row, "day_from_index": day, name: 1, **stays}))
    ids = people["person_id"]
    events = pl.concat(by_day, how="diagonal").group_by("row", "day_from_index").agg(pl.all().sum())
    return UseAfterIndex(
        observed=pl.DataFrame({"person_id": ids, "days_observed": observed, "died": died & (alive <= leaves)}),
        by_day=events.with_columns(
            pl.Series("person_id", ids.gather(events["row"])), pl.col(IN_HOSPITAL).clip(upper_bound=1)
        ).drop("row"),
        known=pl.DataFrame({"person_id": ids, **dict.fromkeys((*OUTCOMES, "emergency_bed_days"), 0)}),
    )


def _of_ratio(row: dict) -> Estimate:
    low, high = (math.log(row[f"mortality_ratio_{end}"]) for end in ("low", "high"))
    return Estimate(math.log(row["mortality_ratio"]), (high - low) / (2 * 1.959964))


def _of_difference(row: dict) -> Estimate:
    return Estimate(row["difference"], (row["difference_high"] - row["difference_low"]) / (2 * 1.959964))


@pytest.fixture(scope="module")
def draws() -> list[dict[str, Estimate]]:
    return [draw(FIRST + number) for number in range(DRAWS)]


@pytest.mark.parametrize("name", ["mortality", *OUTCOMES, "days_alive_out_of_hospital"])
def test_nothing_is_found_where_the_pilot_changed_nothing(draws, name):
    errors = np.array([found[name].error for found in draws])
    assert abs(errors.mean()) < WITHIN * errors.std(ddof=1) / math.sqrt(DRAWS) + 0.25 * errors.std(ddof=1)
    assert sum(found[name].covers for found in draws) >= binom.ppf(0.0005, DRAWS, 0.95)
