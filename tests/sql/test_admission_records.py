"""Which records of admitted patient care count: each has one fate, and staging says which."""

from datetime import date
from typing import Any

from tests.sql.small_study import SmallStudy, enrolment, episode, person


def fates(*rows: dict[str, Any], **study: Any) -> list[str]:
    found = SmallStudy(admissions=rows, **study).query(
        "select fate from admission_records order by delivery_id, record"
    )
    return [fate for (fate,) in found]


def test_a_record_that_stands_once_is_accepted() -> None:
    assert fates(episode("2010-01-05", "2010-01-08")) == ["accepted"]


def test_the_later_delivery_of_a_key_supersedes_the_earlier_one_even_if_that_was_more_complete() -> None:
    earlier = episode("2010-01-05", "2010-01-08", epikey="k", sex="1", delivery_id="d1")
    later = episode("2010-01-05", "2010-01-08", epikey="k", delivery_id="d2")
    assert fates(earlier, later) == ["superseded", "accepted"]


def test_later_is_said_by_the_order_of_deliveries_not_by_their_names() -> None:
    first = episode("2010-01-05", "2010-01-08", epikey="k", delivery_id="d1")
    second = episode("2010-01-05", "2010-01-08", epikey="k", delivery_id="d2")
    assert fates(first, second, deliveries=["d2", "d1"]) == ["accepted", "superseded"]


def test_of_a_key_that_stands_twice_in_one_delivery_the_most_complete_row_stays() -> None:
    bare = episode("2010-01-05", "2010-01-08", epikey="k")
    fuller = episode("2010-01-05", "2010-01-08", epikey="k", diag_01="I50", diag_secondary=["E119"])
    assert fates(bare, fuller) == ["duplicate", "accepted"]


def test_of_equally_complete_rows_with_one_key_in_one_delivery_the_lowest_record_stays() -> None:
    row = episode("2010-01-05", "2010-01-08", epikey="k")
    assert fates(row, row) == ["accepted", "duplicate"]


def test_every_copy_of_a_key_in_an_earlier_delivery_is_superseded() -> None:
    early = episode("2010-01-05", "2010-01-08", epikey="k", delivery_id="d1")
    late = episode("2010-01-05", "2010-01-08", epikey="k", delivery_id="d2")
    assert fates(early, early, late) == ["superseded", "superseded", "accepted"]


def test_the_same_stay_under_another_key_is_a_duplicate_and_the_most_complete_row_stays() -> None:
    bare = episode("2010-01-05", "2010-01-08")
    fuller = episode("2010-01-05", "2010-01-08", sex="1")
    assert fates(bare, fuller) == ["duplicate", "accepted"]


def test_of_equally_complete_copies_of_a_stay_the_one_in_the_latest_delivery_stays() -> None:
    assert fates(
        episode("2010-01-05", "2010-01-08", delivery_id="d1"),
        episode("2010-01-05", "2010-01-08", delivery_id="d2"),
    ) == ["duplicate", "accepted"]


def test_a_stay_of_which_any_part_of_the_stay_key_differs_is_another_stay() -> None:
    rows = [
        episode("2010-01-05", "2010-01-08"),
        episode("2010-01-05", "2010-01-08", person_id="p2"),
        episode("2010-01-05", "2010-01-08", procode3="RBB"),
        episode("2010-01-05", "2010-01-08", epiorder=2),
        episode("2010-01-05", "2010-01-08", admidate="2010-01-04"),
        episode("2010-01-05", "2010-01-08", disdate="2010-01-09"),
        episode("2010-01-05", "2010-01-07", disdate="2010-01-08"),
    ]
    assert fates(*rows) == ["accepted"] * 7


def test_missing_dates_count_as_equal_when_stays_are_compared() -> None:
    rows = [episode("2010-01-05", "2010-01-08", disdate=None, dismeth="8") for _ in range(2)]
    assert fates(*rows) == ["accepted", "duplicate"]


def test_an_unfinished_copy_is_superseded_once_the_finished_episode_has_arrived() -> None:
    unfinished = episode("2010-03-20", None, epistat="1", dismeth=None, disdest=None, delivery_id="d1")
    finished = episode("2010-03-20", "2010-04-06", delivery_id="d2")
    assert fates(unfinished, finished) == ["superseded", "accepted"]


def test_an_unfinished_copy_is_superseded_also_by_a_finished_episode_that_arrived_earlier() -> None:
    finished = episode("2010-03-20", "2010-04-06", delivery_id="d1")
    unfinished = episode("2010-03-20", None, epistat="1", dismeth=None, delivery_id="d2")
    assert fates(finished, unfinished) == ["accepted", "superseded"]


def test_an_unfinished_episode_alone_counts() -> None:
    assert fates(episode("2010-03-20", None, epistat="1", dismeth=None)) == ["accepted"]


def test_a_finished_episode_of_another_order_person_or_provider_supersedes_no_unfinished_one() -> None:
    rows = [
        episode("2010-03-20", None, epistat="1", dismeth=None),
        episode("2010-03-20", "2010-04-06", epiorder=2),
        episode("2010-03-20", "2010-04-06", person_id="p2"),
        episode("2010-03-20", "2010-04-06", procode3="RBB"),
        episode("2010-03-21", "2010-04-06"),
    ]
    assert fates(*rows) == ["accepted"] * 5


def test_the_unfinished_copy_of_two_year_ends_counts_once() -> None:
    rows = [episode("2010-03-20", None, epistat="1", dismeth=None, delivery_id=delivery) for delivery in ("d1", "d2")]
    assert fates(*rows) == ["duplicate", "accepted"]


