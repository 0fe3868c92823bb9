"""Latent outpatient appointments, kept, missed and cancelled, with and without the pilot."""

import numpy as np
import polars as pl

from evaluation.simulation.calendar import next_working_day
from evaluation.simulation.illness import Crises, draw_clustered_events, draw_events
from evaluation.simulation.settings import SimulationSettings

APPOINTMENTS_PER_YEAR = 1.35
APPOINTMENTS_PER_CRISIS = 2.5
_ATTENDED = {"5": 0.76, "6": 0.02, "3": 0.07, "2": 0.06, "4": 0.075, "7": 0.01, "0": 0.005}
_FIRST_ATTENDANCE = {"1": 0.29, "2": 0.625, "3": 0.01, "4": 0.04, "5": 0.015, "9": 0.01, "": 0.01}
SPECIALTIES = ("100", "110", "130", "300", "320", "340", "410", "430")


def draw_appointments(
    people: pl.DataFrame, crises: Crises, settings: SimulationSettings, rng: np.random.Generator
) -> pl.DataFrame:
    """Appointments of everyone without a pilot: `person day attended firstatt specialty away mark is_added`."""
    intensity = np.sqrt(people["frailty"].to_numpy() * people["need"].to_numpy()) * rng.gamma(2.0, 0.5, people.height)
    events = draw_events(rng, APPOINTMENTS_PER_YEAR * intensity, settings.first_day, settings.last_day)
    events = events + draw_clustered_events(rng, crises, APPOINTMENTS_PER_CRISIS)
    count = len(events.day)
    return pl.DataFrame(
        {
            "person": events.person,
            "day": next_working_day(events.day),
            "attended": _codes(_ATTENDED, rng, count),
            "firstatt": _codes(_FIRST_ATTENDANCE, rng, count),
            "specialty": pl.Series(rng.choice(SPECIALTIES, count), dtype=pl.String),
            "away": rng.random(count),
            "mark": rng.random(count),
            "is_added": np.zeros(count, dtype=np.bool_),
        }
    )


def one_a_day(appointments: pl.DataFrame) -> pl.DataFrame:
    """On working days, and one appointment a day and specialty: a second one would be a duplicate record."""
    moved = appointments.with_columns(day=pl.Series(next_working_day(appointments["day"].to_numpy())))
    ordered = moved.sort("person", "day", "mark")
    return ordered.unique(["person", "day", "specialty"], keep="first", maintain_order=True)


def _codes(shares: dict[str, float], rng: np.random.Generator, count: int) -> pl.Series:
    names = pl.Series(list(shares), dtype=pl.String)
    return names.gather(rng.choice(len(names), count, p=list(shares.values())))
