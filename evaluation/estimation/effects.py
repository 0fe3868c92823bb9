"""From one or two arms to an effect with its interval: saturated Poisson estimates, errors by person."""

import math
from dataclasses import dataclass

from evaluation.estimation.arms import Arm
from evaluation.estimation.few_clusters import SmallSampleVariance, sum_of_independent
from evaluation.estimation.intervals import POWER, quantile, two_sided_p

FEWEST_PEOPLE_WITH_EVENTS = 10
NO_SPREAD = 1e-9  # a standard error this small beside its level is rounding, not precision
DETECTABLE_ERRORS = quantile() + quantile(level=2 * POWER - 1)


@dataclass(frozen=True, kw_only=True)
class Effect:
    """A change per person-year and the same as a percentage of the rate; None where it can't be known."""

    change: float | None = None
    change_low: float | None = None
    change_high: float | None = None
    relative_change_pct: float | None = None
    relative_low_pct: float | None = None
    relative_high_pct: float | None = None
    p_value: float | None = None
    minimum_detectable_change_pct: float | None = None


def rate_effect(pilot: Arm, comparator: Arm | None) -> Effect:
    """The pilot's change in rate, less the comparator's where there is one.

    Estimand: with a comparator the effect on the pilot people, if both arms' rates would have changed by the same
    factor without the pilot (parallel trends; Angrist and Pischke 2009, chapter 5); alone a description of before and
    after. Regression to the mean breaks the assumption. People are taken as independent.

    Equal to a Poisson regression saturated in arm and period with an offset of log person-time: the
    absolute change is (pilot follow-up - pilot baseline) - (comparator follow-up - comparator baseline),
    the relative one the ratio of the two rate ratios. Variances are by person (both periods of a person together),
    right however much counts vary between people: CR2, the sandwich of Liang and Zeger (1986) without its bias where
    people are few (`cr2_variance`), arms added up. Intervals are 95% t intervals with Satterthwaite's degrees of
    freedom, the relative one on the log scale, as is the two-sided p-value: some sites have ten or twelve people, and
    normal intervals cover 91% there. `minimum_detectable_change_pct` is the smallest fall of the rate, in percent,
    that a study with this standard error finds with 80% power at 5% two-sided (Bloom 1995): 100 x (1 - exp(-(t + t') x
    standard error of the log rate ratio)), with 1.960 and 0.842 for t and t' where people are many.

    Without person-time no effect is stated; without events in a period the ratio, every interval and the
    p-value are None; without variation between people the intervals are, and with fewer than ten people of an
    arm who had any event: the sandwich then rests on a handful of people and is far too narrow (a single
    dialysis patient with hundreds of attendances would give an interval of a percent).

    By hand: one arm, rates 1.0 and 0.5, is a change of -0.5 and of 100 x (0.5/1.0 - 1) = -50%.
    """
    arms = [pilot] if comparator is None else [pilot, comparator]
    change = _contrast([_change(arm) for arm in arms])
    log_ratio = _contrast([_log_ratio(arm) for arm in arms])
    if change is None or not any(arm.events_baseline + arm.events_follow_up for arm in arms):
        return Effect()
    if log_ratio is None:
        return Effect(change=change)
    if not all(varies(arm) for arm in arms):
        return Effect(change=change, relative_change_pct=_percent(log_ratio))
    of_change = sum_of_independent([arm.change_variance for arm in arms if arm.change_variance])
    of_log = sum_of_independent([arm.log_ratio_variance for arm in arms if arm.log_ratio_variance])
    log_error, freedom = math.sqrt(of_log.variance), of_log.degrees_of_freedom
    detectable = (quantile(freedom) + quantile(freedom, level=2 * POWER - 1)) * log_error
    return Effect(
        change=change,
        change_low=change - _margin(of_change),
        change_high=change + _margin(of_change),
        relative_change_pct=_percent(log_ratio),
        relative_low_pct=_percent(log_ratio - _margin(of_log)),
        relative_high_pct=_percent(log_ratio + _margin(of_log)),
        p_value=two_sided_p(log_ratio / log_error, freedom),
        minimum_detectable_change_pct=-_percent(-detectable),
    )


def varies(arm: Arm) -> bool:
    """Whether enough people of the arm had events, and differ from each other in the change and in the ratio."""
    largest = max(arm.baseline or 0.0, arm.follow_up or 0.0)
    enough = arm.people_with_events >= FEWEST_PEOPLE_WITH_EVENTS
    return enough and _spread(arm.change_variance) > NO_SPREAD * largest and _spread(arm.log_ratio_variance) > NO_SPREAD


def _change(arm: Arm) -> float | None:
    return None if arm.baseline is None or arm.follow_up is None else arm.follow_up - arm.baseline


def _log_ratio(arm: Arm) -> float | None:
    return math.log(arm.follow_up / arm.baseline) if arm.baseline and arm.follow_up else None


def _contrast(changes: list[float | None]) -> float | None:
    known = [change for change in changes if change is not None]
    if len(known) < len(changes):
        return None
    return known[0] - sum(known[1:])


def _spread(variance: SmallSampleVariance | None) -> float:
    return math.sqrt(variance.variance) if variance and variance.degrees_of_freedom > 0 else 0.0


def _margin(variance: SmallSampleVariance) -> float:
    return quantile(variance.degrees_of_freedom) * math.sqrt(variance.variance)


def _percent(log_ratio: float) -> float:
    return 100 * math.expm1(log_ratio)
