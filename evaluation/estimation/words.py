"""Effects in plain words: what was seen, and what the interval rules out."""

import math

from evaluation.estimation.at_look import is_only_seen, limits_at_look, only_below
from evaluation.estimation.cautions import join

EVERYTHING = 100  # percent: no rate falls by more
BEYOND_INTEREST = 1000  # percent: that larger rises are ruled out says nothing
VERBS = {True: "are ruled out", False: "is ruled out"}
WHOLE_FROM = 10  # percentages from here on are shown without a decimal
PERCENT, POINTS = "%", " points"
NO_WORDS = "No effect can be stated."
NOT_YET = "This is what is seen, not a finding: {only_below}."


def effect_words(
    relative_change_pct: float | None,
    relative_low_pct: float | None,
    relative_high_pct: float | None,
    *,
    smallest_worthwhile_change_pct: float | None = None,
    unit: str = PERCENT,
    nominal_level: float | None = None,
    degrees_of_freedom: int | None = None,
) -> str:
    """A relative change with its 95% interval as one or two sentences; no claim beyond the interval.

    With `unit` `POINTS` the three numbers are percentage points of a share, which have no `nominal_level`: the p-value
    that counts at this look (None: no looks are planned). What a 95% interval excludes but that level does not is told
    as seen, not as found, and no worthwhile change is called shown; what is ruled out is read off the 95% interval,
    since to stop for want of an effect spends nothing. `degrees_of_freedom`: of an interval by Student's t.

    Where the interval covers no change: "no evidence of a change", and what is ruled out on either side, if it is
    worth saying; an
    absence of evidence is never called evidence of absence. With a worthwhile change, whether it is shown,
    ruled out, or neither. Without an interval only the estimate is given, without an estimate that it is missing.

    By hand: -1, -3, 1: "No evidence of a change; falls larger than 3% and rises larger than 1% are ruled out."
    -10, -18.2, -1 at a level of 0.003: the limits become -22 and +4, so the fall of about 10% is no finding yet.
    """
    if relative_change_pct is None:
        return NO_WORDS
    if relative_low_pct is None or relative_high_pct is None:
        return f"{_direction(relative_change_pct, unit)}, without an interval: how sure this is can't be said."
    effect = (relative_change_pct, relative_low_pct, relative_high_pct)
    limits = limits_at_look(*effect, nominal_level=nominal_level, degrees_of_freedom=degrees_of_freedom)
    worth = smallest_worthwhile_change_pct
    is_seen_only = is_only_seen(relative_low_pct, relative_high_pct, at_look=limits)
    return join(
        _seen(*effect, unit),
        NOT_YET.format(only_below=only_below(nominal_level)) if nominal_level is not None and is_seen_only else "",
        _worth(relative_low_pct, relative_high_pct, worth, limits) if worth else "",
    )


def percent(value: float, unit: str = PERCENT) -> str:
    """A percentage (or points) without sign: one decimal below ten, none from ten on, and no trailing zero."""
    size = abs(value)
    rounded = f"{size:.1f}" if size < WHOLE_FROM - 0.05 else f"{size:.0f}"
    return rounded.removesuffix(".0") + unit


def _seen(change: float, low: float, high: float, unit: str) -> str:
    if low > 0 or high < 0:
        weakest, strongest = sorted((abs(low), abs(high)))
        return f"{_direction(change, unit)} (95% interval {percent(weakest, unit)} to {percent(strongest, unit)})."
    sides = [f"falls larger than {_outwards(low, unit)}"] if math.ceil(abs(low)) < EVERYTHING else []
    sides += [f"rises larger than {_outwards(high, unit)}"] if high < BEYOND_INTEREST else []
    return f"No evidence of a change; {' and '.join(sides) if sides else 'hardly any change'} {VERBS[bool(sides)]}."


def _outwards(limit: float, unit: str) -> str:
    """A limit rounded up in size, so that nothing within the interval is ruled out: 1.21 becomes 1.3."""
    size = round(abs(limit), 9)
    return percent(math.ceil(size * 10) / 10 if math.ceil(size * 10) < 10 * WHOLE_FROM else math.ceil(size), unit)


def _direction(change: float, unit: str) -> str:
    if percent(change) == percent(0):
        return "About the same"
    return f"{'A fall' if change < 0 else 'A rise'} of about {percent(change, unit)}"


def _worth(low: float, high: float, worth: float, at_look: tuple[float, float]) -> str:
    kind = f"A {'fall' if worth < 0 else 'rise'} of at least {percent(worth)}, the smallest that is worth while,"
    if _reaches(worth, *at_look):
        return f"{kind} is shown."
    if _reaches(worth, low, high):
        return f"{kind} is not shown at this look."
    if low > worth if worth < 0 else high < worth:
        return f"{kind} is ruled out."
    return f"{kind} can be neither shown nor ruled out."


def _reaches(worth: float, low: float, high: float) -> bool:
    """Whether the whole interval is at least the worthwhile change."""
    return high <= worth if worth < 0 else low >= worth
