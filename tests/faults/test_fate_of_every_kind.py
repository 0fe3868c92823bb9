"""Every kind of bad input has one fate, one rule and one message: quarantined, nulled, repaired, refused, or kept.

Each record stands between two good ones, which stay untouched whatever becomes of it.
"""

import gzip
import io
import zipfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.checking import check_study
from pipelines.contracts import source_contract
from pipelines.reading import Delivery, PseudonymKey
from pipelines.reading.rules import REFUSED_FILES, REPAIRS, record_rule
from pipelines.study import load_study
from tests.quick_run import quick_run
from tests.small_extracts import APPOINTMENT, CONTRACTS, EPISODE, PERSON, Record, SmallLake, as_csv, as_xlsx
from tests.tiny_study import FILES, PROTOCOL, write_tiny_study

KEY = PseudonymKey(b"a key for tests")
ATTENDANCE = {"AEKEY": "1", "PSEUDO_HESID": "Ab1", "ARRIVALDATE": "2010-01-02", "ARRIVALTIME": "0930"}
ATTENDANCE |= {"AEATTENDCAT": "1", "AEATTENDDISP": "03", "PROCODE3": "RXA"}
ENROLMENT = {"PSEUDO_HESID": "Ab1", "SITE": "S1", "INDEX_DATE": "2010-01-02", "END_DATE": "2010-05-02"}
ANSWERS = {"STAFF_ID": "s1", "WAVE": "1", "SITE": "S1"}
GOOD: Mapping[str, tuple[str, Record]] = {
    "admissions": ("EPIKEY", EPISODE),
    "outpatients": ("ATTENDKEY", APPOINTMENT),
    "emergency_care": ("AEKEY", ATTENDANCE),
    "population": ("PSEUDO_HESID", {**PERSON, "DATE_OF_DEATH": "", "REG_START": "", "CARE_HOME": ""}),
    "enrolments": ("PSEUDO_HESID", ENROLMENT),
    "opt_outs": ("PSEUDO_HESID", {"PSEUDO_HESID": "Ab1"}),
    "patient_survey": ("STAFF_ID", ANSWERS),
}


@pytest.fixture
def lake(tmp_path: Path) -> SmallLake:
    return SmallLake(tmp_path)


def three(extract: str, changes: Mapping[str, str]) -> list[Record]:
    """A good record, one with changes, another good one."""
    key, good = GOOD[extract]
    return [{**good, key: "first"}, {**good, key: "second", **changes}, {**good, key: "third"}]


def second_of(lake: SmallLake, extract: str, content: str | bytes, *, name: str = "a.csv") -> tuple[Delivery, bool]:
    """Read a file of three records of which the first and the third are good; whether the second was accepted."""
    lake.put(name, content, extract=extract)
    (delivery,) = lake.read(extract, key=KEY)
    assert (delivery.status, delivery.rows_read) == ("accepted", 3)
    accepted = pl.read_parquet(delivery.records)
    assert set(accepted.filter(pl.col("record") != 2)["record"]) == {1, 3}
    assert accepted.filter(pl.col("record") != 2)["nulled_fields"].is_null().all()
    return delivery, delivery.rows_quarantined == 0


def assert_has_a_message(rule: str, extract: str) -> None:
    text = record_rule(rule, source_contract(CONTRACTS[extract]))
    assert len(text.expected) > 5
    assert len(text.advice) > 5


# Quarantined: the record cannot be taken apart, or not be placed on a person's time line.

HEADER, FIRST, SECOND, THIRD = as_csv(three("admissions", {})).splitlines()
BROKEN_LINES = {
    "too few cells": (SECOND.rsplit(",", 1)[0], "wrong_field_count"),
    "too many cells": (f"{SECOND},more", "wrong_field_count"),
    "the header again": (HEADER, "repeated_header"),
    "bytes of no encoding": (SECOND.replace("RXA", "R\x81A"), "undecodable_row"),
    "a quote that is never closed": (SECOND.replace("RXA", '"RXA'), "unclosed_quote"),
    "more text than any record has": (SECOND.replace("RXA", "R" * 3_000_000), "record_too_long"),
}


