"""Effects in plain words: what was seen, and what the interval rules out."""

import math

EVERYTHING = 100  # percent: no rate falls by more
BEYOND_INTEREST = 1000  # percent: that larger rises are ruled out says nothing
VERBS = {True: "are ruled out", False: "is ruled out"}
WHOLE_FROM = 10  # percentages from here on are shown without a decimal
PERCENT, POINTS = "%", " points"
NO_WORDS = "No effect can be stated."


def effect_words(
    relative_change_pct: float | None,
    relative_low_pct: float | None,
    relative_high_pct: float | None,
    *,
    smallest_worthwhile_change_pct: float | None = None,
    unit: str = PERCENT,
) -> str:
    """A relative change with its 95% interval as one or two sentences; no claim beyond the interval.

    With `unit` `POINTS` the three numbers are percentage points of a share.

    Where the interval covers no change: "no evidence of a change", and what is ruled out on either side, if it is
    worth saying; an
    absence of evidence is never called evidence of absence. With a worthwhile change, whether it is shown,
    ruled out, or neither. Without an interval only the estimate is given, without an estimate that it is missing.

    By hand: -1, -3, 1: "No evidence of a change; falls larger than 3% and rises larger than 1% are ruled out."
    """
    if relative_change_pct is None:
        return NO_WORDS
    if relative_low_pct is None or relative_high_pct is None:
        return f"{_direction(relative_change_pct, unit)}, without an interval: how sure this is can't be said."
    seen = _seen(relative_change_pct, relative_low_pct, relative_high_pct, unit)
    worth = smallest_worthwhile_change_pct
    return seen if worth is None or worth == 0 else f"{seen} {_worth(relative_low_pct, relative_high_pct, worth)}"


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


def _worth(low: float, high: float, worth: float) -> str:
    kind = f"A {'fall' if worth < 0 else 'rise'} of at least {percent(worth)}, the smallest that is worth while,"
    shown = high <= worth if worth < 0 else low >= worth
    ruled_out = low > worth if worth < 0 else high < worth
    if shown:
        return f"{kind} is shown."
    if ruled_out:
        return f"{kind} is ruled out."
    return f"{kind} can be neither shown nor ruled out."
