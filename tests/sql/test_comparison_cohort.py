"""Who may stand beside the pilot people: pools in their order, other programmes; the baseline without the crisis."""

from typing import Any

from tests.sql.small_study import SmallStudy, enrolment, episode, person

SITES = [{"site_id": "s1", "area": "Pilot area"}]


def study(*others: dict[str, Any], pilots: int = 2, **tables: Any) -> SmallStudy:
    enrolled = [f"p{number}" for number in range(pilots)]
    return SmallStudy(
        enrolments=[enrolment("2010-07-01", person_id=one) for one in enrolled],
        population=[*(person(one, area="Pilot area", gpprac="PILOT") for one in enrolled), *others],
        sites=tables.pop("sites", SITES),
        **tables,
    )


def compared(found: SmallStudy) -> dict[str, str]:
    rows = found.query("select person_id, comparison_pool from comparison_cohort where not is_treated order by 1")
    return dict(rows)


def people(name: str, number: int = 2, **fields: Any) -> list[dict[str, Any]]:
    return [person(f"{name}{position}", **fields) for position in range(number)]


OUTSIDE = people("outside", area="Elsewhere", gpprac="OTHER")
UNKNOWN = people("unknown", gpprac="OTHER")
LOCAL = people("local", area="Pilot area", gpprac="OTHER")
SAME_PRACTICE = people("practice", area="Elsewhere", gpprac="PILOT")


def test_people_from_outside_are_compared_and_nobody_else() -> None:
    found = compared(study(*OUTSIDE, *UNKNOWN, *LOCAL, *SAME_PRACTICE))
    assert found == {"outside0": "outside", "outside1": "outside"}


def test_without_enough_people_outside_those_of_unknown_areas_are_then_local_ones() -> None:
    assert set(compared(study(OUTSIDE[0], *UNKNOWN, *LOCAL)).values()) == {"unknown"}
    assert set(compared(study(OUTSIDE[0], *LOCAL, *SAME_PRACTICE)).values()) == {"local"}
    assert set(compared(study(OUTSIDE[0], *SAME_PRACTICE)).values()) == {"pilot_practices"}


def test_where_the_study_has_no_areas_nobodys_pool_is_known() -> None:
    assert set(compared(study(*OUTSIDE, sites=[{"site_id": "s1"}])).values()) == {"unknown"}


def test_who_has_no_known_practice_is_not_taken_to_be_outside_the_pilots() -> None:
    nowhere = people("nowhere", area="Elsewhere")
    assert set(compared(study(*nowhere, *OUTSIDE)).values()) == {"outside"}
    assert compared(study(*nowhere, OUTSIDE[0], *UNKNOWN)) == {
        "nowhere0": "practice_unknown",
        "nowhere1": "practice_unknown",
    }


def test_where_no_practice_of_the_pilot_is_known_nobodys_is_known_to_be_another() -> None:
    pilots = [person(one, area="Pilot area") for one in ("p0", "p1")]
    found = SmallStudy(
        enrolments=[enrolment("2010-07-01", person_id=one) for one in ("p0", "p1")],
        population=[*pilots, *OUTSIDE],
        sites=SITES,
    )
    assert set(compared(found).values()) == {"practice_unknown"}


def test_where_one_site_has_no_area_nobody_is_known_to_live_outside() -> None:
    found = study(*OUTSIDE, *LOCAL, sites=[*SITES, {"site_id": "s2"}])
    assert compared(found) == {"outside0": "unknown", "outside1": "unknown"}


def test_where_no_pool_is_as_large_as_the_pilot_all_are_taken() -> None:
    found = compared(study(OUTSIDE[0], LOCAL[0], pilots=3))
    assert found == {"outside0": "outside", "local0": "local"}


def test_where_pairs_need_not_be_of_one_pool_all_are_taken() -> None:
    found = compared(study(*OUTSIDE, LOCAL[0], design={"comparison_is_of_one_pool": False}))
    assert found == {"outside0": "outside", "outside1": "outside", "local0": "local"}


