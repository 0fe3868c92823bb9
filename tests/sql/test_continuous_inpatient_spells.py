"""Provider spells are joined to continuous inpatient spells under two published rule sets: golden cases by hand."""

from datetime import date
from typing import Any

import pytest

from tests.sql.small_study import SmallStudy, episode


def chains(*rows: dict[str, Any], rule: str = "nhs_digital_2014") -> list[tuple[date, date, int]]:
    """Admission, discharge and number of provider spells of each chain, in order."""
    return SmallStudy(admissions=rows).query(
        f"""select admission_date, discharge_date, spells from continuous_inpatient_spells
        where continuous_rule = '{rule}' order by continuous_spell_number"""
    )


def january(first: int, last: int, provider: str = "RAA", **fields: Any) -> dict[str, Any]:
    """A stay in January 2010."""
    return episode(f"2010-01-{first:02d}", f"2010-01-{last:02d}", procode3=provider, **fields)


def joined(*rows: dict[str, Any], rule: str = "nhs_digital_2014") -> bool:
    """Whether two stays are one chain."""
    return len(chains(*rows, rule=rule)) == 1


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


@pytest.mark.parametrize(
    ("gap_days", "rule", "is_joined"),
    [(0, NHS, True), (2, NHS, True), (3, NHS, False), (2, CHE, True), (3, CHE, True), (4, CHE, False), (4, NHS, False)],
)
def test_a_transfer_may_take_two_days_under_one_rule_and_three_under_the_other(
    gap_days: int, rule: str, is_joined: bool
) -> None:
    rows = january(1, 5, disdest="51"), january(5 + gap_days, 20, "RBB", **TRANSFERRED)
    assert joined(*rows, rule=rule) is is_joined


@pytest.mark.parametrize(
    ("first", "second", "nhs_digital_2014", "hf_che"),
    [
        ({}, {}, False, False),  # no marker: two stays
        ({"disdest": "51"}, {}, True, True),
        ({"disdest": "53"}, {}, True, True),
        ({"disdest": "49"}, {}, True, False),
        ({"disdest": "84"}, {}, True, False),
        ({"disdest": "87"}, {}, False, False),  # 87 joins as a source, not as a destination
        ({"disdest": "54"}, {}, False, False),  # a care home
        ({}, {"admisorc": "52"}, True, True),
        ({}, {"admisorc": "50"}, True, False),
        ({}, {"admisorc": "87"}, True, False),
        ({}, {"admisorc": "84"}, False, False),
        ({}, {"admimeth": "2B"}, True, True),
        ({}, {"admimeth": "67"}, True, True),  # how some suppliers send 2B
        ({}, {"admimeth": "81"}, True, True),
        ({}, {"admimeth": "28"}, False, False),
        ({}, {"admimeth": "28", "admisorc": "51"}, True, True),  # 28 from another hospital
        ({"disdest": None}, {"admimeth": None, "admisorc": None}, False, False),
    ],
)
def test_a_marker_joins_two_stays_under_the_rules_that_know_it(
    first: dict[str, Any], second: dict[str, Any], nhs_digital_2014: bool, hf_che: bool
) -> None:
    rows = january(1, 5, **first), january(6, 9, "RBB", **second)
    assert (joined(*rows, rule=NHS), joined(*rows, rule=CHE)) == (nhs_digital_2014, hf_che)


@pytest.mark.parametrize(
    ("destination", "source", "method", "is_joined"),
    [
        ("19", "51", "21", False),  # sent home, came back through A&E: the exception
        ("29", "51", "21", True),
        ("19", "52", "21", True),
        ("19", "51", "22", True),
        ("51", "51", "21", True),
        (None, "51", "21", True),
    ],
)
def test_home_and_back_through_an_emergency_department_is_two_stays_under_nhs_digital_only(
    destination: str | None, source: str, method: str, is_joined: bool
) -> None:
    rows = january(1, 5, disdest=destination), january(6, 9, "RBB", admisorc=source, admimeth=method)
    assert joined(*rows, rule=NHS) is is_joined
    assert joined(*rows, rule=CHE)


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
