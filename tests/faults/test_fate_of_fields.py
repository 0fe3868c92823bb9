"""Every kind of bad value in a record that stays: nulled by one rule, or repaired where it is only written differently.

Each stands between two good records, which stay untouched whatever becomes of it.
"""

from datetime import date

import polars as pl
import pytest

from pipelines.reading.rules import REPAIRS
from tests.small_extracts import KEY, as_csv
from tests.three_records import assert_has_a_message, second_of, three

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
