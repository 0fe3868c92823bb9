"""Who enrols later is a comparison person up to then: excluded for nothing that lay in the future on the drawn date."""

from datetime import date
from hashlib import md5
from typing import Any

import pytest

from tests.sql.small_study import SmallStudy, appointment, attendance, enrolment, episode, person

BEFORE = "p2 before enrolment"
JUNE, SEPTEMBER = date(2010, 6, 1), date(2010, 9, 1)


def later_enrolled(*, drawn: str = "2010-06-01", **tables: Any) -> SmallStudy:
    """Pilot people p1, from 1 June 2010, and p2, from 1 September, whose date as a comparison person is `drawn`."""
    people = [enrolment("2010-06-01"), enrolment("2010-09-01", person_id="p2")]
    away = [{"person_id": "p1", "index_date": "2010-06-01"}]  # p1 is no comparison person: enrolled on that day
    frozen = [*away, {"person_id": "p2", "index_date": drawn}]
    return SmallStudy(**({"enrolments": people, "frozen_index_dates": frozen} | tables))


def test_who_enrols_after_the_drawn_date_stands_in_both_arms_and_is_censored_on_the_day_before() -> None:
    arms = """select person_id, record_person_id, is_pilot, site_id, index_date, observed_until_date,
        later_enrolment_date from people order by 1"""
    assert later_enrolled().query(arms) == [
        ("p1", "p1", True, "s1", JUNE, date(2015, 1, 1), None),
        ("p2", "p2", True, "s1", SEPTEMBER, date(2015, 1, 1), None),
        (BEFORE, "p2", False, None, JUNE, SEPTEMBER, SEPTEMBER),
    ]


@pytest.mark.parametrize(("drawn", "is_at_risk"), [("2010-08-31", True), ("2010-09-01", False), ("2010-09-02", False)])
def test_on_the_day_of_enrolment_and_later_nobody_is_a_comparison_person(drawn: str, is_at_risk: bool) -> None:
    found = later_enrolled(drawn=drawn).query("select person_id from index_dates where not is_pilot")
    assert found == ([(BEFORE,)] if is_at_risk else [])


def test_the_first_of_several_enrolments_ends_the_follow_up() -> None:
    twice = [enrolment("2010-06-01"), *(enrolment(day, person_id="p2") for day in ("2010-09-01", "2010-07-01"))]
    study = later_enrolled(enrolments=twice)
    assert study.value(f"select observed_until_date from people where person_id = '{BEFORE}'") == date(2010, 7, 1)


def test_the_drawn_date_does_not_depend_on_whether_somebody_enrols() -> None:
    ids, pilot = [f"c{number}" for number in range(40)], ["2010-03-01", "2010-06-01", "2010-06-01"]
    first = [enrolment(day, person_id=f"a{number}") for number, day in enumerate(pilot)]
    people = [person(person_id) for person_id in [*ids, "a0", "a1", "a2"]]
    # All of the forty are enrolled on another day, but by a record that does not say where.
    where = {"extract": "enrolments", "delivery_id": "d1", "rule_id": "missing_value"}
    refused = [
        {**where, "record": 100 + number, "person_id": person_id, "activity_date": "2010-04-15"}
        for number, person_id in enumerate(ids)
    ]
    expected = {p: date.fromisoformat(pilot[int(md5(f"1:{p}".encode()).hexdigest()[:15], 16) % 3]) for p in ids}
    drawn = SmallStudy(enrolments=first, population=people).query(
        "select person_id, index_date from index_dates where not is_pilot and starts_with(person_id, 'c')"
    )
    assert dict(drawn) == expected
    later = SmallStudy(enrolments=first, population=people, lake_quarantine=refused).query(
        "select record_person_id, index_date from index_dates where not is_pilot and starts_with(person_id, 'c')"
    )
    assert dict(later) == {p: day for p, day in expected.items() if day < date(2010, 4, 15)}
    assert 0 < len(later) < 40


def refused(day: str | None) -> dict[str, Any]:
    return {"delivery_id": "d1", "extract": "enrolments", "record": 9, "rule_id": "missing_value", "person_id": "c1",
            "activity_date": day}  # fmt: skip


@pytest.mark.parametrize(
    ("day", "until"),
    [
        ("2010-08-01", date(2010, 8, 1)),
        ("2010-06-01", None),  # enrolled on the drawn date
        (None, None),  # nobody knows when
        ("2015-01-01", None),  # beyond the data: nobody knows when
    ],
)
def test_an_enrolment_that_cannot_be_used_ends_the_follow_up_where_its_day_is_known(
    day: str | None, until: date | None
) -> None:
    study = SmallStudy(
        enrolments=[enrolment("2010-06-01")], population=[person("p1"), person("c1")], lake_quarantine=[refused(day)]
    )
    found = study.query("select person_id, observed_until_date from people where not is_pilot")
    assert found == ([("c1 before enrolment", until)] if until else [])
    steps = "select people_lost from attrition where arm = 'comparison' and step_number in (3, 4) order by step_number"
    unknown = day is None or day > "2014-12-31"
    assert study.query(steps) == [(int(unknown),), (int(not unknown and until is None) + 1,)]


