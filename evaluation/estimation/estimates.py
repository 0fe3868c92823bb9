"""The table `metric_estimates`: change in each metric by population and design."""

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from evaluation.estimation.arms import Arm, paired_periods, rate_arm, share_arm
from evaluation.estimation.cautions import OPPOSITE, join, rate_cautions, share_cautions
from evaluation.estimation.effects import Effect, rate_effect
from evaluation.estimation.interim import LOOK
from evaluation.estimation.metrics import ALL_SITES, Metric, population_words

_TEXT, _NUMBER, _COUNT = pl.String(), pl.Float64(), pl.Int64()
METRIC_ESTIMATES: dict[str, pl.DataType] = {
    **dict.fromkeys(("metric_id", "label", "domain", "unit", "priority", "benefits", "kind"), _TEXT),
    **dict.fromkeys(("population", "design", "estimator"), _TEXT),
    "is_default": pl.Boolean(),
    **dict.fromkeys(("estimand", "estimand_population"), _TEXT),
    **dict.fromkeys(("pilot_baseline", "pilot_follow_up", "comparator_baseline", "comparator_follow_up"), _NUMBER),
    **dict.fromkeys(("change", "change_low", "change_high"), _NUMBER),
    **dict.fromkeys(("relative_change_pct", "relative_low_pct", "relative_high_pct"), _NUMBER),
    **dict.fromkeys(("p_value", "p_adjusted"), _NUMBER),
    "family": _TEXT,
    **dict.fromkeys(("n_pilot", "n_comparator"), _COUNT),
    **dict.fromkeys(("person_years_pilot", "person_years_comparator"), _NUMBER),
    "cluster_level": _TEXT,
    "n_clusters": _COUNT,
    "minimum_detectable_change_pct": _NUMBER,
    "interim": pl.Boolean(),
    **dict.fromkeys(("caution", "protocol_hash", "run_id"), _TEXT),
    "designs_agree": pl.Boolean(),
    **dict.fromkeys(("bracket_low_pct", "bracket_high_pct"), _NUMBER),
    "nominal_level": LOOK["nominal_level"],
    **dict.fromkeys(("carried_forward_pct", "carried_forward_low_pct", "carried_forward_high_pct"), _NUMBER),
}
ESTIMANDS = {"uncontrolled": "before_after", "unmatched_did": "att"}


def metric_estimates(
    person_periods: pl.DataFrame,
    *,
    metrics: Sequence[Metric],
    site_populations: pl.DataFrame,
    follow_up_months: int,
    protocol_hash: str,
    run_id: str,
) -> pl.DataFrame:
    """Level and change of every metric, one row per metric, population and design, ordered as asked.

    `person_periods` has one row per person and period (`person_id is_pilot site_id period person_days` and
    a column per metric; counts, or a flag for binary metrics); `site_populations` is `population`,
    `site_id`. Levels are per person-year, shares for binary metrics. A metric whose counts are unknown for
    everyone has rows without values, and its caution says so. `uncontrolled` is always given,
    `unmatched_did` beside it where there are comparison people; then it is the default. It estimates the
    effect on the pilot people (`att`) only if both groups would have changed alike; `before_after` is a
    description, not an effect. `p_adjusted`, `family`, `interim`, `nominal_level`
    and the bracket are null here. For the arithmetic see
    `rate_effect`.

    Raises `ValueError` for a metric that is not a column.
    """
    pairs = paired_periods(person_periods, metric_ids=[metric.metric_id for metric in metrics])
    comparators = pairs.filter(~pl.col("is_pilot"))
    pilots = _pilots_by_population(pairs.filter("is_pilot"), site_populations)
    rows = [
        row
        for metric in metrics
        for row in _metric_rows(metric, pilots=pilots, comparators=comparators, follow_up_months=follow_up_months)
    ]
    run = {"protocol_hash": protocol_hash, "run_id": run_id}
    return pl.DataFrame([row | run for row in rows], schema=METRIC_ESTIMATES, orient="row")


def metric_columns(metric: Metric) -> dict[str, str | None]:
    """What a row says about its metric."""
    names = ("metric_id", "label", "domain", "unit", "priority", "benefits", "kind")
    return {name: getattr(metric, name) for name in names}


def _pilots_by_population(pilots: pl.DataFrame, site_populations: pl.DataFrame) -> dict[str, pl.DataFrame]:
    members = site_populations.group_by("population", maintain_order=True).agg("site_id").iter_rows()
    parts = {name: pilots.filter(pl.col("site_id").is_in(site_ids)) for name, site_ids in members}
    return {ALL_SITES: pilots} | parts


def _metric_rows(
    metric: Metric, *, pilots: dict[str, pl.DataFrame], comparators: pl.DataFrame, follow_up_months: int
) -> Iterator[dict[str, Any]]:
    summarise = share_arm if metric.is_binary else rate_arm
    comparator = summarise(comparators, metric.metric_id) if comparators.height else None
    for population, people in pilots.items():
        pilot = summarise(people, metric.metric_id)
        for design, other in _designs(comparator):
            yield {
                **metric_columns(metric),
                "population": population,
                "design": design,
                "is_default": (design == "uncontrolled") == (comparator is None),
                "estimand": ESTIMANDS[design],
                "estimand_population": f"pilot people, {population_words(population)}",
                **_levels(pilot, other),
                **_effect_columns(metric, population, design, pilot, other, follow_up_months),
            }


def _designs(comparator: Arm | None) -> list[tuple[str, Arm | None]]:
    before_after: list[tuple[str, Arm | None]] = [("uncontrolled", None)]
    return before_after if comparator is None else [*before_after, ("unmatched_did", comparator)]


def _levels(pilot: Arm, comparator: Arm | None) -> dict[str, Any]:
    return {
        "pilot_baseline": pilot.baseline,
        "pilot_follow_up": pilot.follow_up,
        "comparator_baseline": comparator.baseline if comparator else None,
        "comparator_follow_up": comparator.follow_up if comparator else None,
        "n_pilot": pilot.people,
        "n_comparator": comparator.people if comparator else None,
        "person_years_pilot": pilot.person_years,
        "person_years_comparator": comparator.person_years if comparator else None,
        "cluster_level": "person",
        "n_clusters": pilot.clusters + (comparator.clusters if comparator else 0),
    }


def _effect_columns(
    metric: Metric, population: str, design: str, pilot: Arm, comparator: Arm | None, follow_up_months: int
) -> dict[str, Any]:
    if metric.is_binary:
        arms = [pilot] if comparator is None else [pilot, comparator]
        return {"estimator": "share_of_people", "caution": share_cautions(metric, design=design, arms=arms)}
    effect = rate_effect(pilot, comparator)
    caution = rate_cautions(
        metric,
        design=design,
        pilot=pilot,
        comparator=comparator,
        is_part=population != ALL_SITES,
        follow_up_months=follow_up_months,
    )
    return {"estimator": "saturated_poisson", **vars(effect), "caution": join(caution, _opposite(effect))}


def _opposite(effect: Effect) -> str:
    if effect.change is None or effect.relative_change_pct is None:
        return ""
    return OPPOSITE if effect.change * effect.relative_change_pct < 0 else ""
