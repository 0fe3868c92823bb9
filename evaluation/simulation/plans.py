"""The lives of everyone as they would be without a pilot."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from evaluation.simulation.appointments import draw_appointments
from evaluation.simulation.attendances import draw_attendances
from evaluation.simulation.calendar import IntArray
from evaluation.simulation.illness import draw_crises, draw_deaths, last_illnesses
from evaluation.simulation.people import draw_people
from evaluation.simulation.settings import SimulationSettings
from evaluation.simulation.stays import draw_dialysis, draw_stays
from evaluation.simulation.timeline import in_life, one_after_the_other

RANDOM_STREAMS = 8


@dataclass(frozen=True)
class Streams:
    """Independent random numbers for each part: a planted effect doesn't change who lives and who joins."""

    people: np.random.Generator
    illness: np.random.Generator
    stays: np.random.Generator
    appointments: np.random.Generator
    attendances: np.random.Generator
    enrolment: np.random.Generator
    effects: np.random.Generator
    records: np.random.Generator

    @classmethod
    def of(cls, rng: np.random.Generator) -> "Streams":
        """Streams that depend on `rng` only."""
        return cls(*rng.spawn(RANDOM_STREAMS))


@dataclass(frozen=True)
class Plans:
    """People with their day of `death`, their stays free of overlaps, and everything else as drawn.

    `until` is each person's last day: of life or of the data.
    """

    people: pl.DataFrame
    stays: pl.DataFrame
    dialysis: pl.DataFrame
    appointments: pl.DataFrame
    attendances: pl.DataFrame
    until: IntArray


def draw_plans(settings: SimulationSettings, streams: Streams) -> Plans:
    """Everyone's illnesses, deaths and use of hospitals, drawn part by part."""
    first = settings.first_day
    people = draw_people(settings, streams.people)
    crises = draw_crises(people, settings, streams.illness)
    death = draw_deaths(people, crises, settings, streams.illness)
    until = np.minimum(death, settings.last_day)
    stays = draw_stays(people, crises, last_illnesses(death), settings, streams.stays)
    attendances = draw_attendances(people, crises, settings, streams.attendances)
    return Plans(
        people=people.with_columns(death=pl.Series(death)),
        stays=in_life(one_after_the_other(stays), "start", until=until, first_day=first),
        dialysis=in_life(draw_dialysis(people, settings, streams.stays), "start", until=until, first_day=first),
        appointments=draw_appointments(people, crises, settings, streams.appointments),
        attendances=in_life(attendances, "day", until=until, first_day=first),
        until=until,
    )
