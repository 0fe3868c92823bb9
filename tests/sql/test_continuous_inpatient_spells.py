"""Provider spells are joined to continuous inpatient spells under two published rule sets: golden cases by hand."""

from datetime import date
from typing import Any

import pytest

from tests.sql.small_study import SmallStudy, episode


def chains(*rows: dict[str, Any]) -> list[tuple[date, date, int]]:
    """Admission, discharge and number of provider spells of each chain under the default rule, in order."""
    return SmallStudy(admissions=rows).query(
        """select admission_date, discharge_date, spells from continuous_inpatient_spells
        where continuous_rule = 'nhs_digital_2014' order by person_id, continuous_spell_number"""
    )


def january(first: int, last: int, provider: str = "RAA", **fields: Any) -> dict[str, Any]:
    """A stay in January 2010."""
    return episode(f"2010-01-{first:02d}", f"2010-01-{last:02d}", procode3=provider, **fields)


def joined(*rows: dict[str, Any]) -> bool:
    """Whether two stays are one chain under the default rule."""
    return len(chains(*rows)) == 1


TRANSFERRED = {"admimeth": "81", "admisorc": "51"}
NHS, CHE = "nhs_digital_2014", "hf_che"


def test_a_transfer_on_the_same_day_is_one_continuous_spell() -> None:
    assert chains(january(1, 5, disdest="51"), january(5, 9, "RBB", **TRANSFERRED)) == [
        (date(2010, 1, 1), date(2010, 1, 9), 2)
    ]


def test_there_and_back_is_one_continuous_spell_with_three_provider_spells() -> None:
    assert chains(
        january(1, 5, disdest="51"),
        january(5, 8, "RBB", disdest="51", **TRANSFERRED),
        january(8, 20, "RAA", **TRANSFERRED),
    ) == [(date(2010, 1, 1), date(2010, 1, 20), 3)]


def test_there_and_back_within_one_day_keeps_its_order() -> None:
    study = SmallStudy(
        admissions=[
            january(1, 1, "RZZ", disdest="51", transit="1"),
            january(1, 1, "RBB", disdest="51", transit="2", **TRANSFERRED),
            january(1, 4, "RAA", transit="3", **TRANSFERRED),
        ]
    )
    assert study.query(
        """select distinct provider_code, discharge_provider_code, spells, is_new_emergency_admission
        from continuous_inpatient_spells"""
    ) == [("RZZ", "RAA", 3, True)]


def rules_that_join(*pairs: tuple[dict[str, Any], dict[str, Any]]) -> list[set[str]]:
    """For each pair of stays, each pair a person of its own: the rules under which they are one chain."""
    named = [(f"pair {number:03d}", rows) for number, rows in enumerate(pairs)]
    found = SmallStudy(admissions=[{**row, "person_id": name} for name, rows in named for row in rows]).query(
        """select list(continuous_rule) filter (where spells = 2) from continuous_inpatient_spells
        group by person_id order by person_id"""
    )
    return [set(rules or ()) for (rules,) in found]


def test_a_transfer_may_take_two_days_under_one_rule_and_three_under_the_other() -> None:
    gaps = {0: {NHS, CHE}, 1: {NHS, CHE}, 2: {NHS, CHE}, 3: {CHE}, 4: set()}
    found = rules_that_join(
        *((january(1, 5, disdest="51"), january(5 + gap, 20, "RBB", **TRANSFERRED)) for gap in gaps)
    )
    assert dict(zip(gaps, found, strict=True)) == gaps


