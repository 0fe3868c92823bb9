"""Effects in plain words: direction, size and interval, and what the interval rules out."""

from typing import Any

from evaluation.estimation.at_look import is_only_seen, limits_at_look
from pipelines.results_withholding import WITHHELD

Row = dict[str, Any]
NOT_KNOWN = "not known"


def percent(value: float) -> str:
    """A signed percentage, with a decimal below ten: `-20%`, `+2.1%`."""
    return f"{_signed(value)}%"


def points(value: float) -> str:
    """Signed percentage points, one decimal: `-5.0`."""
    return f"{value:+.1f}"


def level(row: Row, value: float | None) -> str:
    """A level: per person-year, pounds, or a percentage for shares."""
    if value is None:
        return "-"
    if row["unit"].startswith("share"):
        return f"{100 * value:.1f}%"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


def effect_in_words(row: Row, *, degrees_of_freedom: int | None = None) -> str:
    """The relative change of a row of `metric_estimates`, as a sentence part.

    What its 95% interval shows, but not at the level that counts at its look, is called no finding yet.
    `degrees_of_freedom`: of an interval by Student's t.

    >>> row = {"design": "uncontrolled", "change": -0.2, "unit": "admissions per person-year", "nominal_level": None}
    >>> limits = {"relative_change_pct": -20.0, "relative_low_pct": -24.0, "relative_high_pct": -16.0}
    >>> effect_in_words(row | limits)
    'fell by 20% (95% interval -24% to -16%)'
    """
    estimate, low, high = (row[f"relative_{part}_pct"] for part in ("change", "low", "high"))
    if low is None or high is None:
        return _without_interval(row)
    limits = f"95% interval {percent(low)} to {percent(high)}"
    words = _DIRECTIONS["uncontrolled" if row["design"] == "uncontrolled" else "compared"]
    level = row["nominal_level"]
    at_look = limits_at_look(estimate, low, high, nominal_level=level, degrees_of_freedom=degrees_of_freedom)
    if is_only_seen(low, high, at_look=at_look):
        return f"no finding at this look: {percent(estimate)} ({limits})"
    if high < 0 or low > 0:
        return f"{words[estimate > 0]} by {percent(abs(estimate))[1:]} ({limits})"
    return f"no clear {words[2]}: {percent(estimate)} ({limits})"


def points_in_words(row: Row) -> str:
    """The change of an item in `survey_estimates`, in percentage points."""
    estimate, low, high = row["change"], row["change_low"], row["change_high"]
    if row["caution"] == WITHHELD:
        return "withheld"
    if estimate is None:
        return {"follow_up_only": "asked afterwards only", "baseline_only": "asked before only"}.get(
            row["design"], NOT_KNOWN
        )
    if low is None or high is None:
        return f"{points(estimate)} points, no interval"
    limits = f"95% interval {points(low)} to {points(high)}"
    if high < 0 or low > 0:
        return f"{'rose' if estimate > 0 else 'fell'} by {abs(estimate):.1f} points ({limits})"
    return f"no clear change: {points(estimate)} points ({limits})"


def published_in_words(row: Row) -> str:
    """A published figure with its unit and, where published, its interval."""
    if row["unit"] == "direction_only":
        return str(row["direction"])
    return _figure(row, row["baseline"], row["follow_up"], row["change"], row["change_low"], row["change_high"])


def ours_in_words(row: Row) -> str:
    """Our figure in the published unit, with its interval; empty if there is none."""
    values = [row[f"our_{name}"] for name in ("baseline", "follow_up", "change", "change_low", "change_high")]
    return _figure(row, *values) if row["our_design"] else ""


_DIRECTIONS = {"uncontrolled": ("fell", "rose", "change"), "compared": ("lower", "higher", "difference")}
_FIGURES = {
    "pct_change": "{:+.3g}%",
    "gbp_change": "{:+,.0f} pounds a person",
    "pp_change": "{:+.3g} points",
    "pct": "{:+.3g} points",
    "direction_only": "{:+.3g} points",
    "per_person_change": "{:+.2f} a person",
    "rate_change": "{:+.3g} per 1,000 a month",
}


def _figure(
    row: Row, before: float | None, after: float | None, change: float | None, low: float | None, high: float | None
) -> str:
    form = _FIGURES.get(row["unit"], "{:.3f}")
    number = form.partition("}")[0] + "}"
    levels = _levels(before, after) if row["unit"] == "pct" else ""
    effect = form.format(change) if change is not None else ""
    if low is not None and high is not None:
        effect += f" ({number.format(low)} to {number.format(high)})"
    return ", ".join(part for part in (levels, effect) if part) or NOT_KNOWN


def _levels(before: float | None, after: float | None) -> str:
    if after is None:
        return ""
    return f"{after:.0f}% afterwards" if before is None else f"{before:.0f}% to {after:.0f}%"


def _without_interval(row: Row) -> str:
    if row["caution"] == WITHHELD:
        return "withheld"
    if row["change"] is None:
        return "no change stated"
    return f"{row['change']:+.2f} {row['unit']}, no interval"


def _signed(value: float) -> str:
    return f"{value:+.0f}" if abs(value) >= 10 else f"{value:+.1f}"
