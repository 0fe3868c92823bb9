"""Effects to plant in a demo study, as people write them: `METRIC=1.02` or `ITEM=-5pp`."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from evaluation.simulation import FOLLOWS, PLANTABLE_METRICS
from pipelines.errors import StudyError
from pipelines.strict_yaml import nearest

FORM = "write METRIC=1.02 for a rate ratio, ITEM=-5pp for percentage points"
POINTS = "pp"
LARGEST_RATIO = 5.0


@dataclass(frozen=True)
class PlantedEffects:
    """Rate ratios by metric, changes in percentage points by questionnaire item."""

    rate_ratios: Mapping[str, float]
    points: Mapping[str, float]


def parse_effects(texts: Iterable[str], *, items: Iterable[str]) -> PlantedEffects:
    """The effects in `texts`; StudyError names what is wrong and the nearest known metric or item.

    Example: parse_effects(["emergency_admissions=1.02", "has_care_plan=-5pp"], items=["has_care_plan"]) has
    rate_ratios {"emergency_admissions": 1.02} and points {"has_care_plan": -5.0}.
    """
    known_items = tuple(items)
    rate_ratios: dict[str, float] = {}
    points: dict[str, float] = {}
    for text in texts:
        name, separator, value = (part.strip() for part in text.partition("="))
        if not separator:
            raise StudyError(f"--effect {text}: not an effect", FORM)
        if name in rate_ratios or name in points:
            raise StudyError(f"--effect {name}: given more than once")
        if name in known_items:
            points[name] = _points(name, value)
        else:
            _require_plantable(name, known_items)
            rate_ratios[name] = _ratio(name, value)
    return PlantedEffects(rate_ratios, points)


def _require_plantable(name: str, items: tuple[str, ...]) -> None:
    if name in PLANTABLE_METRICS:
        return
    if name in FOLLOWS and FOLLOWS[name] in PLANTABLE_METRICS:
        raise StudyError(
            f"--effect {name}: it has no effect of its own in the simulation",
            f"it follows {FOLLOWS[name]}; plant the effect there",
        )
    known = [*PLANTABLE_METRICS, *items]
    raise StudyError(
        f"--effect {name}: not a metric or item that an effect can be planted on",
        f"metrics: {', '.join(PLANTABLE_METRICS)}",
        f"items: {', '.join(items)}",
        *nearest(name, known),
    )


def _ratio(name: str, value: str) -> float:
    if value.lower().endswith(POINTS):
        raise StudyError(f"--effect {name}={value}: {name} is a rate, not a share", f"expected a ratio: {name}=1.02")
    ratio = _number(name, value, expected=f"expected a rate ratio: {name}=1.02")
    if not 0 <= ratio <= LARGEST_RATIO:
        raise StudyError(f"--effect {name}={value}: rate ratios lie between 0 and {LARGEST_RATIO:g}")
    return ratio


def _points(name: str, value: str) -> float:
    if not value.lower().endswith(POINTS):
        raise StudyError(
            f"--effect {name}={value}: {name} is a share, not a rate", f"expected percentage points: {name}=-5pp"
        )
    return _number(name, value[: -len(POINTS)], expected=f"expected percentage points: {name}=-5pp")


def _number(name: str, value: str, *, expected: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise StudyError(f"--effect {name}: {value or 'nothing'} is not a number", expected)
    return number
