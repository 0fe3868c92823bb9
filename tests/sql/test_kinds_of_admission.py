"""What an admission counts as: new emergency, readmission, chemotherapy, ambulatory care sensitive."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from tests.sql.small_study import SmallStudy, episode, person


def flag(name: str, *rows: dict[str, Any], **study: Any) -> list[bool]:
    """A flag of each continuous spell under the default rule, in order."""
    found = SmallStudy(admissions=rows, **study).query(
        f"""select {name} from continuous_inpatient_spells where continuous_rule = 'nhs_digital_2014'
        order by person_id, continuous_spell_number"""
    )
    return [value for (value,) in found]


def flags(name: str, cases: Iterable[Sequence[dict[str, Any]]], **study: Any) -> list[list[bool]]:
    """The same for many cases at once, each a person of its own."""
    named = [(f"case {number:03d}", rows) for number, rows in enumerate(cases)]
    found = SmallStudy(admissions=[{**row, "person_id": name} for name, rows in named for row in rows], **study).query(
        f"""select list({name} order by continuous_spell_number) from continuous_inpatient_spells
        where continuous_rule = 'nhs_digital_2014' group by person_id order by person_id"""
    )
    return [values for (values,) in found]


def test_a_new_emergency_admission_has_an_emergency_method_and_is_no_transfer() -> None:
    cases = {
        **{(method, "19"): True for method in ("21", "22", "23", "24", "25", "28", "2A", "2D")},
        **{(method, "19"): False for method in ("11", "12", "13", "31", "32", "81", "82", "83", "99", "2B", "67")},
        ("2C", "19"): False,  # born at home: counts for infants only
        ("21", "51"): False,  # from another hospital
        ("21", "52"): False,
        ("21", "53"): False,
        ("28", "51"): False,  # an emergency transfer, as it was coded before 2013/14
        ("21", "87"): True,
        ("21", None): True,
        (None, "19"): False,
    }
    found = flags(
        "is_new_emergency_admission",
        [[episode("2010-08-01", "2010-08-05", admimeth=method, admisorc=source)] for method, source in cases],
    )
    assert dict(zip(cases, found, strict=True)) == {case: [is_new] for case, is_new in cases.items()}


@pytest.mark.parametrize(
    ("startage", "dob", "is_new"),
    [(0, "1940-01-01", True), (7003, "1940-01-01", True), (1, "2010-07-01", False), (None, "2010-07-01", True),
     (None, "2009-08-01", False)],
)  # fmt: skip
def test_a_baby_born_at_home_is_a_new_emergency_admission_in_its_first_year(
    startage: int | None, dob: str, is_new: bool
) -> None:
    row = episode("2010-08-01", "2010-08-05", admimeth="2C", startage=startage)
    assert flag("is_new_emergency_admission", row, population=[person(dob=dob)]) == [is_new]


def test_a_chain_is_new_by_its_first_stay_only() -> None:
    planned = episode("2010-08-01", "2010-08-05", admimeth="11", disdest="51")
    onward = episode("2010-08-05", "2010-08-09", procode3="RBB", admimeth="21", admisorc="19")
    assert flag("is_new_emergency_admission", planned, onward) == [False]
    assert flag("is_elective_admission", planned, onward) == [True]


def test_maternity_is_neither_emergency_nor_elective() -> None:
    row = episode("2010-08-01", "2010-08-05", admimeth="31")
    assert flag("is_new_emergency_admission or is_elective_admission", row) == [False]


def test_chemotherapy_is_a_procedure_in_any_position_or_a_primary_diagnosis() -> None:
    cases: list[tuple[dict[str, Any], bool]] = [
        ({"opertn": ["X701"]}, True),
        ({"opertn": ["W371", "X749"]}, True),  # in any position
        ({"opertn": ["X751"]}, False),
        ({"diag_01": "Z511"}, True),
        ({"diag_01": "Z511A"}, True),  # matched as the start of the code
        ({"diag_01": "C509", "diag_secondary": ["Z511"]}, False),  # primary only
        ({}, False),
    ]
    rows = [[episode("2010-08-01", "2010-08-01", admimeth="13", classpat="2", **fields)] for fields, _ in cases]
    found = flags("is_chemotherapy", rows)
    assert list(zip(cases, found, strict=True)) == [(case, [case[1]]) for case in cases]


def test_chemotherapy_in_any_episode_of_the_first_stay_counts_and_in_a_later_stay_does_not() -> None:
    first = episode("2010-08-01", "2010-08-03", admimeth="11", dismeth="8", disdate=None)
    second = episode("2010-08-03", "2010-08-05", admimeth="11", admidate="2010-08-01", epiorder=2, disdest="51")
    onward = episode("2010-08-05", "2010-08-09", procode3="RBB", admimeth="81")
    given = {"opertn": ["X721"]}
    assert flag("is_chemotherapy", first, second | given, onward) == [True]
    assert flag("is_chemotherapy", first, second, onward | given) == [False]


def test_an_ambulatory_care_sensitive_admission_is_one_by_its_primary_diagnosis() -> None:
    cases: list[tuple[str | None, list[str], bool]] = [
        ("I50", [], True),
        ("I500", [], True),
        ("I10X", [], True),  # three characters, padded
        ("I110", [], True),
        ("I112", [], False),
        ("J20", [], False),
        ("J209", ["E119", "J449"], True),  # acute bronchitis, with obstructive disease beside it
        ("J209", ["J459"], False),  # asthma is not among the conditions asked for
        ("J209", ["J41", "J47"], True),
        ("K250", [], True),
        ("K253", [], False),  # without bleeding or perforation
        ("S720", ["I500"], False),  # primary only
        (None, ["I500"], False),
    ]
    rows = [
        [episode("2010-08-01", "2010-08-05", diag_01=primary, diag_secondary=secondary)]
        for primary, secondary, _ in cases
    ]
    found = flags("is_ambulatory_care_sensitive", rows)
    assert list(zip(cases, found, strict=True)) == [(case, [case[2]]) for case in cases]


def test_an_elective_admission_or_a_transfer_is_not_ambulatory_care_sensitive() -> None:
    elective = episode("2010-08-01", "2010-08-05", admimeth="11", diag_01="I50")
    transfer = episode("2010-08-11", "2010-08-15", admimeth="28", admisorc="51", diag_01="I50")
    assert flag("is_ambulatory_care_sensitive", elective, transfer) == [False, False]


def test_only_the_first_episode_of_the_first_stay_says_what_an_admission_was_for() -> None:
    first = episode("2010-08-01", "2010-08-03", diag_01="R07", dismeth="8", disdate=None)
    second = episode("2010-08-03", "2010-08-05", diag_01="I50", admidate="2010-08-01", epiorder=2)
    assert flag("is_ambulatory_care_sensitive", first, second) == [False]


FIRST = episode("2010-08-01", "2010-08-05")


def test_a_readmission_comes_0_to_29_days_after_the_discharge() -> None:
    days = {"2010-08-05": True, "2010-08-06": True, "2010-09-03": True, "2010-09-04": False}  # 0, 1, 29, 30 days
    found = flags("is_emergency_readmission_30_days", [[FIRST, episode(day, day)] for day in days])
    assert dict(zip(days, found, strict=True)) == {day: [False, expected] for day, expected in days.items()}


def readmitted(*earlier: dict[str, Any], later: Sequence[dict[str, Any]] = ({},)) -> list[bool]:
    """Whether the second of two stays is a readmission, for each change of the first (and of the second)."""
    cases = [
        [episode("2010-08-01", "2010-08-05", **first), episode("2010-08-10", "2010-08-12", **second)]
        for first in earlier
        for second in later
    ]
    return [second for _, second in flags("is_emergency_readmission_30_days", cases)]


def test_some_stays_are_followed_by_no_readmission() -> None:
    assert not any(
        readmitted(
            {"classpat": "3", "admimeth": "13"},  # a regular attendance is no discharge
            {"classpat": "5"},  # mother and baby
            {"dismeth": "4"},  # ended in death
            {"dismeth": "8", "disdate": None},  # not discharged
            {"diag_01": "C509"},  # cancer
            {"diag_secondary": ["D37"]},  # cancer in any position
            {"diag_secondary": ["Z511"]},  # chemotherapy
            {"admimeth": "31"},  # obstetric by method
            {"mainspef": "501"},  # obstetric by specialty
            {"diag_01": "O800"},  # obstetric by diagnosis
        )
    )


def test_other_stays_can_be_followed_by_a_readmission() -> None:
    assert all(
        readmitted(
            {"admimeth": "11", "classpat": "2", "disdate": "2010-08-01", "epiend": "2010-08-01"},  # a day case
            {"admimeth": "11"},  # a planned stay
            {"diag_secondary": ["O800"]},  # obstetric diagnoses count in first position only
            {"diag_01": "D36"},  # benign
        )
    )


def test_a_planned_a_transferred_a_cancer_or_an_obstetric_stay_is_no_readmission() -> None:
    later = [{"admimeth": "11"}, {"admisorc": "51", "admimeth": "22"}, {"diag_01": "C509"}, {"diag_01": "O800"}]
    assert not any(readmitted({}, later=later))


def test_the_latest_discharge_that_qualifies_is_the_one_counted_from() -> None:
    rows = [
        episode("2010-08-01", "2010-08-05"),
        episode("2010-08-10", "2010-08-12", diag_01="C509"),  # cancer: neither a readmission nor followed by one
        episode("2010-08-20", "2010-08-22"),  # 15 days after the first discharge
        episode("2010-09-22", "2010-09-23"),  # 31 days after that
    ]
    assert flag("is_emergency_readmission_30_days", *rows) == [False, False, True, False]


def test_a_stay_that_is_still_going_on_hides_no_earlier_discharge() -> None:
    rows = [
        episode("2010-08-01", "2010-08-10"),
        episode("2010-08-05", "2010-08-30", procode3="RBB"),  # overlaps, without a marker: not yet discharged
        episode("2010-08-15", "2010-08-16", procode3="RCC"),
    ]
    assert flag("is_emergency_readmission_30_days", *rows) == [False, False, True]


def test_a_stay_is_no_readmission_after_itself() -> None:
    assert flag("is_emergency_readmission_30_days", episode("2010-08-01", "2010-08-01")) == [False]


def test_a_readmission_is_one_of_the_same_person_and_at_any_provider() -> None:
    rows = [
        episode("2010-08-01", "2010-08-05"),
        episode("2010-08-10", "2010-08-12", procode3="RBB"),
        episode("2010-08-10", "2010-08-12", person_id="p2"),
    ]
    assert flag("is_emergency_readmission_30_days", *rows) == [False, True, False]


def test_dialysis_and_its_list_are_told_apart_from_chemotherapy() -> None:
    study = SmallStudy(admissions=[episode("2010-08-01", "2010-08-01", admimeth="13", opertn=["X403"])])
    assert study.query("select distinct is_dialysis, is_chemotherapy from continuous_spells") == [(True, False)]
