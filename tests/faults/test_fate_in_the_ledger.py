"""What the ledger keeps or sets aside: who, when and which delivery; all in one study of a few people."""

from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.study import load_study
from tests.quick_run import quick_run
from tests.tiny_study import FILES, PROTOCOL, write_tiny_study

EXTRACTS = PROTOCOL.replace("periods:", "  opt_outs: {contract: opt_out}\nperiods:")
COLUMNS, *_ = FILES["admissions/admissions_2010-01_to_2010-12.csv"].splitlines()
ADMISSIONS = {
    "admissions/a_2010-01.csv": [
        "10,A,2010-01-01,2010-01-02,1,3,2010-01-01,2010-01-02,21,19,1,19,1,RXX",
    ],
    "admissions/a_2010-01_v2.csv": [
        "11,A,2010-01-05,2010-01-06,1,3,2010-01-05,2010-01-06,21,19,1,19,1,RXX",
    ],
    "admissions/b_2010-02.csv": [
        "20,A,2010-02-01,2010-02-02,1,3,2010-02-01,2010-02-02,21,19,1,19,1,RXX",
        "20,A,2010-02-01,2010-02-02,1,3,2010-02-01,2010-02-02,21,19,1,19,1,RXX",
        "21,A,2010-02-01,2010-02-02,1,3,2010-02-01,2010-02-02,21,19,1,19,,RXX",
        "22,stranger,2010-02-01,2010-02-02,1,3,2010-02-01,2010-02-02,21,19,1,19,1,RXX",
        "23,gone,2010-02-01,2010-02-02,1,3,2010-02-01,2010-02-02,21,19,1,19,1,RXX",
        "24,dead,2010-02-20,2010-02-21,1,3,2010-02-20,2010-02-21,21,19,1,19,1,RXX",
        "27,late,2010-02-17,2010-02-17,1,3,2010-02-17,2010-02-17,21,19,1,19,1,RXX",
        "25,B,2010-02-03,2010-02-04,1,3,2010-02-03,2010-02-04,21,19,1,19,1,RXX",
        "26,B,2010-02-10,2010-02-11,1,3,2010-02-10,2010-02-11,21,19,1,19,,RXX",
        "26,B,2010-02-12,2010-02-13,1,3,2010-02-12,2010-02-13,21,19,1,19,1,RXX",
    ],
    "admissions/copy_2010-02.csv": [],
    "admissions/c_2010-02_to_2010-03.csv": [
        "30,A,2010-03-01,2010-03-02,1,3,2010-03-01,2010-03-02,21,19,1,19,1,RXX",
    ],
    "admissions/no period 1.csv": ["40,A,2010-08-01,2010-08-02,1,3,2010-08-01,2010-08-02,21,19,1,19,1,RXX"],
    "admissions/no period 2.csv": ["40,A,2010-08-01,2010-08-09,1,3,2010-08-01,2010-08-09,22,19,1,19,1,RXX"],
}
PEOPLE = "PSEUDO_HESID,DOB,SEX,DATE_OF_DEATH\nA,1930-01-01,1,\nB,1931-01-01,2,\ngone,1932-01-01,2,\n"
PEOPLE += "dead,1932-01-01,2,2010-02-10\nlate,1932-01-01,2,2010-02-10\n"
OTHERS = {
    "admissions/admissions_2010-01_to_2010-12.csv": None,
    "population/population.csv": PEOPLE,
    "enrolments/enrolments.csv": "PSEUDO_HESID,SITE,INDEX_DATE\n"
    + "".join(f"{person},S1,2010-07-01\n" for person in ("A", "B", "gone", "dead", "late", "stranger")),
    "opt_outs/opt_outs.csv": "PSEUDO_HESID\ngone\n",
}


@pytest.fixture(scope="module")
def ledger_study(tmp_path_factory: pytest.TempPathFactory) -> tuple[pl.DataFrame, Path]:
    """The ledger of a run over repeated, corrected and overlapping deliveries, and the run's own tables."""
    files = {name: "\n".join([COLUMNS, *lines, ""]) for name, lines in ADMISSIONS.items()}
    files["admissions/copy_2010-02.csv"] = files["admissions/b_2010-02.csv"]
    folder = write_tiny_study(tmp_path_factory.mktemp("fates") / "study", protocol=EXTRACTS, files={**files, **OTHERS})
    study = load_study(folder)
    return quick_run(study), study.output / "warehouse.duckdb"


def records_of(ledger_study: tuple[pl.DataFrame, Path], episode_key: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(ledger_study[1]), read_only=True) as warehouse:
        return warehouse.execute(
            "select fate, is_unlinked, is_opted_out from admission_records where episode_key = ? order by all",
            [episode_key],
        ).fetchall()


