"""The verdict on an outcome in plain words: what was seen, what could have been seen, what it survives."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy.stats import norm

from evaluation.estimation.cautions import join
from evaluation.estimation.intervals import POWER, quantile
from evaluation.estimation.sensitivity_words import group_words, signed
from evaluation.estimation.words import effect_words, percent

NOTHING_PROVEN = "None of this can show that nothing is hidden."
NAMES = {
    "survives_sites_left_out": "single sites",
    "survives_doubtful_deaths_left_out": "people whose date of death is doubtful",
    "survives_other_spell_rule": "the choice of spell rule",
    "survives_local_pool": "where comparison people live",
    "survives_provider_left_out": "providers whose recording changed",
    "survives_later_enrolment": "how comparison people who enrol later are followed",
}


@dataclass(frozen=True, kw_only=True)
class Checks:
    """What an estimate is held against; rows and estimates as in `sensitivity_estimates`."""

    planned: Mapping[str, Any]
    widened: Mapping[str, Any] | None
    widened_survives: bool | None
    bracket: str
    masking: str
    sites: Sequence[float]
    others: Sequence[str]
    placebo: str
    survives: Mapping[str, bool | None]


def verdict(
    checks: Checks, *, worthwhile_pct: float | None, detectable_pct: float | None, published_pct: Sequence[float]
) -> str:
    """One paragraph: what was seen, what could have been, what hidden differences would do, what it survives."""
    limits = (checks.planned[name] for name in ("relative_change_pct", "relative_low_pct", "relative_high_pct"))
    level = checks.planned["nominal_level"]
    seen = effect_words(*limits, smallest_worthwhile_change_pct=worthwhile_pct, nominal_level=level)
    if checks.planned["relative_low_pct"] is None:
        return seen
    examples = dict.fromkeys((*published_pct, worthwhile_pct))
    return join(
        seen,
        detectable_words(detectable_pct, examples=[example for example in examples if example], nominal_level=level),
        _hidden(checks),
        checks.masking,
        checks.bracket,
        _range("Leaving out one site at a time, the change is", checks.sites),
        *checks.others,
        *_survived(checks.survives),
        checks.placebo,
        NOTHING_PROVEN,
    )


def detectable_words(
    detectable_pct: float | None, *, examples: Sequence[float], nominal_level: float | None = None
) -> str:
    """Which changes a study of this precision would find with 80% power, and which of the examples it could not.

    `detectable_pct` is the smallest fall at 5%; a rise of the same size as a ratio is 100 x (1 / (1 - fall) - 1). At a
    look where only p-values up to `nominal_level` count, both are larger (`detectable_at_look`).

    By hand: 20 finds falls of 20% and rises of 25%: +2% could not have been detected, -30% could.
    """
    fall = detectable_at_look(detectable_pct, nominal_level)
    if fall is None or fall >= 100:
        return ""
    smallest = -math.log1p(-fall / 100)
    rise = percent(100 * math.expm1(smallest))
    words = f"Four of five such studies would find a fall of {percent(fall)} or a rise of {rise}"
    missed = [signed(example) for example in examples if abs(math.log1p(example / 100)) < smallest]
    found = [signed(example) for example in examples if abs(math.log1p(example / 100)) >= smallest]
    sentences = [f"{words}."]
    if missed:
        sentences.append(f"A change of {' or '.join(missed)} could not have been detected.")
    if found:
        sentences.append(f"A change of {' or '.join(found)} could have been detected.")
    return " ".join(sentences)


def detectable_at_look(detectable_pct: float | None, nominal_level: float | None) -> float | None:
    """The smallest fall in percent found with 80% power where p-values up to `nominal_level` count in place of 5%.

    On the log scale it grows as the sum of both quantiles does; None where no p-value counts.

    By hand: 20% at 0.003: log 1.25 x (2.968 + 0.842) / (1.960 + 0.842) = 0.3035, so 26.2%.
    """
    if detectable_pct is None or nominal_level is None or detectable_pct >= 100:
        return detectable_pct
    if nominal_level <= 0:
        return None
    power = float(norm.ppf(POWER))
    further = (quantile(level=1 - nominal_level) + power) / (quantile() + power)
    return -100 * math.expm1(further * math.log1p(-detectable_pct / 100))


def _hidden(checks: Checks) -> str:
    if checks.widened is None:
        return "No recorded group could be hidden, so there is no benchmark for what is not recorded."
    low, high = signed(checks.widened["relative_low_pct"]), signed(checks.widened["relative_high_pct"])
    survives = "The conclusion survives that." if checks.widened_survives else "The conclusion does not survive that."
    return (
        f"Had something as telling as {group_words(checks.widened['variant'])} gone unrecorded, the interval would be "
        f"{low} to {high}. {survives}"
    )


def _survived(survives: Mapping[str, bool | None]) -> Iterator[str]:
    stands = [NAMES[name] for name, value in survives.items() if value is True]
    falls = [NAMES[name] for name, value in survives.items() if value is False]
    if stands:
        yield f"The conclusion does not depend on {', '.join(stands)}."
    if falls:
        yield f"The conclusion depends on {', '.join(falls)}."


def _range(words: str, changes: Sequence[float]) -> str:
    return f"{words} {signed(min(changes))} to {signed(max(changes))}." if changes else ""
