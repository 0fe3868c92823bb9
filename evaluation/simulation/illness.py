"""Spells of illness, deaths, and the random times of events that go with them."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from evaluation.simulation.calendar import DAYS_PER_YEAR, NEVER, FloatArray, IntArray
from evaluation.simulation.settings import SimulationSettings

CRISES_PER_YEAR = 0.07
CRISIS_DAYS = (60, 300)
DEATH_AFTER_CRISIS = 0.07
DEATHS_PER_YEAR = 0.022
LAST_ILLNESS_DAYS = 75


@dataclass(frozen=True)
class Events:
    """Random moments: the person and the day number of each."""

    person: IntArray
    day: IntArray

    def __add__(self, other: "Events") -> "Events":
        return Events(np.concatenate([self.person, other.person]), np.concatenate([self.day, other.day]))


@dataclass(frozen=True)
class Crises:
    """Spells of illness, in which people use hospital more: person, first day and length in days."""

    person: IntArray
    onset: IntArray
    days: IntArray


def draw_crises(people: pl.DataFrame, settings: SimulationSettings, rng: np.random.Generator) -> Crises:
    """Transient spells of illness, at a rate that rises with frailty and need."""
    rate = CRISES_PER_YEAR * people["frailty"].to_numpy() * people["need"].to_numpy()
    onsets = draw_events(rng, rate, settings.first_day - CRISIS_DAYS[1], settings.last_day)
    return Crises(onsets.person, onsets.day, rng.integers(*CRISIS_DAYS, len(onsets.day)))


def draw_deaths(
    people: pl.DataFrame, crises: Crises, settings: SimulationSettings, rng: np.random.Generator
) -> IntArray:
    """Day of death of each person, NEVER if not within the data: a hazard of age and frailty, and of each crisis."""
    age = (settings.first_day - people["dob"].to_numpy()) / DAYS_PER_YEAR
    hazard = DEATHS_PER_YEAR * np.exp(0.075 * (age - 75)) * people["frailty"].to_numpy() ** 0.7
    day = settings.first_day + np.minimum(rng.exponential(DAYS_PER_YEAR / hazard), NEVER).astype(np.int64)
    is_fatal = rng.random(len(crises.person)) < DEATH_AFTER_CRISIS
    fatal = crises.onset + np.floor(rng.random(len(is_fatal)) * crises.days).astype(np.int64)
    is_fatal &= fatal >= settings.first_day
    np.minimum.at(day, crises.person[is_fatal], fatal[is_fatal])
    return np.where(day <= settings.last_day, day, NEVER)


def last_illnesses(death: IntArray) -> Crises:
    """The weeks before each death, as a crisis that ends with it."""
    person = np.flatnonzero(death < NEVER)
    days = np.full(len(person), LAST_ILLNESS_DAYS, dtype=np.int64)
    return Crises(person, death[person] - LAST_ILLNESS_DAYS, days)


def draw_events(
    rng: np.random.Generator, yearly_rate: FloatArray, first_day: int, last_day: int, *, winter_excess: float = 0.0
) -> Events:
    """Poisson events of each person between two days, inclusive; `winter_excess` 0.15: 15% more in mid-January."""
    days = last_day - first_day + 1
    counts = rng.poisson(yearly_rate * (1 + abs(winter_excess)) * days / DAYS_PER_YEAR)
    person = np.repeat(np.arange(len(counts)), counts)
    day = first_day + np.floor(rng.random(len(person)) * days).astype(np.int64)
    if not winter_excess:
        return Events(person, day)
    season = 1 + winter_excess * np.cos(2 * np.pi * (day - 14) / DAYS_PER_YEAR)
    is_kept = rng.random(len(day)) * (1 + abs(winter_excess)) < season
    return Events(person[is_kept], day[is_kept])


def draw_clustered_events(
    rng: np.random.Generator, crises: Crises, mean: float, *, towards_end: bool = False
) -> Events:
    """A Poisson number (`mean`) of events in each crisis, denser at its beginning (or its end)."""
    counts = rng.poisson(mean, len(crises.person))
    which = np.repeat(np.arange(len(counts)), counts)
    share = rng.beta(2.0, 1.0, len(which)) if towards_end else rng.beta(1.0, 2.0, len(which))
    day = crises.onset[which] + np.floor(share * crises.days[which]).astype(np.int64)
    return Events(crises.person[which], day)
