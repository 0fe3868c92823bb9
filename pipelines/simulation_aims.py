"""The aims of the simulation study held against its figures: how many cells keep each, and the nearest to its limit."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pipelines.tables_docs import markdown_table

WITHOUT_HIDDEN = "transient_crisis"
DEFAULT, BRACKET = "weighted_cohort", "bracket"
MONTE_CARLO_ERRORS = 2
AIMS = """## What was asked, and what was reached

Asked of the default where nothing hidden differs (people join for a crisis that is on record), and of the bracket where
something does. A cell is a way of joining, an effect, a number of cases and an outcome.
"""
Figures = Mapping[str, float]
Row = tuple[str, str, str, str, str, Figures]


@dataclass(frozen=True, kw_only=True)
class Aim:
    """What was asked of some cells; `distance` is how far figures are beyond it, and not above 0 where it is kept."""

    what: str
    asked: str
    is_of: Callable[[Row], bool]
    distance: Callable[[Figures], float]
    shown: Callable[[Figures], str]


def aims_section(rows: Sequence[Row]) -> str:
    """A line an aim; of aims whose cells have not been drawn none. Rows: mechanism, effect, cases, method, outcome."""
    lines = [line for aim in THE_AIMS if (line := _line(aim, [row for row in rows if aim.is_of(row)])) is not None]
    return f"{AIMS}\n{markdown_table(('Of', 'Asked', 'Kept in', 'Nearest to the limit, or furthest beyond it'), lines)}"


def _line(aim: Aim, rows: Sequence[Row]) -> tuple[str, ...] | None:
    if not rows:
        return None
    kept = sum(aim.distance(row[-1]) <= 0 for row in rows)
    worst = max(rows, key=lambda row: aim.distance(row[-1]))
    mechanism, effect, cases, _, outcome, figures = worst
    where = f"{mechanism}, effect {effect}, {cases} cases, {outcome}".replace("_", " ")
    return (aim.what, aim.asked, f"{kept} of {len(rows)} cells", f"{aim.shown(figures)}: {where}")


def _is_default_without_hidden(row: Row) -> bool:
    return row[0] == WITHOUT_HIDDEN and row[3] == DEFAULT


def _is_false_positive(row: Row) -> bool:
    return _is_default_without_hidden(row) and row[1] == "none"


def _is_bracket_of_hidden(row: Row) -> bool:
    return not row[0].startswith(WITHOUT_HIDDEN) and row[3] == BRACKET


def _outside(name: str, low: float, high: float, *, errors: float = 0.0) -> Callable[[Figures], float]:
    """How far a figure lies outside two limits, beyond so many of its Monte Carlo errors."""

    def distance(figures: Figures) -> float:
        allowed = errors * figures[f"{name}_error"]
        return max(low - figures[name], figures[name] - high) - allowed

    return distance


def _number(name: str, digits: int) -> Callable[[Figures], str]:
    return lambda figures: f"{figures[name]:.{digits}f} ({figures[f'{name}_error']:.{digits}f})"


def _percent(name: str) -> Callable[[Figures], str]:
    return lambda figures: f"{100 * figures[name]:.1f}% ({100 * figures[f'{name}_error']:.1f})"


THE_AIMS: tuple[Aim, ...] = (
    Aim(
        what="Bias of the log rate ratio of the default",
        asked="at most 0.01 and two Monte Carlo errors",
        is_of=_is_default_without_hidden,
        distance=_outside("bias", -0.01, 0.01, errors=MONTE_CARLO_ERRORS),
        shown=_number("bias", 4),
    ),
    Aim(
        what="Coverage of the default's 95% intervals",
        asked="93.5% to 96.5%",
        is_of=_is_default_without_hidden,
        distance=_outside("coverage", 0.935, 0.965),
        shown=_percent("coverage"),
    ),
    Aim(
        what="Mean of the default's errors over the spread of its estimates",
        asked="0.95 to 1.05",
        is_of=_is_default_without_hidden,
        distance=_outside("model_over_empirical_error", 0.95, 1.05),
        shown=_number("model_over_empirical_error", 3),
    ),
    Aim(
        what="False positives of the default",
        asked="5%, within two Monte Carlo errors",
        is_of=_is_false_positive,
        distance=_outside("p_below_0_05", 0.05, 0.05, errors=MONTE_CARLO_ERRORS),
        shown=_percent("p_below_0_05"),
    ),
    Aim(
        what="Share of brackets that hold the truth",
        asked="at least 90%",
        is_of=_is_bracket_of_hidden,
        distance=_outside("coverage", 0.90, math.inf),
        shown=_percent("coverage"),
    ),
)
