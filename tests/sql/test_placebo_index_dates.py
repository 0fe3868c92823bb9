"""The people compared, twelve months before their index date: who was observed throughout, and what they used then."""

from typing import Any

from pipelines.placebo import placebo_use_sql
from tests.sql.small_study import SmallStudy, appointment, enrolment, episode, person

DATES = "select person_id, index_date, age_at_index from placebo_index_dates order by person_id"


def compared(index_date: str = "2010-07-01", **study: Any) -> SmallStudy:
    """Pilot person p1, compared by their index date."""
    people = [{"person_id": "p1", "is_treated": True, "index_date": index_date}]
    design = {"look_back_months": 24, **study.pop("design", {})}
    return SmallStudy(enrolments=[enrolment(index_date)], design_people=people, design=design, **study)


def test_the_placebo_date_lies_twelve_months_earlier() -> None:
    ((who, day, age),) = compared().query(DATES)
    assert (who, str(day), age) == ("p1", "2009-07-01", 69)  # born in 1940


def test_the_last_day_of_february_is_the_last_day_of_february() -> None:
    ((_, day, _),) = compared("2012-02-29").query(DATES)
    assert str(day) == "2011-02-28"


def test_whoever_was_not_yet_registered_at_the_placebo_date_is_left_out() -> None:
    assert len(compared(population=[person("p1", reg_start="2009-07-01")]).query(DATES)) == 1
    assert compared(population=[person("p1", reg_start="2009-07-02")]).query(DATES) == []


def test_whoever_was_not_alive_and_registered_up_to_the_true_date_is_left_out() -> None:
    assert len(compared(population=[person("p1", date_of_death="2010-07-01")]).query(DATES)) == 1
    assert compared(population=[person("p1", date_of_death="2010-06-30")]).query(DATES) == []
    assert compared(population=[person("p1", reg_end="2010-06-30")]).query(DATES) == []


def test_nobody_has_one_where_the_look_back_leaves_less_than_six_months_before_it() -> None:
    assert len(compared(design={"look_back_months": 18}).query(DATES)) == 1
    assert compared(design={"look_back_months": 17}).query(DATES) == []


def test_nobody_has_one_who_is_compared_by_another_index_date() -> None:
    people = [{"person_id": "p1", "is_treated": True, "index_date": "2010-06-30"}]
    study = SmallStudy(enrolments=[enrolment("2010-07-01")], design_people=people, design={"look_back_months": 24})
    assert study.query(DATES) == []


def test_use_counts_in_the_six_months_from_the_placebo_date_on() -> None:
    admissions = [
        episode("2009-06-30", "2009-06-30"),  # the day before the placebo date
        episode("2009-07-01", "2009-07-01"),
        episode("2009-12-31", "2009-12-31"),
        episode("2010-01-01", "2010-01-01"),  # in the six months in which people are led to join
    ]
    study = compared(admissions=admissions, outpatients=[appointment("2009-08-01")])
    use = f"select person_days, emergency_admissions, outpatient_attendances from ({placebo_use_sql()})"
    assert study.query(use) == [(184, 2, 1)]
    longer = compared(admissions=admissions, design={"follow_up_months": 12})
    assert longer.query(use)[0][:2] == (184, 2)
    shorter = compared(admissions=admissions, design={"follow_up_months": 3})
    assert shorter.query(use)[0][:2] == (92, 1)


def test_everyone_is_observed_on_every_day_of_the_months_that_are_compared() -> None:
    dies = person("p1", date_of_death="2010-07-02", reg_start="2009-07-01")
    assert compared(population=[dies]).query(f"select person_days from ({placebo_use_sql()})") == [(184,)]
