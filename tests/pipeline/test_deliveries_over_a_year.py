"""A year of monthly deliveries with corrections ends in the tables of one clean delivery, however they arrive."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest

from pipelines.checking import check_study
from pipelines.run import run_study
from pipelines.study import load_study
from tests.quick_run import MODELS, quick_run
from tests.tiny_study import FILES, write_tiny_study
from tests.year_of_deliveries import Files, Year, year

Tables = dict[str, list[tuple[Any, ...]]]

PROTOCOL = """
study: year
synthetic: true
extracts:
  admissions: {contract: hes_apc}
  outpatients: {contract: hes_op}
  emergency_care: {contract: hes_ae}
  population: {contract: population}
  enrolments: {contract: pilot_enrolment}
  opt_outs: {contract: opt_out}
  patient_survey: {contract: survey, instrument: patient_experience}
periods: {look_back_months: 6, baseline_months: 6, follow_up_months: 6, data_until: 2010-03-31}
outcomes:
  - {metric: emergency_admissions, priority: primary, benefits: service_users, expected: decrease}
"""
# What tells which delivery a row is from is all that may differ; answers are compared item by item in survey_answers.
COLUMNS_OF_DELIVERIES = {
    *("delivery_id", "record", "answers", "run_id"),
    *("care_home_as_of_date", "deprivation_as_of_date"),
}
NEEDED = ("admissions", "population", "enrolments")
TABLES_OF_DELIVERIES = {
    "deliveries",
    "quarantine_summary",
    "record_fates",
    "runs",
    "data_quality",
    "delivery_rates",
    "delivery_volumes",
    "extract_freshness",
}


class YearStudy:
    """A study that is run several times over one lake, without the scheduler around it."""

    def __init__(self, folder: Path, *, output: Path | None = None) -> None:
        self.folder = folder
        self.output = output
        for extract in ("admissions", "outpatients", "emergency_care", "population", "enrolments", "opt_outs"):
            (folder / "extracts" / extract).mkdir(parents=True)
        (folder / "extracts" / "patient_survey").mkdir()
        (folder / "protocol.yaml").write_text(PROTOCOL, encoding="utf-8")

    def deliver(self, files: Iterable[tuple[str, bytes]]) -> None:
        for name, content in files:
            (self.folder / "extracts" / name).write_bytes(content)

    def run(self) -> Tables:
        """All tables of all SQL models, without what names deliveries, of accepted records only."""
        study = load_study(self.folder, output=self.output)
        assert "refused" not in set(quick_run(study)["status"])
        with duckdb.connect(study.output / "warehouse.duckdb", read_only=True) as warehouse:
            names = {model.name for model in MODELS} - TABLES_OF_DELIVERIES
            return tables(warehouse, ["extract_coverage", *sorted(names)])


def tables(connection: duckdb.DuckDBPyConnection, names: Iterable[str]) -> Tables:
    """Tables by name, their rows sorted; of records only the accepted ones."""
    found: Tables = {}
    for name in names:
        described = connection.execute(f"describe {name}").fetchall()
        columns = {column: sql_type for column, sql_type, *_ in described if column not in COLUMNS_OF_DELIVERIES}
        shown = [f'round("{c}", 6)' if sql_type == "DOUBLE" else f'"{c}"' for c, sql_type in columns.items()]
        where = "where fate = 'accepted'" if "fate" in columns else ""
        query = f"select {', '.join(shown)} from {name} {where} order by all"
        found[name] = connection.execute(query).fetchall()
    return found


def published_by_a_whole_run(study: YearStudy) -> Tables:
    """Published tables that an SQL model makes, without what names deliveries."""
    file = run_study(load_study(study.folder), say=lambda _line: None).published
    with duckdb.connect(file, read_only=True) as published:
        names = {table for (table,) in published.execute("show tables").fetchall()}
        return tables(published, sorted(names & {model.name for model in MODELS} - TABLES_OF_DELIVERIES))


def differing(one: Tables, other: Tables) -> list[str]:
    return [name for name in one if one[name] != other[name]]


def in_runs(files: Files, random: Random, *, runs: int) -> list[list[tuple[str, bytes]]]:
    """The files in an order of their own, split over so many runs; what a study needs has come by the first."""
    shuffled = random.sample(sorted(files), len(files))
    first = [next(path for path in shuffled if path.startswith(f"{extract}/")) for extract in NEEDED]
    arriving = [*first, *(path for path in shuffled if path not in first)]
    cuts = sorted(random.sample(range(len(first), len(arriving)), runs - 1))
    parts = zip([0, *cuts], [*cuts, len(arriving)], strict=True)
    return [[(path, files[path]) for path in arriving[start:end]] for start, end in parts]


def after_all(study: YearStudy, parts: Iterable[Iterable[tuple[str, bytes]]]) -> Tables:
    found: Tables = {}
    for part in parts:
        study.deliver(part)
        found = study.run()
    return found


@dataclass(frozen=True)
class ReadYear:
    """A year in which all deliveries came at once: its files, the lake that they were read into, its tables."""

    made: Year
    output: Path
    tables: Tables


@pytest.fixture(scope="module")
def at_once(tmp_path_factory) -> ReadYear:
    made = year(3)
    study = YearStudy(tmp_path_factory.mktemp("year") / "at_once")
    return ReadYear(made, study.folder / "output", after_all(study, [made.delivered.items()]))


def test_a_year_of_corrected_deliveries_comes_to_one_clean_delivery(tmp_path, at_once):
    clean = after_all(YearStudy(tmp_path / "clean"), [at_once.made.clean.items()])
    assert all(clean[table] for table in ("spells", "continuous_inpatient_spells", "person_periods", "survey_answers"))
    assert differing(clean, at_once.tables) == []


@pytest.mark.parametrize("runs", [2, 3, 4])
def test_the_order_of_arrival_and_the_number_of_runs_change_nothing(tmp_path, at_once, runs):
    parts = in_runs(at_once.made.delivered, Random(runs), runs=runs)
    study = YearStudy(tmp_path / "study", output=at_once.output)
    assert differing(at_once.tables, after_all(study, parts)) == []


def test_a_whole_run_after_an_earlier_one_comes_to_one_clean_delivery_too(tmp_path):
    made = year(4)
    clean, study = YearStudy(tmp_path / "clean"), YearStudy(tmp_path / "year")
    earlier, last = in_runs(made.delivered, Random(4), runs=2)
    after_all(study, [earlier])
    clean.deliver(made.clean.items())
    study.deliver(last)
    found = [published_by_a_whole_run(one) for one in (clean, study)]
    assert {"people", "person_months", "person_periods", "spells", "attrition"} <= set(found[0])
    assert differing(*found) == []


# One delivery against another: what the ledger says.

HEADER, *EPISODES = FILES["admissions/admissions_2010-01_to_2010-12.csv"].splitlines()


def episodes(*lines: str) -> str:
    return "\n".join([HEADER, *lines]) + "\n"


def ledger_of(folder: Path, files: dict[str, str]) -> dict[str, tuple[Any, ...]]:
    """Status and rows accepted, superseded and duplicate by file of the tiny study's admissions, after a run."""
    named = {f"admissions/{name}": text for name, text in files.items()}
    left_out = {"admissions/admissions_2010-01_to_2010-12.csv": None}
    ledger = quick_run(load_study(write_tiny_study(folder, files=left_out | named)))
    rows = ledger.filter(ledger["extract"] == "admissions").select(
        "file_name", "status", "rows_accepted", "rows_superseded", "rows_duplicate"
    )
    return {name: tuple(rest) for name, *rest in rows.iter_rows()}


