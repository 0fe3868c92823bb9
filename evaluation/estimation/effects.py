"""From one or two arms to an effect with its interval: saturated Poisson estimates, errors by person."""

import math
from dataclasses import dataclass
from statistics import NormalDist

from evaluation.estimation.arms import Arm

CONFIDENCE_LEVEL = 0.95
POWER = 0.80
FEWEST_PEOPLE_WITH_EVENTS = 10
NO_SPREAD = 1e-9  # a standard error this small beside its level is rounding, not precision

_Z_INTERVAL = NormalDist().inv_cdf(0.5 + CONFIDENCE_LEVEL / 2)
DETECTABLE_ERRORS = _Z_INTERVAL + NormalDist().inv_cdf(POWER)


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
    the relative one the ratio of the two rate ratios. Variances are sums of squared influences of people
    (both periods of a person together), times G/(G-1) with G people having person-time in any arm: the
    cluster-robust sandwich for maximum likelihood (Liang and Zeger 1986; Stata's `vce(cluster)`), right
    however much counts vary between people. Intervals are 95% Wald intervals, the relative one on the log
    scale, as is the two-sided p-value. `minimum_detectable_change_pct` is the smallest fall of the rate,
    in percent, that a study with this standard error finds with 80% power at 5% two-sided:
    100 x (1 - exp(-(1.960 + 0.842) x standard error of the log rate ratio)).

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
    change_error = _standard_error([arm.change_influence for arm in arms], arms)
    log_error = _standard_error([arm.log_ratio_influence or 0.0 for arm in arms], arms)
    return Effect(
        change=change,
        change_low=change - _Z_INTERVAL * change_error,
        change_high=change + _Z_INTERVAL * change_error,
        relative_change_pct=_percent(log_ratio),
        relative_low_pct=_percent(log_ratio - _Z_INTERVAL * log_error),
        relative_high_pct=_percent(log_ratio + _Z_INTERVAL * log_error),
        p_value=math.erfc(abs(log_ratio) / log_error / math.sqrt(2)),
        minimum_detectable_change_pct=-_percent(-DETECTABLE_ERRORS * log_error),
    )


def varies(arm: Arm) -> bool:
    """Whether enough people of the arm had events, and differ from each other in the change and in the ratio."""
    largest = max(arm.baseline or 0.0, arm.follow_up or 0.0)
    spread = math.sqrt(arm.change_influence) > NO_SPREAD * largest
    enough = arm.people_with_events >= FEWEST_PEOPLE_WITH_EVENTS
    return enough and spread and math.sqrt(arm.log_ratio_influence or 0.0) > NO_SPREAD


def _change(arm: Arm) -> float | None:
    return None if arm.baseline is None or arm.follow_up is None else arm.follow_up - arm.baseline


def _log_ratio(arm: Arm) -> float | None:
    return math.log(arm.follow_up / arm.baseline) if arm.baseline and arm.follow_up else None


def _contrast(changes: list[float | None]) -> float | None:
    known = [change for change in changes if change is not None]
    if len(known) < len(changes):
        return None
    return known[0] - sum(known[1:])


def _standard_error(influences: list[float], arms: list[Arm]) -> float:
    clusters = sum(arm.clusters for arm in arms)
    return math.sqrt(sum(influences) * clusters / (clusters - 1))


def _percent(log_ratio: float) -> float:
    return 100 * math.expm1(log_ratio)
