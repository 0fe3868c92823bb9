"""Who was enrolled of the people who live in the pilot's areas, counted by hand."""

from typing import Any

import polars as pl
import pytest

from evaluation.matching import with_subgroups
from tests.sql.small_study import SmallStudy, enrolment, episode, person

SITES = [{"site_id": "s1", "area": "Pilot area"}]
INDEX_DATE = "2010-07-01"


def reached(
    *people: dict[str, Any],
    enrolled: tuple[str, ...] = ("p1",),
    at: dict[str, str] | None = None,
    sites: Any = SITES,
    **extracts: Any,
) -> dict:
    """Numbers by characteristic and value; `at` says where people enrolled who did not at s1."""
    study = SmallStudy(
        enrolments=[enrolment(INDEX_DATE, person_id=one, site=(at or {}).get(one, "s1")) for one in enrolled],
        population=list(people),
        sites=sites,
        **extracts,
    )
    rows = study.query(
        """select characteristic, characteristic_value, eligible_people, enrolled_eligible_people, enrolled_people,
        reach_pct, share_of_eligible_pct, share_of_enrolled_pct from reach"""
    )
    return {(characteristic, value): tuple(numbers) for characteristic, value, *numbers in rows}


def resident(name: str, **fields: Any) -> dict[str, Any]:
    return person(name, **{"area": "Pilot area", "dob": "1930-01-01"} | fields)


def test_enrolled_people_are_counted_of_all_who_live_in_the_pilots_areas() -> None:
    found = reached(resident("p1"), resident("c1"), resident("c2"), resident("c3"), resident("away", area="Elsewhere"))
    assert found["all", "all"] == (4, 1, 1, 25.0, 100.0, 100.0)


def test_enrolled_people_from_elsewhere_are_enrolled_but_not_among_those_who_live_there() -> None:
    found = reached(resident("p1"), resident("p2", area="Elsewhere"), resident("c1"), enrolled=("p1", "p2"))
    assert found["all", "all"] == (2, 1, 2, 50.0, 100.0, 100.0)


@pytest.mark.parametrize(
    ("born", "group"),
    [
        ("1945-07-02", "under_65"),  # 65 on the day after the index date
        ("1945-07-01", "65_to_74"),
        ("1935-07-02", "65_to_74"),
        ("1935-07-01", "75_to_84"),
        ("1925-07-02", "75_to_84"),
        ("1925-07-01", "85_and_over"),
    ],
)
def test_age_groups_at_the_index_date(born: str, group: str) -> None:
    found = reached(resident("p1", dob=born))
    assert [value for characteristic, value in found if characteristic == "age_group"] == [group]


def test_by_sex_and_deprivation_shares_show_who_was_reached_more() -> None:
    found = reached(
        resident("p1", sex="2", imd_quintile=1),
        resident("c1", sex="2", imd_quintile=1),
        resident("c2", sex="1", imd_quintile=5),
        resident("c3", sex="1"),
    )
    assert found["sex", "2"] == (2, 1, 1, 50.0, 50.0, 100.0)
    assert found["sex", "1"] == (2, 0, 0, 0.0, 50.0, 0.0)
    assert found["deprivation", "1"] == (2, 1, 1, 50.0, 50.0, 100.0)
    assert found["deprivation", "5"] == (1, 0, 0, 0.0, 25.0, 0.0)
    assert found["deprivation", "unknown"] == (1, 0, 0, 0.0, 25.0, 0.0)


def test_the_dead_and_those_who_moved_away_before_the_index_date_do_not_count() -> None:
    found = reached(
        resident("p1"), resident("dead", date_of_death="2010-06-30"), resident("left", reg_end="2010-06-30")
    )
    assert found["all", "all"][:3] == (1, 1, 1)


def test_without_areas_nobodys_eligibility_is_known() -> None:
    found = reached(resident("p1"), resident("c1"), sites=[{"site_id": "s1"}])
    assert found["all", "all"] == (None, None, 1, None, None, 100.0)


def test_values_of_a_characteristic_add_up_to_everybody() -> None:
    everyone = [resident(f"c{n}", sex=str(n % 2 + 1), dob=f"19{20 + 5 * n}-01-01") for n in range(8)]
    found = reached(resident("p1"), *everyone)
    for characteristic in ("age", "age_group", "sex", "deprivation", "ethnic_group", "frailty", "site"):
        parts = [numbers for (name, _), numbers in found.items() if name == characteristic]
        assert tuple(sum(part[place] for part in parts) for place in range(3)) == found["all", "all"][:3]


@pytest.mark.parametrize(("born", "age"), [("1935-07-02", "under_75"), ("1935-07-01", "75_and_over")])
def test_two_ages_are_those_of_the_subgroups(born: str, age: str) -> None:
    found = reached(resident("p1", dob=born))
    assert [value for characteristic, value in found if characteristic == "age"] == [age]