def test_a_marker_joins_two_stays_under_the_rules_that_know_it() -> None:
    cases: list[tuple[dict[str, Any], dict[str, Any], set[str]]] = [
        ({}, {}, set()),  # no marker: two stays
        ({"disdest": "51"}, {}, {NHS, CHE}),
        ({"disdest": "53"}, {}, {NHS, CHE}),
        ({"disdest": "49"}, {}, {NHS}),
        ({"disdest": "84"}, {}, {NHS}),
        ({"disdest": "87"}, {}, set()),  # 87 joins as a source, not as a destination
        ({"disdest": "54"}, {}, set()),  # a care home
        ({}, {"admisorc": "52"}, {NHS, CHE}),
        ({}, {"admisorc": "50"}, {NHS}),
        ({}, {"admisorc": "87"}, {NHS}),
        ({}, {"admisorc": "84"}, set()),
        ({}, {"admimeth": "2B"}, {NHS, CHE}),
        ({}, {"admimeth": "67"}, {NHS, CHE}),  # how some suppliers send 2B
        ({}, {"admimeth": "81"}, {NHS, CHE}),
        ({}, {"admimeth": "28"}, set()),
        ({}, {"admimeth": "28", "admisorc": "51"}, {NHS, CHE}),  # 28 from another hospital
        ({"disdest": None}, {"admimeth": None, "admisorc": None}, set()),
    ]
    found = rules_that_join(*((january(1, 5, **first), january(6, 9, "RBB", **second)) for first, second, _ in cases))
    assert list(zip(cases, found, strict=True)) == [(case, case[2]) for case in cases]


def test_home_and_back_through_an_emergency_department_is_two_stays_under_nhs_digital_only() -> None:
    cases = {
        ("19", "51", "21"): {CHE},  # sent home, came back through A&E: the exception
        ("29", "51", "21"): {NHS, CHE},
        ("19", "52", "21"): {NHS, CHE},
        ("19", "51", "22"): {NHS, CHE},
        ("51", "51", "21"): {NHS, CHE},
        (None, "51", "21"): {NHS, CHE},
    }
    found = rules_that_join(
        *(
            (january(1, 5, disdest=destination), january(6, 9, "RBB", admisorc=source, admimeth=method))
            for destination, source, method in cases
        )
    )
    assert dict(zip(cases, found, strict=True)) == cases


def test_a_transfer_within_one_provider_joins_too() -> None:
    assert joined(january(1, 5, disdest="51"), january(6, 9, "RAA", **TRANSFERRED))


def test_stays_of_two_people_are_never_joined() -> None:
    rows = january(1, 5, disdest="51"), january(5, 9, "RBB", person_id="p2", **TRANSFERRED)
    assert len(chains(*rows)) == 2


def test_a_chain_goes_on_from_its_last_stay_not_from_its_first() -> None:
    rows = [january(day, day + 2, f"R{day:02d}", disdest="51", **TRANSFERRED) for day in range(1, 20, 4)]
    assert chains(*rows) == [(date(2010, 1, 1), date(2010, 1, 19), 5)]


@pytest.mark.parametrize("classpat", ["3", "4"])
def test_regular_attenders_join_no_chain_and_break_none(classpat: str) -> None:
    rows = [
        january(1, 5, disdest="51"),
        january(5, 5, "RCC", classpat=classpat, disdest="51", **TRANSFERRED),
        january(6, 6, "RCC", classpat=classpat, disdest="51", **TRANSFERRED),
        january(7, 9, "RBB", admimeth="81", admisorc="19"),
    ]
    assert sorted(spells for *_, spells in chains(*rows)) == [1, 1, 2]


def test_a_stay_nested_at_the_same_provider_adds_no_admission_and_is_listed() -> None:
    study = SmallStudy(admissions=[january(1, 20), january(5, 7)])
    assert study.query(
        """select distinct continuous_spell_number, spells, nested_spells, is_overlapping
        from continuous_inpatient_spells"""
    ) == [(1, 1, 1, False)]


def test_an_overlap_without_a_transfer_marker_starts_a_new_chain_and_is_listed() -> None:
    study = SmallStudy(admissions=[january(1, 20), january(5, 7, "RBB")])
    assert study.query(
        f"""select continuous_spell_number, provider_code, is_overlapping from continuous_inpatient_spells
        where continuous_rule = '{NHS}' order by 1"""
    ) == [(1, "RAA", False), (2, "RBB", True)]


