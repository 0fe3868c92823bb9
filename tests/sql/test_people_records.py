"""Snapshots of people: population, enrolments, opt-outs."""

from datetime import date

from tests.sql.small_study import SmallStudy, enrolment, person


def test_the_latest_population_snapshot_counts_as_a_whole() -> None:
    study = SmallStudy(
        population=[
            person("p1", delivery_id="d1"),  # superseded: p1 has left the population
            person("p2", sex="1", delivery_id="d1"),  # superseded: d2 says otherwise
            person("p2", sex="2", delivery_id="d2"),
        ]
    )
    assert study.query("select person_id, fate from population_records order by record, delivery_id, person_id") == [
        ("p1", "superseded"),
        ("p2", "accepted"),
        ("p2", "superseded"),
    ]
    assert study.query("select person_id, sex from population") == [("p2", "2")]


def test_an_empty_latest_snapshot_leaves_nobody() -> None:
    study = SmallStudy(opt_outs=[{"person_id": "p1", "delivery_id": "d1"}], deliveries=["d1", "d2"])
    assert study.query("select person_id, fate from opt_out_records") == [("p1", "superseded")]
    assert study.query("select * from opt_outs") == []


def test_of_a_persons_rows_in_one_snapshot_the_most_complete_stays() -> None:
    study = SmallStudy(population=[person("p1"), person("p1", gpprac="A81001"), person("p1", gpprac="A81002")])
    assert study.query("select fate, practice_code from population_records order by record") == [
        ("duplicate", None),
        ("accepted", "A81001"),
        ("duplicate", "A81002"),
    ]


def test_deprivation_comes_from_the_area_where_the_study_brings_a_table() -> None:
    study = SmallStudy(
        population=[person("p1", lsoa11="E01"), person("p2", imd_quintile=4, lsoa11="E09"), person("p3")],
        imd=[{"lsoa11": "E01", "imd_decile": 3, "release": "2010"}],
    )
    assert study.query("select person_id, imd_quintile, imd_decile from population order by person_id") == [
        ("p1", 2, 3),
        ("p2", 4, None),
        ("p3", None, None),
    ]


def test_people_who_opted_out_leave_the_population_and_the_pilot() -> None:
    study = SmallStudy(
        population=[person("p1"), person("p2")],
        enrolments=[enrolment("2010-06-01")],
        opt_outs=[{"person_id": "p1"}, {"person_id": "p1"}],
    )
    assert study.query("select person_id from population") == [("p2",)]
    assert study.query("select * from enrolments") == []
    assert study.query("select fate, is_opted_out, is_unlinked from enrolment_records") == [("accepted", True, False)]
    assert study.query("select fate from opt_out_records order by record") == [("accepted",), ("duplicate",)]


def test_the_first_enrolment_is_the_one_that_counts() -> None:
    study = SmallStudy(
        enrolments=[
            enrolment("2010-09-01", site="s2"),
            enrolment("2010-06-01", site="s1", end_date="2010-07-01"),  # left early: intention to treat
        ]
    )
    assert study.query("select person_id, site_id, index_date, enrolment_end_date from enrolments") == [
        ("p1", "s1", date(2010, 6, 1), date(2010, 7, 1))
    ]
    assert study.query("select distinct fate from enrolment_records") == [("accepted",)]


def test_the_same_enrolment_twice_is_a_duplicate_and_an_earlier_list_is_superseded() -> None:
    study = SmallStudy(
        enrolments=[
            enrolment("2010-06-01", delivery_id="d1"),
            enrolment("2010-06-01", delivery_id="d2"),
            enrolment("2010-06-01", tier="high", delivery_id="d2"),
        ]
    )
    assert study.query("select fate, enrolment_tier from enrolment_records order by delivery_id, record") == [
        ("superseded", None),
        ("duplicate", None),
        ("accepted", "high"),
    ]


def test_somebody_enrolled_who_is_not_in_the_population_is_unlinked_and_in_neither_arm() -> None:
    study = SmallStudy(enrolments=[enrolment("2010-06-01")], population=[person("p2")])
    assert study.query("select fate, is_unlinked from enrolment_records") == [("accepted", True)]
    assert study.query("select * from people") == []


def test_attrition_names_each_step_of_both_arms_and_who_was_lost() -> None:
    study = SmallStudy(
        enrolments=[
            enrolment("2010-06-01"),
            enrolment("2010-06-01", person_id="p2"),  # opted out
            enrolment("2010-06-01", person_id="p3"),  # not in the population
        ],
        lake_quarantine=[  # the index date cannot be read: neither pilot nor comparison
            {"delivery_id": "d1", "extract": "enrolments", "record": 9, "rule_id": "impossible_date", "person_id": "q1"}
        ],
        population=[
            person("p1"),
            person("q1"),
            person("p2"),
            person("c1"),
            person("c2"),  # opted out
            person("c3", date_of_death="2010-05-31"),  # died before the index date
            person("c4", reg_end="2010-05-31"),  # left before the index date
            person("c5", reg_start="2010-06-02"),  # came after the index date
            person("c6", dob="2010-06-02"),  # born after the index date
        ],
        opt_outs=[{"person_id": "p2"}, {"person_id": "c2"}],
    )
    assert study.query("""select arm, step_number, step, people, people_lost from attrition
        where population = 'all_sites' and design = 'all' order by arm, 2""") == [
        ("comparison", 1, "in the population", 9, 0),
        ("comparison", 2, "did not opt out", 7, 2),
        ("comparison", 3, "not enrolled on a day that nobody knows", 6, 1),
        ("comparison", 4, "not enrolled in a pilot by the index date", 5, 1),
        ("comparison", 5, "alive at the index date", 4, 1),
        ("comparison", 6, "registered at the index date", 2, 2),
        ("comparison", 7, "born by the index date", 1, 1),
        ("comparison", 8, "index date within the data", 1, 0),
        ("comparison", 9, "not in another programme within the longest horizon", 1, 0),
        ("comparison", 10, "of no practice of the pilot", 1, 0),
        ("comparison", 11, "of the pool that is compared", 1, 0),
        ("pilot", 1, "enrolled in a pilot", 4, 0),
        ("pilot", 2, "with an enrolment record that can be used", 3, 1),
        ("pilot", 3, "did not opt out", 2, 1),
        ("pilot", 4, "linked to the population", 1, 1),
        ("pilot", 5, "alive at the index date", 1, 0),
        ("pilot", 6, "registered at the index date", 1, 0),
        ("pilot", 7, "born by the index date", 1, 0),
        ("pilot", 8, "index date within the data", 1, 0),
    ]
    assert study.query("select person_id, is_pilot from people order by person_id") == [("c1", False), ("p1", True)]


def test_attrition_says_which_enrolled_people_could_not_be_followed_from_their_index_date() -> None:
    others = {
        "died before": person("died before", date_of_death="2010-05-31"),
        "left before": person("left before", reg_end="2010-05-31"),
        "came after": person("came after", reg_start="2010-06-02"),
        "born after": person("born after", dob="2010-06-02"),
    }
    study = SmallStudy(
        enrolments=[
            *(enrolment("2010-06-01", person_id=person_id) for person_id in ["p1", *others]),
            enrolment("2015-01-01", person_id="after the data"),
        ],
        population=[person("p1"), *others.values(), person("after the data")],
    )
    steps = """select people, people_lost from attrition
        where arm = 'pilot' and population = 'all_sites' and step_number >= 4 order by step_number"""
    assert study.query(steps) == [(6, 0), (5, 1), (3, 2), (2, 1), (1, 1)]
    assert study.query("select person_id from covariates where is_treated") == [("p1",)]
