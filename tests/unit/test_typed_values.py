"""How each kind of value is typed, repaired, nulled or refused."""

from datetime import date, datetime

import polars as pl
import pytest

from tests.small_extracts import APPOINTMENT, EPISODE, PERSON, as_csv, as_xlsx, one_refusal, one_value


@pytest.mark.parametrize(
    ("column", "written", "value", "nulled", "repaired"),
    [
        ("ADMIMETH", "2A", "2A", None, None),
        ("ADMIMETH", "2a", "2A", None, "lower_case_code:admimeth"),
        ("ADMIMETH", " 21 ", "21", None, "padded_code:admimeth"),
        ("ADMIMETH", "77", None, "unknown_code:admimeth", None),
        ("ADMIMETH", "-", None, None, None),
        ("ADMIMETH", "&", None, None, None),
        ("ADMIMETH", "", None, None, None),
        ("DISDATE", "2010-01-05", date(2010, 1, 5), None, None),
        ("DISDATE", "05/01/2010", date(2010, 1, 5), None, "date_format:disdate"),
        ("DISDATE", "20100105", date(2010, 1, 5), None, "date_format:disdate"),
        ("DISDATE", "2010-01-05 00:00:00", date(2010, 1, 5), None, "date_format:disdate"),
        ("DISDATE", " 2010-01-05", date(2010, 1, 5), None, "outer_blanks:disdate"),
        ("DISDATE", "1801-01-01", None, "sentinel_date:disdate", None),
        ("DISDATE", "1582-10-15", None, "sentinel_date:disdate", None),
        ("DISDATE", "2010-02-30", None, "impossible_date:disdate", None),
        ("DISDATE", "05/01/10", None, "impossible_date:disdate", None),
        ("DISDATE", "infinity", None, "impossible_date:disdate", None),
        ("DISDATE", "epoch", None, "impossible_date:disdate", None),
        ("DISDATE", "2012-01-05", None, "future_date:disdate", None),
        ("STARTAGE", "67", 67, None, None),
        ("STARTAGE", "54.0", 54, None, "whole_number:startage"),
        ("STARTAGE", "067", 67, None, "number_format:startage"),
        ("STARTAGE", "7001", 0, None, "infant_age:startage"),
        ("STARTAGE", "7007.0", 0, None, "infant_age:startage"),
        ("STARTAGE", "7008", None, "out_of_range:startage", None),
        ("STARTAGE", "120", 120, None, None),
        ("STARTAGE", "121", None, "out_of_range:startage", None),
        ("STARTAGE", "54.7", None, "not_a_number:startage", None),
        ("STARTAGE", "1e2", None, "not_a_number:startage", None),
        ("STARTAGE", "old", None, "not_a_number:startage", None),
        ("DIAG_01", "I10X", "I10X", None, None),
        ("DIAG_01", "j44.0", "J440", None, "dotted_code:diag_01"),
        ("DIAG_01", "4019", None, "malformed_code:diag_01", None),
        ("EPIKEY", "  7 ", "7", None, "outer_blanks:epikey"),
    ],
)
def test_a_value_is_kept_repaired_or_nulled(lake, column, written, value, nulled, repaired):
    assert one_value(lake, column, written) == (value, nulled, repaired)


@pytest.mark.parametrize(
    ("written", "value", "nulled", "repaired"),
    [
        (["J440", "-", "I10X"], ["J440", "I10X"], None, None),
        (["-   ", "", "&"], [], None, None),
        (["j44.0", "-", ""], ["J440"], None, "dotted_code:diag_secondary"),
        (["J440 ", "0000", ""], ["J440"], "malformed_code:diag_secondary", "padded_code:diag_secondary"),
    ],
)
def test_a_list_holds_the_codes_of_its_cells_in_their_order(lake, written, value, nulled, repaired):
    cells = dict(zip(["DIAG_02", "DIAG_03", "DIAG_04"], written, strict=True))
    lake.put("a.csv", as_csv([{**EPISODE, **cells}]))
    rows = lake.rows("admissions", "diag_secondary, nulled_fields, repaired_fields", lake.read())
    assert rows == [(value, nulled, repaired)]


@pytest.mark.parametrize(
    ("written", "value"), [("0930", "0930"), ("9:30", "0930"), ("09:30:15", "0930"), ("930", "0930"), ("2561", None)]
)
def test_a_time_is_four_digits(lake, written, value):
    attendance = {
        "AEKEY": "1",
        "PSEUDO_HESID": "Ab1",
        "ARRIVALDATE": "2010-01-02",
        "AEATTENDCAT": "1",
        "AEATTENDDISP": "03",
        "PROCODE3": "RXA",
        "ARRIVALTIME": written,
    }
    lake.put("a.csv", as_csv([attendance]), extract="emergency_care")
    assert lake.rows("emergency_care", "arrivaltime", lake.read("emergency_care")) == [(value,)]


@pytest.mark.parametrize(("written", "value"), [("true", True), ("N", False), ("1", True), ("perhaps", None)])
def test_a_flag_is_true_or_false(lake, written, value):
    lake.put("a.csv", as_csv([{**PERSON, "CARE_HOME": written}]), extract="population")
    assert lake.rows("population", "care_home", lake.read("population")) == [(value,)]


def test_a_five_character_provider_gives_its_first_three_characters(lake):
    site = {("PROCODE5" if name == "PROCODE3" else name): value for name, value in EPISODE.items()}
    lake.put("a.csv", as_csv([{**site, "PROCODE5": "RXA01"}]))
    assert lake.rows("admissions", "procode3, repaired_fields", lake.read()) == [("RXA", None)]


