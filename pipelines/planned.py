"""From the tables of the design stage to what its expected power is computed of; nothing after an index date."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import polars as pl

from evaluation.estimation import ALL_SITES
from evaluation.estimation.headline import RANDOM
from evaluation.planning import PlannedComparison, PlannedOutcome
from pipelines.comparison import designs_found, whose_population
from pipelines.metrics import activity_metrics, survey_metrics
from pipelines.protocol import Periods, Protocol
from pipelines.risk_columns import count_outcomes
from pipelines.study import Study
from pipelines.warehouse import Warehouse

DAYS_PER_YEAR = 365.25
DESIGNS = ("weighted_cohort", "matched_did")


def planned_outcomes(study: Study) -> tuple[PlannedOutcome, ...]:
    """The protocol's outcomes in its order; counts of events are those with a rate per person-year of events."""
    counts = count_outcomes(study.protocol)
    metrics = {metric.metric_id: metric for metric in (*activity_metrics(study), *survey_metrics(study))}
    return tuple(
        PlannedOutcome(
            metric_id=outcome.metric,
            label=metrics[outcome.metric].label,
            priority=outcome.priority,
            is_count=outcome.metric in counts,
            smallest_worthwhile_change_pct=outcome.smallest_worthwhile_change_pct,
        )
        for outcome in study.protocol.outcomes
    )


def planned_comparisons(warehouse: Warehouse, protocol: Protocol) -> Iterator[PlannedComparison]:
    """Each population of `comparison_designs` with the design that its default estimate will have."""
    cases = warehouse.read("design_people").filter("is_treated")
    belongs = whose_population(warehouse, cases)
    designs, pairs = warehouse.read("comparison_designs"), warehouse.read("matched_pairs")
    found = designs_found(designs)
    for row in designs.iter_rows(named=True):
        name = row["population"]
        theirs = cases.filter(belongs.get(name, pl.lit(value=False)))
        design = next((design for design in DESIGNS if design in found[name]), None)
        pilot, others = _compared(row, design, theirs, pairs)
        yield PlannedComparison(
            population=name,
            pilot_ids=theirs["person_id"],
            design=design,
            pilot_people=pilot,
            comparison_people=others,
            follow_up_years=_years_of_follow_up(theirs["index_date"], protocol.periods),
            sites=_sites_of_mean(name, theirs, protocol),
            site_spread_pct=protocol.planning.site_spread_pct,
        )


def _sites_of_mean(population: str, cases: pl.DataFrame, protocol: Protocol) -> int | None:
    """The sites whose mean effect is the headline; None where the headline is the effect in these pilots."""
    sites = cases["site_id"].n_unique()
    return sites if protocol.sites_as == RANDOM and population == ALL_SITES and sites > 1 else None


def _compared(
    row: Mapping[str, Any], design: str | None, cases: pl.DataFrame, pairs: pl.DataFrame
) -> tuple[float, float]:
    """Pilot people, and comparison people in effect: square of the summed weights over the sum of their squares."""
    if design is None:
        return float(row["pilot_people"]), 0.0
    if design == "weighted_cohort":
        return float(row["pilot_people"]), float(row["effective_comparison_people"])
    theirs = pairs.join(cases.select(pl.col("person_id").alias("pilot_person_id")), on="pilot_person_id", how="semi")
    by_person = theirs.sort("comparison_person_id", "pilot_person_id").group_by(
        "comparison_person_id", maintain_order=True
    )
    weights = by_person.agg(pl.col("weight").sum())["weight"]
    return float(row["pilot_people_matched"]), float(weights.sum() ** 2 / (weights**2).sum())


def _years_of_follow_up(index_dates: pl.Series, periods: Periods) -> float:
    """Years from the index date to the end of follow-up or of the data, on average: the calendar alone has a say."""
    ends = index_dates.dt.offset_by(f"{periods.follow_up_months}mo").clip(upper_bound=periods.data_until + timedelta(1))
    days = (ends - index_dates).dt.total_days().clip(lower_bound=0)
    return float(days.mean() or 0.0) / DAYS_PER_YEAR