def test_a_second_version_may_arrive_before_the_first(tmp_path):
    freeze = {"a_2010-01_to_2010-12_v2.csv": episodes(*EPISODES)}
    flex = {"a_2010-01_to_2010-12.csv": episodes(*EPISODES[:2])}
    assert ledger_of(tmp_path, freeze) == {"a_2010-01_to_2010-12_v2.csv": ("accepted", 5, 0, 0)}
    assert ledger_of(tmp_path, freeze | flex) == {
        "a_2010-01_to_2010-12_v2.csv": ("accepted", 5, 0, 0),
        "a_2010-01_to_2010-12.csv": ("superseded", 0, 2, 0),
    }


def test_the_same_file_under_another_name_is_all_duplicates_and_without_a_period_the_later_key_wins(tmp_path):
    first, corrected = episodes(*EPISODES), episodes(EPISODES[0].replace(",21,", ",11,"))
    assert ledger_of(tmp_path, {"part_9.csv": first, "part_10.csv": corrected, "part_9_again.csv": first}) == {
        "part_9.csv": ("accepted", 4, 1, 0),
        "part_9_again.csv": ("duplicate_file", 0, 0, 5),
        "part_10.csv": ("accepted", 1, 0, 0),
    }


def test_a_delivery_that_is_taken_out_of_the_folder_leaves_the_next_run(tmp_path):
    files = {"a_2010-01_to_2010-12.csv": episodes(*EPISODES[:2]), "a_2010-01_to_2010-12_v2.csv": episodes(*EPISODES)}
    assert ledger_of(tmp_path, files)["a_2010-01_to_2010-12_v2.csv"] == ("accepted", 5, 0, 0)
    (tmp_path / "extracts" / "admissions" / "a_2010-01_to_2010-12_v2.csv").unlink()
    assert ledger_of(tmp_path, {}) == {"a_2010-01_to_2010-12.csv": ("accepted", 2, 0, 0)}


def test_periods_that_overlap_are_refused_and_both_files_are_named(tmp_path):
    overlapping = {"admissions/admissions_2010-05.csv": episodes(*EPISODES[1:2])}
    report = check_study(load_study(write_tiny_study(tmp_path, files=overlapping)), say=lambda _line: None)
    assert report.exit_code == 3
    assert "admissions/admissions_2010-05.csv was refused: overlapping_periods" in report.text
    assert "its period overlaps that of admissions_2010-01_to_2010-12.csv without being equal" in report.text
    assert "take one of the two files out" in report.text


def test_a_period_that_was_split_is_whole_again_when_its_parts_are_taken_out(tmp_path):
    halves = {"a_2010-01_to_2010-06.csv": episodes(*EPISODES[:2]), "a_2010-07_to_2010-12.csv": episodes(*EPISODES[2:])}
    assert set(ledger_of(tmp_path, halves).values()) == {("accepted", 2, 0, 0), ("accepted", 3, 0, 0)}
    whole = {"a_2010-01_to_2010-12.csv": episodes(*EPISODES)}
    assert ledger_of(tmp_path, whole)["a_2010-01_to_2010-12.csv"] == ("refused", 0, 0, 0)
    for half in halves:
        (tmp_path / "extracts" / "admissions" / half).unlink()
    assert ledger_of(tmp_path, {}) == {"a_2010-01_to_2010-12.csv": ("accepted", 5, 0, 0)}
