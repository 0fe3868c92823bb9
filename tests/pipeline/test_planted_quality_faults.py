"""Faults planted in a year of deliveries: a whole run finds each by its rule, and tells of it without a value."""

import os
import time
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipelines.errors import IcpError
from pipelines.quality.checks import EngineFaultError
from pipelines.quality.history import read_quality
from pipelines.run_log import read_runs
from pipelines.study import Study, load_study
from pipelines.warehouse import Warehouse
from tests.alert_channels import problems_of_study, run_telling
from tests.tiny_study import write_tiny_study

MARK = "Zebra"
PROTOCOL = """
study: planted
synthetic: false
extracts:
  admissions: {contract: hes_apc}
  population: {contract: population}
  enrolments: {contract: pilot_enrolment}
periods: {look_back_months: 6, baseline_months: 6, follow_up_months: 6, data_until: 2030-12-31}
outcomes:
  - {metric: emergency_admissions, priority: primary, benefits: service_users, expected: decrease}
"""
HEADER = (
    "EPIKEY,PSEUDO_HESID,EPISTART,EPIEND,EPIORDER,EPISTAT,ADMIDATE,DISDATE,ADMIMETH,ADMISORC,DISMETH,DISDEST,"
    "CLASSPAT,PROCODE3,SEX,DIAG_4_01,DIAG_4_02"
)
PEOPLE, PILOT, SECOND_PROVIDER = 100, 50, 60
SHORT_MONTH, SHORT = 9, 20
UNCODED_MONTH = 3
DAYS_LATE = 100
PLANTED = {
    "provider_month_complete": "*",
    "provider_month_filled": "*",
    "coding_depth_by_arm": "*",
    "continuous_spells_agree": "*",
    "extract_fresh": "*",
    "nulled_rate": "*",
    "not_null": "sex",
    "unique_key": "epikey",
}


def episode(key: str, person: int, day: date, *, provider: str, destination: str) -> str:
    """One stay of two days; in the pilot a second diagnosis is coded from July on, and one sex in ten is not a code.

    In one month the second provider codes no diagnosis.
    """
    primary = "" if provider == "RYY" and day.month == UNCODED_MONTH else "J440"
    second = "I10" if person < PILOT and day.month > 6 else ""
    sex = MARK if person % 10 == 0 else "1"
    end = day + timedelta(days=2)
    return (
        f"{key},{MARK}{person},{day},{end},1,3,{day},{end},21,19,1,{destination},1,{provider},{sex},{primary},{second}"
    )