@pytest.mark.parametrize("kind", BROKEN_LINES)
def test_a_broken_line_is_quarantined_with_its_text_and_the_file_goes_on(lake, kind):
    line, rule = BROKEN_LINES[kind]
    delivery, is_accepted = second_of(lake, "admissions", "\n".join([HEADER, FIRST, line, THIRD, ""]).encode("latin-1"))
    assert not is_accepted
    (row,) = lake.quarantined(delivery, "record, line, rule_id, column_name, original_text")
    assert row[:4] == (2, 3, rule, "*")
    assert row[4] == (None if rule == "repeated_header" else line[:4000])
    assert_has_a_message(rule, "admissions")


def test_a_truncated_last_line_is_quarantined(lake):
    lake.put("a.csv", f"{HEADER}\n{FIRST}\n{SECOND[:20]}")
    (delivery,) = lake.read()
    assert (delivery.rows_read, delivery.rows_quarantined) == (2, 1)
    columns = "record, line, rule_id, column_name, original_text"
    assert lake.quarantined(delivery, columns) == [(2, 3, "truncated_last_line", "*", SECOND[:20])]
    assert_has_a_message("truncated_last_line", "admissions")


def test_a_record_that_an_unclosed_quote_would_swallow_is_kept(lake):
    lines = [HEADER, FIRST, SECOND.replace("RXA", '"RXA'), THIRD, ""]
    delivery, _ = second_of(lake, "admissions", "\n".join(lines))
    assert lake.rows("admissions", "record, epikey", (delivery,)) == [(1, "first"), (3, "third")]


def test_a_blank_line_is_counted_and_is_no_row(lake):
    delivery, is_accepted = second_of(lake, "admissions", "\n".join([HEADER, FIRST, "", SECOND, " ", THIRD, ""]))
    assert (is_accepted, delivery.lines_blank) == (True, 2)


UNPLACED = {
    "pseudonym blank": ("admissions", {"PSEUDO_HESID": ""}, "missing_person", "PSEUDO_HESID"),
    "pseudonym a hyphen": ("population", {"PSEUDO_HESID": "-"}, "missing_person", "PSEUDO_HESID"),
    "pseudonym with a blank": ("emergency_care", {"PSEUDO_HESID": "a b"}, "malformed_person", "PSEUDO_HESID"),
    "pseudonym too long": ("opt_outs", {"PSEUDO_HESID": "x" * 65}, "malformed_person", "PSEUDO_HESID"),
    "episode key missing": ("admissions", {"EPIKEY": " "}, "missing_value", "EPIKEY"),
    "appointment key missing": ("outpatients", {"ATTENDKEY": "&"}, "missing_value", "ATTENDKEY"),
    "attendance key missing": ("emergency_care", {"AEKEY": "-"}, "missing_value", "AEKEY"),
    "site missing": ("enrolments", {"SITE": ""}, "missing_value", "SITE"),
    "wave missing": ("patient_survey", {"WAVE": ""}, "missing_value", "WAVE"),
    "respondent missing": ("patient_survey", {"STAFF_ID": ""}, "missing_respondent", "PSEUDO_HESID"),
    "provider missing": ("admissions", {"PROCODE3": ""}, "missing_value", "PROCODE3"),
    "provider malformed": ("admissions", {"PROCODE3": "R-1"}, "malformed_code", "PROCODE3"),
    "episode start missing": ("admissions", {"EPISTART": ""}, "missing_value", "EPISTART"),
    "episode start impossible": ("admissions", {"EPISTART": "2010-02-30"}, "impossible_date", "EPISTART"),
    "episode start a sentinel": ("admissions", {"EPISTART": "1801-01-01"}, "sentinel_date", "EPISTART"),
    "episode start in the future": (
        "admissions",
        {"EPISTART": "2011-07-01", "EPIEND": "2011-07-01", "DISDATE": "", "ADMIDATE": ""},
        "future_date",
        "EPISTART",
    ),
    "end of a finished episode missing": ("admissions", {"EPIEND": ""}, "missing_value", "EPIEND"),
    "end of a finished episode a sentinel": ("admissions", {"EPIEND": "1582-10-15"}, "sentinel_date", "EPIEND"),
    "end of a finished episode in the future": (
        "admissions",
        {"EPIEND": "2011-07-01", "DISDATE": ""},
        "future_date",
        "EPIEND",
    ),
    "appointment date missing": ("outpatients", {"APPTDATE": ""}, "missing_value", "APPTDATE"),
    "appointment date impossible": ("outpatients", {"APPTDATE": "32/01/2010"}, "impossible_date", "APPTDATE"),
    "appointment date in the future": ("outpatients", {"APPTDATE": "2011-07-01"}, "future_date", "APPTDATE"),
    "arrival date a sentinel": ("emergency_care", {"ARRIVALDATE": "1800-01-01"}, "sentinel_date", "ARRIVALDATE"),
    "index date missing": ("enrolments", {"INDEX_DATE": ""}, "missing_value", "INDEX_DATE"),
    "index date in the future": (
        "enrolments",
        {"INDEX_DATE": "2011-07-01", "END_DATE": ""},
        "future_date",
        "INDEX_DATE",
    ),
    "date of birth impossible": ("population", {"DOB": "1940-13-01"}, "impossible_date", "DOB"),
    "episode end before start": (
        "admissions",
        {"EPIEND": "2010-01-01", "DISDATE": ""},
        "episode_ends_before_start",
        "EPIEND",
    ),
    "discharge before admission": (
        "admissions",
        {"DISDATE": "2010-01-01"},
        "discharge_before_admission",
        "DISDATE",
    ),
    "episode before admission": ("admissions", {"ADMIDATE": "2010-01-03"}, "episode_before_admission", "EPISTART"),
    "death before birth": ("population", {"DATE_OF_DEATH": "1939-01-01"}, "death_before_birth", "DATE_OF_DEATH"),
    "enrolment ends before start": (
        "enrolments",
        {"END_DATE": "2010-01-01"},
        "enrolment_ends_before_start",
        "END_DATE",
    ),
}


