"""Who was enrolled of the people who live in the pilot's areas, counted by hand."""

from typing import Any

import pytest

from tests.sql.small_study import SmallStudy, enrolment, person

SITES = [{"site_id": "s1", "area": "Pilot area"}]
INDEX_DATE = "2010-07-01"


def reached(*people: dict[str, Any], enrolled: tuple[str, ...] = ("p1",), sites: Any = SITES) -> dict:
    study = SmallStudy(
        enrolments=[enrolment(INDEX_DATE, person_id=one) for one in enrolled], population=list(people), sites=sites
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
    for characteristic in ("age_group", "sex", "deprivation"):
        parts = [numbers for (name, _), numbers in found.items() if name == characteristic]
        assert tuple(sum(part[place] for part in parts) for place in range(3)) == found["all", "all"][:3]
