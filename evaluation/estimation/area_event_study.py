"""The table `area_event_study`: effects of the area designs by month from go-live."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from evaluation.estimation.area_cautions import SYNTHETIC
from evaluation.estimation.area_effects import BASE_MONTHS, IMPUTATION, EventEffects
from evaluation.estimation.area_intervals import finite
from evaluation.estimation.interim import LOOK
from evaluation.estimation.metrics import Metric

LEAD, FLAT, AFTER = "before", "flat_by_construction", "after"

_TEXT, _NUMBER, _COUNT = pl.String(), pl.Float64(), pl.Int64()
AREA_EVENT_STUDY: dict[str, pl.DataType] = {
    **dict.fromkeys(("unit_level", "metric_id", "label", "priority", "design", "estimator"), _TEXT),
    "event_month": _COUNT,
    "month_role": _TEXT,
    **dict.fromkeys(("change", "change_low", "change_high"), _NUMBER),
    "n_pilot_areas": _COUNT,
    **dict.fromkeys(("caution", "protocol_hash", "run_id"), _TEXT),
    **LOOK,
}
OF_ROLE = {
    LEAD: "Before go-live there is no effect to find: what shows here is chance, or trends that are not parallel.",
    FLAT: "Flat by construction, not evidence.",
    AFTER: "On everyone in the pilot areas, so diluted; `metric_estimates` says what the design assumes.",
}


def event_rows(metric: Metric, *, design: str, estimator: str, events: EventEffects) -> Iterator[dict[str, Any]]:
    """A row per month from go-live, with its role: months before it that were fitted to show nothing."""
    for month, effect, areas in zip(
        events.event_months.tolist(), events.effects, events.pilot_areas.tolist(), strict=True
    ):
        role = _month_role(month, design=design, estimator=estimator)
        yield {
            "unit_level": "area",
            **{name: getattr(metric, name) for name in ("metric_id", "label", "priority")},
            "design": design,
            "estimator": estimator,
            "event_month": month,
            "month_role": role,
            "change": finite(effect.estimate),
            "change_low": finite(effect.low),
            "change_high": finite(effect.high),
            "n_pilot_areas": areas,
            "caution": OF_ROLE[role],
        }


def _month_role(month: int, *, design: str, estimator: str) -> str:
    if month >= 0:
        return AFTER
    is_fitted = design == SYNTHETIC or (estimator != IMPUTATION and month >= -BASE_MONTHS)
    return FLAT if is_fitted else LEAD