def month(number: int) -> list[str]:
    """Everybody at one provider; some at another two days later, which only one of the two spell rules joins.

    The second provider is short of records in one month, and some records stand twice.
    """
    first = date(2010, number, 1)
    later = SHORT if number == SHORT_MONTH else SECOND_PROVIDER
    stays = [episode(f"{number}a{i}", i, first, provider="RXX", destination="49") for i in range(PEOPLE)]
    stays += [
        episode(f"{number}b{i}", i, first + timedelta(days=4), provider="RYY", destination="19") for i in range(later)
    ]
    return stays + stays[: PEOPLE // 20]


def files() -> dict[str, str]:
    admissions = [HEADER, *(line for number in range(1, 13) for line in month(number))]
    population = ["PSEUDO_HESID,DOB,SEX", *(f"{MARK}{i},1930-01-01,1" for i in range(PEOPLE))]
    enrolments = ["PSEUDO_HESID,SITE,INDEX_DATE", *(f"{MARK}{i},S1,2010-07-01" for i in range(PILOT))]
    return {
        "admissions/admissions_2010-01_to_2010-12.csv": "\n".join(admissions) + "\n",
        "population/population.csv": "\n".join(population) + "\n",
        "enrolments/enrolments.csv": "\n".join(enrolments) + "\n",
    }


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> Path:
    """The file that alerts go to."""
    return tmp_path_factory.mktemp("alerts") / "told.txt"


@pytest.fixture(scope="module")
def ran(tmp_path_factory, told) -> Study:
    """The study with its faults, run once, whose deliveries are a hundred days old."""
    root = write_tiny_study(tmp_path_factory.mktemp("planted") / "study", protocol=PROTOCOL, files=files())
    long_ago = time.time() - DAYS_LATE * 86400
    for path in root.glob("extracts/*/*"):
        os.utime(path, (long_ago, long_ago))
    run_telling(load_study(root), told)
    return load_study(root)


def statuses(study: Study) -> dict[tuple[str, str], tuple[str, str]]:
    """Of the last run and hospital episodes: severity and status by rule and column."""
    last = read_quality(study.output).filter(run_id=read_runs(study.output)[-1].run_id, contract_id="hes_apc")
    rows = last.iter_rows(named=True)
    return {(row["rule_id"], row["column_name"]): (row["severity"], row["status"]) for row in rows}


@pytest.mark.parametrize(("rule", "column"), PLANTED.items())
def test_a_planted_fault_is_found_as_a_warning_with_an_alert_of_its_own(ran, told, rule, column):
    assert statuses(ran)[rule, column] == ("warning", "fail")
    place = "table" if column == "*" else column
    problem = problems_of_study(ran)[f"quality:hes_apc:{rule}:{place}"]
    assert problem["kind"] == ("late" if rule == "extract_fresh" else "quality")
    assert problem["severity"] == "warning"
    assert told.read_text().count(f"Rule: {rule} (warning)\nWhere: hes_apc") == 1


def test_nothing_that_a_run_shows_holds_a_value(ran, told):
    shown = [ran.output / name for name in ("quality", "dagster", "alerts.json", "runs.jsonl")] + [told]
    written = [path for top in shown for path in ([top] if top.is_file() else top.rglob("*")) if path.is_file()]
    assert not [path.name for path in written if MARK.encode() in path.read_bytes()]


class BrokenEngine:
    """Takes a column away from a table of counts when the rules are about to be asked, so that the engine fails."""

    def __init__(self, study: Study, table: str, column: str) -> None:
        self.study, self.statement = study, f"alter table {table} drop column {column}"

    def __call__(self, line: str) -> None:
        if line == "data_quality_counts":
            with Warehouse(self.study.output / "warehouse.duckdb") as warehouse:
                warehouse.connection.execute(self.statement)


def renewed(study: Study, remark: str) -> Study:
    (study.root / "remarks.csv").write_text(f"remark\n{remark}\n", encoding="utf-8")
    return load_study(study.root)


def test_an_engine_fault_in_a_warning_is_told_apart_and_the_run_publishes(ran, told):
    study = renewed(ran, "engine fault in a warning")
    run_telling(study, told, say=BrokenEngine(study, "coding_depth_change", "is_alike"))
    assert statuses(study)["coding_depth_by_arm", "*"] == ("warning", "error")
    assert problems_of_study(study)["engine:hes_apc"]["kind"] == "engine"
    assert "That says nothing about the data" in told.read_text()
    assert read_runs(study.output)[-1].status == "succeeded"


def test_an_engine_fault_in_an_error_ends_the_run_with_exit_code_1_and_publishes_nothing(ran, told):
    link = ran.published / "evaluation.duckdb"
    before = link.readlink()
    study = renewed(ran, "engine fault in an error")
    with pytest.raises(IcpError) as stopped:
        run_telling(study, told, say=BrokenEngine(study, "delivery_rates", "rows_quarantined"))
    assert (type(stopped.value), stopped.value.exit_code) == (EngineFaultError, 1)
    assert "this says nothing about the data" in stopped.value.message
    assert statuses(study)["quarantine_rate", "*"] == ("error", "error")
    assert not read_runs(study.output)[-1].is_blocked
    assert link.readlink() == before
    assert {"engine:hes_apc", "run:failed"} <= problems_of_study(study).keys()


def test_after_an_engine_fault_the_next_run_counts_again_and_takes_the_alerts_back(ran, told):
    run_telling(renewed(ran, "undisturbed"), told)
    assert statuses(ran)["quarantine_rate", "*"] == ("error", "pass")
    assert statuses(ran)["coding_depth_by_arm", "*"] == ("warning", "fail")
    assert not {"engine:hes_apc", "run:failed"} & problems_of_study(ran).keys()
    assert told.read_text().count("Cleared (error): Rules could not be evaluated: hes_apc") == 1
