"""Dirty deliveries of the demo study, and the manifest of every fault that was planted."""

import itertools
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from evaluation.simulation import SimulatedStudy, SimulationSettings
from evaluation.simulation.dirt import PLANTED, Fault, Names, Soiled, soiled
from evaluation.simulation.dirt_activity import appointment_faults, attendance_faults
from evaluation.simulation.dirt_admissions import admission_faults
from evaluation.simulation.dirt_deliveries import earlier_snapshot, numbers_of_nobody, wrong_delivery
from evaluation.simulation.dirt_registers import (
    enrolment_faults,
    nhs_number_faults,
    opt_out_faults,
    population_faults,
    survey_faults,
)
from evaluation.simulation.people import pseudonyms
from pipelines.demo_deliveries import Planned, delimiter, planned_deliveries, write_delivery, write_text
from pipelines.demo_lines import dirty_text

DIRT_COLUMNS = {"delivery_file": pl.String, **PLANTED}
PERSON = "PSEUDO_HESID"
KEYS = {"admissions": "EPIKEY", "outpatients": "ATTENDKEY", "emergency_care": "AEKEY"}
# Files in which each kind of fault stands at least once, however small the study.
FULL = {("admissions", "1011"), ("outpatients", "0910"), ("emergency_care", "1011")}
CORRECTED, RESENT = ("emergency_care", "0809"), ("outpatients", "0708")
EARLIER_SNAPSHOTS = ("population", "enrolments")
DAYS_AFTER_DEATH = 60
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class _Dirt:
    """What all deliveries of one study share."""

    extracts: Path
    simulated: SimulatedStudy
    settings: SimulationSettings
    rng: np.random.Generator
    new_keys: Iterator[str]
    new_people: Iterator[str]


def write_dirty_extracts(
    extracts: Path, simulated: SimulatedStudy, settings: SimulationSettings, *, seed: int
) -> pl.DataFrame:
    """All deliveries with faults planted into them; returns the manifest: the columns of `DIRT_COLUMNS`.

    Nothing that is planted changes a person's counts. The same seed plants the same faults.
    """
    rng = np.random.default_rng([seed, 1])
    dirt = _Dirt(extracts, simulated, settings, rng, _new_keys(), _new_people(rng))
    manifest = [_written(dirt, planned) for planned in planned_deliveries(simulated, settings)]
    manifest += [_opted_out_by_number(dirt), _unfinished_transfer(dirt)]
    return pl.concat(manifest).sort("delivery_file", "record", "column", "rule_id", nulls_last=True)


def _written(dirt: _Dirt, planned: Planned) -> pl.DataFrame:
    """A delivery with its faults, and what comes beside it: an earlier one, a wrong one, the same again."""
    place = (planned.extract, planned.year.fyear if planned.year else "")
    path = planned.path(dirt.extracts, version="_v2" if place == CORRECTED else "")
    if planned.form == ".parquet":
        write_delivery(planned, path)
        return _manifest()
    soil = _soiled(dirt, planned, at_least=0 if planned.year and place not in FULL else 1)
    write_text(path, dirty_text(soil.records, planned.header, delimiter(path)))
    beside = [_named(soil.planted, path)]
    if place == CORRECTED:
        beside.append(_replaced(dirt, planned, planned.path(dirt.extracts), "corrected_delivery"))
    if place == RESENT:
        again = planned.path(dirt.extracts, version="_resent")
        shutil.copyfile(path, again)
        beside.append(_whole_file(again, "duplicate_file", "same_file"))
    if planned.extract in EARLIER_SNAPSHOTS:
        month = dirt.settings.data_until.replace(day=1) - timedelta(days=1)
        earlier = replace(planned, name=f"{planned.extract}_{month:%Y-%m}")
        beside.append(_replaced(dirt, earlier, earlier.path(dirt.extracts), "earlier_snapshot"))
    return pl.concat(beside)


def _replaced(dirt: _Dirt, planned: Planned, path: Path, rule_id: str) -> pl.DataFrame:
    """A delivery that a later one replaces as a whole, dirty too."""
    change = wrong_delivery if rule_id == "corrected_delivery" else earlier_snapshot
    soil = _soiled(dirt, replace(planned, records=change(planned.records, dirt.rng)), at_least=0)
    write_text(path, dirty_text(soil.records, planned.header, delimiter(path)))
    return pl.concat([_named(soil.planted, path), _whole_file(path, "superseded", rule_id)])


