"""Who is left out, and by which key numbers became pseudonyms: one list for all, and a ledger that says so."""

from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

import pipelines.lake
from pipelines.checking import check_study
from pipelines.contracts import Contract, load_contract, source_contract
from pipelines.errors import StudyError
from pipelines.lake import READ_AGAIN
from pipelines.reading import PseudonymKey
from pipelines.study import Study, load_study
from tests.quick_run import quick_run
from tests.tiny_study import FILES, PROTOCOL, write_tiny_study

MORE_EXTRACTS = """extracts:
  opt_outs: {contract: opt_out}
  patient_survey: {contract: survey, instrument: patient_experience}"""
WITH_OPT_OUTS = PROTOCOL.replace("extracts:", MORE_EXTRACTS)
ADMISSIONS = "admissions/admissions_2010-01_to_2010-12.csv"
NUMBERS = {"A": "9990000018", "B": "9990000026", "C": "9990000034"}


def ask(study: Study, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(study.output / "warehouse.duckdb", read_only=True) as warehouse:
        return warehouse.sql(query).fetchall()


def opted_out(ledger: pl.DataFrame) -> dict[str, int]:
    return dict(ledger.group_by("extract").agg(pl.col("rows_opted_out").sum()).iter_rows())


# Opt-outs.


def study_with_opt_outs(folder: Path, **lists: str) -> Study:
    files = {f"opt_outs/{name}.csv": f"PSEUDO_HESID\n{people}" for name, people in lists.items()}
    survey = {"patient_survey/answers.csv": "PSEUDO_HESID,WAVE,SITE,HAS_CARE_PLAN\nA,1,S1,1\nB,1,S1,2\n"}
    return load_study(write_tiny_study(folder, protocol=WITH_OPT_OUTS, files=files | survey))


def test_who_opted_out_is_in_neither_period_and_in_neither_arm_and_the_ledger_counts_their_rows(tmp_path):
    study = study_with_opt_outs(tmp_path, opt_outs="A\nC\nsomeone else\n")
    ledger = quick_run(study)
    assert ask(study, "select distinct person_id, is_pilot from person_periods") == [("B", True)]
    assert ask(study, "select person_id from spells") == [("B",)]
    assert ask(study, "select distinct respondent_id from survey_answers") == [("B",)]
    expected = {"admissions": 4, "population": 2, "enrolments": 1, "patient_survey": 1, "opt_outs": 0}
    assert opted_out(ledger) == expected
    assert ledger["rows_unlinked"].sum() == 0


def test_one_list_counts_for_all_deliveries_the_latest_and_whoever_left_it_is_back(tmp_path):
    study = study_with_opt_outs(tmp_path, opt_outs_1="A\n", opt_outs_2="C\n")
    expected = {"admissions": 1, "population": 1, "enrolments": 0, "patient_survey": 0, "opt_outs": 0}
    assert opted_out(quick_run(study)) == expected
    assert ask(study, "select distinct person_id from person_periods order by all") == [("A",), ("B",)]
    statuses = ask(study, "select file_name, status from deliveries_read where extract = 'opt_outs' order by all")
    assert statuses == [("opt_outs_1.csv", "superseded"), ("opt_outs_2.csv", "accepted")]


def test_a_list_that_is_taken_out_of_the_folder_leaves_the_next_run(tmp_path):
    study = study_with_opt_outs(tmp_path, opt_outs_1="A\n", opt_outs_2="C\n")
    quick_run(study)
    (study.extract_folder("opt_outs") / "opt_outs_2.csv").unlink()
    assert opted_out(quick_run(study))["admissions"] == 3
    assert ask(study, "select distinct person_id from person_periods order by all") == [("B",), ("C",)]


# Keys.


def study_of_numbers(folder: Path, *, numbers: dict[str, str] = NUMBERS, protocol: str = PROTOCOL) -> Study:
    """The tiny study with NHS numbers for pseudonyms."""
    files = {}
    for name, text in FILES.items():
        lines = text.replace("PSEUDO_HESID", "NHSNO").splitlines()
        cells = [[numbers.get(cell, cell) for cell in line.split(",")] for line in lines]
        files[name] = "\n".join([*map(",".join, cells), ""])
    return load_study(write_tiny_study(folder, protocol=protocol, files=files))


def test_the_ledger_names_the_key_of_every_file_with_numbers(tmp_path, monkeypatch):
    monkeypatch.setenv("ICP_PSEUDONYM_KEY", "the first key")
    ledger = quick_run(study_of_numbers(tmp_path))
    assert set(ledger["pseudonym_key_id"]) == {PseudonymKey(b"the first key").key_id}


def test_files_with_pseudonyms_have_no_key_in_the_ledger(tmp_path, monkeypatch):
    monkeypatch.setenv("ICP_PSEUDONYM_KEY", "the first key")
    assert set(quick_run(load_study(write_tiny_study(tmp_path)))["pseudonym_key_id"]) == {None}


def test_another_key_reads_numbers_again_and_says_so_and_changes_no_count(tmp_path, monkeypatch):
    study, heard = study_of_numbers(tmp_path), list[str]()
    counts = "select is_pilot, period, emergency_admissions, person_days from person_periods order by all"
    monkeypatch.setenv("ICP_PSEUDONYM_KEY", "the first key")
    first, before = quick_run(study, say=heard.append), ask(study, counts)
    people = set(ask(study, "select person_id from people"))
    assert not [line for line in heard if READ_AGAIN in line]
    monkeypatch.setenv("ICP_PSEUDONYM_KEY", "another key")
    again = quick_run(study, say=heard.append)
    assert not set(first["delivery_id"]) & set(again["delivery_id"])
    assert not people & set(ask(study, "select person_id from people"))
    assert ask(study, counts) == before
    assert f"{ADMISSIONS}: {READ_AGAIN}" in heard
    assert len([line for line in heard if READ_AGAIN in line]) == len(FILES)


def test_a_changed_contract_reads_again_what_it_touches_and_nothing_else(tmp_path, monkeypatch):
    study, heard = load_study(write_tiny_study(tmp_path / "study")), list[str]()
    first = quick_run(study)
    path = tmp_path / "population.odcs.yaml"
    text = source_contract("population").path.read_text(encoding="utf-8")
    path.write_text(text.replace("version: 1.0.0", "version: 1.1.0", 1), encoding="utf-8")
    changed = load_contract(path)

    def contract(name: str) -> Contract:
        return changed if name == "population" else source_contract(name)

    monkeypatch.setattr(pipelines.lake, "source_contract", contract)
    again = quick_run(study, say=heard.append)
    ids = [dict(ledger.select("extract", "delivery_id").iter_rows()) for ledger in (first, again)]
    assert {name for name in ids[0] if ids[0][name] != ids[1][name]} == {"population"}
    assert heard == ["reading population/population.csv", f"population/population.csv: {READ_AGAIN}"]
    assert dict(again.select("extract", "contract_version").iter_rows())["population"] == "1.1.0"


def test_numbers_of_a_real_study_need_a_key(tmp_path, monkeypatch):
    monkeypatch.delenv("ICP_PSEUDONYM_KEY", raising=False)
    study = study_of_numbers(tmp_path, protocol=PROTOCOL.replace("synthetic: true", "synthetic: false"))
    for look in (quick_run, check_study):
        with pytest.raises(StudyError, match="no pseudonym key") as refused:
            look(study, say=lambda _line: None)
        assert refused.value.exit_code == 2
        assert not [number for number in NUMBERS.values() if number in str(refused.value)]
    assert list(study.lake.rglob("*.parquet")) == []


def test_made_up_people_with_numbers_from_999_need_no_key(tmp_path, monkeypatch):
    monkeypatch.delenv("ICP_PSEUDONYM_KEY", raising=False)
    study = study_of_numbers(tmp_path)
    ledger = quick_run(study)
    assert ask(study, "select count(*) from people") == [(3,)]
    assert None not in set(ledger["pseudonym_key_id"])


def test_without_a_key_a_number_that_someone_may_have_is_refused_before_anything_is_stored(tmp_path, monkeypatch):
    monkeypatch.delenv("ICP_PSEUDONYM_KEY", raising=False)
    study = study_of_numbers(tmp_path, numbers=NUMBERS | {"B": "943 476 5919"})
    for look in (quick_run, check_study):
        with pytest.raises(StudyError, match="do not start with 999") as refused:
            look(study, say=lambda _line: None)
        assert refused.value.exit_code == 2
        assert str(refused.value).startswith(f"{ADMISSIONS}: ")
        assert "5919" not in str(refused.value)
    assert list(study.lake.rglob("*.parquet")) == []
    monkeypatch.setenv("ICP_PSEUDONYM_KEY", "a key of the study")
    quick_run(study)
    assert ask(study, "select count(*) from people") == [(3,)]


def test_a_dry_run_says_which_files_another_key_reads_again(tmp_path, monkeypatch):
    monkeypatch.setenv("ICP_PSEUDONYM_KEY", "the first key")
    study = study_of_numbers(tmp_path)
    quick_run(study)
    assert READ_AGAIN not in check_study(study, say=lambda _line: None).text
    monkeypatch.setenv("ICP_PSEUDONYM_KEY", "another key")
    assert check_study(study, say=lambda _line: None).text.count(READ_AGAIN) == len(FILES)
