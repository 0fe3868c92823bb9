"""The table `area_trend_bounds`: what an area effect may be if trends were not parallel after go-live."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from evaluation.estimation.area_effects import AreaEffect
from evaluation.estimation.area_intervals import finite
from evaluation.estimation.area_trends import Trends
from evaluation.estimation.cautions import join
from evaluation.estimation.interim import LOOK
from evaluation.estimation.metrics import Metric
from evaluation.estimation.relative_magnitudes import LARGEST_MAGNITUDE, MagnitudeBounds
from evaluation.estimation.sensitivity_estimates import EXPLORATORY
from evaluation.estimation.words import NO_WORDS

MAGNITUDES = (0.0, 0.5, 1.0, 1.5, 2.0)
NO_TEST = (
    "No test that trends are parallel: it takes the years before go-live for a measure of what may have come after, "
    "and what began with go-live may be larger than anything before."
)
ONE_CHANGE = "Only one change between years before go-live is known, so the largest is the only one."
PARALLEL = "With parallel trends"
UP_TO = "With differences in trend after go-live up to {times:g} times the largest seen between years before"
NOTHING_TO_UNDO = "No fall or rise is shown that differences in trend could undo."
HOLDS = (
    "That there was a {kind} holds unless differences in trend after go-live were more than {times:g} times the "
    "largest seen between years before."
)
HOLDS_THROUGHOUT = (
    f"That there was a {{kind}} holds with differences in trend up to {LARGEST_MAGNITUDE} times the largest seen "
    "between years before; more was not asked."
)

_TEXT, _NUMBER, _COUNT = pl.String(), pl.Float64(), pl.Int64()
AREA_TREND_BOUNDS: dict[str, pl.DataType] = {
    **dict.fromkeys(("unit_level", "metric_id", "label", "priority", "design", "estimator"), _TEXT),
    "relative_magnitude": _NUMBER,
    **dict.fromkeys(("change", "change_low", "change_high"), _NUMBER),
    "changes_before": _COUNT,
    **dict.fromkeys(("largest_change_before", "holds_up_to"), _NUMBER),
    **dict.fromkeys(("explanation", "caution", "protocol_hash", "run_id"), _TEXT),
    **LOOK,
}


def trend_bound_rows(
    metric: Metric, *, design: str, estimator: str, effect: AreaEffect | None, caution: str
) -> Iterator[dict[str, Any]]:
    """A row per relative magnitude (`yearly_trends`); `caution` is the estimate's, with the reason if there is none."""
    trends = None if effect is None else effect.trends
    common = {
        "unit_level": "area",
        **{name: getattr(metric, name) for name in ("metric_id", "label", "priority")},
        "design": design,
        "estimator": estimator,
        "change": None if effect is None else finite(effect.change.estimate),
        "changes_before": None if trends is None else trends.changes.size,
        "largest_change_before": None if trends is None else _largest(trends),
        "caution": join(EXPLORATORY, *_of_trends(trends), caution),
    }
    for magnitude in MAGNITUDES:
        yield common | {"relative_magnitude": magnitude} | _limits(trends, magnitude)


def _limits(trends: Trends | None, magnitude: float) -> dict[str, Any]:
    if trends is None or trends.bounds is None:
        return {"explanation": NO_WORDS}
    low, high = trends.bounds.at(magnitude)
    return {
        "change_low": low,
        "change_high": high,
        "holds_up_to": trends.bounds.holds_up_to,
        "explanation": join(_interval_words(magnitude, low, high), _result_words(trends.bounds)),
    }


def _interval_words(magnitude: float, low: float, high: float) -> str:
    """By hand: 1, -0.4, 0.1: "With differences ... up to 1 times ..., the 95% interval covers no change."."""
    allowed = UP_TO.format(times=magnitude) if magnitude else PARALLEL
    return f"{allowed}, the 95% interval {'covers' if low <= 0 <= high else 'excludes'} no change."


def _result_words(bounds: MagnitudeBounds) -> str:
    """What the result survives; a fall or a rise by the limits with parallel trends."""
    holds = bounds.holds_up_to
    if holds is None:
        return NOTHING_TO_UNDO
    kind = "fall" if bounds.at(0)[1] < 0 else "rise"
    return (HOLDS if holds < LARGEST_MAGNITUDE else HOLDS_THROUGHOUT).format(kind=kind, times=holds)


def _of_trends(trends: Trends | None) -> tuple[str, ...]:
    if trends is None:
        return ()
    return (trends.reason or NO_TEST, ONE_CHANGE if trends.changes.size == 1 else "")


def _largest(trends: Trends) -> float | None:
    return float(np.abs(trends.changes).max()) if trends.changes.size else None
