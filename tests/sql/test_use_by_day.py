"""Use by day after the index date: rows in, rows out; each row that is left out says why."""

from typing import Any

from pipelines.contracts import contract_by_table
from tests.sql.small_study import SmallStudy, appointment, attendance, enrolment, episode, person

PRICES = [
    {"activity": activity, "unit_cost_gbp": cost}
    for activity, cost in {
        **{"emergency_spell": 2000.0, "elective_spell": 3000.0, "elective_day_case": 700.0},
        **{"outpatient_attendance": 110.0, "ae_attendance": 90.0},
    }.items()
]


def days(column: str, **study: Any) -> list[tuple[int, int]]:
    """Days from the index date 1 July 2010, and what they hold of one kind of use, of person p1."""
    query = f"select day_from_index, {column} from use_by_day where person_id = 'p1' and {column} > 0 order by all"
    return SmallStudy(enrolments=[enrolment("2010-07-01")], **study).query(query)


def test_admissions_stand_on_their_first_day_and_other_kinds_nowhere() -> None:
    rows = [
        episode("2010-06-30", "2010-07-02"),  # began before the index date
        episode("2010-07-11", "2010-07-13"),
        episode("2010-07-21", "2010-07-21", admimeth="11", classpat="2"),
        episode("2010-07-25", "2010-07-25", admimeth="13", classpat="3"),  # regular attendance
        episode("2010-07-28", "2010-07-30", admimeth="31", classpat="1"),  # maternity
    ]
    assert days("emergency_admissions", admissions=rows) == [(10, 1)]
    assert days("elective_admissions", admissions=rows) == [(20, 1)]


def test_two_appointments_of_a_day_are_two_and_missed_ones_none() -> None:
    rows = [
        appointment("2010-07-01"),
        appointment("2010-07-01", procode3="RBB"),
        appointment("2010-07-05", attended="3"),
    ]
    assert days("outpatient_attendances", outpatients=rows) == [(0, 2)]


def test_days_in_hospital_are_those_whose_night_was_spent_there_once_however_many_stays_overlap() -> None:
    rows = [
        episode("2010-06-29", "2010-07-03"),  # goes on at the index date: nights of 1 and 2 July
        episode("2010-07-02", "2010-07-04", procode3="RBB"),  # overlaps: adds 3 July only
        episode("2010-07-08", "2010-07-08"),  # no night
    ]
    assert days("days_in_hospital", admissions=rows) == [(0, 1), (1, 1), (2, 1)]


def test_days_in_hospital_are_of_any_kind_of_stay_but_regular_attendances() -> None:
    rows = [
        episode("2010-07-11", "2010-07-12", admimeth="31", classpat="1"),
        episode("2010-07-21", "2010-07-22", admimeth="13", classpat="4"),
    ]
    assert days("days_in_hospital", admissions=rows) == [(10, 1)]


def test_the_day_between_two_parts_of_a_transferred_stay_is_in_hospital() -> None:
    rows = [
        episode("2010-07-11", "2010-07-12", disdest="51"),
        episode("2010-07-13", "2010-07-14", procode3="RBB", admimeth="81", admisorc="51"),
    ]
    assert [day for day, _ in days("days_in_hospital", admissions=rows)] == [10, 11, 12]


def test_a_stay_that_is_not_known_to_have_ended_goes_on_while_a_record_shows_it() -> None:
    rows = [
        episode("2010-07-11", "2010-07-14", dismeth="8", disdate=None, epiend="2010-07-14"),
        episode("2010-09-01", None, epistat="1", dismeth=None),
    ]
    assert [day for day, _ in days("days_in_hospital", admissions=rows)] == [10, 11, 12]


def test_nothing_counts_after_the_last_observed_day_or_long_after_the_follow_up() -> None:
    stay = [episode("2010-07-05", "2010-07-20")]
    assert len(days("days_in_hospital", admissions=stay)) == 15
    assert len(days("days_in_hospital", admissions=stay, population=[person(date_of_death="2010-07-07")])) == 3
    assert len(days("days_in_hospital", admissions=stay, design={"data_until": "2010-07-10"})) == 6
    late = [appointment("2011-01-02"), appointment("2011-01-03")]
    assert days("outpatient_attendances", outpatients=late) == [(185, 1)]


def test_every_count_of_person_periods_and_the_cost_is_there_and_comes_to_the_same_over_the_follow_up() -> None:
    stays = [
        episode("2010-06-28", "2010-07-03"),  # two nights of it are in the follow-up
        episode("2010-07-11", "2010-07-13", diag_01="J440"),  # a readmission; kept at home by good care
        episode("2010-07-12", "2010-07-15", procode3="RBB", admimeth="11"),  # overlaps: two nights of its own
        episode("2010-07-21", "2010-07-21", admimeth="11", classpat="2"),
        episode("2010-07-22", "2010-07-22"),
        episode("2010-07-25", "2010-07-25", admimeth="13", classpat="3"),
    ]
    appointments = [
        appointment("2010-07-01"),
        appointment("2010-07-02", firstatt="3"),
        appointment("2010-07-03", attended="3"),
    ]
    columns = [
        column.name
        for column in contract_by_table("person_periods").columns
        if column.options.get("metric_domain") == "utilisation" or column.name == "cost_gbp"
    ]
    study = SmallStudy(
        enrolments=[enrolment("2010-07-01")],
        admissions=stays,
        outpatients=appointments,
        emergency_care=[attendance("2010-07-01"), attendance("2010-07-11")],
        prices=[{"price_set": "made up", "price_year": "2010/11", **price} for price in PRICES],
    )
    sums = ", ".join(f"sum({name})" for name in columns)
    (by_day,) = study.query(f"select {sums} from use_by_day where day_from_index < 184")
    (by_period,) = study.query(f"select {', '.join(columns)} from person_periods where period = 'follow_up'")
    assert dict(zip(columns, by_day, strict=True)) == dict(zip(columns, by_period, strict=True))
    assert all(by_period), dict(zip(columns, by_period, strict=True))