def test_a_spoilt_copy_of_an_enrolment_does_not_make_its_day_unknown() -> None:
    study = later_enrolled(lake_quarantine=[{**refused(None), "person_id": "p2"}])
    assert study.value("select observed_until_date from people where not is_pilot") == SEPTEMBER


def test_who_opted_out_is_in_neither_arm() -> None:
    study = later_enrolled(opt_outs=[{"person_id": "p2"}])
    assert study.query("select person_id from index_dates") == [("p1",)]


def test_use_counts_around_each_of_both_index_dates_and_as_a_comparison_person_only_before_the_enrolment() -> None:
    study = later_enrolled(
        admissions=[
            episode("2010-05-01", "2010-05-03", person_id="p2"),
            episode("2010-07-01", "2010-07-05", person_id="p2"),
            episode("2010-08-30", "2010-09-04", person_id="p2"),
            episode("2010-09-01", "2010-09-02", person_id="p2", procode3="RBB"),
        ],
        outpatients=[appointment(day, person_id="p2") for day in ("2010-05-02", "2010-08-31", "2010-09-01")],
        emergency_care=[attendance(day, person_id="p2") for day in ("2010-05-03", "2010-08-31", "2010-11-01")],
    )
    columns = "person_days, emergency_admissions, emergency_bed_days, outpatient_attendances, ae_attendances"
    found = study.query(
        f"select person_id, period, {columns} from person_periods where person_id <> 'p1' order by 1, 2"
    )
    assert found == [
        ("p2", "baseline", 184, 3, 2 + 4 + 2, 2, 2),
        ("p2", "follow_up", 181, 1, 3 + 1, 1, 1),
        (BEFORE, "baseline", 182, 1, 2, 1, 1),
        (BEFORE, "follow_up", 92, 2, 4 + 2, 1, 1),
    ]
    by_day = study.query(
        f"select max(day_from_index), sum(days_in_hospital) from use_by_day where person_id = '{BEFORE}'"
    )
    assert by_day == [(91, 6)]


def test_covariates_are_those_of_the_drawn_date() -> None:
    study = later_enrolled(
        admissions=[
            episode("2010-05-01", "2010-05-03", person_id="p2", diag_01="I500"),
            episode("2010-07-01", "2010-07-05", person_id="p2", diag_01="J440"),
        ],
        emergency_care=[attendance("2010-05-30", person_id="p2")],
        population=[person("p1"), person("p2", gpprac="A1", area="North", dob="1940-06-02")],
    )
    columns = """person_id, is_treated, is_in_pilot_practice, age_at_index, emergency_admissions_12_months,
        ae_attendances_1_month, days_since_emergency_discharge, charlson_score"""
    assert study.query(f"select {columns} from covariates where person_id <> 'p1' order by 1") == [
        ("p2", True, None, 70, 2, 0, 58, 2),
        (BEFORE, False, True, 69, 1, 1, 29, 1),
    ]
    assert study.query("select person_id, pool_number from comparison_pools where not is_treated") == [(BEFORE, 5)]


def test_a_death_after_the_enrolment_is_the_pilot_persons_alone() -> None:
    study = later_enrolled(population=[person("p1"), person("p2", date_of_death="2010-10-01")])
    died = study.query("select person_id from person_periods where died and period = 'follow_up'")
    assert died == [("p2",)]
    assert study.query("select date_of_death from people where not is_pilot") == [(None,)]
    assert study.query("select count(*) from person_months where died and not is_pilot") == [(0,)]


def test_answers_records_and_reach_count_a_person_in_both_arms_once() -> None:
    study = later_enrolled(
        admissions=[episode("2010-07-01", "2010-07-05", person_id="p2")],
        population=[person("p1", area="North"), person("p2", area="North")],
        sites=[{"site_id": "s1", "area": "North"}],
        surveys=[{"extract": "s", "instrument": "patients", "person_id": "p2", "wave": "1", "involved": "1"}],
        instrument_items=[{"instrument_id": "patients", "item_id": "involved", "item_column": "involved"}],
    )
    assert study.query("select person_id from survey_answers") == [("p2",)]
    assert study.query("select arm, records from record_quality") == [("pilot", 1)]
    query = "select eligible_people, enrolled_people from reach where characteristic = 'all'"
    assert study.query(query) == [(2, 2)]


def test_the_usual_provider_is_that_of_the_persons_records() -> None:
    study = later_enrolled(
        outpatients=[
            appointment("2010-05-02", person_id="p2"),
            appointment("2010-07-02", person_id="p2", procode3="RBB"),
        ],
        design_people=[{"person_id": BEFORE, "is_treated": False, "index_date": "2010-06-01"}],
    )
    assert study.query("select person_id, provider_code from usual_providers") == [(BEFORE, "RAA")]
