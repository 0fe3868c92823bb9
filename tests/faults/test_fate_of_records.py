"""Every kind of record that cannot be taken apart or not be placed in time is quarantined: one rule, one message.

Each stands between two good ones, which stay untouched whatever becomes of it.
"""

from datetime import date

import pytest

from tests.small_extracts import EPISODE, Record, as_csv
from tests.three_records import GOOD, assert_has_a_message, second_of, three

HEADER, FIRST, SECOND, THIRD = as_csv(three("admissions", {})).splitlines()
BROKEN_LINES = {
    "too few cells": (SECOND.rsplit(",", 1)[0], "wrong_field_count"),
    "too many cells": (f"{SECOND},more", "wrong_field_count"),
    "the header again": (HEADER, "repeated_header"),
    "bytes of no encoding": (SECOND.replace("RXA", "R\x81A"), "undecodable_row"),
    "a quote that is never closed": (SECOND.replace("RXA", '"RXA'), "unclosed_quote"),
    "more text than any record has, over two lines": (
        SECOND.replace("second", '"sec\nond"').replace("RXA,1,67", ",".join(["R" * 390_000] * 3)),
        "record_too_long",
    ),
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
