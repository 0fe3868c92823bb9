"""What is known of each person on the day before the index date, and that nothing later enters."""

from datetime import date
from typing import Any

import pytest

from tests.sql.around_an_index_date import MONTHS, covariates, covered
from tests.sql.small_study import appointment, attendance, episode

WINDOWS = ("1_month", "3_months", "6_months", "12_months", "24_months")


def counts(activity: str, **study: Any) -> tuple[Any, ...]:
    """Counts of an activity of p1 in the five windows before the index date."""
    return covariates(*(f"{activity}_{window}" for window in WINDOWS), **study)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2010-07-01", (0, 0, 0, 0, 0)),  # the index date itself
        ("2010-07-02", (0, 0, 0, 0, 0)),  # the day after
        ("2010-06-30", (1, 1, 1, 1, 1)),  # the day before
        ("2010-06-01", (1, 1, 1, 1, 1)),  # the first day of one month
        ("2010-05-31", (0, 1, 1, 1, 1)),
        ("2010-04-01", (0, 1, 1, 1, 1)),  # of three
        ("2010-03-31", (0, 0, 1, 1, 1)),
        ("2010-01-01", (0, 0, 1, 1, 1)),  # of six
        ("2009-12-31", (0, 0, 0, 1, 1)),
        ("2009-07-01", (0, 0, 0, 1, 1)),  # of twelve
        ("2009-06-30", (0, 0, 0, 0, 1)),
        ("2008-07-01", (0, 0, 0, 0, 1)),  # of twenty-four
        ("2008-06-30", (0, 0, 0, 0, 0)),  # before all windows
    ],
)
def test_use_counts_in_every_window_that_its_day_falls_in(day: str, expected: tuple[int, ...]) -> None:
    assert counts("emergency_admissions", admissions=[episode(day, "2010-08-01")]) == expected
    assert counts("elective_admissions", admissions=[episode(day, "2010-08-01", admimeth="11")]) == expected
    assert counts("outpatient_attendances", outpatients=[appointment(day)]) == expected
    assert counts("ae_attendances", emergency_care=[attendance(day)]) == expected


def test_windows_before_the_end_of_a_month_are_clipped_to_the_end_of_the_month() -> None:
    days = ["2010-02-27", "2010-02-28", "2010-03-30"]
    rows = [attendance(day) for day in days]
    assert counts("ae_attendances", index_date="2010-03-31", emergency_care=rows) == (2, 3, 3, 3, 3)


def test_what_is_no_admission_or_attendance_is_not_counted() -> None:
    assert (
        counts("outpatient_attendances", outpatients=[appointment("2010-06-30", attended="3")])[0] == 0
    )  # stayed away
    assert counts("ae_attendances", emergency_care=[attendance("2010-06-30", aeattendcat="2")])[0] == 0  # planned
    for admission in (
        episode("2010-06-30", "2010-06-30", admimeth="31"),  # maternity
        episode("2010-06-30", "2010-06-30", admimeth="11", classpat="3"),  # regular attender
    ):
        assert counts("emergency_admissions", admissions=[admission])[0] == 0
        assert counts("elective_admissions", admissions=[admission])[0] == 0


def test_a_transfer_counts_one_admission_where_it_starts() -> None:
    rows = [
        episode("2010-05-30", "2010-05-31", disdest="51"),
        episode("2010-06-01", "2010-06-20", procode3="RBB", admimeth="2B", admisorc="51"),
    ]
    assert counts("emergency_admissions", admissions=rows) == (0, 1, 1, 1, 1)


STATE = ("is_in_hospital", "days_since_emergency_discharge", "emergency_discharge_class")


@pytest.mark.parametrize(
    ("admitted", "discharged", "expected"),
    [
        ("2010-06-20", "2010-06-30", (False, 1, "0-7")),  # discharged on the day before
        ("2010-06-20", "2010-06-24", (False, 7, "0-7")),
        ("2010-06-20", "2010-06-23", (False, 8, "8-30")),
        ("2010-05-20", "2010-06-01", (False, 30, "8-30")),
        ("2010-05-20", "2010-05-31", (False, 31, "31-90")),
        ("2010-03-20", "2010-04-02", (False, 90, "31-90")),
        ("2010-03-20", "2010-04-01", (False, 91, "more")),
        ("2008-06-20", "2008-07-01", (False, 730, "more")),  # 24 months before
        ("2008-06-20", "2008-06-30", (False, None, "none")),  # longer ago
        ("2010-06-20", "2010-07-01", (True, None, "none")),  # discharged on the index date
        ("2010-06-20", "2010-09-01", (True, None, "none")),  # discharged later
        ("2010-07-01", "2010-07-09", (False, None, "none")),  # admitted on the index date
    ],
)
def test_in_hospital_and_last_emergency_discharge_are_as_known_the_day_before(
    admitted: str, discharged: str, expected: tuple[Any, ...]
) -> None:
    assert covariates(*STATE, admissions=[episode(admitted, discharged)]) == expected


def test_an_elective_stay_is_a_stay_but_no_emergency_discharge() -> None:
    rows = [episode("2010-06-20", "2010-06-25", admimeth="11")]
    assert covariates(*STATE, admissions=rows) == (False, None, "none")
    rows = [episode("2010-06-20", "2010-07-25", admimeth="11")]
    assert covariates(*STATE, admissions=rows) == (True, None, "none")


def test_a_stay_not_known_to_have_ended_goes_on_unless_another_came_after_it() -> None:
    unended = episode("2010-05-20", None, epistat="1", dismeth=None)
    assert covariates(*STATE, admissions=[unended]) == (True, None, "none")
    later = episode("2010-06-10", "2010-06-12", procode3="RBB")
    assert covariates(*STATE, admissions=[unended, later]) == (False, 19, "8-30")


