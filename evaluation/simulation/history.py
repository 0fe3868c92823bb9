"""The lives of everyone in the study, with and without the pilot, before anything is written down."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from evaluation.simulation import appointments as op
from evaluation.simulation import attendances as ae
from evaluation.simulation.calendar import NEVER, IntArray
from evaluation.simulation.effects import removed, with_additions, with_level
from evaluation.simulation.enrolment import enrol
from evaluation.simulation.illness import draw_crises, draw_deaths, last_illnesses
from evaluation.simulation.people import draw_people
from evaluation.simulation.settings import SimulationSettings
from evaluation.simulation.stays import draw_dialysis, draw_stays
from evaluation.simulation.timeline import in_life, one_after_the_other, outside_stays, spells_of

RANDOM_STREAMS = 8
SHARE_LEFT_BEFORE_INDEX = 0.003


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
class History:
    """What happened, in day numbers; `is_removed` and `is_added` tell the worlds without and with the pilot.

    `people` one row per person; `pilots` `person site index_day route`; `stays` one row per stay and `spells` one per
    hospital of a stay; `appointments` and `attendances` one row each.
    """

    people: pl.DataFrame
    pilots: pl.DataFrame
    stays: pl.DataFrame
    spells: pl.DataFrame
    appointments: pl.DataFrame
    attendances: pl.DataFrame


@dataclass(frozen=True)
class _Plans:
    """Everything as if there were no pilot."""

    people: pl.DataFrame
    stays: pl.DataFrame
    dialysis: pl.DataFrame
    appointments: pl.DataFrame
    attendances: pl.DataFrame


def draw_history(settings: SimulationSettings, streams: Streams) -> History:
    """Lives without the pilot first, then who joins, then what the pilot changes."""
    plans = _draw_plans(settings, streams)
    pilots = enrol(plans.people, plans.stays, plans.attendances, settings, streams.enrolment)
    index = np.full(plans.people.height, NEVER, dtype=np.int64)
    index[pilots["person"].to_numpy()] = pilots["index_day"].to_numpy()
    death = plans.people["death"].to_numpy()
    stays = _stays(plans, index, death, settings, streams.effects)
    attendances = _attendances(plans, stays, index, death, settings, streams.effects)
    stays = _directly_admitted(stays, attendances)
    return History(
        people=_some_left(plans.people, pilots, streams.enrolment),
        pilots=pilots,
        stays=stays,
        spells=spells_of(stays, death=death),
        appointments=_appointments(plans, index, death, settings, streams.effects),
        attendances=attendances,
    )


def _draw_plans(settings: SimulationSettings, streams: Streams) -> _Plans:
    people = draw_people(settings, streams.people)
    crises = draw_crises(people, settings, streams.illness)
    death = draw_deaths(people, crises, settings, streams.illness)
    bounds = {"death": death, "first_day": settings.first_day, "last_day": settings.last_day}
    stays = draw_stays(people, crises, last_illnesses(death), settings, streams.stays)
    return _Plans(
        people=people.with_columns(death=pl.Series(death)),
        stays=in_life(one_after_the_other(stays), "start", **bounds),
        dialysis=draw_dialysis(people, settings, streams.stays),
        appointments=op.draw_appointments(people, crises, settings, streams.appointments),
        attendances=in_life(ae.draw_attendances(people, crises, settings, streams.attendances), "day", **bounds),
    )


def _stays(
    plans: _Plans, index: IntArray, death: IntArray, settings: SimulationSettings, rng: np.random.Generator
) -> pl.DataFrame:
    """All stays of both worlds, numbered, without overlaps."""
    stays = with_level(plans.stays, "start", index=index, ratio=settings.unobserved_level_ratio, rng=rng)
    by_kind = [
        with_additions(
            stays.filter(kind=kind), "start", index=index, ratio=settings.effects.get(f"{kind}_admissions", 1.0), rng=rng
        )
        for kind in ("emergency", "elective", "maternity", "transfer")
    ]
    together = _admitted_directly_if_added(pl.concat(by_kind))
    kept = in_life(
        one_after_the_other(together), "start", death=death, first_day=settings.first_day, last_day=settings.last_day
    )
    sessions = in_life(
        outside_stays(plans.dialysis, kept), "start", death=death, first_day=settings.first_day, last_day=settings.last_day
    ).with_columns(end=pl.col("start") + pl.col("los_1"))
    prevented = [
        pl.when(kind=kind).then(removed(kept, "start", index=index, ratio=settings.effects.get(f"{kind}_admissions", 1.0)))
        for kind in ("emergency", "elective")
    ]
    kept = kept.with_columns(is_removed=pl.coalesce(*prevented, pl.lit(value=False)))
    everything = pl.concat([kept, sessions.with_columns(is_removed=pl.lit(value=False))])
    return everything.with_row_index("stay").with_columns(pl.col("stay").cast(pl.Int64))


def _admitted_directly_if_added(stays: pl.DataFrame) -> pl.DataFrame:
    """Admissions that the pilot causes come from general practice, so that A&E attendances stay what they are."""
    direct = pl.col("is_added") & (pl.col("method") == "21")
    return stays.with_columns(method=pl.when(direct).then(pl.lit("22")).otherwise("method"))


def _attendances(
    plans: _Plans,
    stays: pl.DataFrame,
    index: IntArray,
    death: IntArray,
    settings: SimulationSettings,
    rng: np.random.Generator,
) -> pl.DataFrame:
    ratio = settings.effects.get("ae_attendances", 1.0)
    others = with_level(plans.attendances, "day", index=index, ratio=settings.unobserved_level_ratio, rng=rng)
    usual = pl.concat([others, ae.before_admission(stays, rng)])
    all_of_them = ae.one_at_a_time(with_additions(usual, "day", index=index, ratio=ratio, rng=rng))
    kept = in_life(all_of_them, "day", death=death, first_day=settings.first_day, last_day=settings.last_day)
    went_home = pl.col("is_added") & (pl.col("disposal") == "01")
    return kept.with_columns(
        removed(kept, "day", index=index, ratio=ratio),
        disposal=pl.when(went_home).then(pl.lit("03")).otherwise("disposal"),
        stay=pl.when("is_added").then(-1).otherwise("stay"),
    )


def _directly_admitted(stays: pl.DataFrame, attendances: pl.DataFrame) -> pl.DataFrame:
    """Where the pilot prevents the attendance before an admission, the person is admitted directly."""
    avoided = attendances.filter(pl.col("is_removed") & (pl.col("stay") >= 0))["stay"]
    is_direct = pl.col("stay").is_in(avoided.implode())
    return stays.with_columns(method=pl.when(is_direct).then(pl.lit("22")).otherwise("method"))


def _appointments(
    plans: _Plans, index: IntArray, death: IntArray, settings: SimulationSettings, rng: np.random.Generator
) -> pl.DataFrame:
    ratio = settings.effects.get("outpatient_attendances", 1.0)
    level = with_level(plans.appointments, "day", index=index, ratio=settings.unobserved_level_ratio, rng=rng)
    booked = op.one_a_day(with_additions(level, "day", index=index, ratio=ratio, rng=rng))
    kept = in_life(booked, "day", death=death, first_day=settings.first_day, last_day=settings.last_day)
    return kept.with_columns(removed(kept, "day", index=index, ratio=ratio))


def _some_left(people: pl.DataFrame, pilots: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """A few pilot people turn out to have left the register shortly before they were enrolled."""
    leaving = pilots.filter(pl.Series(rng.random(pilots.height) < SHARE_LEFT_BEFORE_INDEX))
    left = leaving.select("person", left=pl.col("index_day") - pl.Series(rng.integers(1, 40, leaving.height)))
    return (
        people.join(left, on="person", how="left", maintain_order="left")
        .with_columns(reg_end=pl.when(pl.col("left") > pl.col("reg_start")).then("left").otherwise("reg_end"))
        .drop("left")
    )


