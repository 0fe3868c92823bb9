"""`icp plan`: what the smallest worthwhile change takes, from the study's own rates, stated ones, or published ones."""

import polars as pl
import pytest

from evaluation.planning import (
    DEFAULT_RATES,
    EXPECTED_POWER,
    Comparison,
    EventRate,
    PlannedComparison,
    PlannedOutcome,
    PlannedStudy,
    expected_power,
    months_needed,
    people_needed,
    plan,
    sites_needed,
)
from pipelines.errors import StudyError
from pipelines.plan import Assumptions, parse_rates, plan_report
from pipelines.study import Study, load_study
from pipelines.warehouse import Warehouse
from tests.tiny_study import PROTOCOL, write_tiny_study

RATE = EventRate(per_year=0.5, dispersion=2.0)
THERE = PlannedStudy(
    pilot_people=2000, comparison_per_pilot=1.0, months=12.0, people_per_site=500, site_spread_pct=10.0
)
OF_THERE = Comparison(pilot_people=2000, comparison_people=2000, years=1.0)
NOTHING_STATED = Assumptions(rates={})
WORTHWHILE = PROTOCOL.replace("expected: decrease", "expected: decrease, smallest_worthwhile_change_pct: -20")


def test_a_plan_says_what_is_there_and_what_it_takes():
    found = plan(RATE, THERE, change_pct=-20)
    assert found.people == people_needed(RATE, change_pct=-20, months=12, comparison_per_pilot=1) == 1340
    assert found.months == months_needed(RATE, OF_THERE, change_pct=-20) == 7
    assert found.sites == sites_needed(
        RATE, change_pct=-20, months=12, people_per_site=500, comparison_per_pilot=1, site_spread_pct=10
    )
    # sqrt(8.5 / 2,000) = 0.0652; 0.2231 / 0.0652 - 1.960 = 1.463: 92.8%.
    assert found.power == pytest.approx(0.928, abs=0.001)
    assert found.is_evaluable


@pytest.mark.parametrize(("people", "is_evaluable"), [(1339, False), (1340, True)])
def test_evaluable_begins_with_the_people_needed(people, is_evaluable):
    there = PlannedStudy(
        pilot_people=people, comparison_per_pilot=1.0, months=12.0, people_per_site=500, site_spread_pct=10.0
    )
    assert plan(RATE, there, change_pct=-20).is_evaluable == is_evaluable


def test_with_nobody_there_yet_there_is_no_power_and_no_months():
    there = PlannedStudy(
        pilot_people=None, comparison_per_pilot=5.0, months=6.0, people_per_site=500, site_spread_pct=10.0
    )
    found = plan(RATE, there, change_pct=-20)
    assert (found.power, found.minimum_detectable_change_pct, found.months, found.is_evaluable) == (
        None,
        None,
        None,
        False,
    )
    assert found.people == people_needed(RATE, change_pct=-20, months=6, comparison_per_pilot=5)


def study(folder, protocol: str = WORTHWHILE) -> Study:
    return load_study(write_tiny_study(folder / "study", protocol=protocol))


def designed(folder, **changes: object) -> Study:
    """A study whose design stage found 2,000 pilot people at four sites, one comparison person in effect for each."""
    made = study(folder)
    row = {
        "population": "all_sites",
        "metric_id": "emergency_admissions",
        "label": "",
        "priority": "primary",
        "design": "weighted_cohort",
        "pilot_people": 2000.0,
        "comparison_people": 2000.0,
        "follow_up_years": 1.0,
        "rate": 0.5,
        "dispersion": 2.0,
        "reason": "",
    } | changes
    people = pl.DataFrame({"is_pilot": [True] * 4 + [False], "site_id": ["a", "b", "c", "d", None]})
    with Warehouse(made.output / "warehouse.duckdb") as warehouse:
        warehouse.write("expected_power", pl.DataFrame([row], schema=EXPECTED_POWER))
        warehouse.write("people", people)
    return made


def test_the_plan_of_a_designed_study_rests_on_its_own_people(tmp_path):
    report = plan_report(designed(tmp_path), NOTHING_STATED)
    assert "Is this evaluable yet? Yes: with 2,000 pilot people and 12.0 months" in report
    assert "with a probability of 93%" in report
    assert "Needed: 1,340 pilot people followed for 12.0 months, each with 1.0 comparison people" in report
    assert "with the people there are, 7 months of follow-up" in report
    assert "sites of 500 people" in report
    assert "0.50 a person-year, dispersion 2.0: the pilot people's own" in report


def test_too_few_people_are_not_evaluable_yet_and_not_even_in_ten_years(tmp_path):
    report = plan_report(designed(tmp_path, pilot_people=600.0, comparison_people=600.0), NOTHING_STATED)
    assert "Not yet: with 600 pilot people" in report
    assert "not even ten years of follow-up are enough" in report


def test_small_numbers_of_people_are_not_shown(tmp_path):
    report = plan_report(designed(tmp_path, pilot_people=4.0, comparison_people=4.0), NOTHING_STATED)
    assert "with 1 to 7 pilot people and 12.0 months no fall would be found" in report
    assert "of 1 to 7 people" in report


def test_a_stated_rate_goes_before_the_studys_own_and_keeps_its_dispersion(tmp_path):
    report = plan_report(designed(tmp_path), Assumptions(rates={"emergency_admissions": 1.0}))
    assert "1.00 a person-year, dispersion 2.0: as stated." in report
    people = people_needed(EventRate(per_year=1.0, dispersion=2.0), change_pct=-20, months=12, comparison_per_pilot=1)
    assert f"Needed: {people:,} pilot people" in report


