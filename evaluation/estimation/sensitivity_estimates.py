"""The table `sensitivity_estimates`: estimates that differ from the plan in one respect, and bounds on the plan's."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from evaluation.estimation.bounds import bounds
from evaluation.estimation.cautions import controlled_cautions, join
from evaluation.estimation.interim import LOOK
from evaluation.estimation.metrics import ALL_SITES, Metric
from evaluation.estimation.rate_ratios import RateRatio
from evaluation.estimation.sensitivity_words import (
    BENCHMARK,
    negative_control_words,
    overlap_caution,
    overlap_words,
    placebo_caution,
    placebo_words,
    variant_words,
)
from evaluation.estimation.variants import (
    AS_PLANNED,
    HIDDEN_GROUP,
    NEGATIVE_CONTROL,
    OVERLAP_WEIGHTS,
    PLACEBO_INDEX_DATE,
    PLAN_IN_SAMPLE,
    Shift,
    Variant,
    moved,
)
from evaluation.estimation.weighted_cohort import ATO, ATT
from evaluation.estimation.weighted_effects import WeightedEffect, weighted_effects

DESIGN = "weighted_cohort"
EXPLORATORY = "Exploratory: a check of the comparison, not an effect of the pilot."
SENSITIVITY_ESTIMATES: dict[str, pl.DataType] = {
    **dict.fromkeys(("metric_id", "label", "priority", "population", "design", "analysis", "variant"), pl.String()),
    "estimand": pl.String(),
    "effective_pilot_people": pl.Float64(),
    **dict.fromkeys(("relative_change_pct", "relative_low_pct", "relative_high_pct", "shift_pct"), pl.Float64()),
    **dict.fromkeys(("against_pct", "value"), pl.Float64()),
    **dict.fromkeys(("explanation", "caution", "protocol_hash", "run_id"), pl.String()),
    **LOOK,
}


@dataclass(frozen=True, kw_only=True)
class _Tried:
    """A variant with its effects by metric, without its people."""

    analysis: str
    variant: str
    caution: str
    is_of_sample: bool
    effects: Mapping[str, WeightedEffect]


def sensitivity_estimates(
    variants: Iterable[Variant],
    *,
    follow_up: pl.DataFrame,
    metrics: Sequence[Metric],
    controls: Sequence[Metric] = (),
    worthwhile_pct: Mapping[str, float],
    design_caution: str,
    follow_up_months: int,
    protocol_hash: str,
    run_id: str,
) -> pl.DataFrame:
    """One row per metric and variant, then the bounds on the estimate as planned; of all pilot people.

    The first of `variants` is the plan itself (`as_planned`); no variant, no rows. `follow_up` has a row per person
    with `person_days` and a column per metric; `worthwhile_pct` the smallest worthwhile change by metric, where the
    protocol names one; `design_caution` whether the design was frozen, and what to know of it.
    `shift_pct` is 100 x (rate ratio of the variant over that of the plan - 1).
    `controls` are negative controls: metrics that the pilot can't have changed have the planned estimate alone, last.
    A placebo index date is no estimate of the effect and has no shift; its caution says where it excludes no change.
    The effect in the overlap population (`ato`) is one on other people, and has no shift either.
    Where people are a sample of the plan's, the row is the plan's estimate moved by the shift within the sample.
    Where too few people had an event the interval is null, without an estimate everything is; the caution says why.
    """
    tried = [
        _tried(one, follow_up, [*metrics, *controls] if one.analysis == AS_PLANNED else metrics) for one in variants
    ]
    common = {"population": ALL_SITES, "design": DESIGN, "protocol_hash": protocol_hash, "run_id": run_id}
    rows = [
        {"metric_id": metric.metric_id, "label": metric.label, "priority": metric.priority} | common | row
        for metric in metrics
        for row in _metric_rows(metric, tried, worthwhile_pct.get(metric.metric_id), design_caution, follow_up_months)
    ]
    for metric in controls:
        of_metric = {"metric_id": metric.metric_id, "label": metric.label, "priority": metric.priority} | common
        rows.extend(of_metric | row for row in _control_rows(metric, tried, design_caution, follow_up_months))
    return pl.DataFrame(rows, schema=SENSITIVITY_ESTIMATES, orient="row")


def _tried(one: Variant, follow_up: pl.DataFrame, metrics: Sequence[Metric]) -> _Tried:
    counts = follow_up if one.counts is None else one.counts
    measured = [metric for metric in metrics if metric.metric_id in counts.columns]
    effects: Mapping[str, WeightedEffect] = {metric.metric_id: WeightedEffect(reason=one.reason) for metric in measured}
    if one.people is not None:
        effects = weighted_effects(one.people, follow_up=counts, metrics=measured)
    return _Tried(
        analysis=one.analysis,
        variant=one.variant,
        caution=one.caution,
        is_of_sample=one.is_of_sample,
        effects=effects,
    )


def _metric_rows(
    metric: Metric, tried: Sequence[_Tried], worthwhile_pct: float | None, design_caution: str, follow_up_months: int
) -> Iterator[dict[str, Any]]:
    found_by = {one.analysis: one.effects[metric.metric_id] for one in tried if metric.metric_id in one.effects}
    planned = found_by[AS_PLANNED].effect if AS_PLANNED in found_by else None
    sample_plan = found_by.get(PLAN_IN_SAMPLE)
    theirs = [
        (one, _of_everyone(one, one.effects[metric.metric_id], planned, sample_plan))
        for one in tried
        if metric.metric_id in one.effects and one.analysis not in APART
    ]
    cautions: dict[str, str] = {}
    for one, found in theirs:
        own_caution = join(one.caution, design_caution)
        cautions[one.analysis] = _caution(metric, found, own_caution, follow_up_months)
        row = _estimate(one, found.effect, planned)
        words = variant_words(one.analysis, one.variant, row["relative_change_pct"], row["shift_pct"])
        yield row | {"explanation": words, "caution": cautions[one.analysis]}
    for one in tried:
        if one.analysis in APART_ROWS and metric.metric_id in one.effects:
            yield APART_ROWS[one.analysis](metric, one, design_caution, follow_up_months)
    if planned is None:
        return
    hidden = {one.variant: found.effect for one, found in theirs if one.analysis == HIDDEN_GROUP and found.effect}
    for bound in bounds(planned, hidden, worthwhile_pct=worthwhile_pct):
        yield {
            "analysis": bound.analysis,
            "variant": bound.variant,
            "estimand": ATT,
            "relative_change_pct": planned.relative_change_pct,
            "relative_low_pct": bound.low_pct,
            "relative_high_pct": bound.high_pct,
            "shift_pct": bound.shift_pct,
            "against_pct": bound.against_pct,
            "value": bound.value,
            "explanation": bound.explanation,
            "caution": join(BENCHMARK, cautions[AS_PLANNED]),
        }


def _of_everyone(
    one: _Tried, found: WeightedEffect, planned: RateRatio | None, sample_plan: WeightedEffect | None
) -> WeightedEffect:
    """An effect of a sample as the plan's, moved by its shift; no effect where the sample has none as planned."""
    if not one.is_of_sample or found.effect is None or planned is None:
        return found
    if sample_plan is None or sample_plan.effect is None:
        return replace(found, effect=None, reason=sample_plan.reason if sample_plan else "")
    return replace(found, effect=moved(planned, by=found.effect, from_plan=sample_plan.effect))


