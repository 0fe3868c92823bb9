"""Day 0 of both arms, the months around it, and the days on which people can be observed."""

from datetime import date, timedelta
from hashlib import md5
from typing import Any

from tests.sql.around_an_index_date import COMING_AND_GOING, THERE_THAT_DAY
from tests.sql.small_study import SmallStudy, enrolment, person


def months_around(index_date: str, **design: Any) -> list[tuple[int, date, date, str]]:
    study = SmallStudy(enrolments=[enrolment(index_date)], design=design)
    return study.query("select month_from_index, month_start_date, month_end_date, period from index_months order by 1")


def test_months_run_from_the_look_back_to_the_end_of_follow_up() -> None:
    months = months_around("2010-06-15", look_back_months=3, baseline_months=2, follow_up_months=2)
    assert months == [
        (-3, date(2010, 3, 15), date(2010, 4, 15), "look_back"),
        (-2, date(2010, 4, 15), date(2010, 5, 15), "baseline"),
        (-1, date(2010, 5, 15), date(2010, 6, 15), "baseline"),
        (0, date(2010, 6, 15), date(2010, 7, 15), "follow_up"),
        (1, date(2010, 7, 15), date(2010, 8, 15), "follow_up"),
    ]


def test_the_design_stage_has_no_month_from_the_index_date_on() -> None:
    months = months_around(
        "2010-06-15", look_back_months=3, baseline_months=2, follow_up_months=2, is_design_stage=True
    )
    assert [(number, period) for number, _, _, period in months] == [
        (-3, "look_back"),
        (-2, "baseline"),
        (-1, "baseline"),
    ]


def test_month_boundaries_clip_to_the_end_of_the_month_and_do_not_drift() -> None:
    months = months_around("2011-01-31", look_back_months=2, baseline_months=2, follow_up_months=4)
    assert [start for _, start, *_ in months] == [
        date(2010, 11, 30),
        date(2010, 12, 31),
        date(2011, 1, 31),
        date(2011, 2, 28),
        date(2011, 3, 31),
        date(2011, 4, 30),
    ]
    assert months[-1][2] == date(2011, 5, 31)


def test_the_29th_of_february_is_a_boundary_in_leap_years_only() -> None:
    months = months_around("2012-02-29", look_back_months=12, baseline_months=12, follow_up_months=12)
    assert [months[0][1], months[12][1], months[-1][2]] == [date(2011, 2, 28), date(2012, 2, 29), date(2013, 2, 28)]


def test_every_day_of_the_windows_falls_in_one_month() -> None:
    study = SmallStudy(enrolments=[enrolment("2012-01-31")])
    first, last, days, distinct_days = study.query(
        "select min(activity_date), max(activity_date), count(*), count(distinct activity_date) from index_days"
    )[0]
    assert (first, last) == (date(2011, 1, 31), date(2012, 7, 30))
    assert days == distinct_days == (last - first).days + 1
    assert study.query("select month_from_index, period from index_days where activity_date = '2012-01-31'") == [
        (0, "follow_up")
    ]
    assert study.query("select month_from_index, period from index_days where activity_date = '2012-01-30'") == [
        (-1, "baseline")
    ]


def test_comparison_people_draw_a_pilot_date_by_a_hash_of_seed_and_person() -> None:
    dates = {"p3": "2010-03-01", "p1": "2010-06-01", "p2": "2010-06-01"}
    others = [f"c{number}" for number in range(20)]
    study = SmallStudy(
        enrolments=[enrolment(day, person_id=person_id) for person_id, day in dates.items()],
        population=[person(person_id) for person_id in [*dates, *others]],
        design={"comparison_seed": 42},
    )
    in_order = [date(2010, 3, 1), date(2010, 6, 1), date(2010, 6, 1)]
    expected = [(p, in_order[int(md5(f"42:{p}".encode()).hexdigest()[:15], 16) % 3]) for p in sorted(others)]
    assert len({day for _, day in expected}) == 2
    assert study.query("select person_id, index_date from index_dates where not is_pilot order by 1") == expected


def test_somebody_in_a_frozen_design_keeps_its_date_whoever_enrols_later() -> None:
    pilot = [enrolment("2010-06-01"), enrolment("2010-09-01", person_id="p2")]
    others = [person(person_id=f"c{number}") for number in range(20)]
    people = [person(), person(person_id="p2"), *others]
    frozen = [{"person_id": f"c{number}", "index_date": "2010-09-01"} for number in range(10)]
    study = SmallStudy(enrolments=pilot[:1], population=people, frozen_index_dates=frozen)
    dates = dict(study.query("select person_id, index_date from comparison_candidates"))
    assert {dates[f"c{number}"] for number in range(10)} == {date(2010, 9, 1)}
    assert {dates[f"c{number}"] for number in range(10, 20)} == {date(2010, 6, 1)}
    died = [person(person_id="c0", date_of_death="2010-08-01"), person(person_id="c1", date_of_death="2010-10-01")]
    study = SmallStudy(enrolments=pilot, population=[*people[:2], *died], frozen_index_dates=frozen)
    query = "select person_id, is_alive_at_index from comparison_candidates where person_id in ('c0', 'c1') order by 1"
    assert study.query(query) == [("c0", False), ("c1", True)]