@pytest.mark.parametrize("kind", UNPLACED)
def test_a_record_that_cannot_be_placed_is_quarantined_with_rule_column_and_text(lake, kind):
    extract, changes, rule, column = UNPLACED[kind]
    records = three(extract, changes)
    delivery, is_accepted = second_of(lake, extract, as_csv(records) if len(records[0]) > 1 else listed(records))
    assert not is_accepted
    text = records[1].get(column) or None
    assert lake.quarantined(delivery, "record, line, rule_id, column_name, original_text") == [
        (2, 3, rule, column, text)
    ]
    assert_has_a_message(rule, extract)


def listed(records: list[Record]) -> str:
    return "PSEUDO_HESID\n" + "".join(f"{record['PSEUDO_HESID']}\n" for record in records)


NHS_NUMBERS = {
    "": "missing_person",
    "-": "missing_person",
    "99900O0018": "nhs_number_not_numeric",
    "999000001": "nhs_number_wrong_length",
    "99900000188": "nhs_number_wrong_length",
    "3459124359": "nhs_number_wrong_check_digit",
    "9990000019": "nhs_number_wrong_check_digit",
    "1111111111": "nhs_number_equal_digits",
    "0000000000": "nhs_number_equal_digits",
}


@pytest.mark.parametrize("number", NHS_NUMBERS)
def test_a_wrong_nhs_number_is_quarantined_and_its_text_is_not_kept(lake, number):
    names = [("NHSNO" if name == "PSEUDO_HESID" else name) for name in EPISODE]
    rows = [dict(zip(names, record.values(), strict=True)) for record in three("admissions", {})]
    numbers = ("9990000018", number, "9434765919")
    content = as_csv([{**row, "NHSNO": written} for row, written in zip(rows, numbers, strict=True)])
    delivery, is_accepted = second_of(lake, "admissions", content)
    assert not is_accepted
    columns = "record, rule_id, column_name, original_text"
    assert lake.quarantined(delivery, columns) == [(2, NHS_NUMBERS[number], "PSEUDO_HESID", None)]
    assert_has_a_message(NHS_NUMBERS[number], "admissions")


