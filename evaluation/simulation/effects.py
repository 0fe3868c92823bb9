"""Planted effects: events of pilot people taken away or added from their index date on.

Each event says in which world it happens: `is_removed` only without the pilot, `is_added` only with it. So the same
people have both histories, and the ratio of the expected counts after the index date is the planted ratio.
"""

import numpy as np
import polars as pl

from evaluation.simulation.calendar import NEVER, IntArray

BUCKET_DAYS = 30  # a copy falls into the same month from index, so that it follows the person's illness and season


def with_level(
    events: pl.DataFrame, day: str, *, index: IntArray, ratio: float, rng: np.random.Generator
) -> pl.DataFrame:
    """All rates of pilot people (those with an index date) times `ratio`, before and after, in both worlds."""
    if ratio >= 1:
        return pl.concat([events, _copies(events, day, index=index, excess=ratio - 1, whole_life=True, rng=rng)])
    is_pilot = pl.Series(index[events["person"].to_numpy()] < NEVER)
    kept = events.filter(~is_pilot | (pl.col("mark") < ratio))
    return kept.with_columns(mark=pl.Series(rng.random(kept.height)))


def with_additions(
    events: pl.DataFrame, day: str, *, index: IntArray, ratio: float, rng: np.random.Generator
) -> pl.DataFrame:
    """Adds what the pilot causes (`ratio` above 1), marked `is_added`."""
    if ratio <= 1:
        return events
    added = _copies(events, day, index=index, excess=ratio - 1, whole_life=False, rng=rng)
    return pl.concat([events, added.with_columns(is_added=pl.lit(value=True))])


def removed(events: pl.DataFrame, day: str, *, index: IntArray, ratio: float) -> pl.Series:
    """Which events the pilot prevents: a share 1 - `ratio` of those of pilot people from the index date on."""
    due = events[day].to_numpy() >= index[events["person"].to_numpy()]
    return pl.Series("is_removed", due & (events["mark"].to_numpy() >= ratio))


def _copies(
    events: pl.DataFrame, day: str, *, index: IntArray, excess: float, whole_life: bool, rng: np.random.Generator
) -> pl.DataFrame:
    """Each event of a pilot person copied Poisson(`excess`) times within its month from index."""
    origin = index[events["person"].to_numpy()]
    days = events[day].to_numpy()
    eligible = (origin < NEVER) & ((days >= origin) | whole_life)
    times = np.where(eligible, rng.poisson(excess, events.height), 0)
    which = np.repeat(np.arange(events.height), times)
    month = (days[which] - origin[which]) // BUCKET_DAYS
    moved = origin[which] + month * BUCKET_DAYS + rng.integers(0, BUCKET_DAYS, len(which))
    return events[which].with_columns(pl.Series(day, moved), mark=pl.Series(rng.random(len(which))))