def test_before_any_design_the_plan_rests_on_published_rates_and_says_so(tmp_path):
    report = plan_report(study(tmp_path), NOTHING_STATED)
    assert "Not known: there is nobody yet who is compared." in report
    assert "for want of any of this study: people of 66 and over in the United States" in report
    rate = DEFAULT_RATES["emergency_admissions"]
    people = people_needed(rate, change_pct=-20, months=6, comparison_per_pilot=5)
    assert f"Needed: {people:,} pilot people followed for 6.0 months" in report
    assert "icp design STUDY" in report


def test_without_a_smallest_worthwhile_change_nothing_is_said(tmp_path):
    assert "states no smallest_worthwhile_change_pct" in plan_report(study(tmp_path, PROTOCOL), NOTHING_STATED)


def test_an_outcome_without_any_rate_asks_for_one(tmp_path):
    protocol = WORTHWHILE.replace("metric: emergency_admissions", "metric: elective_admissions")
    asked = plan_report(study(tmp_path, protocol), NOTHING_STATED)
    assert "no rate is known; state one: --rate elective_admissions=0.6" in asked
    stated = plan_report(study(tmp_path, protocol), Assumptions(rates={"elective_admissions": 0.6}))
    assert "0.60 a person-year, dispersion 3.0: as stated, the dispersion that of people of 66" in stated


def test_what_is_no_count_has_no_plan(tmp_path):
    protocol = WORTHWHILE.replace("metric: emergency_admissions", "metric: died")
    assert "not a count of events" in plan_report(study(tmp_path, protocol), NOTHING_STATED)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("died=0.1", "died is no outcome of the protocol"),
        ("emergency_admissions", "expected events per person-year"),
        ("emergency_admissions=-1", "expected events per person-year"),
        ("emergency_admissions=inf", "expected events per person-year"),
    ],
)
def test_a_rate_that_is_none_is_refused(tmp_path, text, message):
    with pytest.raises(StudyError, match=message):
        parse_rates(study(tmp_path), [text])


EARLIER = pl.DataFrame(
    {"person_id": [f"p{number}" for number in range(400)], "person_days": [548] * 400, "admissions": [1, 0, 0, 2] * 100}
)


@pytest.mark.parametrize("design", ["weighted_cohort", "matched_did"])
@pytest.mark.parametrize("sites", [None, 2, 8, 30])
@pytest.mark.parametrize("people", [900.0, 2000.0, 4000.0])
def test_design_and_plan_agree_on_what_is_evaluable_whatever_the_design(design, sites, people):
    one = PlannedComparison(
        population="all_sites",
        pilot_ids=EARLIER["person_id"],
        design=design,
        pilot_people=people,
        comparison_people=2 * people,
        follow_up_years=0.75,
        sites=sites,
        site_spread_pct=10.0,
    )
    outcome = PlannedOutcome(
        metric_id="admissions", label="", priority="primary", is_count=True, smallest_worthwhile_change_pct=-15.0
    )
    row = expected_power([one], outcomes=[outcome], earlier=EARLIER).row(0, named=True)
    there = PlannedStudy(
        pilot_people=people,
        comparison_per_pilot=2.0,
        months=9.0,
        people_per_site=500,
        site_spread_pct=10.0,
        years_before=row["years_before"],
        sites=row["sites"],
    )
    found = plan(EventRate(per_year=row["rate"], dispersion=row["dispersion"]), there, change_pct=-15)
    assert found.power == pytest.approx(row["power"], rel=1e-9)
    assert found.minimum_detectable_change_pct == row["minimum_detectable_change_pct"]
    assert found.is_evaluable == row["is_evaluable"]
    assert (row["years_before"] is None) == (design == "weighted_cohort")


def test_a_study_that_is_compared_by_the_change_since_before_is_planned_so(tmp_path):
    report = plan_report(designed(tmp_path, design="matched_did", years_before=1.5), NOTHING_STATED)
    # 1 / 0.4 + 1 / 0.75 + 2 + 1.333 = 7.167; 0.2231 / sqrt(7.167 / 2,000) = 3.727, less 1.960: 96%
    assert "with a probability of 96%." in report


def test_a_study_whose_headline_is_the_mean_across_sites_is_planned_for_that(tmp_path):
    report = plan_report(designed(tmp_path, sites=4, site_spread_pct=10.0), NOTHING_STATED)
    assert "Not yet: with 2,000 pilot people" in report
    assert "with a probability of 35%, of the mean across 4 sites whose effects differ by 10%." in report
    wider = plan_report(designed(tmp_path / "three", sites=3, site_spread_pct=10.0), NOTHING_STATED)
    assert "Needed: more than these 3 sites: no number of pilot people followed for 12.0 months" in wider


def test_the_spread_between_sites_is_a_setting(tmp_path):
    spread = WORTHWHILE + "planning: {site_spread_pct: 25}\n"
    report = plan_report(study(tmp_path, spread), NOTHING_STATED)
    assert "whose effects differ by 25%" in report
    assert "sites' effects differ by 25% (planning.site_spread_pct, --site-spread)" in report
    with pytest.raises(StudyError, match="site_spread_pct"):
        study(tmp_path / "wrong", WORTHWHILE + "planning: {site_spread_pct: -1}\n")
