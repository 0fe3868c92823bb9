"""A whole study over NHS England's artificial HES, under its real headers, where the files lie beside the checkout.

Its people are drawn from the files; no one is in two of them, so most estimates are empty and must say why.
"""

import csv
import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipelines.fingerprint import CHECKOUT
from pipelines.run import run_study
from pipelines.study import load_study

ARTIFICIAL_HES = CHECKOUT.parent / "shared" / "data" / "artificial_hes"
FILES = {
    "admissions": "artificial_hes_apc_0102.csv",
    "outpatients": "artificial_hes_op_0304_truncated.csv",
    "emergency_care": "artificial_hes_ae_0708_truncated.csv",
}
FOLDERS = [ARTIFICIAL_HES] if ARTIFICIAL_HES.is_dir() else []
__test__ = bool(FOLDERS)  # where the folder is not there, there is nothing to test
INDEX_DATE = date(2001, 10, 1)
PROTOCOL = """
study: artificial_hes
synthetic: true
extracts:
  admissions: {contract: hes_apc}
  outpatients: {contract: hes_op}
  emergency_care: {contract: hes_ae}
  population: {contract: population}
  enrolments: {contract: pilot_enrolment}
periods: {look_back_months: 6, baseline_months: 6, follow_up_months: 6, data_until: 2008-03-31}
outcomes:
  - {metric: emergency_admissions, priority: primary, benefits: service_users, expected: decrease}
"""


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def write_study(folder: Path, source: Path) -> dict[str, list[dict[str, str]]]:
    rows = {extract: rows_of(source / name) for extract, name in FILES.items()}
    for extract, name in FILES.items():
        (folder / "extracts" / extract).mkdir(parents=True)
        shutil.copyfile(source / name, folder / "extracts" / extract / name)
    people = list(dict.fromkeys(row["PSEUDO_HESID"] for extract in rows for row in rows[extract]))
    write(folder, "population", ["PSEUDO_HESID", "DOB", "SEX"], [[person, "1940-01-01", "1"] for person in people])
    enrolled = list(dict.fromkeys(row["PSEUDO_HESID"] for row in rows["admissions"]))[::20]
    write(folder, "enrolments", ["PSEUDO_HESID", "SITE", "INDEX_DATE"], [[p, "S1", INDEX_DATE] for p in enrolled])
    (folder / "protocol.yaml").write_text(PROTOCOL, encoding="utf-8")
    return rows


def write(folder: Path, extract: str, header: list[str], rows: list[list[object]]) -> None:
    (folder / "extracts" / extract).mkdir(parents=True)
    with (folder / "extracts" / extract / f"{extract}.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


@pytest.mark.parametrize("source", FOLDERS, ids=lambda path: path.name)
def test_artificial_hes_becomes_a_published_evaluation_whose_empty_estimates_say_why(source, tmp_path):
    rows = write_study(tmp_path, source)
    study = load_study(tmp_path)
    run_study(study, say=lambda _line: None)
    with duckdb.connect(study.published / "evaluation.duckdb", read_only=True) as published:
        ledger = dict(published.sql("select extract, rows_read from deliveries").fetchall())
        books = published.sql(
            """select bool_and(rows_read = rows_accepted + rows_quarantined + rows_superseded + rows_duplicate)
            from deliveries"""
        ).fetchone()
        estimates = published.sql(
            """select metric_id, pilot_baseline, caution from metric_estimates
            where population = 'all_sites' and design = 'uncontrolled' and kind = 'outcome'"""
        ).fetchall()
        spells = published.sql("select count(*), sum(episodes) from spells").fetchone()
    assert {extract: ledger[extract] for extract in FILES} == {extract: len(found) for extract, found in rows.items()}
    assert books == (True,)
    levels = {metric: level for metric, level, _ in estimates}
    assert levels["emergency_admissions"] > 0
    for metric, level, caution in estimates:
        if metric in ("outpatient_attendances", "ae_attendances"):
            assert level is None
            assert "No pilot people whose count is known in both periods." in caution
    assert 0 < spells[0] <= spells[1] <= len(rows["admissions"])
