"""Emergency admissions of each person under the rule sets that the study does not use."""

from datetime import date

from tests.sql.around_an_index_date import MONTHS, covered
from tests.sql.small_study import SmallStudy, enrolment, episode, person

# Discharged home, and three days later admitted by a transfer marker that only one rule knows within three days.
TRANSFER = [
    episode("2010-08-01", "2010-08-05", disdest="51"),
    episode("2010-08-08", "2010-08-10", procode3="RBB"),
]
ALL = "select person_id, continuous_rule, person_days, emergency_admissions from emergency_admissions_by_other_rules"


def test_only_the_rules_that_the_study_does_not_use_are_counted() -> None:
    study = SmallStudy(enrolments=[enrolment("2010-07-01")], admissions=TRANSFER)
    assert study.query(ALL) == [("p1", "hf_che", 184, 1)]
    other = SmallStudy(enrolments=[enrolment("2010-07-01")], admissions=TRANSFER, design={"continuous_rule": "hf_che"})
    assert other.query(ALL) == [("p1", "nhs_digital_2014", 184, 2)]


def test_admissions_count_from_the_index_date_to_the_end_of_follow_up_of_those_who_are_compared() -> None:
    admissions = [
        episode("2010-06-30", "2010-06-30"),  # the day before the index date
        episode("2010-07-01", "2010-07-01"),
        episode("2010-12-31", "2010-12-31"),
        episode("2011-01-01", "2011-01-01"),  # the day after follow-up
        episode("2010-09-01", "2010-09-02", admimeth="11"),  # planned
    ]
    assert SmallStudy(enrolments=[enrolment("2010-07-01")], admissions=admissions).query(ALL) == [
        ("p1", "hf_che", 184, 2)
    ]


def test_people_without_admissions_have_none_and_are_null_where_they_are_not_covered() -> None:
    enrolments = [enrolment("2010-07-01"), enrolment("2010-08-01", person_id="p2")]
    frozen = [{"person_id": "p2", "index_date": "2010-08-01"}]  # not as a comparison person before
    study = SmallStudy(enrolments=enrolments, frozen_index_dates=frozen)
    assert study.query(f"{ALL} order by all") == [("p1", "hf_che", 184, 0), ("p2", "hf_che", 184, 0)]
    until_december = [month for month in MONTHS if month <= date(2010, 12, 1)]
    covers = covered(admissions=until_december)
    study = SmallStudy(enrolments=enrolments, frozen_index_dates=frozen, coverage=covers)
    assert study.query(f"{ALL} order by all") == [("p1", "hf_che", 184, 0), ("p2", "hf_che", 184, None)]


def test_the_same_people_and_days_stand_in_person_periods() -> None:
    study = SmallStudy(enrolments=[enrolment("2010-07-01")], admissions=TRANSFER)
    assert study.query(
        "select person_id, person_days, emergency_admissions from person_periods where period = 'follow_up'"
    ) == [("p1", 184, 2)]


def test_who_stands_in_a_frozen_design_is_counted_whichever_pool_is_taken_today() -> None:
    others = [person(f"o{number}", area="Elsewhere") for number in (1, 2)]
    local = [person(f"l{number}", area="Pilot area") for number in (1, 2)]
    study = SmallStudy(
        enrolments=[enrolment("2010-07-01")],
        population=[person(area="Pilot area"), *others, *local],
        sites=[{"site_id": "s1", "area": "Pilot area"}],
        frozen_index_dates=[{"person_id": "l1", "index_date": "2010-07-01"}],
    )
    counted = study.query(f"{ALL} order by all")
    assert [row[0] for row in counted] == ["l1", "o1", "o2", "p1"]
