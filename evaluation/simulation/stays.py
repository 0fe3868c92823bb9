"""Latent stays in hospital: why, when, how long, in which hospitals; before they are written down as episodes.

A stay is all that follows from one admission: transfers included. `plan` columns of a stay: `start` (day number),
`kind`, `los_1` nights in the first hospital, then `gap_2 los_2 gap_3 los_3` (-1: no such hospital), then
`late_gap late_los` for a return by transfer that the rules do not count as the same stay.
"""

import numpy as np
import polars as pl

from evaluation.simulation.calendar import DAYS_PER_YEAR, BoolArray, FloatArray, IntArray, next_working_day
from evaluation.simulation.conditions import (
    BIRTH,
    CHEMOTHERAPY,
    CONDITIONS,
    DIALYSIS,
    EMERGENCY,
    PLANNED,
    Condition,
)
from evaluation.simulation.illness import Crises, Events, draw_clustered_events, draw_events
from evaluation.simulation.settings import SimulationSettings

EMERGENCY_PER_YEAR = 0.12
EMERGENCY_PER_CRISIS = 1.7
EMERGENCY_PER_LAST_ILLNESS = 1.3
PLANNED_PER_YEAR = 0.22
BIRTHS_PER_YEAR = 0.05
UNLINKED_TRANSFERS_PER_YEAR = 0.002
SHARE_WITH_CHEMOTHERAPY = 0.006
SHARE_ON_DIALYSIS = 0.0005
FEWEST_ON_DIALYSIS = 6  # so that a small study has some, too
ZERO_NIGHT_SHARE = 0.28
LONGEST_STAY_NIGHTS = 90
QUIET_DAYS_BEFORE_TRANSFER = 4  # an unlinked transfer follows no earlier stay closely, else it would join it

_POSITION = {condition: number for number, condition in enumerate(CONDITIONS)}
_IS_DAY_CASE = np.array([condition.is_day_case for condition in CONDITIONS])


