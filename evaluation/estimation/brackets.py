"""The default design beside change from before the crisis: whether they agree, and what holds if one is right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from evaluation.estimation.carried_forward import CARRIED_FORWARD, LIMITS
from evaluation.estimation.controlled import MATCHED_DID, WEIGHTED
from evaluation.estimation.sensitivity_words import signed

AGREE = "The two designs agree: each estimate lies in the other's interval."
DISAGREE = (
    "The two designs do not agree: {first} lies {side} {second}. A transient crisis before the index date biases one "
    "and stable hidden differences the other, so the truth may lie between them or outside both."
)
BOUNDS = "If one of the two is right, the change lies between {low} and {high}, their lowest and highest 95% limit."
THREE_BOUNDS = (
    "Had the drift between the groups of months -24 to -7 gone on, the second would be {change} ({low} to {high}). If "
    "one of the three is right, the change lies between {lowest} and {highest}, their lowest and highest 95% limit."
)
NO_SECOND = (
    f"Whether two designs agree is not known: only where `{WEIGHTED}` and `{MATCHED_DID}` both have an interval can "
    "they be held against each other."
)
COLUMNS = ("designs_agree", "bracket_low_pct", "bracket_high_pct")


@dataclass(frozen=True, kw_only=True)
class Bracket:
    """Designs of the same effect, in percent: from the lowest to the highest limit of their 95% intervals."""

    is_agreed: bool
    low_pct: float
    high_pct: float
    words: str


def bracket(first: Mapping[str, Any], second: Mapping[str, Any] | None) -> Bracket | None:
    """Two rows with `design` and the `LIMITS` held against each other; None where one has no interval.

    They agree where each estimate lies in the other's interval. One of the two is biased by a transient crisis before
    the index date, the other by stable hidden differences; both by what makes the groups drift apart. Where the first
    row has `CARRIED_FORWARD`, the second design less that drift, it is a third. If any of them is unbiased, its
    interval covers the truth in 95% of studies, so what goes from the lowest to the highest limit does in at least as
    many. Where all are biased, nothing follows.

    By hand: 2 (-1 to 5) and 4 (0 to 8) agree, -1 to 8; 2 (-1 to 5) and 7 (4 to 10) do not, -1 to 10; with a third of
    -3 (-9 to 3), -9 to 10.
    """
    if second is None or any(row[name] is None for row in (first, second) for name in LIMITS):
        return None
    (change, low, high), (other, other_low, other_high) = ([row[name] for name in LIMITS] for row in (first, second))
    third = [first[name] for name in CARRIED_FORWARD]
    is_agreed = other_low <= change <= other_high and low <= other <= high
    known = [limit for limit in (low, high, other_low, other_high, *third[1:]) if limit is not None]
    side = "below" if change < other else "above"
    agree = AGREE if is_agreed else DISAGREE.format(first=first["design"], second=second["design"], side=side)
    return Bracket(
        is_agreed=is_agreed,
        low_pct=min(known),
        high_pct=max(known),
        words=f"{agree} {_bounds(min(known), max(known), third)}",
    )


def _bounds(lowest: float, highest: float, third: Sequence[float | None]) -> str:
    if any(value is None for value in third):
        return BOUNDS.format(low=signed(lowest), high=signed(highest))
    change, low, high = (signed(value) for value in third if value is not None)
    return THREE_BOUNDS.format(change=change, low=low, high=high, lowest=signed(lowest), highest=signed(highest))


def brackets(estimates: pl.DataFrame) -> dict[tuple[str, str], Bracket]:
    """By metric and population, the default rows of `metric_estimates` that can be held against `matched_did`."""
    rows = estimates.filter(pl.col("design").is_in([WEIGHTED, MATCHED_DID])).rows(named=True)
    second = {(row["metric_id"], row["population"]): row for row in rows if row["design"] == MATCHED_DID}
    found: dict[tuple[str, str], Bracket] = {}
    for row in rows:
        key = (row["metric_id"], row["population"])
        one = bracket(row, second.get(key)) if row["design"] == WEIGHTED and row["is_default"] else None
        if one is not None:
            found[key] = one
    return found


def bracket_columns(one: Bracket | None) -> dict[str, bool | float | None]:
    """The `COLUMNS` of a row; null where there is no bracket."""
    values = (None, None, None) if one is None else (one.is_agreed, one.low_pct, one.high_pct)
    return dict(zip(COLUMNS, values, strict=True))


def with_brackets(estimates: pl.DataFrame) -> pl.DataFrame:
    """`estimates` with the `COLUMNS` of each default row; null on other rows and where there is no second design."""
    found = brackets(estimates)
    keys = estimates.select("is_default", "metric_id", "population").rows()
    columns = [bracket_columns(found.get((metric, one)) if is_default else None) for is_default, metric, one in keys]
    return estimates.with_columns(
        pl.Series(name, [values[name] for values in columns], dtype=estimates.schema[name]) for name in COLUMNS
    )