def test_columns_that_a_file_does_not_have_are_null(lake):
    lake.put("a.csv", as_csv([EPISODE]))
    assert lake.rows("admissions", "hrg, transit, lsoa11", lake.read()) == [(None, None, None)]


@pytest.mark.parametrize(
    ("changes", "rule", "column", "text"),
    [
        ({"EPIKEY": ""}, "missing_value", "EPIKEY", None),
        ({"PSEUDO_HESID": "-"}, "missing_person", "PSEUDO_HESID", "-"),
        ({"PSEUDO_HESID": "a b"}, "malformed_person", "PSEUDO_HESID", "a b"),
        ({"PSEUDO_HESID": "x" * 65}, "malformed_person", "PSEUDO_HESID", "x" * 65),
        ({"PROCODE3": "&"}, "missing_value", "PROCODE3", "&"),
        ({"PROCODE3": "R"}, "malformed_code", "PROCODE3", "R"),
        ({"EPISTART": ""}, "missing_value", "EPISTART", None),
        ({"EPISTART": "1801-01-01"}, "sentinel_date", "EPISTART", "1801-01-01"),
        ({"EPISTART": "2010-13-01"}, "impossible_date", "EPISTART", "2010-13-01"),
        ({"EPISTART": "2011-07-01", "EPIEND": "2011-06-30"}, "future_date", "EPISTART", "2011-07-01"),
        ({"EPIEND": ""}, "missing_value", "EPIEND", None),
        ({"EPIEND": "2010-01-01", "DISDATE": ""}, "episode_ends_before_start", "EPIEND", "2010-01-01"),
        ({"DISDATE": "2010-01-01"}, "discharge_before_admission", "DISDATE", "2010-01-01"),
        ({"ADMIDATE": "2010-01-03"}, "episode_before_admission", "EPISTART", "2010-01-02"),
    ],
)
def test_a_record_that_cannot_be_placed_is_quarantined_with_its_text(lake, changes, rule, column, text):
    found = one_refusal(lake, "admissions", {**EPISODE, **changes})
    assert (found[0], found[2], found[3]) == (rule, column, text)


def test_the_first_rule_in_the_contracts_order_is_named_and_the_others_stand_beside_it(lake):
    found = one_refusal(lake, "admissions", {**EPISODE, "EPIKEY": "", "PSEUDO_HESID": "", "EPIEND": "2010-01-01"})
    assert found[:3] == ("missing_value", "missing_person episode_ends_before_start", "EPIKEY")


def test_an_unfinished_episode_needs_no_end(lake):
    lake.put("a.csv", as_csv([{**EPISODE, "EPISTAT": "1", "EPIEND": "1801-01-01", "DISDATE": ""}]))
    assert lake.rows("admissions", "epiend, nulled_fields", lake.read()) == [(None, "sentinel_date:epiend")]


def test_a_future_appointment_is_kept_where_it_is_booked_only(lake):
    later = {**APPOINTMENT, "APPTDATE": "2012-05-06"}
    lake.put("a.csv", as_csv([{**later, "ATTENDED": "0"}, {**later, "ATTENDKEY": "2"}]), extract="outpatients")
    (delivery,) = lake.read("outpatients")
    assert lake.rows("outpatients", "attendkey, apptdate", (delivery,)) == [("1", date(2012, 5, 6))]
    assert lake.quarantined(delivery, "record, rule_id") == [(2, "future_date")]


def test_the_files_period_may_be_later_than_the_protocols_end_of_data(lake):
    late = {**EPISODE, "EPISTART": "2011-07-09", "EPIEND": "2011-07-31", "DISDATE": "2011-07-31"}
    lake.put("apc_2011-07.csv", as_csv([late, {**late, "EPIEND": "2011-08-01", "DISDATE": ""}]))
    (delivery,) = lake.read()
    assert (delivery.rows_read, delivery.rows_quarantined) == (2, 1)


def test_dates_and_numbers_of_a_spreadsheet_need_no_repair(lake):
    typed = {**EPISODE, "EPISTART": date(2010, 1, 2), "EPIEND": date(2010, 1, 5), "EPIORDER": 1, "STARTAGE": 67}
    lake.put("a.xlsx", as_xlsx([list(typed), [], list(typed.values())]))
    (delivery,) = lake.read()
    assert delivery.lines_blank == 1
    columns = "epistart, epiend, epiorder, startage, repaired_fields"
    assert lake.rows("admissions", columns, (delivery,)) == [(date(2010, 1, 2), date(2010, 1, 5), 1, 67, None)]


def test_types_of_a_parquet_file_need_no_repair(lake):
    typed = {**EPISODE, "EPISTART": date(2010, 1, 2), "EPIEND": datetime(2010, 1, 5), "STARTAGE": 67.0}  # noqa: DTZ001
    pl.DataFrame([typed]).write_parquet(lake.folder() / "a.parquet")
    columns = "epistart, epiend, startage, repaired_fields"
    assert lake.rows("admissions", columns, lake.read()) == [(date(2010, 1, 2), date(2010, 1, 5), 67, None)]


def test_an_empty_text_in_a_parquet_file_is_no_code(lake):
    cells = {"DIAG_02": "J440", "DIAG_03": "", "DIAG_04": "I10X", "DIAG_05": ""}
    pl.DataFrame([{**EPISODE, **cells}]).write_parquet(lake.folder() / "a.parquet")
    assert lake.rows("admissions", "diag_secondary, nulled_fields", lake.read()) == [(["J440", "I10X"], None)]
