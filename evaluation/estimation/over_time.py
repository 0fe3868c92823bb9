"""All tables of what happened over time, population by population: each has one weighted design for all of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from evaluation.estimation.after_index import UseAfterIndex, people_after_index
from evaluation.estimation.cautions import NOT_FROZEN, Circumstances, join
from evaluation.estimation.compared import ComparedPopulation
from evaluation.estimation.cumulative_counts import (
    BED_DAYS,
    DAYS_ALIVE_OUT_OF_HOSPITAL,
    MEAN_CUMULATIVE_COUNTS,
    Weighted,
    counted_over_time,
    cumulative_count_rows,
    days_alive_rows,
)
from evaluation.estimation.event_study import EVENT_STUDY, LEAD_TESTS, PersonMonths, event_study_rows
from evaluation.estimation.lead_changes import lead_change_rows
from evaluation.estimation.metrics import Metric
from evaluation.estimation.mortality import (
    MORTALITY_RATIOS,
    WEIGHTED,
    mortality_rows,
)
from evaluation.estimation.mortality_cautions import not_comparable, with_own_cautions
from evaluation.estimation.weighted_cohort import WeightedDesign
from evaluation.estimation.weighted_effects import prepared_design

DIED = "died"
FOLLOWED = ("all_sites", "case_management", "site")
NO_WEIGHTS = "No test: no weights were found for these pilot people."


@dataclass(frozen=True, kw_only=True)
class OverTime:
    """The tables, by their names."""

    mortality_ratios: pl.DataFrame
    mean_cumulative_counts: pl.DataFrame
    days_alive_out_of_hospital: pl.DataFrame
    event_study: pl.DataFrame
    lead_tests: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class _Rows:
    deaths: list[dict[str, Any]] = field(default_factory=list)
    counts: list[dict[str, Any]] = field(default_factory=list)
    days_alive: list[dict[str, Any]] = field(default_factory=list)
    months: list[dict[str, Any]] = field(default_factory=list)
    leads: list[dict[str, Any]] = field(default_factory=list)


def over_time(
    compared: Iterable[ComparedPopulation],
    *,
    use: UseAfterIndex,
    months: PersonMonths,
    metrics: Sequence[Metric],
    follow_up_months: int,
    protocol_hash: str,
    run_id: str,
    design_state: str = NOT_FROZEN,
) -> OverTime:
    """Deaths of each of `compared`; counts until death, days alive out of hospital, rates by month of `FOLLOWED` ones.

    `metrics` are those of the study; deaths, bed days and `counted_over_time` among them are taken. A population
    without weights has rows without values that say why, and none in `event_study`. Where early deaths show that the
    groups are not comparable, every later row says so.
    """
    rows, by_id = _Rows(), {metric.metric_id: metric for metric in metrics}
    circumstances = Circumstances(design_state=design_state, follow_up_months=follow_up_months)
    for one in compared:
        _add(rows, one, use, months, by_id, circumstances)
    tables = {
        "mortality_ratios": (rows.deaths, MORTALITY_RATIOS),
        "mean_cumulative_counts": (rows.counts, MEAN_CUMULATIVE_COUNTS),
        "days_alive_out_of_hospital": (rows.days_alive, DAYS_ALIVE_OUT_OF_HOSPITAL),
        "event_study": (rows.months, EVENT_STUDY),
        "lead_tests": (rows.leads, LEAD_TESTS),
    }
    run = {"protocol_hash": protocol_hash, "run_id": run_id}
    frames = {
        name: pl.DataFrame([row | run for row in found], schema=schema, orient="row")
        for name, (found, schema) in tables.items()
    }
    ratios = frames.pop("mortality_ratios")
    return OverTime(mortality_ratios=with_own_cautions(ratios), **frames)


def _add(
    rows: _Rows,
    one: ComparedPopulation,
    use: UseAfterIndex,
    months: PersonMonths,
    metrics: dict[str, Metric],
    circumstances: Circumstances,
) -> None:
    prepared = "" if one.weighted is None else prepared_design(one.weighted)
    deaths = list(mortality_rows(one, prepared, use, metric=metrics[DIED], circumstances=circumstances))
    rows.deaths.extend(deaths)
    if one.population.partition(":")[0] in FOLLOWED:
        caution = join(one.weighting_caution, not_comparable(deaths, design=WEIGHTED))
        counted = counted_over_time(list(metrics.values()))
        rows.leads.extend(lead_change_rows(one, months, metrics=counted))
        _add_months(rows, replace(one, weighting_caution=caution), prepared, months, counted, circumstances)
        weighted = Weighted(
            population=one.population,
            people=None
            if one.weighted is None or isinstance(prepared, str)
            else people_after_index(one.weighted, prepared, use),
            reason=prepared if isinstance(prepared, str) else "",
            design_caution=caution,
            circumstances=circumstances,
        )
        rows.counts.extend(cumulative_count_rows(weighted, metrics=counted))
        rows.days_alive.extend(days_alive_rows(weighted, metric=metrics[BED_DAYS]))


def _add_months(
    rows: _Rows,
    one: ComparedPopulation,
    prepared: WeightedDesign | str,
    months: PersonMonths,
    counted: Sequence[Metric],
    circumstances: Circumstances,
) -> None:
    if isinstance(prepared, str):
        rows.leads.extend(_untested(one, counted, prepared))
        return
    for by_month, lead in event_study_rows(one, prepared, months, metrics=counted, circumstances=circumstances):
        rows.months.extend(by_month)
        rows.leads.append(lead)


def _untested(one: ComparedPopulation, metrics: Sequence[Metric], reason: str) -> list[dict[str, Any]]:
    return [
        {
            **{"population": one.population, "metric_id": metric.metric_id, "label": metric.label},
            **{"design": WEIGHTED, "months_held_out": None, "months_tested": 0},
            "caution": join(NO_WEIGHTS, reason),
        }
        for metric in metrics
    ]
