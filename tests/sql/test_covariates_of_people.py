"""Who is in the cohort on the index date, and what is known of them beside their use of hospitals."""

from datetime import date
from typing import Any

import pytest

from tests.sql.around_an_index_date import COMING_AND_GOING, THERE_THAT_DAY, covariates
from tests.sql.small_study import SmallStudy, enrolment, person


def test_only_who_is_born_alive_registered_and_within_the_data_at_the_index_date_is_in_the_cohort() -> None:
    late = {"after the data": "2015-01-01", "on its last day": "2014-12-31"}
    study = SmallStudy(
        enrolments=[enrolment("2010-06-01", person_id=row["person_id"]) for row in COMING_AND_GOING]
        + [enrolment(day, person_id=person_id) for person_id, day in late.items()],
        population=[*COMING_AND_GOING, *map(person, late)],
    )
    assert study.query("select person_id, is_treated, site_id from covariates where is_treated order by 1") == [
        (person_id, True, "s1") for person_id in sorted([*THERE_THAT_DAY, "on its last day"])
    ]


def pools(people: list[dict[str, Any]], sites: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    study = SmallStudy(enrolments=[enrolment("2010-06-01")], population=people, sites=sites)
    return study.query("select person_id, pool from covariates order by 1")


def test_the_pool_says_whether_a_comparison_person_lives_in_a_pilot_area() -> None:
    people = [
        person("p1", area="north"),
        person("c1", area="north"),
        person("c2", area="south"),
        person("c3"),  # nobody knows where
    ]
    north = [{"site_id": "s1", "area": "north"}]
    assert pools(people, north) == [("c1", "local"), ("c2", "outside"), ("c3", "unknown"), ("p1", None)]
    partly = [*north, {"site_id": "s2", "area": None}]  # which may lie in the south
    assert pools(people, partly) == [("c1", "local"), ("c2", "unknown"), ("c3", "unknown"), ("p1", None)]
    assert pools(people, []) == [("c1", "unknown"), ("c2", "unknown"), ("c3", "unknown"), ("p1", None)]


def test_comparison_people_of_a_practice_with_enrolled_people_are_marked() -> None:
    people = [person("p1", gpprac="A1"), person("c1", gpprac="A1"), person("c2", gpprac="B2"), person("c3")]
    study = SmallStudy(enrolments=[enrolment("2010-06-01")], population=people)
    assert study.query("select person_id, is_in_pilot_practice from covariates order by 1") == [
        ("c1", True),
        ("c2", False),
        ("c3", None),
        ("p1", None),
    ]


@pytest.mark.parametrize(
    ("date_of_birth", "expected"),
    [
        ("2010-01-01", (0, "00-04")),
        ("2004-07-01", (6, "05-09")),
        ("1935-07-02", (74, "70-74")),
        ("1935-07-01", (75, "75-79")),
        ("1920-07-02", (89, "85-89")),
        ("1920-07-01", (90, "90+")),
        ("1905-01-01", (105, "90+")),
        (None, (None, None)),
    ],
)
def test_age_bands_have_five_years(date_of_birth: str | None, expected: tuple[Any, ...]) -> None:
    assert covariates("age_at_index", "age_band", population=[person(dob=date_of_birth)]) == expected


@pytest.mark.parametrize(
    ("code", "group"),
    [("A", "white"), ("C1", "white"), ("G", "mixed"), ("J", "asian"), ("N", "black"), ("R", "other"), ("0", "white"),
     ("Z", None), ("X", None), ("99", None), (None, None)],
)  # fmt: skip
def test_ethnic_groups_go_by_the_first_character_of_the_code(code: str | None, group: str | None) -> None:
    assert covariates("ethnic_group", population=[person(ethnos=code)]) == (group,)


def test_the_person_s_description_is_carried_over() -> None:
    columns = ("site_id", "index_date", "index_month", "sex", "imd_quintile", "is_care_home_resident")
    people = [person(sex="1", imd_quintile=2, care_home=True, reg_start="2010-06-05")]
    assert covariates(*columns, "days_registered_24_months", index_date="2010-06-15", population=people) == (
        "s1", date(2010, 6, 15), date(2010, 6, 1), "1", 2, True, 10,
    )  # fmt: skip


def test_somebody_registered_all_the_time_has_all_days_of_the_window() -> None:
    assert covariates("days_registered_24_months") == ((date(2010, 7, 1) - date(2008, 7, 1)).days,)