def draw_stays(
    people: pl.DataFrame,
    crises: Crises,
    last_illnesses: Crises,
    settings: SimulationSettings,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """Stays of everyone as if there were no pilot, not yet freed from overlaps; one row per stay."""
    first, last = settings.first_day, settings.last_day
    intensity = people["frailty"].to_numpy() * people["need"].to_numpy()
    emergencies = (
        draw_events(rng, EMERGENCY_PER_YEAR * intensity, first, last, winter_excess=0.15)
        + draw_clustered_events(rng, crises, EMERGENCY_PER_CRISIS)
        + draw_clustered_events(rng, last_illnesses, EMERGENCY_PER_LAST_ILLNESS, towards_end=True)
    )
    planned_rate: FloatArray = PLANNED_PER_YEAR * np.sqrt(intensity) * rng.gamma(2.0, 0.5, people.height)
    planned = draw_events(rng, planned_rate, first, last)
    transfers = draw_events(rng, np.full(people.height, UNLINKED_TRANSFERS_PER_YEAR), first, last)
    drawn = pl.concat(
        [
            _emergency(emergencies, rng),
            _planned(planned, rng),
            _chemotherapy(people, settings, rng),
            _births(people, settings, rng),
            _unlinked_transfers(transfers, rng),
        ]
    )
    return drawn.filter(pl.col("start") >= first)


def draw_dialysis(people: pl.DataFrame, settings: SimulationSettings, rng: np.random.Generator) -> pl.DataFrame:
    """Regular attenders: about three sessions a week, by day or by night, from some day on."""
    count = min(people.height, max(FEWEST_ON_DIALYSIS, round(SHARE_ON_DIALYSIS * people.height)))
    person = np.sort(rng.choice(people.height, count, replace=False))
    first = rng.integers(settings.first_day, settings.last_day, len(person))
    sessions = (settings.last_day - first) * 3 // 7
    which = np.repeat(np.arange(len(person)), sessions)
    number = np.arange(len(which)) - np.repeat(np.cumsum(sessions) - sessions, sessions)
    start = first[which] + number // 3 * 7 + number % 3 * 2
    is_night = np.arange(len(person)) % FEWEST_ON_DIALYSIS == 0
    condition = np.full(len(which), _POSITION[DIALYSIS[0]])
    return _stays(Events(person[which], start), "regular", "13", rng, condition, is_night[which].astype(np.int64))


def _emergency(events: Events, rng: np.random.Generator) -> pl.DataFrame:
    count = len(events.day)
    nights = np.where(rng.random(count) < ZERO_NIGHT_SHARE, 0, _nights(rng, count, mean=8.0))
    stays = _stays(events, "emergency", "21", rng, _choose(rng, EMERGENCY, count), nights)
    methods = rng.choice(["21", "22", "23", "24", "28"], count, p=[0.66, 0.2, 0.02, 0.07, 0.05])
    stays = stays.with_columns(method=pl.Series(methods, dtype=pl.String))
    return _with_transfers(stays, rng, share=0.05, late_share=0.006)


def _planned(events: Events, rng: np.random.Generator) -> pl.DataFrame:
    count = len(events.day)
    condition = _choose(rng, PLANNED, count)
    is_day_case = _IS_DAY_CASE[condition] & (rng.random(count) < 0.9)
    nights = np.where(is_day_case, 0, np.minimum(rng.geometric(0.3, count) - 1, LONGEST_STAY_NIGHTS))
    moved = Events(events.person, next_working_day(events.day))
    stays = _stays(moved, "elective", "11", rng, condition, nights, is_day_case=is_day_case)
    stays = stays.with_columns(method=_planned_methods(rng, count))
    return _with_transfers(stays, rng, share=0.01, late_share=0.0)


def _chemotherapy(people: pl.DataFrame, settings: SimulationSettings, rng: np.random.Generator) -> pl.DataFrame:
    """Courses of 4 to 12 cycles, three weeks apart, as day cases."""
    person = np.flatnonzero(rng.random(people.height) < SHARE_WITH_CHEMOTHERAPY)
    first = rng.integers(settings.first_day, settings.last_day, len(person))
    cycles = rng.integers(4, 13, len(person))
    which = np.repeat(np.arange(len(person)), cycles)
    number = np.arange(len(which)) - np.repeat(np.cumsum(cycles) - cycles, cycles)
    events = Events(person[which], next_working_day(first[which] + 21 * number))
    condition = _choose(rng, CHEMOTHERAPY, len(which))
    return _stays(events, "elective", "11", rng, condition, np.zeros(len(which), dtype=np.int64), is_day_case=True)


def _births(people: pl.DataFrame, settings: SimulationSettings, rng: np.random.Generator) -> pl.DataFrame:
    age = (settings.first_day - people["dob"].to_numpy()) / DAYS_PER_YEAR
    rate: FloatArray = BIRTHS_PER_YEAR * (people["is_female"].to_numpy() & (age < 44)).astype(np.float64)
    events = draw_events(rng, rate, settings.first_day, settings.last_day)
    condition = np.full(len(events.day), _POSITION[BIRTH[0]])
    return _stays(events, "maternity", "31", rng, condition, rng.integers(0, 4, len(events.day)))


def _unlinked_transfers(events: Events, rng: np.random.Generator) -> pl.DataFrame:
    """Transfers from a hospital whose own records are not in the data."""
    count = len(events.day)
    nights = _nights(rng, count, mean=6.0)
    methods = rng.choice(["28", "81"], count)
    return _stays(events, "transfer", "81", rng, _choose(rng, EMERGENCY, count), nights).with_columns(
        method=pl.Series(methods, dtype=pl.String), lead=pl.lit(QUIET_DAYS_BEFORE_TRANSFER, pl.Int64)
    )


def _stays(
    events: Events,
    kind: str,
    method: str,
    rng: np.random.Generator,
    condition: IntArray,
    nights: IntArray,
    *,
    is_day_case: BoolArray | bool = False,
) -> pl.DataFrame:
    count = len(events.day)
    none = np.full(count, -1, dtype=np.int64)
    return pl.DataFrame(
        {
            "person": events.person,
            "start": events.day,
            "kind": pl.Series([kind], dtype=pl.String).new_from_index(0, count),
            "method": pl.Series([method], dtype=pl.String).new_from_index(0, count),
            "condition": condition,
            "is_day_case": np.broadcast_to(np.asarray(is_day_case, dtype=np.bool_), count),
            "lead": np.zeros(count, dtype=np.int64),
            "los_1": nights,
            "gap_2": none,
            "los_2": none,
            "gap_3": none,
            "los_3": none,
            "late_gap": none,
            "late_los": none,
            "is_added": np.zeros(count, dtype=np.bool_),
            "away": rng.random(count),
            "mark": rng.random(count),
        }
    )


def _planned_methods(rng: np.random.Generator, count: int) -> pl.Series:
    return pl.Series(rng.choice(["11", "12", "13"], count, p=[0.7, 0.15, 0.15]), dtype=pl.String)


def _with_transfers(stays: pl.DataFrame, rng: np.random.Generator, *, share: float, late_share: float) -> pl.DataFrame:
    """A second hospital for some overnight stays, a third (there and back) for some of these, late returns."""
    count = stays.height
    nights = stays["los_1"].to_numpy()
    second = (nights > 0) & (rng.random(count) < share)
    third = second & (rng.random(count) < 0.3)
    late = ~second & (nights > 0) & (rng.random(count) < late_share)
    gaps = rng.choice(3, (2, count), p=[0.8, 0.13, 0.07])
    is_early = rng.random(count) < 0.3
    return stays.with_columns(
        gap_2=pl.Series(np.where(second, gaps[0], -1)),
        los_2=pl.Series(np.where(second, _nights(rng, count, mean=7.0), -1)),
        gap_3=pl.Series(np.where(third, gaps[1], -1)),
        los_3=pl.Series(np.where(third, _nights(rng, count, mean=5.0), -1)),
        late_gap=pl.Series(np.where(late, np.where(is_early, 1, 3), -1)),
        late_los=pl.Series(np.where(late, _nights(rng, count, mean=5.0), -1)),
    )


def _nights(rng: np.random.Generator, count: int, *, mean: float) -> IntArray:
    """One night or more, skewed to the right, with about the mean given."""
    drawn = np.ceil(rng.lognormal(np.log(mean) - 0.5, 1.0, count))
    return np.minimum(drawn, LONGEST_STAY_NIGHTS).astype(np.int64)


def _choose(rng: np.random.Generator, among: tuple[Condition, ...], count: int) -> IntArray:
    weights: FloatArray = np.array([condition.weight for condition in among])
    positions = np.array([_POSITION[condition] for condition in among])
    chosen: IntArray = positions[rng.choice(len(among), count, p=weights / weights.sum())]
    return chosen
