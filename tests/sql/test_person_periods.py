"""What is counted for whom and when: windows, observed days, missing extracts, bed days."""

from datetime import date
from typing import Any

import pytest

from tests.sql.around_an_index_date import MONTHS, covered
from tests.sql.around_an_index_date import period_counts as counts
from tests.sql.small_study import SmallStudy, appointment, attendance, enrolment, episode, person


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2009-12-31", (0, 0)),  # the day before the baseline
        ("2010-01-01", (1, 0)),  # its first day
        ("2010-06-30", (1, 0)),  # its last day
        ("2010-07-01", (0, 1)),  # the index date itself
        ("2010-12-31", (0, 1)),  # the last day of follow-up
        ("2011-01-01", (0, 0)),  # the day after
    ],
)
def test_activity_counts_in_the_window_that_its_day_falls_in(day: str, expected: tuple[int, int]) -> None:
    assert counts("emergency_admissions", admissions=[episode(day, "2011-03-01")]) == expected
    assert counts("outpatient_attendances", outpatients=[appointment(day)]) == expected
    assert counts("ae_attendances", emergency_care=[attendance(day)]) == expected


def test_a_window_from_the_end_of_a_month_ends_where_the_month_is_clipped() -> None:
    days = ["2010-08-30", "2010-08-31", "2011-02-27", "2011-02-28"]
    rows = [attendance(day) for day in days]
    assert counts("ae_attendances", index_date="2010-08-31", emergency_care=rows) == (1, 2)


def test_an_admission_counts_where_it_starts_even_if_it_ends_elsewhere() -> None:
    assert counts("emergency_admissions", admissions=[episode("2010-06-30", "2010-07-20")]) == (1, 0)


def test_a_transfer_counts_one_admission_in_the_window_of_its_first_stay() -> None:
    rows = [
        episode("2010-06-29", "2010-06-30", disdest="51"),
        episode("2010-07-01", "2010-07-20", procode3="RBB", admimeth="2B", admisorc="51"),
    ]
    assert counts("emergency_admissions", admissions=rows) == (1, 0)


def test_the_study_s_rule_for_continuous_spells_is_the_one_that_counts() -> None:
    rows = [
        episode("2010-08-01", "2010-08-05", disdest="51"),
        episode("2010-08-08", "2010-08-20", procode3="RBB", admimeth="22"),  # after three days: joined by hf_che only
    ]
    assert counts("emergency_admissions", admissions=rows) == (0, 2)
    assert counts("emergency_admissions", admissions=rows, design={"continuous_rule": "hf_che"}) == (0, 1)
    study = SmallStudy(enrolments=[enrolment("2010-07-01")], admissions=rows)
    assert study.query(
        "select arm, period, continuous_rule, emergency_admissions from emergency_admissions_by_rule order by all"
    ) == [
        ("pilot", "baseline", "hf_che", 0),
        ("pilot", "baseline", "nhs_digital_2014", 0),
        ("pilot", "follow_up", "hf_che", 1),
        ("pilot", "follow_up", "nhs_digital_2014", 2),
    ]


def test_nights_say_which_emergency_admissions_were_short() -> None:
    rows = [
        episode("2010-08-01", "2010-08-01"),
        episode("2010-09-01", "2010-09-02"),
        episode("2010-10-01", None, epistat="1", dismeth=None),  # unfinished: in neither
    ]
    assert counts("emergency_admissions", admissions=rows) == (0, 3)
    assert counts("emergency_admissions_zero_night", admissions=rows) == (0, 1)
    assert counts("emergency_admissions_overnight", admissions=rows) == (0, 1)


def test_elective_admissions_are_ordinary_or_day_cases_and_regular_attendances_stand_apart() -> None:
    rows = [
        episode("2010-08-01", "2010-08-03", admimeth="11", classpat="1"),
        episode("2010-08-11", "2010-08-11", admimeth="12", classpat="2"),
        episode("2010-08-21", "2010-08-21", admimeth="13", classpat="3"),
        episode("2010-08-22", "2010-08-22", admimeth="13", classpat="4"),
        episode("2010-09-01", "2010-09-03", admimeth="13", classpat="5"),  # mother and baby
        episode("2010-09-11", "2010-09-13", admimeth="13", classpat=None),
        episode("2010-09-21", "2010-09-23", admimeth="31", classpat="1"),  # maternity
    ]
    assert counts("elective_admissions", admissions=rows) == (0, 2)
    assert counts("regular_attendances", admissions=rows) == (0, 2)
    assert counts("emergency_admissions", admissions=rows) == (0, 0)


