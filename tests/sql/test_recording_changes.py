"""Which providers changed how they record, and who used them."""

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import Any

from tests.sql.small_study import SmallStudy, appointment, enrolment, episode, person

MONTHS = [date(2009 + month // 12, month % 12 + 1, 1) for month in range(37)]
PROVIDERS = ("RAA", "RBB", "RCC", "RDD")
CHANGES = "select provider_code, activity, changed_month, round(step, 2) from recording_changes order by all"


def stays(provider: str, number: int, *, from_month: int = 0, until_month: int = 36, **fields: Any) -> Iterator[dict]:
    """Some emergency admissions a month that end on their day, one person each."""
    for first, _ in list(pairwise(MONTHS))[from_month:until_month]:
        for day in range(1, number + 1):
            start = first.replace(day=day).isoformat()
            who = f"{provider}-{start}"
            yield episode(start, start, person_id=who, procode3=provider, **fields)


def changes(*rows: Iterator[dict]) -> list[tuple[Any, ...]]:
    admissions = [row for some in rows for row in some]
    covered = {"admissions": MONTHS[:-1], "outpatients": MONTHS[:-1], "emergency_care": MONTHS[:-1]}
    return SmallStudy(admissions=admissions, coverage=covered).query(CHANGES)


def test_a_provider_that_stops_recording_short_stays_half_way_is_found_in_the_month_in_which_it_stops() -> None:
    others = [stays(provider, 8) for provider in PROVIDERS[1:]]
    assert changes(stays("RAA", 8, until_month=18), *others) == [
        ("RAA", "emergency_admissions_zero_night", date(2010, 7, 1), 0.0)
    ]


def test_a_provider_that_records_twice_as_many_is_found_and_one_with_a_quarter_more_is_not() -> None:
    others = [stays(provider, 8) for provider in PROVIDERS[1:]]
    twice = (stays("RAA", 8, until_month=18), stays("RAA", 16, from_month=18))
    ((_, _, month, step),) = changes(*twice, *others)
    assert (month, step) == (date(2010, 7, 1), 2.0)
    a_quarter_more = (stays("RAA", 8, until_month=18), stays("RAA", 10, from_month=18))
    assert changes(*a_quarter_more, *others) == []


def test_what_happens_at_all_providers_alike_is_no_change_of_one() -> None:
    assert changes(*(stays(provider, 8, until_month=18) for provider in PROVIDERS)) == []
    all_of_them = [(stays(name, 8, until_month=18), stays(name, 16, from_month=18)) for name in PROVIDERS]
    assert changes(*(some for both in all_of_them for some in both)) == []


def test_a_step_that_chance_can_make_is_no_change() -> None:
    assert changes(stays("RAA", 1, until_month=18), *(stays(provider, 8) for provider in PROVIDERS[1:])) == []


def test_of_two_providers_nobody_can_say_which_changed() -> None:
    assert changes(stays("RAA", 8, until_month=18), stays("RBB", 8)) == []


def test_deeper_coding_is_a_change_though_volumes_stay() -> None:
    codes = ["I10X", "E119", "J449"]
    plain = {"diag_01": "I500", "diag_secondary": codes[:1]}
    others = [stays(provider, 8, **plain) for provider in PROVIDERS[1:]]
    deeper = {"diag_01": "I500", "diag_secondary": codes}
    found = changes(stays("RAA", 8, until_month=18, **plain), stays("RAA", 8, from_month=18, **deeper), *others)
    assert found == [("RAA", "diagnoses_per_episode", date(2010, 7, 1), 2.0)]


def test_people_belong_to_the_provider_they_used_most_before_the_index_date() -> None:
    people = [{"person_id": name, "is_treated": True, "index_date": "2010-07-01"} for name in ("p1", "p2", "p3", "p4")]
    study = SmallStudy(
        enrolments=[enrolment("2010-07-01", person_id=row["person_id"]) for row in people],
        population=[
            person("p1", gpprac="A81001"),
            person("p2", gpprac="A81001"),
            person("p3", gpprac="A81002"),
            person("p4", gpprac="A81001"),
        ],
        outpatients=[
            appointment("2010-06-01", procode3="RBB"),
            appointment("2010-06-02", procode3="RBB"),
            appointment("2010-06-03", procode3="RAA"),
            *(appointment(f"2010-07-{day:02d}", procode3="RAA") for day in range(1, 9)),  # from the index date on
            *(appointment(f"2008-06-{day:02d}", procode3="RAA") for day in range(1, 9)),  # over 24 months before
            appointment("2010-06-01", person_id="p4", procode3="RCC"),
            appointment("2010-06-02", person_id="p4", procode3="RBB"),  # as many: the first code
        ],
        design_people=people,
    )
    assert study.query("from usual_providers order by all") == [
        ("p1", "RBB"),
        ("p2", "RBB"),  # none of their own: that of their practice
        ("p3", None),
        ("p4", "RBB"),
    ]