def test_ethnic_groups_are_those_of_the_census_and_unknown_is_a_value() -> None:
    found = reached(resident("p1", ethnos="N"), resident("c1", ethnos="A"), resident("c2", ethnos="Z"), resident("c3"))
    assert found["ethnic_group", "black"] == (1, 1, 1, 100.0, 25.0, 100.0)
    assert found["ethnic_group", "white"] == (1, 0, 0, 0.0, 25.0, 0.0)
    assert found["ethnic_group", "unknown"] == (2, 0, 0, 0.0, 50.0, 0.0)


@pytest.mark.parametrize(
    ("codes", "group"),
    [(["I10"], "low"), (["F00"], "intermediate"), (["F00", "G81", "G30", "I69"], "high")],
)
def test_frailty_is_that_of_the_24_months_before_the_index_date(codes: list[str], group: str) -> None:
    """7.1 points of dementia; 4.4 of hemiplegia, 4.0 of Alzheimer's disease and 3.7 of stroke come to 19.2."""
    stay = episode("2010-05-01", "2010-05-04", diag_01=codes[0], diag_secondary=codes[1:], person_id="c1")
    later = episode("2010-07-02", "2010-07-04", diag_01="F00", diag_secondary=["G81", "G30", "I69"], person_id="p1")
    found = reached(resident("p1"), resident("c1"), admissions=[stay, later])
    assert found["frailty", "low"][2] == 1  # what is coded after the index date tells nothing of it
    assert found["frailty", group][0] == (2 if group == "low" else 1)


def test_where_a_calendar_month_of_admissions_is_missing_nobodys_frailty_is_known() -> None:
    found = reached(resident("p1"), resident("c1"), coverage={})
    assert found["frailty", "unknown"] == (2, 1, 1, 50.0, 100.0, 100.0)


@pytest.mark.parametrize(("age", "score"), [(74, 4.9), (75, 5.0), (90, 15.0), (60, 15.1)])
def test_classes_are_those_that_subgroups_have(age: int, score: float) -> None:
    study = SmallStudy(enrolments=[enrolment(INDEX_DATE)], population=[resident("p1")], sites=SITES)
    study.query("from covariates")
    study.connection.execute(f"update covariates set age_at_index = {age}, hospital_frailty_score = {score}")
    found = dict(study.query("select characteristic, characteristic_value from reach"))
    cohort = pl.DataFrame(
        {"age_at_index": [age], "hospital_frailty_score": [score], "imd_quintile": [3], "ethnic_group": ["white"]}
    )
    (row,) = with_subgroups(cohort).rows(named=True)
    assert (found["age"], found["frailty"]) == (row["subgroup_age"], row["subgroup_frailty"])


TWO_SITES = [
    {"site_id": "s1", "area": "Pilot area", "models": "team; budget"},
    {"site_id": "s2", "area": "Other pilot area", "models": "team"},
]


def test_a_site_has_reached_those_whom_it_enrolled_of_the_people_of_its_area() -> None:
    found = reached(
        *(resident("p1"), resident("p2"), resident("c1"), resident("c2")),
        *(resident("p3", area="Other pilot area"), resident("c3", area="Other pilot area")),
        enrolled=("p1", "p2", "p3"),
        at={"p2": "s2", "p3": "s2"},
        sites=TWO_SITES,
    )
    assert found["all", "all"] == (6, 3, 3, 50.0, 100.0, 100.0)
    assert found["site", "s1"] == (4, 1, 1, 25.0, pytest.approx(400 / 6), pytest.approx(100 / 3))
    assert found["site", "s2"] == (2, 1, 2, 50.0, pytest.approx(200 / 6), pytest.approx(200 / 3))


def test_a_model_has_reached_those_whom_its_sites_enrolled_of_the_people_of_their_areas() -> None:
    found = reached(
        *(resident("p1"), resident("c1"), resident("p2", area="Other pilot area"), resident("away", area="Elsewhere")),
        enrolled=("p1", "p2"),
        at={"p2": "s1"},
        sites=TWO_SITES,
    )
    assert found["model", "team"][:3] == (3, 2, 2)
    assert found["model", "budget"][:3] == (2, 1, 2)


def test_a_site_that_reached_nobody_is_there_and_one_without_an_area_has_no_eligible_people() -> None:
    sites = [*TWO_SITES, {"site_id": "s3", "models": "budget"}]
    found = reached(resident("p1"), resident("c1", area="Other pilot area"), sites=sites)
    assert found["site", "s2"][:4] == (1, 0, 0, 0.0)
    assert found["site", "s3"][:4] == (None, None, 0, None)
    assert found["model", "budget"][:4] == (None, None, 1, None)
    assert found["model", "team"][:4] == (2, 1, 1, 50.0)


def test_who_lives_where_two_sites_are_counts_for_each_of_them_and_once_for_their_model() -> None:
    both = [{"site_id": name, "area": "Pilot area", "models": "team"} for name in ("s1", "s2")]
    found = reached(resident("p1"), resident("c1"), sites=both)
    assert (found["site", "s1"][:3], found["site", "s2"][:3]) == ((2, 1, 1), (2, 0, 0))
    assert found["model", "team"][:3] == found["all", "all"][:3] == (2, 1, 1)
