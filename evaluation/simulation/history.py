"""What happened to everyone, with and without the pilot, before anything is written down."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from evaluation.simulation.appointments import one_a_day
from evaluation.simulation.attendances import before_admission, one_at_a_time
from evaluation.simulation.calendar import NEVER, IntArray
from evaluation.simulation.effects import removed, with_additions, with_level
from evaluation.simulation.enrolment import enrol
from evaluation.simulation.plans import Plans, Streams, draw_plans
from evaluation.simulation.settings import SimulationSettings
from evaluation.simulation.timeline import in_life, one_after_the_other, outside_stays, spells_of

SHARE_LEFT_BEFORE_INDEX = 0.003
KINDS = ("emergency", "elective", "maternity", "transfer")


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
class _Pilot:
    """What the pilot does: to whom from which day on (`index`, NEVER for others), and by which ratios."""

    index: IntArray
    settings: SimulationSettings
    rng: np.random.Generator

    def ratio(self, metric: str) -> float:
        return self.settings.effects.get(metric, 1.0)

    def at_level(self, events: pl.DataFrame, day: str) -> pl.DataFrame:
        level = self.settings.unobserved_level_ratio
        return with_level(events, day, index=self.index, ratio=level, rng=self.rng)

    def adds_to(self, events: pl.DataFrame, day: str, metric: str) -> pl.DataFrame:
        return with_additions(events, day, index=self.index, ratio=self.ratio(metric), rng=self.rng)

    def removes_from(self, events: pl.DataFrame, day: str, metric: str) -> pl.Series:
        return removed(events, day, index=self.index, ratio=self.ratio(metric))


def draw_history(settings: SimulationSettings, streams: Streams) -> History:
    """Lives without the pilot first, then who joins, then what the pilot changes."""
    plans = draw_plans(settings, streams)
    pilots = enrol(plans.people, plans.stays, plans.attendances, settings, streams.enrolment)
    index = np.full(plans.people.height, NEVER, dtype=np.int64)
    index[pilots["person"].to_numpy()] = pilots["index_day"].to_numpy()
    pilot = _Pilot(index, settings, streams.effects)
    stays = _stays(plans, pilot)
    attendances = _attendances(plans, stays, pilot)
    stays = _directly_admitted(stays, attendances)
    return History(
        people=_some_left(plans.people, pilots, streams.enrolment),
        pilots=pilots,
        stays=stays,
        spells=spells_of(stays, death=plans.people["death"].to_numpy()),
        appointments=_appointments(plans, pilot),
        attendances=attendances,
    )


def _stays(plans: Plans, pilot: _Pilot) -> pl.DataFrame:
    """All stays of both worlds, numbered, without overlaps."""
    first = pilot.settings.first_day
    level = pilot.at_level(plans.stays, "start")
    by_kind = [pilot.adds_to(level.filter(kind=kind), "start", f"{kind}_admissions") for kind in KINDS]
    ordered = one_after_the_other(_admitted_directly_if_added(pl.concat(by_kind)))
    stays = in_life(ordered, "start", until=plans.until, first_day=first)
    prevented = [pl.when(kind=kind).then(pilot.removes_from(stays, "start", f"{kind}_admissions")) for kind in KINDS]
    sessions = outside_stays(plans.dialysis, stays).with_columns(
        end=pl.col("start") + pl.col("los_1"), is_removed=pl.lit(value=False)
    )
    everything = pl.concat([stays.with_columns(is_removed=pl.coalesce(*prevented)), sessions])
    return everything.with_row_index("stay").with_columns(pl.col("stay").cast(pl.Int64))


def _admitted_directly_if_added(stays: pl.DataFrame) -> pl.DataFrame:
    """Admissions that the pilot causes come from general practice, so that A&E attendances stay what they are."""
    direct = pl.col("is_added") & (pl.col("method") == "21")
    return stays.with_columns(method=pl.when(direct).then(pl.lit("22")).otherwise("method"))


def _attendances(plans: Plans, stays: pl.DataFrame, pilot: _Pilot) -> pl.DataFrame:
    usual = pl.concat([pilot.at_level(plans.attendances, "day"), before_admission(stays, pilot.rng)])
    together = one_at_a_time(pilot.adds_to(usual, "day", "ae_attendances"))
    attendances = in_life(together, "day", until=plans.until, first_day=pilot.settings.first_day)
    went_home = pl.col("is_added") & (pl.col("disposal") == "01")
    return attendances.with_columns(
        pilot.removes_from(attendances, "day", "ae_attendances"),
        disposal=pl.when(went_home).then(pl.lit("03")).otherwise("disposal"),
        stay=pl.when("is_added").then(-1).otherwise("stay"),
    )


def _directly_admitted(stays: pl.DataFrame, attendances: pl.DataFrame) -> pl.DataFrame:
    """Where the pilot prevents the attendance before an admission, the person is admitted directly."""
    avoided = attendances.filter(pl.col("is_removed") & (pl.col("stay") >= 0))["stay"]
    is_direct = pl.col("stay").is_in(avoided.implode())
    return stays.with_columns(method=pl.when(is_direct).then(pl.lit("22")).otherwise("method"))


def _appointments(plans: Plans, pilot: _Pilot) -> pl.DataFrame:
    level = pilot.at_level(plans.appointments, "day")
    booked = one_a_day(pilot.adds_to(level, "day", "outpatient_attendances"))
    appointments = in_life(booked, "day", until=plans.until, first_day=pilot.settings.first_day)
    return appointments.with_columns(pilot.removes_from(appointments, "day", "outpatient_attendances"))


def _some_left(people: pl.DataFrame, pilots: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """A few pilot people turn out to have left the register shortly before they were enrolled."""
    leaving = pilots.filter(pl.Series(rng.random(pilots.height) < SHARE_LEFT_BEFORE_INDEX))
    left = leaving.select("person", left=pl.col("index_day") - pl.Series(rng.integers(1, 40, leaving.height)))
    return (
        people.join(left, on="person", how="left", maintain_order="left")
        .with_columns(reg_end=pl.when(pl.col("left") > pl.col("reg_start")).then("left").otherwise("reg_end"))
        .drop("left")
    )