def _control_rows(
    metric: Metric, tried: Sequence[_Tried], design_caution: str, follow_up_months: int
) -> Iterator[dict[str, Any]]:
    for one in tried:
        if one.analysis == AS_PLANNED:
            found = one.effects[metric.metric_id]
            row = _estimate(one, found.effect, None)
            limits = (row[name] for name in ("relative_change_pct", "relative_low_pct", "relative_high_pct"))
            caution = _caution(metric, found, design_caution, follow_up_months)
            words = {"analysis": NEGATIVE_CONTROL, "explanation": negative_control_words(*limits)}
            yield row | words | {"caution": join(EXPLORATORY, caution)}


def _placebo_row(metric: Metric, one: _Tried, design_caution: str, follow_up_months: int) -> dict[str, Any]:
    found = one.effects[metric.metric_id]
    row = _estimate(one, found.effect, None)
    low, high = row["relative_low_pct"], row["relative_high_pct"]
    caution = _caution(metric, found, join(one.caution, design_caution), follow_up_months)
    words = placebo_words(row["relative_change_pct"], low, high)
    return row | {"explanation": words, "caution": join(EXPLORATORY, placebo_caution(low, high), caution)}


def _overlap_row(metric: Metric, one: _Tried, design_caution: str, follow_up_months: int) -> dict[str, Any]:
    found = one.effects[metric.metric_id]
    row = _estimate(one, found.effect, None)
    share = found.effect.sample.effective_cases / found.effect.sample.n_cases if found.effect else None
    caution = _caution(metric, found, join(one.caution, design_caution), follow_up_months)
    words = {"estimand": ATO, "explanation": overlap_words(row["relative_change_pct"])}
    return row | words | {"caution": join(overlap_caution(share), caution)}


APART_ROWS = {PLACEBO_INDEX_DATE: _placebo_row, OVERLAP_WEIGHTS: _overlap_row}  # answers to other questions
APART = (PLAN_IN_SAMPLE, *APART_ROWS)


def _caution(metric: Metric, found: WeightedEffect, design_caution: str, follow_up_months: int) -> str:
    return controlled_cautions(
        metric,
        design=DESIGN,
        design_state="",
        design_caution=design_caution,
        reason=found.reason,
        sample=found.effect.sample if found.effect else None,
        some_unknown=found.some_unknown,
        follow_up_months=follow_up_months,
    )


def _estimate(one: _Tried, effect: RateRatio | None, planned: RateRatio | None) -> dict[str, Any]:
    is_planned = one.analysis == AS_PLANNED
    shift = None
    if effect is not None and planned is not None and not is_planned:
        shift = Shift(group=one.variant, log_shift=effect.log_rate_ratio - planned.log_rate_ratio).pct
    change = effect.relative_change_pct if effect else None
    return {
        "analysis": one.analysis,
        "variant": one.variant,
        "estimand": ATT,
        "effective_pilot_people": effect.sample.effective_cases if effect else None,
        "relative_change_pct": change,
        "relative_low_pct": effect.relative_low_pct if effect and not effect.sample.rests_on_few else None,
        "relative_high_pct": effect.relative_high_pct if effect and not effect.sample.rests_on_few else None,
        "shift_pct": shift,
    }
