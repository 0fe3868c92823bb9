"""Areas and practices by calendar month, counted by hand: everybody who lives there, on observed days."""

from datetime import date
from typing import Any

import pytest

from pipelines.contracts import contract_by_table
from tests.sql.small_study import SmallStudy, appointment, attendance, enrolment, episode, person

SITES = [{"site_id": "s1", "area": "Pilot area", "go_live_date": "2010-07-15"}]
JULY = "month_start_date = date '2010-07-01'"


def resident(name: str, **fields: Any) -> dict[str, Any]:
    return person(name, **{"area": "Pilot area", "gpprac": "A1"} | fields)


def study(*people: dict[str, Any], sites: Any = SITES, **tables: Any) -> SmallStudy:
    tables.setdefault("enrolments", [enrolment("2010-07-01")])
    return SmallStudy(population=list(people), sites=sites, **tables)


def month(one: SmallStudy, columns: str, *, code: str = "Pilot area", where: str = JULY) -> tuple[Any, ...]:
    (row,) = one.query(f"select {columns} from area_months where unit_code = '{code}' and {where}")
    return row


def test_person_days_are_of_everybody_on_observed_days_enrolled_or_not() -> None:
    one = study(
        resident("p1"),
        resident("c1"),
        resident("born", dob="2010-07-30"),  # the 30th and the 31st
        resident("moved_in", reg_start="2010-07-22"),  # ten days
        resident("moved_away", reg_end="2010-07-03"),  # three days
        resident("died", date_of_death="2010-07-05"),  # five days
        resident("long_dead", date_of_death="2010-06-30"),
        resident("elsewhere", area="Other area"),
    )
    assert month(one, "person_days, enrolled_person_days, deaths") == (31 + 31 + 2 + 10 + 3 + 5, 31, 1)
    assert month(one, "person_days, enrolled_person_days, deaths", code="Other area") == (31, 0, 0)


def test_days_count_as_enrolled_from_the_index_date_on() -> None:
    one = study(resident("p1"), enrolments=[enrolment("2010-07-20")])
    assert month(one, "person_days, enrolled_person_days") == (31, 12)


def test_the_days_end_with_the_data() -> None:
    one = study(resident("p1"), design={"data_until": "2014-12-10"})
    assert month(one, "person_days", where="month_start_date = date '2014-12-01'") == (10,)
    assert one.value("select max(month_start_date) from area_months") == date(2014, 12, 1)


def test_each_kind_of_event_counts_in_the_calendar_month_in_which_it_starts() -> None:
    one = study(
        resident("p1"),
        resident("c1"),
        admissions=[
            episode("2010-07-30", "2010-08-02", person_id="c1"),  # two nights in July, one in August
            episode("2010-07-10", "2010-07-10", person_id="p1", admimeth="11", classpat="2"),
            episode("2010-06-30", "2010-07-02", person_id="p1"),  # counts in June, one night in July
        ],
        outpatients=[appointment("2010-07-31"), appointment("2010-08-01"), appointment("2010-07-01", attended="3")],
        emergency_care=[attendance("2010-07-01", person_id="c1")],
    )
    columns = "emergency_admissions, emergency_bed_days, elective_admissions, elective_bed_days, outpatient_attendances"
    others = "outpatient_did_not_attend, ae_attendances"
    assert month(one, f"{columns}, {others}") == (1, 3, 1, 0, 1, 1, 1)
    assert month(one, "emergency_admissions, emergency_bed_days", where="month_start_date = '2010-06-01'") == (1, 1)
    assert month(one, "emergency_admissions, emergency_bed_days", where="month_start_date = '2010-08-01'") == (0, 1)


def test_an_event_on_a_day_that_is_not_observed_does_not_count() -> None:
    one = study(
        resident("p1"),
        resident("left", reg_end="2010-07-03"),
        emergency_care=[attendance("2010-07-03", person_id="left"), attendance("2010-07-04", person_id="left")],
    )
    assert month(one, "ae_attendances") == (1,)


def test_a_month_that_an_extract_does_not_cover_is_null_and_never_zero() -> None:
    covered = [date(2010, number, 1) for number in range(1, 13)]
    one = study(
        resident("p1"), coverage={"admissions": covered, "outpatients": [covered[5], covered[7]], "emergency_care": []}
    )
    assert month(one, "emergency_admissions, outpatient_attendances, ae_attendances, cost_gbp") == (0, None, None, None)
    assert month(one, "outpatient_attendances", where="month_start_date = '2010-08-01'") == (0,)


def test_a_month_without_any_extract_between_others_has_a_row_of_nulls() -> None:
    one = study(resident("p1"), coverage={"admissions": [date(2010, 6, 1), date(2010, 8, 1)]})
    assert month(one, "person_days, emergency_admissions") == (31, None)
    assert one.value("select count(*) from area_months where unit_level = 'area'") == 3


