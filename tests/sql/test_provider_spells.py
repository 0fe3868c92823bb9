"""Episodes of one person at one provider become spells: golden cases worked by hand."""

from datetime import date
from typing import Any

import pytest

from tests.sql.small_study import SmallStudy, episode, person


def spells_of(*rows: dict[str, Any], **study: Any) -> dict[str, int]:
    """Spell number by episode key."""
    found = SmallStudy(admissions=rows, **study).query("select episode_key, spell_number from episode_spells")
    return dict(found)


def unfinished_part(start: str, end: str, **fields: Any) -> dict[str, Any]:
    """An episode after which the stay goes on: no discharge, method 8."""
    return episode(start, end, disdate=None, dismeth="8", disdest="98", **fields)


def test_episodes_with_one_admission_date_are_one_spell() -> None:
    study = SmallStudy(
        admissions=[
            unfinished_part("2010-01-05", "2010-01-07"),
            unfinished_part("2010-01-09", "2010-01-12", epiorder=2, admidate="2010-01-05"),
            episode("2010-01-12", "2010-01-20", epiorder=3, admidate="2010-01-05"),
        ]
    )
    assert study.query(
        "select spell_number, admission_date, discharge_date, length_of_stay_days, episodes from spells"
    ) == [(1, date(2010, 1, 5), date(2010, 1, 20), 15, 3)]


def test_episodes_that_start_on_one_day_are_one_spell_even_with_different_admission_dates() -> None:
    assert spells_of(
        episode("2010-01-05", "2010-01-05", epikey="a"),
        episode("2010-01-05", "2010-01-09", epikey="b", admidate="2010-01-04", epiorder=2),
    ) == {"a": 1, "b": 1}


@pytest.mark.parametrize("method", ["8", "9"])
def test_a_stay_goes_on_where_an_episode_without_a_discharge_ended(method: str) -> None:
    assert spells_of(
        episode("2010-01-05", "2010-01-09", epikey="a", dismeth=method, disdate=None),
        episode("2010-01-09", "2010-01-12", epikey="b"),
    ) == {"a": 1, "b": 1}


@pytest.mark.parametrize("method", ["1", "2", "3", "4", None])
def test_a_new_stay_begins_where_the_previous_one_ended_in_a_discharge(method: str | None) -> None:
    assert spells_of(
        episode("2010-01-05", "2010-01-09", epikey="a", dismeth=method),
        episode("2010-01-09", "2010-01-12", epikey="b"),
    ) == {"a": 1, "b": 2}


def test_a_stay_does_not_go_on_a_day_after_an_episode_without_a_discharge() -> None:
    assert spells_of(
        episode("2010-01-05", "2010-01-09", epikey="a", dismeth="8", disdate=None),
        episode("2010-01-10", "2010-01-12", epikey="b"),
    ) == {"a": 1, "b": 2}


def test_the_same_dates_at_two_providers_are_two_spells_and_each_provider_counts_from_one() -> None:
    study = SmallStudy(
        admissions=[
            episode("2010-01-05", "2010-01-09", procode3="RAA"),
            episode("2010-01-05", "2010-01-09", procode3="RBB"),
            episode("2010-03-05", "2010-03-09", procode3="RBB"),
        ]
    )
    assert study.query("select provider_code, spell_number, admission_date from spells order by all") == [
        ("RAA", 1, date(2010, 1, 5)),
        ("RBB", 1, date(2010, 1, 5)),  # the same spell number at another provider is another spell
        ("RBB", 2, date(2010, 3, 5)),
    ]


def test_a_stay_elsewhere_in_between_does_not_part_the_episodes_of_a_provider() -> None:
    assert spells_of(
        unfinished_part("2010-01-05", "2010-01-09", epikey="a"),
        episode("2010-01-07", "2010-01-08", epikey="b", procode3="RBB"),
        episode("2010-01-09", "2010-01-12", epikey="c", admidate="2010-01-05", epiorder=2),
    ) == {"a": 1, "b": 1, "c": 1}


def test_two_people_never_share_a_spell() -> None:
    study = SmallStudy(
        admissions=[episode("2010-01-05", "2010-01-09"), episode("2010-01-05", "2010-01-09", person_id="p2")]
    )
    assert study.query("select person_id, spell_number, episodes from spells order by all") == [
        ("p1", 1, 1),
        ("p2", 1, 1),
    ]


