"""What the data manager is shown: each refused record, then once for each rule what was expected and what to do."""

from pathlib import Path

import duckdb

from pipelines.checking import check_study
from pipelines.lake import fill_lake
from pipelines.quarantine import MOST_SHOWN, quarantine
from pipelines.reading.withholding import WITHHELD
from pipelines.study import Study, load_study
from tests.tiny_study import FILES, write_tiny_study

ADMISSIONS = "admissions/admissions_2010-01_to_2010-12.csv"
HEADER, FIRST, *_ = FILES[ADMISSIONS].splitlines()
IMPOSSIBLE = "impossible_date: expected: a day of the calendar from 1850 to 2199; do: "
CORRECT = "ask the supplier to correct the record and to deliver the file again"


def read(folder: Path, files: dict[str, str]) -> Study:
    study = load_study(write_tiny_study(folder / "study", files=files))
    with duckdb.connect() as connection:
        fill_lake(study, connection, say=lambda _line: None)
    return study


def test_every_rule_says_once_what_was_expected_and_what_to_do(tmp_path):
    lines = [FIRST.replace("2010-02-01", "2010-02-30").replace("1,A", f"{n},A", 1) for n in (7, 8)]
    backwards = FIRST.replace("1,A,2010-02-01", "9,A,2010-02-09")
    number = f"{FIRST.replace('1,A', '6,A', 1)},9434765919"
    text = "\n".join([FILES[ADMISSIONS].rstrip(), *lines, backwards, number, ""])
    shown = quarantine(read(tmp_path, {ADMISSIONS: text})).splitlines()
    assert shown[0].startswith("SENSITIVE")
    at = shown.index("Rules")
    assert len([line for line in shown[:at] if "admissions_2010-01_to_2010-12.csv" in line]) == 4
    told = shown[at + 1 : shown.index("", at)]
    assert [line.split(":")[0].strip() for line in told] == [
        "episode_ends_before_start",
        "impossible_date",
        "wrong_field_count",
    ]
    assert told[1] == f"  {IMPOSSIBLE}{CORRECT}"
    assert told[2] == f"  wrong_field_count: expected: as many cells as the header has; do: {CORRECT}"
    assert told[0].startswith("  episode_ends_before_start: expected: ")
    assert told[0].endswith("; do: ask the supplier which of the two columns is right and to deliver the file again")
    assert f"{WITHHELD} stands for what may be an NHS number; the file itself has it" in shown
    assert "9434765919" not in "\n".join(shown)


def test_rules_of_records_beyond_the_last_one_shown_are_told_too(tmp_path):
    early = [f"{FIRST},x"] * MOST_SHOWN
    text = "\n".join([HEADER, FIRST, *early, FIRST.replace("2010-02-01", "2010-02-30"), ""])
    shown = quarantine(read(tmp_path, {ADMISSIONS: text}))
    assert f"  {IMPOSSIBLE}{CORRECT}" in shown.splitlines()
    assert WITHHELD not in shown


def test_without_a_quarantined_record_no_rule_is_told(tmp_path):
    assert "Rules" not in quarantine(read(tmp_path, {})).splitlines()


def test_the_check_says_which_file_supersedes_which_and_which_came_twice(tmp_path):
    files = {
        "population/population_v2.csv": FILES["population/population.csv"] + "D,1950-01-01,1\n",
        "enrolments/enrolments copy.csv": FILES["enrolments/enrolments.csv"],
    }
    report = check_study(load_study(write_tiny_study(tmp_path / "study", files=files)), say=lambda _line: None)
    assert "population/population.csv: population_v2.csv replaces it as a whole" in report.text.splitlines()
    twice = [line for line in report.text.splitlines() if ": the same content as " in line]
    assert twice in (
        ["enrolments/enrolments.csv: the same content as enrolments copy.csv"],
        ["enrolments/enrolments copy.csv: the same content as enrolments.csv"],
    )
