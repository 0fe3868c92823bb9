"""Rows of `metric_estimates` for the designs that compare areas, and their course by month from go-live."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl

from evaluation.estimation.area_cautions import (
    AREA_DID,
    ITS,
    LEFT_OUT,
    NO_RELATIVE_INTERVAL,
    OTHER_PROGRAMME,
    SITES_WITHOUT_AREA,
    SYNTHETIC,
    area_cautions,
    donor_words,
)
from evaluation.estimation.area_effects import (
    IMPUTATION,
    STAGGERED,
    AreaEffect,
    its_effect,
    staggered_effect,
    synthetic_effect,
)
from evaluation.estimation.area_event_study import AREA_EVENT_STUDY, event_rows
from evaluation.estimation.area_intervals import finite
from evaluation.estimation.area_panels import PILOT, AreaPanel, area_panel
from evaluation.estimation.area_trend_bounds import AREA_TREND_BOUNDS, trend_bound_rows
from evaluation.estimation.cautions import join, no_estimate
from evaluation.estimation.estimates import METRIC_ESTIMATES, metric_columns
from evaluation.estimation.metrics import ALL_SITES, Metric
from evaluation.estimation.sensitivity import minimum_detectable_change_pct
from evaluation.regression import NotEstimableError

ESTIMAND = "att_residents"
EVERYONE = "everyone who lives in the pilot areas, enrolled or not"
UNDATED = "pilot_undated"
PILOT_ROLES = (PILOT, UNDATED)
SEGMENTED, SIMPLEX = "segmented_poisson_with_comparison", "simplex_weights"

_TEXT, _NUMBER, _COUNT = pl.String(), pl.Float64(), pl.Int64()
SYNTHETIC_WEIGHTS: dict[str, pl.DataType] = {
    **dict.fromkeys(("metric_id", "area"), _TEXT),
    "weight": _NUMBER,
    **dict.fromkeys(("protocol_hash", "run_id"), _TEXT),
}


@dataclass(frozen=True, kw_only=True)
class AreaEstimates:
    """`METRIC_ESTIMATES`, `AREA_EVENT_STUDY`, `AREA_TREND_BOUNDS` and `SYNTHETIC_WEIGHTS`."""

    estimates: pl.DataFrame
    event_study: pl.DataFrame
    trend_bounds: pl.DataFrame
    weights: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class _Found:
    """One design's effect on a metric, or the reason why there is none."""

    metric: Metric
    design: str
    estimator: str
    panel: AreaPanel | None
    effect: AreaEffect | None
    reason: str


def area_estimates(
    area_months: pl.DataFrame,
    *,
    metrics: Sequence[Metric],
    some_sites_without_area: bool,
    protocol_hash: str,
    run_id: str,
    excluded_donors: Mapping[str, str] = MappingProxyType({}),
) -> AreaEstimates:
    """Five rows per metric, of `all_sites`, none the default: `its`, three of `area_did`, `synthetic_control`.

    `area_months` as its contract has it, with a column per metric. The estimand is the effect on everyone who lives in
    the pilot areas, enrolled or not (intention to treat of areas), over the months since go-live. Levels are per
    person-year; the comparator's level is the pilot areas' as it would have been. Once-only events are left out: an
    area has no share of people to whom they happened. Where an estimate can't be had, values are null and the caution
    says why. `excluded_donors` are areas, with the reason, that the synthetic control may not use; the other designs
    have them. `trend_bounds` are of the group-time effects alone. See `its_effect`, `staggered_effect`,
    `synthetic_effect`.
    """
    run = {"protocol_hash": protocol_hash, "run_id": run_id}
    of_study = _of_study(area_months, some_sites_without_area=some_sites_without_area)
    found = [
        one for metric in metrics if not metric.is_binary for one in _designs(area_months, metric, excluded_donors)
    ]
    pilot_areas = area_months.filter(_is_of_a_site())["unit_code"].n_unique()
    rows = [_row(one, pilot_areas, of_study, excluded_donors) | run for one in found]
    events = [
        row | run
        for one in found
        if one.effect is not None and one.effect.events is not None
        for row in event_rows(one.metric, design=one.design, estimator=one.estimator, events=one.effect.events)
    ]
    bounds = [
        bound | run
        for one, row in zip(found, rows, strict=True)
        if one.design == AREA_DID and one.estimator != IMPUTATION
        for bound in trend_bound_rows(
            one.metric, design=one.design, estimator=one.estimator, effect=one.effect, caution=row["caution"]
        )
    ]
    weights = [
        {"metric_id": one.metric.metric_id, "area": area, "weight": weight} | run
        for one in found
        if one.effect is not None
        for area, weight in one.effect.weights.items()
    ]
    return AreaEstimates(
        estimates=pl.DataFrame(rows, schema=METRIC_ESTIMATES, orient="row"),
        event_study=pl.DataFrame(events, schema=AREA_EVENT_STUDY, orient="row"),
        trend_bounds=pl.DataFrame(bounds, schema=AREA_TREND_BOUNDS, orient="row"),
        weights=pl.DataFrame(weights, schema=SYNTHETIC_WEIGHTS, orient="row"),
    )