def test_a_cost_is_null_where_an_activity_that_happened_has_no_price() -> None:
    prices = [{"activity": "outpatient_attendance", "unit_cost_gbp": 100.0}]
    tables = {"outpatients": [appointment("2010-07-01"), appointment("2010-07-02")], "prices": prices}
    assert month(study(resident("p1"), **tables), "cost_gbp") == (200.0,)
    unpriced = study(resident("p1"), emergency_care=[attendance("2010-07-01")], **tables)
    assert month(unpriced, "cost_gbp") == (None,)


def test_areas_and_practices_hold_the_same_people() -> None:
    one = study(
        resident("p1"),
        resident("c1", gpprac="A2"),
        resident("c2", gpprac="A2", area="Other area"),
        resident("c3", gpprac="A2", area="Other area"),
        emergency_care=[attendance("2010-07-01", person_id="c2")],
    )
    sums = one.query(
        f"select unit_level, sum(person_days), sum(ae_attendances) from area_months where {JULY} group by 1"
    )
    assert sorted(sums) == [("area", 124, 1), ("practice", 124, 1)]
    assert month(one, "person_days, area, unit_role", code="A2") == (93, "Other area", "comparison")
    assert month(one, "person_days, area, unit_role", code="A1") == (31, "Pilot area", "pilot")


def test_people_without_area_or_practice_are_in_no_row_of_that_level() -> None:
    one = study(resident("p1"), resident("c1", area=None), resident("c2", gpprac=None))
    assert month(one, "person_days") == (62,)
    assert month(one, "person_days", code="A1") == (62,)
    assert one.value("select count(*) from area_months where unit_code is null") == 0


@pytest.mark.parametrize(
    ("sites", "programmes", "role"),
    [
        ([("Pilot area", "2010-07-15")], [], "pilot"),
        ([("Pilot area", "2010-07-15"), ("Pilot area", None)], [], "pilot_undated"),
        ([("Third area", "2010-07-15")], [("Pilot area", None, "2014-12-31")], "other_programme"),
        ([("Third area", "2010-07-15")], [("Pilot area", None, "2015-01-01")], "comparison"),
        ([("Pilot area", "2010-07-15")], [("Pilot area", None, "2010-01-01")], "pilot"),
        ([(None, "2010-07-15")], [], "unknown"),
    ],
)
def test_the_role_of_an_area_is_what_sites_and_other_programmes_say(sites: Any, programmes: Any, role: str) -> None:
    one = study(
        *(resident(f"c{number}") for number in range(3)),
        sites=[{"site_id": f"s{n}", "area": area, "go_live_date": day} for n, (area, day) in enumerate(sites)],
        other_programmes=[
            {"programme": "x", "area": area, "practice": practice, "start_date": day}
            for area, practice, day in programmes
        ],
        enrolments=[],
    )
    assert month(one, "unit_role") == (role,)


def test_a_site_has_its_areas_first_go_live() -> None:
    sites = [{**SITES[0], "site_id": "s2", "go_live_date": "2011-01-01"}, *SITES]
    assert month(study(resident("p1"), sites=sites), "go_live_date") == (date(2010, 7, 15),)


def test_a_programme_of_one_practice_takes_out_that_practice_and_not_its_area() -> None:
    programmes = [{"programme": "x", "practice": "B1", "start_date": "2010-01-01"}]
    one = study(
        resident("p1"), resident("c1", area="Other area", gpprac="B1"), resident("c2", area="Other area", gpprac="B2"),
        other_programmes=programmes,
    )  # fmt: skip
    roles = one.query(f"select unit_code, unit_role from area_months where {JULY} and area = 'Other area'")
    assert sorted(roles) == [("B1", "other_programme"), ("B2", "comparison"), ("Other area", "comparison")]


def test_an_area_without_a_site_in_which_enrolled_people_live_is_no_comparison() -> None:
    others = [resident(f"c{number}", area="Near by") for number in range(20)]
    enrolled = study(resident("p1", area="Near by"), resident("c0"), *others)
    assert month(enrolled, "unit_role", code="Near by") == ("enrolled_residents",)
    many = [resident(f"d{number}", area="Near by") for number in range(100)]
    assert month(study(resident("p1", area="Near by"), *others, *many), "unit_role", code="Near by") == ("comparison",)


def test_every_metric_of_people_that_can_be_a_rate_is_one_of_areas_too() -> None:
    of_people = [column for column in contract_by_table("person_periods").columns if "metric_domain" in column.options]
    of_areas = {column.name for column in contract_by_table("area_months").columns}
    assert {column.name for column in of_people if column.sql_type != "BOOLEAN"} <= of_areas