@pytest.mark.parametrize(("attended", "is_kept"), [("0", True), ("5", False), ("3", False)])
def test_only_a_booked_appointment_may_lie_in_the_future(lake, attended, is_kept):
    changes = {"APPTDATE": "2031-01-01", "ATTENDED": attended}
    _, is_accepted = second_of(lake, "outpatients", as_csv(three("outpatients", changes)))
    assert is_accepted == is_kept


@pytest.mark.parametrize(
    ("name", "last_day"),
    [
        ("a.csv", date(2011, 6, 30)),
        ("a_2010-04_to_2010-05.csv", date(2011, 6, 30)),
        ("a_2011-01_to_2011-09.csv", date(2011, 9, 30)),
        ("a_2031-12.csv", date(2031, 12, 31)),
    ],
)
def test_the_future_starts_after_the_later_of_the_end_of_data_and_the_files_period(lake, name, last_day):
    on_it, after_it = last_day.isoformat(), date.fromordinal(last_day.toordinal() + 1).isoformat()
    key, good = GOOD["outpatients"]
    lake.put(name, as_csv([{**good, key: day, "APPTDATE": day} for day in (on_it, after_it)]), extract="outpatients")
    (delivery,) = lake.read("outpatients")
    assert lake.rows("outpatients", "attendkey", (delivery,)) == [(on_it,)]
    assert lake.quarantined(delivery, "rule_id, original_text") == [("future_date", after_it)]


# Nulled: the field is lost, the row is kept.

NULLED = {
    "unknown admission method": ("admissions", "ADMIMETH", "77", "unknown_code:admimeth"),
    "unknown discharge method": ("admissions", "DISMETH", "7", "unknown_code:dismeth"),
    "unknown attendance": ("outpatients", "ATTENDED", "8", "unknown_code:attended"),
    "unknown sex": ("population", "SEX", "3", "unknown_code:sex"),
    "unknown sex of a patient": ("admissions", "SEX", "M", "unknown_code:sex"),
    "malformed primary diagnosis": ("admissions", "DIAG_01", "4019", "malformed_code:diag_01"),
    "malformed secondary diagnosis": ("admissions", "DIAG_02", "4019", "malformed_code:diag_secondary"),
    "malformed procedure": ("admissions", "OPERTN_01", "12", "malformed_code:opertn"),
    "malformed specialty": ("outpatients", "TRETSPEF", "3", "malformed_code:tretspef"),
    "age above 120": ("admissions", "STARTAGE", "121", "out_of_range:startage"),
    "age that is no number": ("admissions", "STARTAGE", "old", "not_a_number:startage"),
    "age that is no infant's": ("admissions", "STARTAGE", "7008", "out_of_range:startage"),
    "impossible time": ("emergency_care", "ARRIVALTIME", "2561", "impossible_time:arrivaltime"),
    "discharge date a sentinel": ("admissions", "DISDATE", "1801-01-01", "sentinel_date:disdate"),
    "admission date a sentinel": ("admissions", "ADMIDATE", "1800-01-01", "sentinel_date:admidate"),
    "discharge date impossible": ("admissions", "DISDATE", "2010-02-30", "impossible_date:disdate"),
    "discharge date in the future": ("admissions", "DISDATE", "2011-07-01", "future_date:disdate"),
    "date of death a sentinel": ("population", "DATE_OF_DEATH", "1582-10-15", "sentinel_date:date_of_death"),
    "registration impossible": ("population", "REG_START", "2010-00-01", "impossible_date:reg_start"),
    "care home unknown": ("population", "CARE_HOME", "perhaps", "unknown_code:care_home"),
}


@pytest.mark.parametrize("kind", NULLED)
def test_a_bad_value_that_places_nothing_is_nulled_and_its_row_kept(lake, kind):
    extract, column, written, token = NULLED[kind]
    delivery, is_accepted = second_of(lake, extract, as_csv(three(extract, {column: written})))
    assert is_accepted
    row = pl.read_parquet(delivery.records).row(1, named=True)
    value = row[token.split(":")[1]]
    assert row["nulled_fields"] == token
    assert row["repaired_fields"] is None
    assert value in (None, []) or written not in value
    assert_has_a_message(token.split(":")[0], extract)


