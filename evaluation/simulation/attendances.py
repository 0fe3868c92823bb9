"""Latent A&E attendances: those that lead to an emergency admission, and all others."""

import numpy as np
import polars as pl

from evaluation.simulation.illness import Crises, draw_clustered_events, draw_events
from evaluation.simulation.settings import SimulationSettings

ATTENDANCES_PER_YEAR = 0.20
ATTENDANCES_PER_CRISIS = 0.6
PLANNED_SHARE = 0.05
NOT_ADMITTED = ("02", "03", "12", "13")
_NOT_ADMITTED_SHARES = (0.36, 0.58, 0.05, 0.01)


def draw_attendances(
    people: pl.DataFrame, crises: Crises, settings: SimulationSettings, rng: np.random.Generator
) -> pl.DataFrame:
    """Attendances without admission: `person day minute category disposal department away stay mark is_added`."""
    intensity = people["frailty"].to_numpy() * np.sqrt(people["need"].to_numpy())
    events = draw_events(rng, ATTENDANCES_PER_YEAR * intensity, settings.first_day, settings.last_day)
    events = events + draw_clustered_events(rng, crises, ATTENDANCES_PER_CRISIS)
    count = len(events.day)
    category = rng.choice(["1", "2", "3", ""], count, p=[0.92, PLANNED_SHARE, 0.02, 0.01])
    department = rng.choice(["01", "02", "03"], count, p=[0.75, 0.02, 0.23])
    disposal = rng.choice(NOT_ADMITTED, count, p=_NOT_ADMITTED_SHARES)
    return pl.DataFrame(
        {
            "person": events.person,
            "day": events.day,
            "minute": rng.integers(0, 1440, count),
            "category": pl.Series(category, dtype=pl.String),
            "disposal": pl.Series(disposal, dtype=pl.String),
            "department": pl.Series(department, dtype=pl.String),
            "away": rng.random(count),
            "stay": np.full(count, -1, dtype=np.int64),
            "mark": rng.random(count),
            "is_added": np.zeros(count, dtype=np.bool_),
        }
    )


def before_admission(stays: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """The attendance that led to each emergency admission by A&E (method 21), that day or late the evening before.

    It happens with and without the pilot: where the pilot prevents the admission, the person goes home.
    """
    admitted = stays.filter((pl.col("kind") == "emergency") & (pl.col("method") == "21"))
    count = admitted.height
    is_evening = rng.random(count) < 0.1
    minute = np.where(is_evening, rng.integers(22 * 60, 1440, count), rng.integers(0, 22 * 60, count))
    went_home = pl.col("is_removed")
    return admitted.select(
        "person",
        day=pl.col("start") - pl.Series(is_evening.astype(np.int64)),
        minute=pl.Series(minute),
        category=pl.lit("1"),
        disposal=pl.when(went_home).then(pl.lit("02")).otherwise(pl.lit("01")),
        department=pl.lit("01"),
        away="away",
        stay="stay",
        mark=pl.Series(rng.random(count)),
        is_added=pl.lit(value=False),
    )


def one_at_a_time(attendances: pl.DataFrame) -> pl.DataFrame:
    """No two attendances of a person in the same minute; one that led to an admission goes first."""
    ordered = attendances.sort("person", "day", "minute", "stay", "mark", descending=[False] * 3 + [True, False])
    return ordered.unique(["person", "day", "minute"], keep="first", maintain_order=True)