FILES_AND_STATUSES = {
    "a_2010-01.csv": ("superseded", {"rows_superseded": 1}),
    "a_2010-01_v2.csv": ("accepted", {"rows_accepted": 1}),
    "b_2010-02.csv": ("accepted", {"rows_accepted": 7, "rows_duplicate": 3, "rows_unlinked": 1, "rows_opted_out": 1}),
    "copy_2010-02.csv": ("duplicate_file", {"rows_duplicate": 10}),
    "c_2010-02_to_2010-03.csv": ("refused", {"rows_read": 0}),
    "no period 1.csv": ("accepted", {"rows_accepted": 0, "rows_superseded": 1}),
    "no period 2.csv": ("accepted", {"rows_accepted": 1}),
}


@pytest.mark.parametrize("file_name", FILES_AND_STATUSES)
def test_a_repeated_corrected_or_overlapping_delivery_stands_in_the_ledger(ledger_study, file_name):
    status, counts = FILES_AND_STATUSES[file_name]
    row = ledger_study[0].row(by_predicate=pl.col("file_name") == file_name, named=True)
    assert (row["status"], {name: row[name] for name in counts}) == (status, counts)


def test_an_overlapping_period_is_refused_with_the_other_file_and_what_to_do(ledger_study):
    row = ledger_study[0].row(by_predicate=pl.col("status") == "refused", named=True)
    assert row["refusal_reason"] == (
        "overlapping_periods: its period overlaps that of b_2010-02.csv without being equal; "
        "expected: periods that are equal or apart; do: take one of the two files out"
    )


def test_a_file_that_is_set_aside_names_the_one_that_counts_in_its_place(ledger_study):
    aside = ledger_study[0].filter(pl.col("status").is_in(["superseded", "duplicate_file"]))
    assert dict(aside.select("file_name", "status_reason").iter_rows()) == {
        "a_2010-01.csv": "a_2010-01_v2.csv replaces it as a whole",
        "copy_2010-02.csv": "the same content as b_2010-02.csv",
    }
    others = ledger_study[0].filter(~pl.col("status").is_in(["superseded", "duplicate_file"]))
    assert others["status_reason"].null_count() == others.height


RECORDS = {
    "the same record again": ("20", [("accepted", False, False), ("duplicate", False, False)]),
    "the same stay under another key": ("21", [("duplicate", False, False)]),
    "a person who is not in the population": ("22", [("accepted", True, False)]),
    "a person who opted out": ("23", [("accepted", False, True)]),
    "the same key with other content in one delivery": (
        "26",
        [("accepted", False, False), ("duplicate", False, False)],
    ),
    "the same key with other content in a later delivery": (
        "40",
        [("accepted", False, False), ("superseded", False, False)],
    ),
    "a record that a correction left out": ("10", []),
}


@pytest.mark.parametrize("kind", RECORDS)
def test_a_record_has_the_fate_that_the_ledgers_rules_give(ledger_study, kind):
    episode_key, fates = RECORDS[kind]
    assert records_of(ledger_study, episode_key) == fates


def test_of_records_with_one_key_the_later_delivery_and_the_most_complete_row_count(ledger_study):
    with duckdb.connect(str(ledger_study[1]), read_only=True) as warehouse:
        found = warehouse.sql(
            "select episode_key, episode_start_date, admission_method_code from episodes "
            "where episode_key in ('26', '40') order by all"
        ).fetchall()
    assert found == [("26", date(2010, 2, 12), "21"), ("40", date(2010, 8, 1), "22")]


@pytest.mark.parametrize("person", ["stranger", "gone"])
def test_an_unlinked_person_and_one_who_opted_out_are_in_no_result(ledger_study, person):
    with duckdb.connect(str(ledger_study[1]), read_only=True) as warehouse:
        for table in ("episodes", "spells", "people", "person_periods"):
            assert warehouse.execute(f"select * from {table} where person_id = ?", [person]).fetchall() == []


@pytest.mark.parametrize(("person", "admitted", "is_doubtful"), [("dead", 20, True), ("late", 17, False)])
def test_activity_after_death_is_kept_flagged_and_in_no_period_and_after_7_days_the_link_is_doubtful(
    ledger_study, person, admitted, is_doubtful
):
    queries = {
        "select is_after_death, admission_date from spells where person_id = ?": [(True, date(2010, 2, admitted))],
        "select coalesce(sum(emergency_admissions), 0) from person_periods where person_id = ?": [(0,)],
        "select is_death_link_doubtful from people where person_id = ?": [(is_doubtful,)],
    }
    with duckdb.connect(str(ledger_study[1]), read_only=True) as warehouse:
        assert {query: warehouse.execute(query, [person]).fetchall() for query in queries} == queries