def test_admission_fields_come_from_the_first_episode_and_discharge_fields_from_the_last() -> None:
    study = SmallStudy(
        admissions=[
            episode(
                "2010-01-08", "2010-01-20", epikey="last", epiorder=2, admidate="2010-01-05", admimeth="81",
                admisorc="51", dismeth="4", disdest="79", mainspef="430", diag_01="J18", hrg="B", classpat="1",
            ),
            unfinished_part(
                "2010-01-05", "2010-01-08", epikey="first", admimeth="22", admisorc="19", mainspef="300",
                tretspef="301", diag_01="I50", hrg="A",
            ),
        ]
    )  # fmt: skip
    assert study.query(
        """select admission_method_code, admission_source_code, main_specialty_code, treatment_specialty_code,
            primary_diagnosis_code, hrg_code, discharge_method_code, discharge_destination_code from spells"""
    ) == [("22", "19", "300", "301", "I50", "A", "4", "79")]


def test_a_day_case_has_a_length_of_stay_of_zero() -> None:
    study = SmallStudy(admissions=[episode("2010-01-05", "2010-01-05", admimeth="11", classpat="2")])
    assert study.query("select length_of_stay_days, is_finished from spells") == [(0, True)]


def test_a_stay_over_the_end_of_february_in_a_leap_year_has_the_29th() -> None:
    study = SmallStudy(
        admissions=[episode("2012-02-28", "2012-03-01"), episode("2011-02-28", "2011-03-01", person_id="p2")]
    )
    assert study.query("select person_id, length_of_stay_days from spells order by all") == [("p1", 2), ("p2", 1)]


def test_an_unfinished_stay_counts_without_a_length() -> None:
    study = SmallStudy(admissions=[episode("2010-03-20", None, epistat="1", dismeth=None, disdest=None)])
    assert study.query("select discharge_date, length_of_stay_days, is_finished from spells") == [(None, None, False)]


def test_a_stay_whose_last_episode_says_that_it_goes_on_is_not_finished() -> None:
    study = SmallStudy(admissions=[unfinished_part("2010-01-05", "2010-01-09")])
    assert study.query("select discharge_date, length_of_stay_days, is_finished from spells") == [(None, None, False)]


def test_a_missing_discharge_date_is_the_end_of_an_episode_that_ended_in_a_discharge() -> None:
    study = SmallStudy(
        admissions=[
            episode("2010-01-05", "2010-01-09", disdate=None),
            episode("2010-01-05", "2010-01-09", disdate=None, dismeth="9", person_id="p2"),  # unknown: not finished
            episode("2010-01-05", "2010-01-09", disdate=None, dismeth=None, person_id="p3"),
        ]
    )
    assert study.query("select person_id, discharge_date from spells order by all") == [
        ("p1", date(2010, 1, 9)),
        ("p2", None),
        ("p3", None),
    ]


def test_a_discharge_before_the_admission_is_not_believed() -> None:
    study = SmallStudy(admissions=[episode("2010-01-05", "2010-01-09", disdate="2010-01-02")])
    assert study.query("select discharge_date, is_finished from spells") == [(None, False)]


def test_a_missing_admission_date_is_taken_from_the_stay_or_else_from_its_first_episode() -> None:
    study = SmallStudy(
        admissions=[
            unfinished_part("2010-01-05", "2010-01-08", admidate=None, epiorder=2),
            episode("2010-01-08", "2010-01-20", admidate="2010-01-03", epiorder=3),
            episode("2010-01-05", "2010-01-08", admidate=None, epiorder=2, person_id="p2"),
        ]
    )
    assert study.query("select person_id, admission_date from spells order by all") == [
        ("p1", date(2010, 1, 3)),
        ("p2", date(2010, 1, 5)),
    ]


def test_missing_admission_dates_do_not_make_two_stays_one() -> None:
    assert spells_of(
        episode("2010-01-05", "2010-01-08", epikey="a", admidate=None, epiorder=2),
        episode("2010-03-05", "2010-03-08", epikey="b", admidate=None, epiorder=2),
    ) == {"a": 1, "b": 2}


def test_a_stay_inside_another_at_the_same_provider_belongs_to_it() -> None:
    study = SmallStudy(
        admissions=[
            episode("2010-01-01", "2010-01-20", epikey="outer", disdest="54", mainspef="430"),
            episode("2010-01-05", "2010-01-07", epikey="inner", admimeth="11", mainspef="300"),
        ]
    )
    assert study.query(
        """select admission_date, discharge_date, admission_method_code, discharge_destination_code, episodes,
            nested_spells from spells"""
    ) == [(date(2010, 1, 1), date(2010, 1, 20), "21", "54", 2, 1)]


