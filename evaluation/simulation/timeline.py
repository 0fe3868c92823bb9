"""Stays of one person one after the other: no overlaps, nothing after death, nothing after the data end."""

import numpy as np
import polars as pl

from evaluation.simulation.calendar import IntArray

_APART = 1_000_000  # more than any person's days: keeps the running maximum within a person
_PARTS = ("los_1", "gap_2", "los_2", "gap_3", "los_3", "late_gap", "late_los")


def block_days() -> pl.Expr:
    """Days from a stay's start to the end of its last part, late return included."""
    return pl.sum_horizontal(*(pl.max_horizontal(pl.col(part), 0) for part in _PARTS))


def one_after_the_other(stays: pl.DataFrame) -> pl.DataFrame:
    """Stays that would overlap an earlier one are postponed to the day after it; sorted, `end` added.

    Nothing is dropped, so that planted rates stay what they are. A queue: with lengths L, a stay starts at
    max over earlier j of (start_j + sum of L from j on), which is a running maximum.
    """
    ordered = stays.sort("person", "start", "mark")
    length = ordered.select(pl.col("lead") + block_days() + 1).to_series().to_numpy()
    waited = np.cumsum(length) - length
    person = ordered["person"].to_numpy() * _APART
    lead = ordered["lead"].to_numpy()
    begin = waited + np.maximum.accumulate(ordered["start"].to_numpy() - lead - waited + person) - person
    return ordered.with_columns(start=pl.Series(begin + lead)).with_columns(end=pl.col("start") + block_days())


def in_life(events: pl.DataFrame, day: str, *, until: IntArray, first_day: int) -> pl.DataFrame:
    """Events from `first_day` to the person's last day in `until`, both included."""
    last = pl.Series(until[events["person"].to_numpy()])
    return events.filter((pl.col(day) >= first_day) & (pl.col(day) <= last))


def outside_stays(sessions: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """Regular sessions that do not touch a day of another stay of the person (`stays` do not overlap)."""
    latest = (
        sessions.with_columns(until=pl.col("start") + pl.col("los_1"))
        .sort("until")
        .join_asof(
            stays.select("person", stay_start="start", stay_end="end").sort("stay_start"),
            left_on="until",
            right_on="stay_start",
            by="person",
            strategy="backward",
            check_sortedness=False,
        )
    )
    free = latest.filter(pl.col("stay_end").is_null() | (pl.col("stay_end") < pl.col("start")))
    return free.select(sessions.columns).sort("person", "start")


def spells_of(stays: pl.DataFrame, *, death: IntArray) -> pl.DataFrame:
    """The hospitals of each stay, one row each, cut at death: `stay person part start end is_death`.

    `part` is 1 to 3, and 4 for a late return; `is_death`: the person dies there.
    """
    second = pl.col("start") + pl.col("los_1") + pl.col("gap_2")
    third = second + pl.col("los_2") + pl.col("gap_3")
    late = pl.col("start") + pl.col("los_1") + pl.col("late_gap")
    parts = pl.concat(
        [
            _part(stays, 1, pl.col("start"), "los_1"),
            _part(stays, 2, second, "los_2"),
            _part(stays, 3, third, "los_3"),
            _part(stays, 4, late, "late_los"),
        ]
    ).sort("stay", "part")
    died = pl.Series("death", death[parts["person"].to_numpy()])
    previous_end = pl.col("end").shift(1).over("stay")
    return (
        parts.with_columns(died)
        .filter((pl.col("start") <= pl.col("death")) & ((previous_end < pl.col("death")) | previous_end.is_null()))
        .with_columns(
            is_death=pl.col("end") >= pl.col("death"),
            end=pl.min_horizontal("end", "death"),
        )
        .drop("death")
    )


def _part(stays: pl.DataFrame, part: int, start: pl.Expr, nights: str) -> pl.DataFrame:
    return stays.filter(pl.col(nights) >= 0).select(
        "stay",
        "person",
        part=pl.lit(part, pl.Int64),
        start=start,
        end=start + pl.col(nights),
    )
