"""Rates of one arm in both periods, and how much its people vary: all that the estimators need of the rows."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from evaluation.estimation.few_clusters import SmallSampleVariance, cr2_variance

DAYS_PER_YEAR = 365.25
FOLLOW_UP = "_follow_up"

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One arm and one metric: levels per person-year, and how precisely their change is known.

    `people` have a known count in both periods, `people_left_out` have not; `clusters` are the people with
    person-time in either period, `people_with_events` those among them with any event. `change_variance`
    and `log_ratio_variance` are those of (follow-up rate - baseline rate) and of log(follow-up rate / baseline
    rate), errors by person; None where nothing is compared, a period has no person-time, or, the second, no
    events. A level is None where a period has no person-time.
    """

    people: int
    people_left_out: int
    clusters: int
    people_with_events: int
    person_years: float
    events_baseline: float
    events_follow_up: float
    baseline: float | None
    follow_up: float | None
    change_variance: SmallSampleVariance | None
    log_ratio_variance: SmallSampleVariance | None

    @property
    def has_levels(self) -> bool:
        """Whether both periods have person-time."""
        return self.baseline is not None and self.follow_up is not None

    @property
    def has_events(self) -> bool:
        """Whether both periods have events, so that a ratio can be formed."""
        return self.events_baseline > 0 and self.events_follow_up > 0


def paired_periods(person_periods: pl.DataFrame, *, metric_ids: list[str]) -> pl.DataFrame:
    """One row per person: days and counts at baseline, and the same with the suffix `_follow_up`.

    Sorted by person, so that sums do not depend on the order of rows. Raises `ValueError` if a metric is
    not a column, and polars' `ComputeError` if a person stands twice in a period.
    """
    missing = [metric_id for metric_id in metric_ids if metric_id not in person_periods.columns]
    if missing:
        raise ValueError(f"person_periods has no column {', '.join(missing)}")
    counts = ["person_days", *metric_ids]
    baseline = person_periods.filter(pl.col("period") == "baseline").select("person_id", "is_pilot", "site_id", *counts)
    follow_up = person_periods.filter(pl.col("period") == "follow_up").select("person_id", *counts)
    joined = baseline.join(follow_up, on="person_id", how="inner", suffix=FOLLOW_UP, validate="1:1")
    return joined.sort("person_id")


def rate_arm(pairs: pl.DataFrame, metric_id: str) -> Arm:
    """Rates of the people in `pairs` (from `paired_periods`), over those whose count is known twice.

    A rate is the sum of counts over the sum of person-years; the influence of person i on it is
    (count_i - rate x person-years_i) / total person-years. For the variances see `cr2_variance`. People with an
    unknown count in either period are left out of both, so that the two levels compare the same people.

    By hand: two people, each a year in both periods, with 2 and 0 events before, 1 and 0 after. Rates 1.0
    and 0.5; influences 0.5 and -0.5 before, 0.25 and -0.25 after; on the change -0.25 and 0.25: 2/1 x 0.125.
    """
    known = pairs.filter(pl.col(metric_id).is_not_null() & pl.col(metric_id + FOLLOW_UP).is_not_null())
    events = [_floats(known, metric_id), _floats(known, metric_id + FOLLOW_UP)]
    years = [_floats(known, name) / DAYS_PER_YEAR for name in ("person_days", "person_days" + FOLLOW_UP)]
    rates = [_ratio(float(e.sum()), float(t.sum())) for e, t in zip(events, years, strict=True)]
    on_rate = [_influence(e, t, r) for e, t, r in zip(events, years, rates, strict=True)]
    return Arm(
        people=known.height,
        people_left_out=pairs.height - known.height,
        clusters=int(np.count_nonzero(years[0] + years[1])),
        people_with_events=int(np.count_nonzero(events[0] + events[1])),
        person_years=float(years[0].sum() + years[1].sum()),
        events_baseline=float(events[0].sum()),
        events_follow_up=float(events[1].sum()),
        baseline=rates[0],
        follow_up=rates[1],
        change_variance=_variance(on_rate, years, events, of=[1.0, 1.0]),
        log_ratio_variance=_variance(on_rate, years, events, of=[rate or 0.0 for rate in rates]),
    )


def share_arm(pairs: pl.DataFrame, metric_id: str) -> Arm:
    """Shares of people to whom a once-only event happened in each period; nothing is compared."""
    known = pairs.filter(pl.col(metric_id).is_not_null() & pl.col(metric_id + FOLLOW_UP).is_not_null())
    before, after = _floats(known, metric_id), _floats(known, metric_id + FOLLOW_UP)
    years = (_floats(known, "person_days") + _floats(known, "person_days" + FOLLOW_UP)) / DAYS_PER_YEAR
    return Arm(
        people=known.height,
        people_left_out=pairs.height - known.height,
        clusters=known.height,
        people_with_events=int(np.count_nonzero(before + after)),
        person_years=float(years.sum()),
        events_baseline=float(before.sum()),
        events_follow_up=float(after.sum()),
        baseline=_ratio(float(before.sum()), known.height),
        follow_up=_ratio(float(after.sum()), known.height),
        change_variance=None,
        log_ratio_variance=None,
    )


def _floats(frame: pl.DataFrame, name: str) -> Floats:
    return frame[name].cast(pl.Float64).to_numpy()


def _ratio(numerator: float, denominator: float) -> float | None:
    return numerator / denominator if denominator > 0 else None


def _influence(events: Floats, years: Floats, rate: float | None) -> Floats:
    return np.zeros_like(events) if rate is None else (events - rate * years) / years.sum()


def _variance(
    on_rate: list[Floats], years: list[Floats], events: list[Floats], *, of: list[float]
) -> SmallSampleVariance | None:
    """Variance of (follow-up rate / second of `of`) - (baseline rate / first); for logs these are the rates."""
    totals = np.array([float(own.sum()) for own in years])
    if min(*of, *totals, on_rate[0].size) <= 0:
        return None
    influences = np.column_stack([-on_rate[0] / of[0], on_rate[1] / of[1]])
    by_model = np.array([float(own.sum()) for own in events]) / (totals * np.array(of)) ** 2
    return cr2_variance(influences, np.column_stack(years) / totals, by_model)
