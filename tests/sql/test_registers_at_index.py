"""Care home and deprivation are those of the latest population file by the index date, else of the latest of all."""

from datetime import date
from typing import Any

from tests.sql.small_study import SmallStudy, enrolment, person

MARCH, JUNE, AUGUST = (date(2010, month, day) for month, day in ((3, 31), (6, 30), (8, 31)))


def delivery(delivery_id: str, period: str | None, position: int, status: str = "superseded") -> dict[str, Any]:
    return {
        "delivery_id": delivery_id, "extract": "population", "file_name": f"{delivery_id}.csv", "period": period,
        "position": position, "status": status,
    }  # fmt: skip


IN_THREE_MONTHS = [
    delivery("d1", "2010-03", 1),
    delivery("d2", "2010-06", 2),
    delivery("d3", "2010-08", 3, "accepted"),
]


def registers(
    people: list[dict[str, Any]], deliveries: list[dict[str, Any]], *, index_date: str = "2010-07-15", **tables: Any
) -> list[tuple[Any, ...]]:
    """Of the pilot person p1: care home and as of when, quintile and as of when."""
    study = SmallStudy(
        enrolments=[enrolment(index_date)],
        population=people,
        deliveries_read=deliveries,
        **tables,
    )
    return study.query(
        """select is_care_home_resident, care_home_as_of_date, imd_quintile, deprivation_as_of_date
        from covariates where person_id = 'p1'"""
    )


def test_the_latest_file_by_the_index_date_counts_and_not_a_later_one() -> None:
    people = [
        person(delivery_id="d1", care_home=False, imd_quintile=1),
        person(delivery_id="d2", care_home=False, imd_quintile=2),
        person(delivery_id="d3", care_home=True, imd_quintile=3),  # moved since
    ]
    assert registers(people, IN_THREE_MONTHS) == [(False, JUNE, 2, JUNE)]
    assert registers(people, IN_THREE_MONTHS, index_date="2010-06-30") == [(False, JUNE, 2, JUNE)]
    assert registers(people, IN_THREE_MONTHS, index_date="2010-06-29") == [(False, MARCH, 1, MARCH)]
    assert registers(people, IN_THREE_MONTHS, index_date="2010-09-01") == [(True, AUGUST, 3, AUGUST)]
    # nothing is from before: the latest of all, as of its own day
    assert registers(people, IN_THREE_MONTHS, index_date="2010-02-01") == [(True, AUGUST, 3, AUGUST)]


def test_what_an_earlier_file_does_not_know_comes_from_one_before_it_or_else_from_the_latest() -> None:
    people = [
        person(delivery_id="d1", care_home=False),
        person(delivery_id="d2"),
        person(delivery_id="d3", care_home=True, imd_quintile=3),
    ]
    assert registers(people, IN_THREE_MONTHS) == [(False, MARCH, 3, AUGUST)]


def test_somebody_who_is_in_the_latest_file_alone_is_as_they_are_there() -> None:
    deliveries = [delivery("d1", "2010-03", 1), delivery("d2", "2010-08", 2, "accepted")]
    people = [person("p2", delivery_id="d1"), person(delivery_id="d2", care_home=True, imd_quintile=4)]
    assert registers(people, deliveries) == [(True, AUGUST, 4, AUGUST)]


def test_of_two_files_of_one_month_the_last_counts_and_its_most_complete_row() -> None:
    deliveries = [
        delivery("d1", "2010-03", 1),
        delivery("d2", "2010-03", 2),
        delivery("d3", "2010-08", 3, "accepted"),
    ]
    people = [
        person(delivery_id="d1", care_home=True, imd_quintile=1),  # wrong, and sent again
        person(delivery_id="d2", care_home=True, record=1),
        person(delivery_id="d2", care_home=False, imd_quintile=2, record=2),
        person(delivery_id="d3", care_home=True, imd_quintile=3),
    ]
    assert registers(people, deliveries) == [(False, MARCH, 2, MARCH)]


def test_a_file_without_a_month_in_its_name_is_of_no_known_day() -> None:
    undated = [delivery("d1", None, 1), delivery("d2", None, 2, "accepted")]
    people = [
        person(delivery_id="d1", care_home=False, imd_quintile=1),
        person(delivery_id="d2", care_home=True, imd_quintile=2),
    ]
    assert registers(people, undated) == [(True, None, 2, None)]
    dated_since = [delivery("d1", None, 1), delivery("d2", "2010-08", 2, "accepted")]
    assert registers(people, dated_since) == [(True, AUGUST, 2, AUGUST)]


def test_a_file_of_several_months_is_as_of_the_end_of_the_last() -> None:
    deliveries = [delivery("d1", "2010-01_to_2010-06", 1), delivery("d2", "2010-08", 2, "accepted")]
    people = [person(delivery_id="d1", care_home=False), person(delivery_id="d2", care_home=True)]
    assert registers(people, deliveries)[0][:2] == (False, JUNE)


def test_deprivation_follows_the_area_of_the_earlier_file() -> None:
    deliveries = [delivery("d1", "2010-06", 1), delivery("d2", "2010-08", 2, "accepted")]
    people = [person(delivery_id="d1", lsoa11="E01"), person(delivery_id="d2", lsoa11="E02")]
    imd = [{"lsoa11": "E01", "imd_decile": 3, "release": "2010"}, {"lsoa11": "E02", "imd_decile": 9, "release": "2010"}]
    assert registers(people, deliveries, imd=imd)[0][2:] == (2, JUNE)


def test_comparison_people_go_by_their_own_index_date() -> None:
    deliveries = [delivery("d1", "2010-06", 1), delivery("d2", "2010-08", 2, "accepted")]
    pilot = {"p1": "2010-07-15", "p2": "2010-03-15"}
    everyone = [*pilot, *(f"c{number}" for number in range(8))]
    people = [person(one, delivery_id=d, care_home=d == "d2") for d in ("d1", "d2") for one in everyone]
    study = SmallStudy(
        enrolments=[enrolment(day, person_id=one) for one, day in pilot.items()],
        population=people,
        deliveries_read=deliveries,
    )
    found = study.query("select distinct index_date, is_treated, is_care_home_resident from covariates order by 1, 2")
    late, early = date(2010, 7, 15), date(2010, 3, 15)
    assert found == [(early, False, True), (early, True, True), (late, False, False), (late, True, False)]