def test_a_stay_inside_does_not_part_the_episodes_of_the_outer_one() -> None:
    study = SmallStudy(
        admissions=[
            unfinished_part("2010-01-01", "2010-01-10"),
            episode("2010-01-05", "2010-01-07"),  # nested
            episode("2010-01-08", "2010-01-09"),  # nested
            episode("2010-01-10", "2010-01-20", admidate="2010-01-01", epiorder=2),
        ]
    )
    assert study.query("select spell_number, length_of_stay_days, episodes, nested_spells from spells") == [
        (1, 19, 4, 2)
    ]


def test_a_stay_inside_another_at_another_provider_is_a_spell_of_its_own() -> None:
    study = SmallStudy(
        admissions=[episode("2010-01-01", "2010-01-20"), episode("2010-01-05", "2010-01-07", procode3="RBB")]
    )
    assert study.query("select provider_code, nested_spells from spells order by all") == [("RAA", 0), ("RBB", 0)]


def test_coming_back_on_the_day_of_discharge_is_not_nested() -> None:
    assert spells_of(
        episode("2010-01-01", "2010-01-10", epikey="a"),
        episode("2010-01-10", "2010-01-10", epikey="b"),
    ) == {"a": 1, "b": 2}


def test_a_stay_that_ends_after_the_one_it_overlaps_is_a_spell_of_its_own() -> None:
    assert spells_of(
        episode("2010-01-01", "2010-01-10", epikey="a"),
        episode("2010-01-09", "2010-01-11", epikey="b"),
    ) == {"a": 1, "b": 2}


def test_a_nested_stay_belongs_to_the_stay_that_holds_it_not_to_an_open_one_in_between() -> None:
    study = SmallStudy(
        admissions=[
            episode("2010-01-01", "2010-01-20", epikey="holds"),
            episode("2010-01-03", None, epikey="open", epistat="1", dismeth=None),
            episode("2010-01-05", "2010-01-07", epikey="nested"),
        ]
    )
    assert dict(study.query("select episode_key, spell_number from episode_spells")) == {
        "holds": 1,
        "open": 2,
        "nested": 1,
    }


def test_regular_attendances_are_spells_of_their_own_and_part_no_stay() -> None:
    study = SmallStudy(
        admissions=[
            unfinished_part("2010-01-01", "2010-01-05"),
            episode("2010-01-01", "2010-01-01", admimeth="13", classpat="3"),  # on the day of the admission
            episode("2010-01-04", "2010-01-04", admimeth="13", classpat="3"),  # during the stay: not nested
            episode("2010-01-05", "2010-01-09", admidate="2010-01-01", epiorder=2),
        ]
    )
    assert study.query(
        "select admission_date, patient_classification_code, episodes, nested_spells from spells order by all"
    ) == [
        (date(2010, 1, 1), "1", 2, 0),
        (date(2010, 1, 1), "3", 1, 0),
        (date(2010, 1, 4), "3", 1, 0),
    ]


def test_a_regular_attendance_is_not_nested_in_another() -> None:
    study = SmallStudy(
        admissions=[
            episode("2010-01-01", "2010-01-04", admimeth="13", classpat="4"),
            episode("2010-01-02", "2010-01-02", admimeth="13", classpat="3"),
        ]
    )
    assert study.query("select spell_number, episodes, nested_spells from spells order by all") == [
        (1, 1, 0),
        (2, 1, 0),
    ]


def test_a_merger_in_the_middle_of_a_stay_does_not_part_it() -> None:
    successions = [{"provider_code": "ROL", "successor_code": "RNE", "from_date": "2010-04-01"}]
    assert spells_of(
        unfinished_part("2010-03-28", "2010-04-01", epikey="a", procode3="ROL"),
        episode("2010-04-01", "2010-04-04", epikey="b", procode3="RNE", admidate="2010-03-28", epiorder=2),
        provider_successions=successions,
    ) == {"a": 1, "b": 1}


def test_a_stay_in_which_the_person_dies_is_finished_and_one_that_begins_later_is_flagged() -> None:
    study = SmallStudy(
        admissions=[
            episode("2010-01-05", "2010-01-09", dismeth="4", disdest="79"),
            episode("2010-01-11", "2010-01-12"),
        ],
        population=[person(date_of_death="2010-01-09")],
    )
    assert study.query(
        "select admission_date, length_of_stay_days, discharge_method_code, is_after_death from spells order by all"
    ) == [(date(2010, 1, 5), 4, "4", False), (date(2010, 1, 11), 1, "1", True)]


def test_a_discharge_date_beside_discharge_method_8_finishes_nothing() -> None:
    study = SmallStudy(admissions=[episode("2010-01-05", "2010-01-09", dismeth="8")])
    assert study.query("select discharge_date, is_finished, length_of_stay_days from spells") == [(None, False, None)]
