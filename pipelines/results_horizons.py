"""`icp results`: effects on protocol outcomes up to each follow-up horizon."""

from collections.abc import Iterator, Sequence
from typing import Any

from pipelines.results_withholding import WITHHELD
from pipelines.results_words import effect_in_words, percent

Row = dict[str, Any]
OVERLAP = "Longer horizons hold the events of shorter ones: agreement between them is no second finding."
NO_ESTIMATE = "no estimate"


def horizon_title(population: str, rows: Sequence[Row]) -> str:
    """Of whom, and by which design."""
    designs = ", ".join(sorted({row["design"] for row in rows}))
    return f"Protocol outcomes by length of follow-up: {population}, after the index date ({designs})"


def horizon_columns(rows: Sequence[Row]) -> list[str]:
    """A heading for each horizon, shortest first: `3 months (early)`, `6 months (primary, early)`."""
    found = sorted({(row["horizon_months"], row["is_primary_horizon"], row["is_early"]) for row in rows})
    return [_heading(*horizon) for horizon in found]


def horizon_rows(
    rows: Sequence[Row], *, priorities: Sequence[str]
) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """Each outcome's label with its effect in words and the caution, a pair per horizon, shortest first.

    Rows are those of one population; outcomes stand in the order of `priorities`, within one by name.
    """
    months = sorted({row["horizon_months"] for row in rows})
    outcomes = {row["metric_id"]: row for row in rows}
    for outcome in sorted(outcomes.values(), key=lambda row: (priorities.index(row["priority"]), row["metric_id"])):
        by_months = {row["horizon_months"]: row for row in rows if row["metric_id"] == outcome["metric_id"]}
        primary = " (primary outcome)" if outcome["priority"] == "primary" else ""
        yield (
            f"{outcome['label']}{primary}",
            [(_words(by_months[month]), by_months[month]["caution"]) for month in months],
        )


def _words(row: Row) -> str:
    if row["caution"] == WITHHELD:
        return "withheld"
    if row["relative_change_pct"] is None:
        return NO_ESTIMATE
    if row["relative_low_pct"] is None:
        return f"{percent(row['relative_change_pct'])}, no interval"
    return effect_in_words(row)


def _heading(months: int, is_primary: bool, is_early: bool) -> str:
    labels = [label for label, holds in (("primary", is_primary), ("early", is_early)) if holds]
    return f"{months} months" + (f" ({', '.join(labels)})" if labels else "")