def test_outpatient_counts_leave_out_administrative_events_and_show_tele_and_missed_ones() -> None:
    rows = [
        appointment("2010-08-01"),
        appointment("2010-08-02", attended="6", firstatt="4"),
        appointment("2010-08-03", attended="3"),
        appointment("2010-08-04", attended="7", firstatt=None),
        appointment("2010-08-05", firstatt="5"),  # administrative
        appointment("2010-08-06", attended="2"),  # cancelled
    ]
    assert counts("outpatient_attendances", outpatients=rows) == (0, 2)
    assert counts("outpatient_tele_attendances", outpatients=rows) == (0, 1)
    assert counts("outpatient_did_not_attend", outpatients=rows) == (0, 2)


def test_ae_counts_leave_out_planned_follow_ups_but_keep_who_left_before_treatment() -> None:
    rows = [
        attendance("2010-08-01", aeattendcat="2"),
        attendance("2010-08-02", aeattendcat=None),
        attendance("2010-08-03", aeattenddisp="12"),
        attendance("2010-08-03", aeattenddisp="13"),
    ]
    assert counts("ae_attendances", emergency_care=rows) == (0, 3)


def test_nothing_counts_on_a_day_on_which_the_person_is_not_observed() -> None:
    rows = [attendance("2010-07-09"), attendance("2010-07-10"), attendance("2010-07-11")]
    assert counts("ae_attendances", emergency_care=rows, population=[person(date_of_death="2010-07-10")]) == (0, 2)
    assert counts("ae_attendances", emergency_care=rows, population=[person(reg_end="2010-07-10")]) == (0, 2)
    assert counts("ae_attendances", emergency_care=rows, population=[person(reg_start="2010-07-10")]) == (0, 2)
    assert counts("ae_attendances", emergency_care=rows, population=[person(dob="2010-07-10")]) == (0, 2)
    assert counts("ae_attendances", emergency_care=rows, design={"data_until": "2010-07-10"}) == (0, 2)


def test_bed_days_are_the_nights_within_the_window() -> None:
    rows = [
        episode("2009-12-25", "2010-01-03"),  # two nights in the baseline: 1 and 2 January
        episode("2010-06-29", "2010-07-04"),  # two in the baseline, three in follow-up
        episode("2010-08-01", "2010-08-01"),  # none
        episode("2010-12-30", "2011-01-09"),  # two in follow-up: 30 and 31 December
        episode("2010-10-01", None, epistat="1", dismeth=None),  # not known to have ended: none
    ]
    assert counts("emergency_bed_days", admissions=rows) == (4, 5)
    assert counts("elective_bed_days", admissions=rows) == (0, 0)


def test_bed_days_end_with_the_last_observed_day() -> None:
    rows = [episode("2010-07-05", "2010-07-20", admimeth="11")]
    assert counts("elective_bed_days", admissions=rows) == (0, 15)
    assert counts("elective_bed_days", admissions=rows, population=[person(date_of_death="2010-07-07")]) == (0, 3)
    assert counts("elective_bed_days", admissions=rows, population=[person(reg_start="2010-07-18")]) == (0, 2)
    assert counts("elective_bed_days", admissions=rows, design={"data_until": "2010-07-10"}) == (0, 6)


def test_bed_days_of_a_transfer_run_to_the_last_discharge() -> None:
    rows = [
        episode("2010-08-01", "2010-08-05", disdest="51"),
        episode("2010-08-06", "2010-08-10", procode3="RBB", admimeth="81", admisorc="51"),
    ]
    assert counts("emergency_bed_days", admissions=rows) == (0, 9)


def test_bed_days_of_neither_emergency_nor_elective_stays_are_not_counted() -> None:
    rows = [episode("2010-08-01", "2010-08-05", admimeth="31")]
    assert counts("emergency_bed_days + elective_bed_days", admissions=rows) == (0, 0)


@pytest.mark.parametrize(
    ("date_of_death", "expected"),
    [
        ("2010-06-30", (True, False)),
        ("2010-07-01", (False, True)),
        ("2010-12-31", (False, True)),
        ("2011-01-01", (False, False)),
        (None, (False, False)),
    ],
)
def test_a_death_counts_in_the_window_it_falls_in(date_of_death: str | None, expected: tuple[bool, bool]) -> None:
    assert counts("died", population=[person(date_of_death=date_of_death)]) == expected


def test_a_death_in_hospital_keeps_the_admission_and_its_nights() -> None:
    study: dict[str, Any] = {
        "admissions": [episode("2010-08-01", "2010-08-05", dismeth="4", disdest="79")],
        "population": [person(date_of_death="2010-08-05")],
    }
    assert counts("emergency_admissions", **study) == (0, 1)
    assert counts("emergency_bed_days", **study) == (0, 4)
    assert counts("died", **study) == (False, True)