def test_a_regular_attender_is_not_in_hospital() -> None:
    rows = [episode("2010-05-20", "2010-08-01", admimeth="11", classpat="3")]
    assert covariates("is_in_hospital", admissions=rows) == (False,)


def test_somebody_transferred_before_the_index_date_is_still_in_hospital() -> None:
    rows = [
        episode("2010-06-20", "2010-06-28", disdest="51"),
        episode("2010-06-28", "2010-07-20", procode3="RBB", admimeth="2B", admisorc="51"),
    ]
    assert covariates(*STATE, "emergency_bed_days_12_months", admissions=rows) == (True, None, "none", 11)


def test_a_transfer_on_the_index_date_does_not_reach_back() -> None:
    first = episode("2010-06-20", "2010-06-30", disdest="51")
    second = episode("2010-07-01", "2010-07-20", procode3="RBB", admimeth="2B", admisorc="51")
    columns = (*STATE, "emergency_bed_days_12_months", "emergency_admissions_1_month")
    expected = (False, 1, "0-7", 10, 1)
    assert covariates(*columns, admissions=[first]) == covariates(*columns, admissions=[first, second]) == expected


def test_bed_days_are_the_nights_of_emergency_stays_in_the_twelve_months_before() -> None:
    rows = [
        episode("2009-06-25", "2009-07-04"),  # three nights: 1 to 3 July
        episode("2009-06-01", "2009-07-01"),  # none: over before the first night
        episode("2010-01-01", "2010-01-06", admimeth="11"),  # elective: none
        episode("2010-02-01", None, epistat="1", dismeth=None),  # not known to have ended: none
        episode("2010-06-26", "2010-07-20"),  # five nights: 26 to 30 June
    ]
    assert covariates("emergency_bed_days_12_months", admissions=rows) == (8,)


def test_an_extract_that_is_missing_makes_its_covariates_null_and_no_others() -> None:
    assert counts("outpatient_attendances", coverage=covered(outpatients=[])) == (None,) * 5
    assert counts("emergency_admissions", coverage=covered(outpatients=[])) == (0,) * 5
    assert counts("ae_attendances", coverage=covered(outpatients=[])) == (0,) * 5


def test_a_window_with_a_month_that_is_not_covered_is_null_not_zero() -> None:
    no_may = covered(admissions=[month for month in MONTHS if month != date(2010, 5, 1)])
    assert counts("emergency_admissions", coverage=no_may) == (0, None, None, None, None)
    from_2009 = covered(admissions=[month for month in MONTHS if month.year > 2008])
    assert counts("emergency_admissions", coverage=from_2009) == (0, 0, 0, 0, None)
    no_june = covered(admissions=[month for month in MONTHS if month != date(2010, 6, 1)])
    assert counts("emergency_admissions", coverage=no_june) == (None,) * 5


def test_what_needs_two_years_of_admissions_is_null_without_them() -> None:
    from_2009 = covered(admissions=[month for month in MONTHS if month.year > 2008])
    rows = [episode("2010-06-20", "2010-06-25", diag_01="I50")]
    assert covariates(*STATE, admissions=rows, coverage=from_2009) == (False, None, None)
    scores = ("episodes_24_months", "charlson_score", "long_term_conditions", "hospital_frailty_score",
              "diagnoses_per_episode")  # fmt: skip
    assert covariates(*scores, admissions=rows, coverage=from_2009) == (None,) * 5
    assert covariates("emergency_bed_days_12_months", admissions=rows, coverage=from_2009) == (5,)


def test_the_month_of_an_index_date_on_the_first_need_not_be_covered() -> None:
    until_june = covered(admissions=[month for month in MONTHS if month <= date(2010, 6, 1)])
    assert counts("emergency_admissions", coverage=until_june) == (0,) * 5
    assert counts("emergency_admissions", coverage=until_june, index_date="2010-07-02") == (None,) * 5


def shifted(day: str, days: int) -> str:
    return str(date.fromordinal(date.fromisoformat(day).toordinal() + days))


def test_nothing_from_the_index_date_on_changes_any_covariate() -> None:
    before = {
        "admissions": [
            episode("2010-03-01", "2010-03-09", diag_01="I50", diag_secondary=["E110", "F00"]),
            episode("2010-06-20", "2010-06-30", disdest="51", diag_01="J18"),
        ],
        "outpatients": [appointment("2010-06-30")],
        "emergency_care": [attendance("2010-06-30")],
    }
    codes = {"diag_01": "C78", "diag_secondary": ["B20", "G81"]}

    def after(days: int) -> dict[str, list[dict[str, Any]]]:
        first, last = shifted("2010-07-01", days), shifted("2010-07-09", days)
        return {
            "admissions": [
                *before["admissions"],
                episode(first, last, procode3="RBB", admimeth="2B", admisorc="51", **codes),
                episode(last, last, **codes),
            ],
            "outpatients": [*before["outpatients"], appointment(first)],
            "emergency_care": [*before["emergency_care"], attendance(first)],
        }

    alone = covariates("*", **before)
    assert covariates("*", **after(0)) == covariates("*", **after(1)) == covariates("*", **after(90)) == alone


def test_when_a_stay_that_goes_on_at_the_index_date_ends_changes_nothing() -> None:
    def going_on(until: str) -> tuple[Any, ...]:
        rows = [
            episode("2010-06-01", "2010-06-10", diag_01="I50", disdate=None, dismeth="8"),
            episode("2010-06-10", until, admidate="2010-06-01", epiorder=2, diag_01="G81"),
        ]
        return covariates("*", admissions=rows)

    assert going_on("2010-07-01") == going_on("2010-07-02") == going_on("2010-12-01")
