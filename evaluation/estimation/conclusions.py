"""What an interval concludes, in two words that other intervals can be held against."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """`effect`: fall, rise or no_evidence; `worthwhile`: shown, ruled_out or open, empty where none is named."""

    effect: str
    worthwhile: str


def concluded(low_pct: float | None, high_pct: float | None, *, worthwhile_pct: float | None) -> Conclusion | None:
    """The conclusion of a 95% interval in percent; None without an interval.

    By hand: -8 to -6 with a worthwhile change of -5: a fall, and the worthwhile one is shown.
    """
    if low_pct is None or high_pct is None:
        return None
    effect = "fall" if high_pct < 0 else "rise" if low_pct > 0 else "no_evidence"
    return Conclusion(effect=effect, worthwhile=_worthwhile(low_pct, high_pct, worthwhile_pct))


def _worthwhile(low: float, high: float, worth: float | None) -> str:
    if not worth:
        return ""
    if high <= worth if worth < 0 else low >= worth:
        return "shown"
    return "ruled_out" if (low > worth if worth < 0 else high < worth) else "open"
