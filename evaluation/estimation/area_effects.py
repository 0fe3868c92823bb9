"""From a panel of areas to effects: three designs, each with its least number of months and areas."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from evaluation.estimation.area_cautions import FEW_AREAS, NO_INTERVAL, fit_words, trend_words
from evaluation.estimation.area_intervals import FEWEST_AREAS, Interval, intervals_by_area, joint_estimates
from evaluation.estimation.area_panels import AreaPanel, CentredPanel, Integers, centred_on_go_live
from evaluation.estimation.area_trends import Trends, yearly_trends
from evaluation.estimation.cautions import join
from evaluation.estimation.few_clusters import FEW_CLUSTERS
from evaluation.estimation.interrupted_time_series import InterruptedTimeSeries, interrupted_time_series
from evaluation.estimation.staggered_adoption import (
    Adoption,
    CellEffects,
    group_time_effects,
    imputed_effects,
)
from evaluation.estimation.synthetic_control import synthetic_control
from evaluation.regression import Floats, NotEstimableError

BASE_MONTHS = 12  # a year, so that season is in the base as often as in what it is compared with
FEWEST_MONTHS = 12  # before and after; Wagner, Soumerai, Zhang and Ross-Degnan (2002), for monthly data with season
FEWEST_MONTHS_FITTED = 24
FEWEST_DONORS = 10
FEWEST_EVENTS = 10
MONTHS_SHORT = f"fewer than {FEWEST_MONTHS} months before or after go-live are known for all pilot areas"
BASE_SHORT = f"fewer than {BASE_MONTHS} months before go-live are known"
BASE_SHORT_LEFT_OUT = f"Pilot areas with fewer than {BASE_MONTHS} months known before go-live are left out."
FIT_SHORT = f"fewer than {FEWEST_MONTHS_FITTED} months before go-live are known for all pilot areas"
DONORS_SHORT = f"fewer than {FEWEST_DONORS} comparison areas"
FEW = "too few events in the pilot or the comparison areas"

NEVER_TREATED, NOT_YET_TREATED, IMPUTATION = "group_time_never_treated", "group_time_not_yet_treated", "imputation"
STAGGERED: Mapping[str, Callable[[Adoption], CellEffects]] = MappingProxyType(
    {
        NEVER_TREATED: partial(group_time_effects, comparison="never_treated", base_periods=BASE_MONTHS),
        NOT_YET_TREATED: partial(group_time_effects, comparison="not_yet_treated", base_periods=BASE_MONTHS),
        IMPUTATION: imputed_effects,
    }
)


@dataclass(frozen=True, kw_only=True)
class EventEffects:
    """Effects per person-year by month from go-live (K), and how many pilot areas each rests on."""

    event_months: Integers
    effects: tuple[Interval, ...]
    pilot_areas: Integers


@dataclass(frozen=True, kw_only=True)
class AreaEffect:
    """An effect on all residents of the pilot areas: per person-year, and as log of the rate over that without it.

    `before` and `after` are the pilot areas' rates, `without` what theirs would have been. `words` is what the estimate
    says beyond its numbers; `events` its course by month from go-live; `trends` what it may be if trends were not
    parallel, where months before go-live can tell; `weights` those of areas in a mix.
    """

    change: Interval
    ratio: Interval
    before: float
    after: float
    without: float
    words: str
    events: EventEffects | None = None
    trends: Trends | None = None
    weights: Mapping[str, float] = field(default_factory=dict)


def its_effect(panel: AreaPanel) -> AreaEffect:
    """Mean change after go-live against the trend and the comparison areas' (`interrupted_time_series`).

    Estimand: the effect on all residents, over the months after (`att_residents`), if trend and season would have gone
    on but for what broke in the comparison areas too (Bernal, Cummins and Gasparrini 2018).

    Errors leave out one area at a time (`jackknife_by_area`), so that an area's months may go together in any way, the
    areas' own trends included. Newey and West's errors of the summed series are far too small: 40 months are few, and
    a comparison area's month stands in several months from go-live. The absolute change is the ratio's at the rate
    seen after go-live, and so are its limits.
    """
    _check_events(panel)
    centred = centred_on_go_live(panel)
    after = centred.event_months >= 0
    if min(after.sum(), (~after).sum()) < FEWEST_MONTHS:
        raise NotEstimableError(MONTHS_SHORT)
    series = _series(centred)

    def numbers(kept: NDArray[np.bool_]) -> Floats:
        part = _series(centred_on_go_live(panel.of(kept)).between(centred.event_months))
        return np.array([one.estimate for one in (part.average, part.level, part.slope) if one is not None])

    average, level, slope = intervals_by_area(numbers, panel.is_pilot)
    rates = [float(centred.pilot_counts[part].sum() / centred.pilot_years[part].sum()) for part in (~after, after)]
    changes = [rates[1] * -math.expm1(-value) for value in (average.estimate, average.low, average.high)]
    return AreaEffect(
        change=Interval(estimate=changes[0], low=changes[1], high=changes[2]),
        ratio=average,
        before=rates[0],
        after=rates[1],
        without=rates[1] - changes[0],
        words=join(trend_words(level, slope, lag_1_correlation=series.lag_1_correlation), _few_areas(panel)),
    )


def staggered_effect(panel: AreaPanel, estimator: str) -> AreaEffect:
    """Mean effect over all months of pilot areas from go-live on, and by month from go-live (`STAGGERED`).

    Estimand: the effect on all residents (`att_residents`), if areas' rates would have gone parallel and nobody
    anticipated go-live (Callaway and Sant'Anna 2021; Borusyak, Jaravel and Spiess 2024).

    Areas are weighted by their person-years, errors are by area (`jackknife_by_area`), those of the ratio on the log
    scale: log(rate / (rate - effect)). Imputation is fitted to all months before go-live, so none of them can tell how
    trends differed.
    """
    _check_events(panel)
    adoption = Adoption(
        outcomes=panel.rates, times=panel.months, first_treated=panel.first_month, weights=panel.weights
    )
    estimate = STAGGERED[estimator]
    cells = estimate(adoption)
    seen = np.unique(cells.event_times[np.isfinite(cells.effects)])
    if not np.isfinite(cells.overall):
        raise NotEstimableError(BASE_SHORT)

    def numbers(kept: NDArray[np.bool_]) -> Floats:
        part = estimate(adoption.of(kept))
        return np.array([part.overall, _log_ratio(part), *part.by_event_time(seen)])

    joint = joint_estimates(numbers, panel.is_pilot)
    change, ratio, *events = joint.intervals
    return AreaEffect(
        change=change,
        ratio=ratio,
        before=_rate_before(panel),
        after=cells.level,
        without=cells.level - cells.overall,
        words=join(_short_base(panel, estimator), _few_areas(panel)),
        events=EventEffects(event_months=seen, effects=tuple(events), pilot_areas=_areas_at(panel, seen)),
        trends=None if estimator == IMPUTATION else yearly_trends(joint, cells, seen, first_column=2),
    )


def synthetic_effect(panel: AreaPanel) -> AreaEffect:
    """Mean gap to the mix of comparison areas over the months after go-live; p-value by placebos, no interval.

    Estimand: the effect on all residents (`att_residents`), if the pilot areas would have gone on as the mix (Abadie,
    Diamond and Hainmueller 2010).
    """
    _check_events(panel)
    centred = centred_on_go_live(panel)
    after = centred.event_months >= 0
    if (~after).sum() < FEWEST_MONTHS_FITTED:
        raise NotEstimableError(FIT_SHORT)
    if len(centred.comparison_codes) < FEWEST_DONORS:
        raise NotEstimableError(DONORS_SHORT)
    rates = centred.pilot_counts / centred.pilot_years
    found = synthetic_control(rates, (centred.comparison_counts / centred.comparison_years).T, after)
    before, without = float(rates[~after].mean()), found.level - found.effect
    return AreaEffect(
        change=Interval(estimate=found.effect),
        ratio=Interval(estimate=_log(found.level, without), p_value=found.p_value),
        before=before,
        after=found.level,
        without=without,
        words=fit_words(found, mean_before=before),
        events=EventEffects(
            event_months=centred.event_months,
            effects=tuple(Interval(estimate=gap) for gap in found.gaps.tolist()),
            pilot_areas=np.full(after.size, panel.is_pilot.sum()),
        ),
        weights=dict(zip(centred.comparison_codes, found.weights.tolist(), strict=True)),
    )


def _series(centred: CentredPanel) -> InterruptedTimeSeries:
    """The pilot areas together beside the comparison areas together."""
    after = centred.event_months >= 0
    return interrupted_time_series(
        counts=np.concatenate([centred.pilot_counts, centred.comparison_counts.sum(axis=0)]),
        population=np.concatenate([centred.pilot_years, centred.comparison_years.sum(axis=0)]),
        times=np.tile(centred.event_months, 2),
        is_after=np.tile(after, 2),
        is_comparison=np.repeat([False, True], after.size),
    )


def _few_areas(panel: AreaPanel) -> str:
    fewest = min(panel.is_pilot.sum(), (~panel.is_pilot).sum())
    if fewest < FEWEST_AREAS:
        return NO_INTERVAL
    return FEW_AREAS if fewest <= FEW_CLUSTERS else ""


def _check_events(panel: AreaPanel) -> None:
    """`NotEstimableError` where the pilot areas before or after, or the others, have fewer than ten events."""
    pilot, after = panel.is_pilot, panel.is_after
    parts = (panel.counts[pilot][~after[pilot]], panel.counts[pilot][after[pilot]], panel.counts[~pilot])
    if min(part.sum() for part in parts) < FEWEST_EVENTS:
        raise NotEstimableError(FEW)


def _rate_before(panel: AreaPanel) -> float:
    """The pilot areas' rate in the months of the base."""
    since = panel.months[None, :] - panel.first_month[panel.is_pilot][:, None]
    base = (since < 0) & (since >= -BASE_MONTHS)
    return float(panel.counts[panel.is_pilot][base].sum() / panel.person_years[panel.is_pilot][base].sum())


def _short_base(panel: AreaPanel, estimator: str) -> str:
    first = panel.first_month[panel.is_pilot]
    before = (panel.months[None, :] < first[:, None]).sum(axis=1)
    return BASE_SHORT_LEFT_OUT if estimator != IMPUTATION and before.min() < BASE_MONTHS else ""


def _areas_at(panel: AreaPanel, event_months: Integers) -> Integers:
    since = panel.months[None, :] - panel.first_month[panel.is_pilot][:, None]
    return np.array([np.count_nonzero(since == month) for month in event_months], dtype=np.int64)


def _log_ratio(cells: CellEffects) -> float:
    return _log(cells.level, cells.level - cells.overall)


def _log(rate: float, without: float) -> float:
    return math.log(rate / without) if rate > 0 and without > 0 else math.nan