def test_people_whose_follow_up_reaches_into_another_programme_are_no_comparison() -> None:
    others = [*people("a", area="Elsewhere"), *people("b", area="Further"), *people("c", area="Away", gpprac="BUSY")]
    programmes = [
        {"area": "Elsewhere", "programme": "Teams", "start_date": "2010-12-31"},  # the last day of follow-up
        {"area": "Further", "programme": "Teams", "start_date": "2011-01-01"},  # the day after it
        {"practice": "BUSY", "programme": "Calls", "start_date": "2009-01-01"},
    ]
    assert set(compared(study(*others, other_programmes=programmes))) == {"b0", "b1"}


def test_another_programme_within_the_longest_horizon_counts_beyond_the_primary_follow_up() -> None:
    others = [*people("a", area="Elsewhere"), *people("b", area="Further")]
    programmes = [
        {"area": "Elsewhere", "programme": "Teams", "start_date": "2012-06-30"},  # the last day of 24 months
        {"area": "Further", "programme": "Teams", "start_date": "2012-07-01"},  # the day after it
    ]
    primary = study(*others, other_programmes=programmes)
    assert set(compared(primary)) == {"a0", "a1", "b0", "b1"}
    longer = study(*others, other_programmes=programmes, design={"longest_horizon_months": 24})
    assert set(compared(longer)) == {"b0", "b1"}


def test_pilot_people_are_compared_whatever_their_practice_and_programme() -> None:
    found = study(*OUTSIDE, other_programmes=[{"practice": "PILOT", "programme": "Calls", "start_date": "2009-01-01"}])
    rows = found.query("select person_id, comparison_pool from comparison_cohort where is_treated order by 1")
    assert rows == [("p0", None), ("p1", None)]


def test_everyone_who_may_be_compared_is_in_a_pool_whichever_is_taken() -> None:
    programmes = [{"area": "Elsewhere", "programme": "Teams", "start_date": "2010-12-31"}]
    found = study(*OUTSIDE, *UNKNOWN, *LOCAL, *SAME_PRACTICE, other_programmes=programmes)
    rows = found.query("select person_id, comparison_pool from comparison_pools where not is_treated order by 1")
    assert dict(rows) == {
        "local0": "local",
        "local1": "local",
        "unknown0": "unknown",
        "unknown1": "unknown",
    }
    rows = study(*SAME_PRACTICE).query("select comparison_pool from comparison_pools where not is_treated")
    assert rows == [("pilot_practices",)] * 2


def test_calendar_time_is_counted_from_the_first_index_date_of_the_pilot() -> None:
    enrolments = [enrolment("2010-07-01"), enrolment("2010-10-09", person_id="p2")]
    found = SmallStudy(enrolments=enrolments)
    days = found.query("select person_id, index_day, index_quarter from comparison_cohort where is_treated order by 1")
    assert days == [("p1", 0, "3"), ("p2", 100, "4")]


def test_the_earlier_baseline_ends_before_the_crisis() -> None:
    admissions = [
        episode("2008-06-30", "2008-06-30"),  # before month -24
        episode("2008-07-01", "2008-07-01"),  # the first day of month -24
        episode("2009-12-31", "2009-12-31"),  # the last day of month -7
        episode("2010-01-01", "2010-01-01"),  # month -6
    ]
    found = SmallStudy(enrolments=[enrolment("2010-07-01")], admissions=admissions, design={"look_back_months": 24})
    assert found.query("select emergency_admissions, person_days from earlier_baselines") == [(2, 549)]


def test_where_a_month_is_not_known_the_earlier_baseline_is_not_and_a_short_look_back_gives_none() -> None:
    unknown = SmallStudy(enrolments=[enrolment("2007-06-01")], design={"look_back_months": 24})
    assert unknown.query("select emergency_admissions from earlier_baselines") == [(None,)]
    short = SmallStudy(enrolments=[enrolment("2010-07-01")], design={"look_back_months": 6})
    assert short.query("select * from earlier_baselines") == []


def test_who_stands_in_a_frozen_design_keeps_the_earlier_baseline_outside_todays_pool() -> None:
    left = people("practice", gpprac="PILOT", area="Elsewhere")
    frozen = [{"person_id": "practice0", "index_date": "2010-07-01"}]
    found = study(*OUTSIDE, *left, frozen_index_dates=frozen, design={"look_back_months": 24})
    assert set(compared(found)) == {"outside0", "outside1"}
    kept = found.query("select person_id, person_days from earlier_baselines order by 1")
    assert kept == [(one, 549) for one in ("outside0", "outside1", "p0", "p1", "practice0")]