def test_a_comparison_person_must_be_born_alive_and_registered_on_the_index_date() -> None:
    died = person("p1", date_of_death="2010-01-01")  # pilot people stay, whatever the registers say
    study = SmallStudy(enrolments=[enrolment("2010-06-01")], population=[died, *COMING_AND_GOING])
    assert study.query("select person_id from index_dates order by 1") == [
        (person_id,) for person_id in sorted([*THERE_THAT_DAY, "p1"])
    ]


def test_without_pilot_people_nobody_has_an_index_date() -> None:
    study = SmallStudy(population=[person()])
    assert study.query("select * from index_dates") == []
    assert study.query("select people from attrition where arm = 'comparison' and step_number = 5") == [(0,)]


def test_people_carry_age_and_enrolment_as_on_the_index_date() -> None:
    study = SmallStudy(
        enrolments=[
            enrolment("2010-05-31", referral_date="2010-05-01", eligible_date="2010-04-01", route="GP", tier="2",
                      status="active", end_date="2010-09-01"),
        ],
        population=[
            person("p1", dob="1940-06-01", imd_quintile=1, gpprac="A81001", area="North", care_home=True, ethnos="A"),
            person("c1", dob="1940-05-31", reg_start="1999-01-01"),
        ],
    )  # fmt: skip
    assert study.query("select * from people order by is_pilot") == [
        ("c1", False, None, date(2010, 5, 31), 70, "2", None, None, None, None, None, None, None, False,
         date(1999, 1, 1), None, date(1999, 1, 1), date(2015, 1, 1), None, None, None, None, None, None, "c1", None),
        ("p1", True, "s1", date(2010, 5, 31), 69, "2", 1, None, "A81001", "North", True, "A", None, False, None, None,
         date(1940, 6, 1), date(2015, 1, 1), date(2010, 9, 1), date(2010, 5, 1), date(2010, 4, 1), "GP", "2", "active",
         "p1", None),
    ]  # fmt: skip


def person_days(**fields: Any) -> list[int]:
    """Days of the baseline (1 January to 30 June 2010) and of follow-up (1 July to 31 December) of a pilot person."""
    design = fields.pop("design", {})
    study = SmallStudy(enrolments=[enrolment("2010-07-01")], population=[person(**fields)], design=design)
    return [days for (days,) in study.query("select person_days from person_periods order by period")]


def test_person_days_are_the_days_of_the_window() -> None:
    assert person_days() == [181, 184]


def test_person_days_end_on_the_day_of_death() -> None:
    assert person_days(date_of_death="2010-07-10") == [181, 10]
    assert person_days(date_of_death="2010-06-30") == [181, 0]
    assert person_days(date_of_death="2010-12-31") == [181, 184]


def test_person_days_end_on_the_last_day_of_registration_and_begin_on_the_first() -> None:
    assert person_days(reg_end="2010-07-10") == [181, 10]
    assert person_days(reg_start="2010-06-30") == [1, 184]


def test_an_index_date_before_birth_gives_no_age() -> None:
    study = SmallStudy(enrolments=[enrolment("2010-07-01")], population=[person("p1", dob="2010-08-15")])
    assert study.query("select age_at_index from people where is_pilot") == [(None,)]


def test_person_days_begin_with_birth() -> None:
    assert person_days(dob="2010-06-21") == [10, 184]


def test_person_days_end_with_the_data() -> None:
    assert person_days(design={"data_until": "2010-07-31"}) == [181, 31]


def test_leaving_the_pilot_does_not_end_person_days() -> None:
    study = SmallStudy(enrolments=[enrolment("2010-07-01", end_date="2010-07-02")])
    assert study.query("select sum(person_days) from person_periods") == [(365,)]


def test_the_year_around_a_29th_of_february_has_366_days() -> None:
    study = SmallStudy(
        enrolments=[enrolment("2012-02-29")],
        design={"baseline_months": 12, "follow_up_months": 12, "look_back_months": 12},
    )
    days = study.query("select period, person_days from person_periods order by period")
    assert days == [("baseline", (date(2012, 2, 29) - date(2011, 2, 28)) // timedelta(1)), ("follow_up", 365)]
    assert days[0][1] == 366