# Repaired: only written differently.

REPAIRED = {
    "blanks around an identifier": ("admissions", "PSEUDO_HESID", "  Ab1 ", "Ab1", "outer_blanks:person_id"),
    "blanks around a key": ("admissions", "EPIKEY", " second ", "second", "outer_blanks:epikey"),
    "dd/mm/yyyy": ("admissions", "EPISTART", "02/01/2010", date(2010, 1, 2), "date_format:epistart"),
    "yyyymmdd": ("outpatients", "APPTDATE", "20100102", date(2010, 1, 2), "date_format:apptdate"),
    "a time behind a date": (
        "emergency_care",
        "ARRIVALDATE",
        "2010-01-02 00:00:00",
        date(2010, 1, 2),
        "date_format:arrivaldate",
    ),
    "a time with a colon": ("emergency_care", "ARRIVALTIME", "9:05", "0905", "time_format:arrivaltime"),
    "padded code": ("admissions", "ADMIMETH", " 2A", "2A", "padded_code:admimeth"),
    "lower-case code": ("admissions", "ADMIMETH", "2a", "2A", "lower_case_code:admimeth"),
    "lower-case provider": ("admissions", "PROCODE3", "rxa", "RXA", "lower_case_code:procode3"),
    "ICD-10 with a dot": ("admissions", "DIAG_01", "J44.0", "J440", "dotted_code:diag_01"),
    "secondary ICD-10 with a dot": ("admissions", "DIAG_02", "J44.0", ["J440"], "dotted_code:diag_secondary"),
    "54.0 for 54": ("admissions", "STARTAGE", "54.0", 54, "whole_number:startage"),
    "leading zero": ("admissions", "STARTAGE", "067", 67, "number_format:startage"),
    "infant of 7001": ("admissions", "STARTAGE", "7001", 0, "infant_age:startage"),
    "infant of 7007": ("admissions", "STARTAGE", "7007", 0, "infant_age:startage"),
    "newline in a quoted field": ("admissions", "PROCODE3", '"RXA\n"', "RXA", "newline_in_field:procode3"),
}


@pytest.mark.parametrize("kind", REPAIRED)
def test_a_value_that_is_only_written_differently_is_repaired_and_counted(lake, kind):
    extract, column, written, value, token = REPAIRED[kind]
    delivery, is_accepted = second_of(lake, extract, as_csv(three(extract, {column: written})))
    assert is_accepted
    row = pl.read_parquet(delivery.records).row(1, named=True)
    rule, name = token.split(":")
    assert (row[name], row["repaired_fields"], row["nulled_fields"]) == (value, token, None)
    assert REPAIRS[rule].expected


def test_blanks_and_hyphens_in_an_nhs_number_are_repaired(lake):
    people = [{"NHSNO": number, "DOB": "1940-02-03", "SEX": "2"} for number in ("9990000018", "999 000-0018")]
    lake.put("a.csv", as_csv(people), extract="population")
    rows = lake.rows("population", "record, person_id, repaired_fields", lake.read("population", key=KEY))
    assert rows[0][1] == rows[1][1]
    assert [row[2] for row in rows] == [None, "blanks_in_number:person_id"]


def test_a_line_of_windows_text_is_repaired(lake):
    changes = {"STATUS": "caf\xe9"}
    rows = [{"STATUS": "", **record} for record in three("enrolments", changes)]
    delivery, is_accepted = second_of(lake, "enrolments", as_csv(rows).encode("cp1252"))
    assert is_accepted
    row = pl.read_parquet(delivery.records).row(1, named=True)
    assert (row["status"], row["repaired_fields"]) == ("café", "cp1252_line:record")


# Refused: the file is not what its folder is for; the others are read.

TEXT = as_csv(three("admissions", {}))


