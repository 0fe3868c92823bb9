"""Bounds on one estimate in both directions: widened interval, needed bias, E-values, tipping points."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from evaluation.estimation.rate_ratios import RateRatio
from evaluation.estimation.sensitivity import e_value, tipping_shift, widened_interval
from evaluation.estimation.sensitivity_words import (
    e_value_of_limit_words,
    e_value_words,
    needed_bias_words,
    tipping_words,
    widened_words,
)
from evaluation.estimation.variants import Shift, largest_shift

WIDENED, NEEDED_BIAS, TIPPING = "widened_interval", "needed_bias", "tipping_point"
E_VALUE, E_VALUE_OF_LIMIT = "e_value", "e_value_of_limit"
NO_CHANGE, WORTHWHILE = "no_change", "smallest_worthwhile_change"


@dataclass(frozen=True, kw_only=True)
class Bound:
    """One statement about an estimate: the table's columns that it fills, in percent but for E-values.

    `low_pct` and `high_pct` are limits of the estimate, widened or as planned; None where it has no interval.
    """

    analysis: str
    variant: str
    explanation: str
    against_pct: float | None = None
    value: float | None = None
    shift_pct: float | None = None
    low_pct: float | None = None
    high_pct: float | None = None


def bounds(
    planned: RateRatio, hidden: Mapping[str, RateRatio], *, worthwhile_pct: float | None = None
) -> Iterator[Bound]:
    """What hidden confounding would have to be like, against no change and against the smallest worthwhile change.

    `hidden`: the effect without each recorded group. Where too few people had events there is no interval, so only
    the needed bias and the E-value of the estimate are given.

    By hand: a ratio of 1.02 against 0.95: a needed bias of 100 x (1.02 / 0.95 - 1) = 7.4%.
    """
    shift = largest_shift(planned, hidden)
    has_interval = not planned.sample.rests_on_few
    if shift is not None and has_interval:
        yield _widened(planned, shift)
    low, high = (planned.relative_low_pct, planned.relative_high_pct) if has_interval else (None, None)
    questions = {NO_CHANGE: 0.0} | ({WORTHWHILE: worthwhile_pct} if worthwhile_pct else {})
    for variant, against_pct in questions.items():
        for bound in _against(planned, shift, variant, against_pct):
            yield replace(bound, low_pct=low, high_pct=high)


def _widened(planned: RateRatio, shift: Shift) -> Bound:
    low, high = widened_interval(planned.log_low, planned.log_high, shifts=[shift.log_shift])
    low_pct, high_pct = _percent(low), _percent(high)
    return Bound(
        analysis=WIDENED,
        variant=shift.group,
        shift_pct=shift.pct,
        low_pct=low_pct,
        high_pct=high_pct,
        explanation=widened_words(low_pct, high_pct, shift),
    )


def _against(planned: RateRatio, shift: Shift | None, variant: str, against_pct: float) -> Iterator[Bound]:
    bias = _percent(planned.log_rate_ratio - math.log1p(against_pct / 100))
    words = needed_bias_words(against_pct, bias, shift)
    yield Bound(analysis=NEEDED_BIAS, variant=variant, against_pct=against_pct, value=bias, explanation=words)
    low, high = planned.log_low, planned.log_high
    strength = e_value(planned.log_rate_ratio, log_low=low, log_high=high, against_pct=against_pct)
    words = e_value_words(against_pct, strength, None if shift is None else _strength(shift))
    yield Bound(
        analysis=E_VALUE, variant=variant, against_pct=against_pct, value=strength.of_estimate, explanation=words
    )
    if planned.sample.rests_on_few:
        return
    words = e_value_of_limit_words(against_pct, strength.of_limit)
    yield Bound(
        analysis=E_VALUE_OF_LIMIT, variant=variant, against_pct=against_pct, value=strength.of_limit, explanation=words
    )
    tipping = _percent(tipping_shift(low, high, against_pct=against_pct))
    covers = low <= math.log1p(against_pct / 100) <= high
    words = tipping_words(against_pct, tipping, covers=covers)
    yield Bound(analysis=TIPPING, variant=variant, against_pct=against_pct, value=tipping, explanation=words)


def _strength(shift: Shift) -> float:
    return e_value(shift.log_shift, log_low=shift.log_shift, log_high=shift.log_shift).of_estimate


def _percent(log_ratio: float) -> float:
    return 100 * math.expm1(log_ratio)