def test_an_overlap_with_a_transfer_marker_is_one_chain_that_ends_with_the_longer_stay() -> None:
    study = SmallStudy(admissions=[january(1, 20, disdest="54"), january(5, 7, "RBB", disdest="51", **TRANSFERRED)])
    assert study.query(
        """select distinct admission_date, discharge_date, discharge_provider_code, discharge_destination_code,
            spells, is_overlapping from continuous_inpatient_spells"""
    ) == [(date(2010, 1, 1), date(2010, 1, 20), "RAA", "54", 2, False)]


def test_admission_fields_come_from_the_first_spell_and_discharge_fields_from_the_last() -> None:
    study = SmallStudy(
        admissions=[
            january(1, 5, disdest="51", admimeth="22", diag_01="I50", hrg="A", classpat="1"),
            january(5, 9, "RBB", dismeth="4", disdest="79", diag_01="J18", hrg="B", classpat="2", **TRANSFERRED),
        ]
    )
    assert study.query(
        """select distinct provider_code, discharge_provider_code, admission_method_code, admission_source_code,
            patient_classification_code, primary_diagnosis_code, hrg_code, discharge_method_code,
            discharge_destination_code, length_of_stay_days, is_finished from continuous_inpatient_spells"""
    ) == [("RAA", "RBB", "22", "19", "1", "I50", "A", "4", "79", 8, True)]


def test_a_chain_whose_last_stay_is_unfinished_is_unfinished() -> None:
    study = SmallStudy(
        admissions=[
            january(1, 5, disdest="51"),
            episode("2010-01-05", None, procode3="RBB", epistat="1", dismeth=None, disdest=None, **TRANSFERRED),
        ]
    )
    assert study.query(
        "select distinct spells, discharge_date, length_of_stay_days, is_finished from continuous_inpatient_spells"
    ) == [(2, None, None, False)]


def test_a_stay_without_a_known_discharge_is_followed_from_its_last_known_day() -> None:
    first = january(1, 5, disdate=None, dismeth="8", disdest="51")
    assert joined(first, january(7, 9, "RBB", **TRANSFERRED))
    assert not joined(first, january(8, 9, "RBB", **TRANSFERRED))


def test_a_stay_of_which_no_end_is_known_is_followed_by_a_new_chain() -> None:
    first = episode("2010-01-01", None, epistat="1", dismeth=None, disdest="51")
    assert not joined(first, january(5, 9, "RBB", **TRANSFERRED))


def test_numbers_count_on_in_time_for_each_person_and_rule() -> None:
    study = SmallStudy(
        admissions=[
            january(20, 22, "RBB"),
            january(1, 2),
            january(10, 10, "RCC", classpat="3"),
            january(1, 2, person_id="p2"),
        ]
    )
    assert study.query(
        f"""select person_id, continuous_spell_number, admission_date from continuous_inpatient_spells
        where continuous_rule = '{CHE}' order by 1, 2"""
    ) == [
        ("p1", 1, date(2010, 1, 1)),
        ("p1", 2, date(2010, 1, 10)),
        ("p1", 3, date(2010, 1, 20)),
        ("p2", 1, date(2010, 1, 1)),
    ]


def test_a_rule_set_is_data_and_another_one_needs_no_change_of_the_model() -> None:
    study = SmallStudy(admissions=[january(1, 5), january(12, 20, "RBB", admisorc="88")])
    study.change("code_list__continuous_spell_rules", [("hospice", 7, "join", "admission_source", "88")])
    assert study.query(
        """select continuous_rule, count(*) from continuous_inpatient_spells group by all order by all"""
    ) == [("hf_che", 2), ("hospice", 1), ("nhs_digital_2014", 2)]