def zipped(**members: bytes | str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def encrypted() -> bytes:
    """An archive whose entry is marked as encrypted, in its own header and in the directory."""
    content = bytearray(zipped(**{"b.csv": TEXT}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    return bytes(content)


def twice() -> bytes:
    """An archive with two files of the same name."""
    return zipped(**{"b.csv": TEXT, "c.csv": TEXT.replace("Ab1", "Ab2")}).replace(b"c.csv", b"b.csv")


def linked() -> bytes:
    """An archive with a member that is a symbolic link."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        member = zipfile.ZipInfo("b.csv")
        member.external_attr = 0o120777 << 16
        archive.writestr(member, "/etc/hostname")
    return buffer.getvalue()


def stretched() -> bytes:
    return gzip.compress(b"0" * 30_000_000)


def two_sheets() -> bytes:
    buffer = io.BytesIO(as_xlsx([list(EPISODE), list(EPISODE.values())]))
    changed = io.BytesIO()
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            text = old.read(name).decode()
            sheet = '<sheet name="Sheet1" sheetId="1" r:id="r1"/>'
            text = text.replace(sheet, sheet + sheet.replace("Sheet1", "Sheet2").replace('"1"', '"2"'))
            new.writestr(name, text)
    return changed.getvalue()


REFUSED: Mapping[str, tuple[str, bytes, str]] = {
    "required column missing": ("a.csv", TEXT.replace("EPISTART", "BEGUN").encode(), "required_column_missing"),
    "header missing": ("a.csv", f"{FIRST}\n{SECOND}\n".encode(), "header_missing"),
    "header with an open quote": ("a.csv", f'{HEADER},"x\n{FIRST},1\n{SECOND},"2\n'.encode(), "header_broken"),
    "column twice": ("a.csv", TEXT.replace("SEX", "EPIKEY").encode(), "column_repeated"),
    "zero bytes": ("a.csv", b"", "empty_file"),
    "blank lines only": ("a.csv", b"\n \r\n\n", "empty_file"),
    "zero bytes in gzip": ("a.csv.gz", gzip.compress(b""), "empty_file"),
    "header only": ("a.csv", f"{HEADER}\n".encode(), "no_records"),
    "another data set": ("a.csv", as_csv([APPOINTMENT]).encode(), "required_column_missing"),
    "another data set without a common column": ("a.csv", b"AEKEY,TEAM\n1,x\n", "header_missing"),
    "not text": ("a.csv", zipped(**{"b.csv": TEXT}), "misnamed_file"),
    "half of UTF-16": ("a.csv", TEXT.encode("utf-16") + b"\x00\xd8", "encoding_broken"),
    "unknown kind of file": ("a.docx", b"x", "unknown_file_type"),
    "broken gzip": ("a.csv.gz", gzip.compress(TEXT.encode())[:-9], "archive_broken"),
    "broken zip": ("a.zip", zipped(**{"b.csv": TEXT})[:-30], "archive_broken"),
    "zip with a wrong checksum": ("a.zip", zipped(**{"b.csv": TEXT}).replace(b"b.csv", b"c.csv", 1), "archive_broken"),
    "empty zip": ("a.zip", zipped(), "archive_empty"),
    "zip with two files of one name": ("a.zip", twice(), "archive_broken"),
    "encrypted zip": ("a.zip", encrypted(), "archive_encrypted"),
    "zip in a zip": ("a.zip", zipped(**{"b.zip": zipped()}), "archive_nested"),
    "gzip of a zip": ("a.zip.gz", gzip.compress(zipped()), "archive_nested"),
    "gzip of a spreadsheet": ("a.xlsx.gz", gzip.compress(b"x"), "archive_nested"),
    "absurdly compressed gzip": ("a.csv.gz", stretched(), "archive_too_large"),
    "absurdly compressed zip": ("a.zip", zipped(**{"b.csv": b"0" * 30_000_000}), "archive_too_large"),
    "path out of the archive": ("a.zip", zipped(**{"../b.csv": TEXT}), "path_leaves_archive"),
    "absolute path": ("a.zip", zipped(**{"/tmp/b.csv": TEXT}), "path_leaves_archive"),
    "Windows path": ("a.zip", zipped(**{"C:\\b.csv": TEXT}), "path_leaves_archive"),
    "link in an archive": ("a.zip", linked(), "path_leaves_archive"),
    "broken Parquet": ("a.parquet", b"PAR1 no more", "parquet_unreadable"),
    "broken spreadsheet": ("a.xlsx", b"no sheet", "spreadsheet_unreadable"),
    "two sheets": ("a.xlsx", two_sheets(), "spreadsheet_several_sheets"),
}


def put_refused_links(folder: Path, outside: Path) -> None:
    """What cannot be written as bytes: links out of the folder, a link to itself, and a folder."""
    outside.write_text(TEXT, encoding="utf-8")
    (folder / "link.csv").symlink_to(outside)
    (folder / "link to a folder").symlink_to(outside.parent)
    (folder / "loop.csv").symlink_to("loop.csv")
    (folder / "old").mkdir()


LINKS = {
    "link.csv": "path_leaves_folder",
    "link to a folder": "path_leaves_folder",
    "loop.csv": "not_a_file",
    "old": "not_a_file",
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_file_is_refused_by_a_rule_that_says_what_was_expected_and_what_to_do(lake, kind):
    name, content, rule = REFUSED[kind]
    lake.put(name, content)
    lake.put("z.csv", TEXT)
    refused, good = lake.read()
    assert (refused.status, refused.rows_read, refused.records) == ("refused", 0, None)
    assert (refused.reason or "").startswith(f"{rule}: ")
    assert (refused.reason or "").endswith(
        f"; expected: {REFUSED_FILES[rule].expected}; do: {REFUSED_FILES[rule].advice}"
    )
    assert (good.status, good.rows_read, good.rows_quarantined) == ("accepted", 3, 0)


def test_links_out_of_the_folder_and_folders_are_refused_by_their_rules(lake):
    put_refused_links(lake.folder(), lake.root / "outside.csv")
    reasons = {delivery.file_name: (delivery.reason or "").split(":")[0] for delivery in lake.read()}
    assert reasons == LINKS


def test_every_rule_that_refuses_files_has_its_case_here():
    elsewhere = {"overlapping_periods", "file_unreadable", "records_unreadable"}
    assert {rule for _, _, rule in REFUSED.values()} | set(LINKS.values()) | elsewhere == set(REFUSED_FILES)


def test_the_check_names_file_rule_expectation_and_advice_of_every_refused_file(tmp_path):
    folder = write_tiny_study(tmp_path / "study")
    extract = folder / "extracts" / "admissions"
    put_refused_links(extract, tmp_path / "outside.csv")
    for number, (name, content, _) in enumerate(REFUSED.values()):
        (extract / f"{number}_{name}").write_bytes(content)
    report = check_study(load_study(folder), say=lambda _line: None)
    assert report.exit_code == 3
    for number, (name, _, rule) in enumerate(REFUSED.values()):
        assert f"admissions/{number}_{name}" in report.text
        assert any(
            line.startswith(f"admissions/{number}_{name}") and f" was refused: {rule}: " in line and "; do: " in line
            for line in report.text.splitlines()
        )
    assert "admissions/link.csv was refused: path_leaves_folder: " in report.text


# Growing: left for the next run.


def test_a_file_that_is_written_to_between_two_looks_is_left_for_the_next_run(lake):
    path = lake.put("a.csv", f"{HEADER}\n{FIRST}\n")
    lake.put("z.csv", TEXT.replace("first", "z1").replace("second", "z2").replace("third", "z3"))

    class Writing(list[str]):
        def append(self, line: str) -> None:
            super().append(line)
            if "a.csv" in line:
                path.write_text(TEXT, encoding="utf-8")

    growing, good = lake.read(heard=Writing())
    assert (growing.status, growing.rows_read, growing.records) == ("growing", 0, None)
    assert (good.status, good.rows_read) == ("accepted", 3)
    assert [(delivery.status, delivery.rows_read) for delivery in lake.read()] == [("accepted", 3), ("accepted", 3)]


# Kept or set aside by the ledger: who, when and which delivery; all in one study of a few people.

EXTRACTS = PROTOCOL.replace("periods:", "  opt_outs: {contract: opt_out}\nperiods:")
COLUMNS, *EPISODES = FILES["admissions/admissions_2010-01_to_2010-12.csv"].splitlines()
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
