"""NHS England's artificial HES, where it lies beside the checkout: counts agree with Python's csv module.

The files are Crown copyright, Open Government Licence v3; they are not part of this repository.
"""

import csv
import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from pipelines.reading import Delivery
from tests.small_extracts import SmallLake

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "artificial_hes"
EXTRACTS = {"apc": "admissions", "op": "outpatients", "ae": "emergency_care"}
FILES = sorted(FOLDER.glob("artificial_hes_*.csv"))
__test__ = bool(FILES)  # where the folder is not there, there is nothing to test
SENTINELS = {"1800-01-01", "1801-01-01", "1582-10-15"}
NULLS = {"", "-", "&"}


def kind(path: Path) -> str:
    return path.stem.split("_")[2]


def written(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read(path: Path, root: Path) -> tuple[SmallLake, str, Delivery]:
    lake, extract = SmallLake(root), EXTRACTS[kind(path)]
    lake.put(path.name, path.read_bytes(), extract=extract)
    (delivery,) = lake.read(extract)
    assert delivery.status == "accepted"
    return lake, extract, delivery


def day(text: str) -> date | None:
    return None if text.strip() in NULLS or text in SENTINELS else date.fromisoformat(text)


def is_placed(record: dict[str, str]) -> bool:
    """An independent reading of what places an episode, an appointment, an attendance, and of its date order."""
    if "EPISTART" not in record:
        return day(record.get("APPTDATE", record.get("ARRIVALDATE", ""))) is not None
    start, end, admitted, discharged = (day(record[c]) for c in ("EPISTART", "EPIEND", "ADMIDATE", "DISDATE"))
    if start is None or (record["EPISTAT"] == "3" and end is None):
        return False
    in_order = [(start, end), (admitted, discharged), (admitted, start)]
    return all(a <= b for a, b in in_order if a is not None and b is not None)


@pytest.mark.parametrize("path", FILES, ids=kind)
def test_the_books_balance_and_the_unplaced_records_are_those_of_an_independent_reading(path, tmp_path):
    records = written(path)
    lake, extract, delivery = read(path, tmp_path)
    unplaced = [number for number, record in enumerate(records, start=1) if not is_placed(record)]
    assert (delivery.rows_read, delivery.rows_quarantined) == (len(records), len(unplaced))
    assert lake.quarantined(delivery, "record, line") == [(number, number + 1) for number in unplaced]
    assert len(lake.rows(extract, "record", (delivery,))) == len(records) - len(unplaced)


@pytest.mark.parametrize("path", FILES, ids=kind)
def test_codes_and_keys_are_those_of_the_file(path, tmp_path):
    records = [record for record in written(path) if is_placed(record)]
    lake, extract, delivery = read(path, tmp_path)
    columns = {
        "apc": ["EPIKEY", "ADMIMETH", "ADMISORC", "DISMETH", "DISDEST", "CLASSPAT", "PROCODE3", "SEX", "TRETSPEF"],
        "op": ["ATTENDKEY", "ATTENDED", "FIRSTATT", "PROCODE3", "TRETSPEF", "MAINSPEF", "SEX"],
        "ae": ["AEKEY", "AEATTENDCAT", "AEATTENDDISP", "PROCODE3", "AEDEPTTYPE", "ARRIVALTIME"],
    }[kind(path)]
    for column in columns:
        found = Counter(value for (value,) in lake.rows(extract, column, (delivery,)))
        expected = Counter(None if record[column].strip() in NULLS else record[column] for record in records)
        assert (column, found) == (column, expected)


@pytest.mark.parametrize("path", FILES, ids=kind)
def test_the_period_is_the_financial_year_on_the_records(path, tmp_path):
    _, _, delivery = read(path, tmp_path)
    year = 2000 + int(written(path)[0]["FYEAR"][:2])
    assert (delivery.period.first, delivery.period.last) == (date(year, 4, 1), date(year + 1, 3, 1))


@pytest.mark.parametrize("path", [path for path in FILES if kind(path) == "apc"], ids=kind)
def test_diagnoses_procedures_and_ages_of_admitted_care(path, tmp_path):
    records = [record for record in written(path) if is_placed(record)]
    lake, extract, delivery = read(path, tmp_path)
    icd10, opcs4 = re.compile(r"[A-Z]\d\d[\dX]?[\dA-Z]{0,2}"), re.compile(r"[A-Z]\d\d[\dX]?")

    def codes(record: dict[str, str], prefix: str, numbers: range, pattern: re.Pattern[str]) -> list[str]:
        cells = [record[f"{prefix}{number:02d}"].strip() for number in numbers]
        return [cell for cell in cells if pattern.fullmatch(cell)]

    expected = sorted(
        (
            record["EPIKEY"],
            codes(record, "DIAG_4_", range(2, 21), icd10),
            codes(record, "OPERTN_4_", range(1, 25), opcs4),
            0
            if record["STARTAGE"].startswith("700")
            else int(float(record["STARTAGE"]))
            if record["STARTAGE"]
            else None,
        )
        for record in records
    )
    assert lake.rows(extract, "epikey, diag_secondary, opertn, startage", (delivery,)) == expected
