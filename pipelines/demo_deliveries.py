"""The deliveries of the demo study: which records in which file, under which headers, in which form."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from evaluation.simulation import SimulatedStudy, SimulationSettings
from evaluation.simulation.calendar import FinancialYear

SURVEY = "patient_survey"
YEARLY = ("admissions", "outpatients", "emergency_care")
SNAPSHOTS = ("population", "enrolments", "opt_outs")
_EPOCH = date(1970, 1, 1)

# Deliveries come in different forms, as they do in life; where no form is named, as plain CSV.
FORMS = {
    ("admissions", "0809"): ".csv.gz",
    ("admissions", "0910"): ".txt",
    ("outpatients", "0708"): ".csv.gz",
    ("outpatients", "0809"): ".parquet",
    ("outpatients", "0910"): ".csv.gz",
    ("outpatients", "1011"): ".csv.gz",
    ("emergency_care", "0809"): ".txt",
}
SHUFFLED = ("outpatients", "1011")


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One delivery: its records under the contract's names, and the header that the supplier writes."""

    extract: str
    name: str
    form: str
    records: pl.DataFrame
    header: tuple[str, ...]
    year: FinancialYear | None = None

    def path(self, extracts: Path, *, version: str = "") -> Path:
        """Where it goes; `version` such as `_v2` stands before the extension."""
        return extracts / self.extract / f"{self.name}{version}{self.form}"


def planned_deliveries(simulated: SimulatedStudy, settings: SimulationSettings) -> Iterator[Planned]:
    """All deliveries of a study without dirt."""
    for extract in YEARLY:
        records: pl.DataFrame = getattr(simulated, extract)
        for year in settings.years:
            first, last = (f"{_EPOCH + timedelta(days=day):%Y-%m}" for day in (year.first_day, year.last_day))
            yield Planned(
                extract=extract,
                name=f"{extract}_{first}_to_{last}",
                form=FORMS.get((extract, year.fyear), ".csv"),
                records=records.filter(pl.col("FYEAR") == year.fyear),
                header=_as_supplied(records.columns, extract, year.fyear),
                year=year,
            )
    for extract in SNAPSHOTS:
        yield _csv(getattr(simulated, extract), extract, f"{extract}_{settings.data_until:%Y-%m}")
    for period, wave in settings.survey_waves.items():
        yield _csv(simulated.patient_survey.filter(pl.col("WAVE") == wave), SURVEY, f"{SURVEY}_{period}")


def write_delivery(planned: Planned, path: Path) -> None:
    """Records as a delivery in the form that the file's name says; `.txt` is separated by `|`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    records = planned.records.select(pl.col(name.upper()).alias(name) for name in planned.header)
    if path.suffix == ".parquet":
        records.write_parquet(path)
    else:
        write_text(path, records.write_csv(separator=delimiter(path)).encode())


def write_text(path: Path, content: bytes) -> None:
    """The bytes of a text file, packed if the file's name says so; the same bytes give the same file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    packed = gzip.compress(content, compresslevel=6, mtime=0) if path.suffix == ".gz" else content
    path.write_bytes(packed)


def delimiter(path: Path) -> str:
    """What separates the cells of a text file with this name."""
    return "|" if path.suffix == ".txt" else ","


def _csv(records: pl.DataFrame, extract: str, name: str) -> Planned:
    return Planned(extract=extract, name=name, form=".csv", records=records, header=tuple(records.columns))


def _as_supplied(columns: list[str], extract: str, fyear: str) -> tuple[str, ...]:
    """One year's supplier writes its columns in another order and in lower case: they are matched by name."""
    if (extract, fyear) == SHUFFLED:
        return tuple(column.lower() for column in reversed(columns))
    return tuple(columns)