def test_a_missing_admission_date_is_the_start_of_the_first_episode() -> None:
    study = SmallStudy(admissions=[episode("2010-01-05", "2010-01-08", admidate=None)])
    assert study.query("select admission_date, is_admission_date_assumed from admission_records") == [
        (date(2010, 1, 5), True)
    ]


def test_a_missing_admission_date_stays_missing_for_a_later_episode_or_a_transfer() -> None:
    rows = [
        episode("2010-01-05", "2010-01-08", admidate=None, epiorder=2),
        episode("2010-01-05", "2010-01-08", admidate=None, epiorder=None),
        episode("2010-02-05", "2010-02-08", admidate=None, admisorc="51"),
        episode("2010-03-05", "2010-03-08", admidate=None, admimeth="2B"),
        episode("2010-04-05", "2010-04-08", admidate=None, admimeth="67"),
        episode("2010-05-05", "2010-05-08", admidate=None, transit="3"),
    ]
    study = SmallStudy(admissions=rows)
    assert study.query("select distinct admission_date from admission_records") == [(None,)]


def test_the_code_of_a_provider_that_was_taken_over_becomes_its_successors_for_all_of_its_history() -> None:
    study = SmallStudy(
        admissions=[episode("2010-01-05", "2010-01-08", procode3="ROL")],
        provider_successions=[
            {"provider_code": "ROL", "successor_code": "RMI", "from_date": "2011-04-01"},
            {"provider_code": "RMI", "successor_code": "RNE", "from_date": "2012-04-01"},
        ],
    )
    assert study.query("select provider_code, recorded_provider_code from admission_records") == [("RNE", "ROL")]


def test_the_same_stay_recorded_before_and_after_a_merger_is_a_duplicate() -> None:
    rows = [
        episode("2010-01-05", "2010-01-08", procode3="ROL", delivery_id="d1"),
        episode("2010-01-05", "2010-01-08", procode3="RNE", delivery_id="d2"),
    ]
    successions = [{"provider_code": "ROL", "successor_code": "RNE", "from_date": "2011-04-01"}]
    assert fates(*rows, provider_successions=successions) == ["duplicate", "accepted"]


def test_successions_in_a_circle_end() -> None:
    circle = [
        {"provider_code": "RAA", "successor_code": "RBB", "from_date": "2010-01-01"},
        {"provider_code": "RBB", "successor_code": "RAA", "from_date": "2011-01-01"},
    ]
    study = SmallStudy(admissions=[episode("2010-01-05", "2010-01-08")], provider_successions=circle)
    assert study.value("select count(*) from admission_records") == 1


def test_a_record_of_someone_outside_the_population_is_accepted_and_unlinked() -> None:
    study = SmallStudy(admissions=[episode("2010-01-05", "2010-01-08")], population=[person("p2")])
    assert study.query("select fate, is_unlinked, is_opted_out from admission_records") == [("accepted", True, False)]
    assert study.query("select * from episodes") == []


def test_a_record_of_someone_who_opted_out_is_accepted_but_becomes_no_episode() -> None:
    study = SmallStudy(admissions=[episode("2010-01-05", "2010-01-08")], opt_outs=[{"person_id": "p1"}])
    assert study.query("select fate, is_unlinked, is_opted_out from admission_records") == [("accepted", False, True)]
    assert study.query("select * from episodes") == []


def test_only_accepted_records_become_episodes() -> None:
    rows = [
        episode("2010-01-05", "2010-01-08", epikey="a", delivery_id="d1"),  # superseded: d2 brings the key again
        episode("2010-01-05", "2010-01-08", epikey="a", delivery_id="d2"),
        episode("2010-01-05", "2010-01-08", epikey="b", delivery_id="d1"),  # duplicate: the same stay
    ]
    study = SmallStudy(admissions=rows)
    assert study.query("select episode_key from episodes") == [("a",)]


def test_activity_after_death_is_kept_and_flagged() -> None:
    rows = [episode("2010-01-05", "2010-01-08"), episode("2010-02-01", "2010-02-03")]
    study = SmallStudy(admissions=rows, population=[person(date_of_death="2010-01-08")])
    assert study.query("select episode_key, is_after_death from episodes order by all") == [
        ("key0001", False),
        ("key0002", True),
    ]


def test_the_books_count_every_record_of_every_extract_once() -> None:
    study = SmallStudy(
        admissions=[
            episode("2010-01-05", "2010-01-08", epikey="a", delivery_id="d1"),
            episode("2010-01-05", "2010-01-08", epikey="a", delivery_id="d2", repaired_fields="r1:ADMIMETH"),
            episode("2010-01-05", "2010-01-08", epikey="b", delivery_id="d2"),
            episode("2010-02-05", "2010-02-08", person_id="p2", delivery_id="d2", nulled_fields="n1:SEX"),
            episode("2010-02-05", "2010-02-08", person_id="p3", delivery_id="d2"),
        ],
        enrolments=[enrolment("2010-06-01")],
        population=[person("p1"), person("p3")],
        opt_outs=[{"person_id": "p3"}],
    )
    books = study.query(
        """select delivery_id, fate, is_unlinked, is_opted_out, is_repaired, is_nulled, rows from record_fates
        where extract = 'admissions' order by all"""
    )
    assert books == [
        ("d1", "superseded", False, False, False, False, 1),
        ("d2", "accepted", False, False, True, False, 1),
        ("d2", "accepted", False, True, False, False, 1),
        ("d2", "accepted", True, False, False, True, 1),
        ("d2", "duplicate", False, False, False, False, 1),
    ]
    by_extract = study.query("select extract, sum(rows) from record_fates group by extract order by extract")
    assert by_extract == [("admissions", 5), ("enrolments", 1), ("opt_outs", 1), ("population", 2)]