def _opted_out_by_number(dirt: _Dirt) -> pl.DataFrame:
    """An opt-out list that came with made-up NHS numbers at first, and was asked for again with pseudonyms."""
    month = dirt.settings.data_until.replace(day=1) - timedelta(days=100)
    path = dirt.extracts / "opt_outs" / f"opt_outs_{month:%Y-%m}.csv"
    numbers = numbers_of_nobody(40, dirt.rng)
    names = Names(key=None, person="NHSNO", new_keys=dirt.new_keys, new_people=iter(numbers[30:]), is_linked=False)
    listed = pl.DataFrame({"NHSNO": numbers[:30]})
    soil = soiled(listed, nhs_number_faults(), names=names, at_least=1, rng=dirt.rng)
    write_text(path, dirty_text(soil.records, ("NHSNO",), ","))
    return pl.concat([_named(soil.planted, path), _whole_file(path, "superseded", "earlier_snapshot")])


def _unfinished_transfer(dirt: _Dirt) -> pl.DataFrame:
    """A file that is still being copied: it is not looked at."""
    whole = next(iter(sorted((dirt.extracts / "admissions").glob("*.csv"))))
    path = whole.with_name("admissions_2011-07_to_2011-09.csv.part")
    path.write_bytes(whole.read_bytes()[:5000])
    return _whole_file(path, "ignored_file", "unfinished_transfer")


def _soiled(dirt: _Dirt, planned: Planned, *, at_least: int) -> Soiled:
    key = KEYS.get(planned.extract)
    names = Names(
        key=key,
        person=PERSON,
        new_keys=dirt.new_keys,
        new_people=dirt.new_people,
        is_linked=key is not None or planned.extract == "enrolments",
    )
    faults = _faults(dirt, planned, has_end=at_least > 0)
    return soiled(planned.records, faults, names=names, at_least=at_least, rng=dirt.rng)


def _faults(dirt: _Dirt, planned: Planned, *, has_end: bool) -> tuple[Fault, ...]:
    if planned.extract == "population":
        return population_faults()
    if planned.extract == "enrolments":
        return enrolment_faults()
    if planned.extract == "opt_outs":
        return opt_out_faults()
    if planned.year is None:
        return survey_faults(tuple(item.column for item in dirt.settings.survey_items))
    deaths = _deaths(dirt.simulated, planned.year.first_day, planned.year.last_day - DAYS_AFTER_DEATH)
    if planned.extract == "admissions":
        return admission_faults(deaths=deaths, has_end=has_end)
    if planned.extract == "outpatients":
        return appointment_faults(
            deaths=deaths,
            living=dirt.simulated.population.filter(pl.col("DATE_OF_DEATH").is_null())[PERSON].to_list(),
            data_until=dirt.settings.data_until,
            has_end=has_end,
        )
    return attendance_faults(deaths=deaths, has_end=has_end)


def _deaths(simulated: SimulatedStudy, first_day: int, last_day: int) -> dict[str, date]:
    """People of the study who died between two days, with the day."""
    first, last = (_EPOCH + timedelta(days=day) for day in (first_day, last_day))
    died = simulated.population.filter(pl.col("DATE_OF_DEATH").is_between(first, last)).join(
        simulated.opt_outs, on=PERSON, how="anti"
    )
    return dict(died.select(PERSON, "DATE_OF_DEATH").iter_rows())


def _named(planted: pl.DataFrame, path: Path) -> pl.DataFrame:
    return planted.select(pl.lit(_file(path)).alias("delivery_file"), *PLANTED)


def _whole_file(path: Path, kind: str, rule_id: str) -> pl.DataFrame:
    return _manifest((_file(path), None, rule_id, kind, None))


def _manifest(*rows: tuple[str, None, str, str, None]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=DIRT_COLUMNS, orient="row")


def _file(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _new_keys() -> Iterator[str]:
    """Keys beyond those that the simulation gives."""
    return (str(number) for number in itertools.count(900_000_000_001))


def _new_people(rng: np.random.Generator) -> Iterator[str]:
    """Pseudonyms of people whom nobody knows."""
    while True:
        yield from pseudonyms(rng, 1000)