def test_an_extract_that_is_missing_makes_its_counts_null_and_no_others() -> None:
    study: dict[str, Any] = {"admissions": [episode("2010-08-01", "2010-08-05")], "coverage": covered(outpatients=[])}
    assert counts("outpatient_attendances", **study) == (None, None)
    assert counts("outpatient_tele_attendances", **study) == (None, None)
    assert counts("outpatient_did_not_attend", **study) == (None, None)
    assert counts("emergency_admissions", **study) == (0, 1)
    assert counts("ae_attendances", **study) == (0, 0)


def test_a_month_that_an_extract_does_not_cover_makes_the_period_null_not_zero() -> None:
    gap = [month for month in MONTHS if month != date(2010, 9, 1)]
    study: dict[str, Any] = {"admissions": [episode("2010-08-01", "2010-08-05")], "coverage": covered(admissions=gap)}
    assert counts("emergency_admissions", **study) == (0, None)
    assert counts("elective_bed_days", **study) == (0, None)
    assert counts("person_days", **study) == (181, 184)


def test_a_window_needs_every_calendar_month_that_it_touches() -> None:
    until_december = [month for month in MONTHS if month <= date(2010, 12, 1)]
    study: dict[str, Any] = {"coverage": covered(admissions=until_december)}
    assert counts("emergency_admissions", index_date="2010-07-01", **study) == (0, 0)
    assert counts("emergency_admissions", index_date="2010-07-02", **study) == (0, None)


def test_only_the_months_of_observed_days_need_to_be_covered() -> None:
    until_august = [month for month in MONTHS if month <= date(2010, 8, 1)]
    study: dict[str, Any] = {"coverage": covered(admissions=until_august)}
    assert counts("emergency_admissions", population=[person(date_of_death="2010-08-31")], **study) == (0, 0)
    assert counts("emergency_admissions", population=[person(date_of_death="2010-09-01")], **study) == (0, None)
    assert counts("emergency_admissions", design={"data_until": "2010-08-31"}, **study) == (0, 0)


def test_somebody_without_observed_days_has_zero_where_the_extract_exists_and_null_where_it_does_not() -> None:
    study: dict[str, Any] = {"population": [person(date_of_death="2010-03-01")], "coverage": covered(outpatients=[])}
    assert counts("person_days", **study) == (60, 0)
    assert counts("emergency_admissions", **study) == (0, 0)
    assert counts("outpatient_attendances", **study) == (None, None)


def test_everyone_with_an_index_date_has_a_row_for_both_periods() -> None:
    study = SmallStudy(
        enrolments=[enrolment("2010-07-01")], population=[person("p1", date_of_death="2009-01-01"), person("c1")]
    )
    assert study.query("select person_id, is_pilot, site_id, period from person_periods order by all") == [
        ("c1", False, None, "baseline"),
        ("c1", False, None, "follow_up"),
        ("p1", True, "s1", "baseline"),
        ("p1", True, "s1", "follow_up"),
    ]


def test_months_have_the_same_counts_month_by_month() -> None:
    rows = [attendance("2010-06-30"), attendance("2010-07-31"), attendance("2010-08-01"), attendance("2009-07-01")]
    study = SmallStudy(enrolments=[enrolment("2010-07-01")], emergency_care=rows)
    assert study.query(
        """select month_from_index, month_start_date, period, ae_attendances from person_months
        where ae_attendances > 0 order by 1"""
    ) == [
        (-12, date(2009, 7, 1), "look_back", 1),
        (-1, date(2010, 6, 1), "baseline", 1),
        (0, date(2010, 7, 1), "follow_up", 1),
        (1, date(2010, 8, 1), "follow_up", 1),
    ]
    assert study.value("select count(*) from person_months") == 18


def test_emergency_admissions_by_rule_are_null_where_somebody_of_the_arm_is_not_covered() -> None:
    until_december = [month for month in MONTHS if month <= date(2010, 12, 1)]
    study = SmallStudy(
        enrolments=[enrolment("2010-07-01"), enrolment("2010-08-01", person_id="p2")],
        admissions=[episode("2010-06-20", "2010-06-25")],
        coverage=covered(admissions=until_december),
    )
    assert study.query(
        """select period, emergency_admissions, round(person_years * 365.25) from emergency_admissions_by_rule
        where continuous_rule = 'hf_che' and arm = 'pilot' order by all"""
    ) == [("baseline", 1, 181 + 181), ("follow_up", None, 184 + 184)]