def _of_study(area_months: pl.DataFrame, *, some_sites_without_area: bool) -> tuple[str, ...]:
    other = area_months.filter(_is_of_a_site(), pl.col("other_programme_start_date").is_not_null()).height
    return (OTHER_PROGRAMME if other else "", SITES_WITHOUT_AREA if some_sites_without_area else "")


def _is_of_a_site() -> pl.Expr:
    return (pl.col("unit_level") == "area") & pl.col("unit_role").is_in(PILOT_ROLES)


def _designs(area_months: pl.DataFrame, metric: Metric, excluded: Mapping[str, str]) -> Iterator[_Found]:
    try:
        panel, reason = area_panel(area_months, metric.metric_id), ""
    except NotEstimableError as error:
        panel, reason = None, str(error)
    for design, estimator in ((ITS, SEGMENTED), *((AREA_DID, name) for name in STAGGERED), (SYNTHETIC, SIMPLEX)):
        used = panel if panel is None or design != SYNTHETIC else _without(panel, excluded)
        effect, why = (None, reason) if used is None else _effect(design, estimator, used)
        yield _Found(metric=metric, design=design, estimator=estimator, panel=used, effect=effect, reason=why)


def _without(panel: AreaPanel, excluded: Mapping[str, str]) -> AreaPanel:
    """The panel without comparison areas that may be no donors."""
    return panel.of(np.array([code not in excluded for code in panel.codes]) | panel.is_pilot)


def _effect(design: str, estimator: str, panel: AreaPanel) -> tuple[AreaEffect | None, str]:
    """An effect, or the reason why there is none."""
    try:
        if design == AREA_DID:
            return staggered_effect(panel, estimator), ""
        return (its_effect if design == ITS else synthetic_effect)(panel), ""
    except NotEstimableError as error:
        return None, str(error)


def _row(
    one: _Found, pilot_areas: int, of_study: tuple[str, ...], excluded_donors: Mapping[str, str]
) -> dict[str, Any]:
    panel, effect = one.panel, one.effect
    left_out = LEFT_OUT if panel is not None and panel.is_pilot.sum() < pilot_areas else ""
    donors = donor_words(excluded_donors) if one.design == SYNTHETIC else ""
    return {
        **metric_columns(one.metric),
        "population": ALL_SITES,
        "design": one.design,
        "estimator": one.estimator,
        "is_default": False,
        "estimand": ESTIMAND,
        "estimand_population": EVERYONE,
        **({"n_pilot": 0, "n_comparator": 0} if panel is None else _residents(panel)),
        **({} if effect is None or panel is None else _effect_columns(effect, panel)),
        "caution": area_cautions(
            one.metric,
            design=one.design,
            enrolled_share=None if panel is None else panel.enrolled_share,
            found=no_estimate(one.reason) if effect is None else join(effect.words, _no_relative(effect)),
            of_study=(donors, left_out, *of_study),
        ),
    }


def _no_relative(effect: AreaEffect) -> str:
    is_missing = math.isfinite(effect.change.low) and not math.isfinite(effect.ratio.low)
    return NO_RELATIVE_INTERVAL if is_missing else ""


def _residents(panel: AreaPanel) -> dict[str, Any]:
    """Mean number of residents at a time, and their person-years over the months used."""
    years = {"pilot": panel.person_years[panel.is_pilot], "comparator": panel.person_years[~panel.is_pilot]}
    span = panel.months.size / 12
    counts = {f"n_{arm}": round(float(part.sum()) / span) for arm, part in years.items()}
    return counts | {f"person_years_{arm}": float(part.sum()) for arm, part in years.items()}


def _effect_columns(effect: AreaEffect, panel: AreaPanel) -> dict[str, Any]:
    change, ratio = effect.change, effect.ratio
    numbers = {
        "pilot_baseline": effect.before,
        "pilot_follow_up": effect.after,
        "comparator_follow_up": effect.without,
        "change": change.estimate,
        "change_low": change.low,
        "change_high": change.high,
        "relative_change_pct": 100 * math.expm1(ratio.estimate),
        "relative_low_pct": 100 * math.expm1(ratio.low),
        "relative_high_pct": 100 * math.expm1(ratio.high),
        "p_value": ratio.p_value,
        "minimum_detectable_change_pct": minimum_detectable_change_pct(ratio.standard_error),
    }
    clusters = {"cluster_level": "area", "n_clusters": len(panel.codes)} if math.isfinite(change.low) else {}
    return {name: finite(value) for name, value in numbers.items()} | clusters
