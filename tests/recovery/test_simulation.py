"""A simulated study holds the effects that were planted, no others, and the traps that real studies have."""

from datetime import date, timedelta
from math import sqrt

import numpy as np
import polars as pl
import pytest

from evaluation.simulation import PilotSite, SimulatedStudy, SimulationSettings, SurveyItem, simulate_study

SITES = tuple(
    PilotSite(site_id=f"s{n}", area=f"area_{n}", go_live_date=date(2009, 6, 1) + timedelta(days=60 * n))
    for n in range(4)
)
NO_EFFECT = {
    "emergency_admissions": 1.0,
    "elective_admissions": 1.0,
    "outpatient_attendances": 1.0,
    "ae_attendances": 1.0,
}


def simulated(*, people: int = 1000, seed: int = 1, **changes: object) -> SimulatedStudy:
    settings = SimulationSettings(sites=SITES, data_until=date(2011, 6, 30), people=people, **changes)
    return simulate_study(settings, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def without_effect() -> SimulatedStudy:
    return simulated(effects=NO_EFFECT)


def pilot_events(study: SimulatedStudy, metric: str, period: str) -> int:
    return study.person_periods.filter("is_pilot", period=period)[metric].sum()


def ratio(study: SimulatedStudy, metric: str) -> tuple[float, float]:
    """Events with the pilot over events of the same people without it, and the latter's number."""
    row = study.effects.row(by_predicate=pl.col("metric_id") == metric, named=True)
    return row["with_pilot"] / row["without_pilot"], row["without_pilot"]


PLANTED = (
    {"emergency_admissions": 0.7, "outpatient_attendances": 1.4, "ae_attendances": 0.75},
    {"emergency_admissions": 1.5, "elective_admissions": 0.6, "outpatient_attendances": 0.8, "ae_attendances": 1.3},
)


@pytest.mark.parametrize("planted", PLANTED)
def test_planted_ratios_are_found_among_the_same_people_with_and_without_the_pilot(planted):
    study = simulated(effects=planted)
    for metric, expected in planted.items():
        found, events = ratio(study, metric)
        # Events are kept by chance (variance r(1 - r)) or added by a Poisson number (variance r - 1) each.
        standard_error = sqrt((expected * (1 - expected) if expected < 1 else expected - 1) / events)
        assert abs(found - expected) < 4 * standard_error, metric
        assert standard_error < 0.06


@pytest.fixture(scope="module")
def with_large_effects() -> SimulatedStudy:
    return simulated(effects={"emergency_admissions": 0.5, "elective_admissions": 1.5})


def test_an_effect_on_one_metric_leaves_the_others_alone(with_large_effects):
    assert ratio(with_large_effects, "ae_attendances")[0] == 1
    assert ratio(with_large_effects, "outpatient_attendances")[0] == 1


def test_no_effect_means_the_same_events_in_both_worlds(without_effect):
    effects = without_effect.effects.filter(scale="rate_ratio")
    assert effects["with_pilot"].to_list() == effects["without_pilot"].to_list()
    assert effects.filter(pl.col("planted").is_not_null())["planted"].to_list() == [1.0] * 4


def test_effects_that_follow_another_are_expected_and_found(with_large_effects):
    rows = with_large_effects.effects.filter(pl.col("metric_id").str.starts_with("emergency_admissions"))
    assert rows["expected"].to_list() == [0.5, 0.5, 0.5]
    assert rows["planted"].to_list() == [0.5, None, None]
    zero_night, events = ratio(with_large_effects, "emergency_admissions_zero_night")
    assert abs(zero_night - 0.5) < 4 * sqrt(0.25 / events)


def test_pilot_people_had_about_0_8_emergency_admissions_in_the_six_months_before(without_effect):
    assert pilot_events(without_effect, "emergency_admissions", "baseline") / 1000 == pytest.approx(0.8, abs=0.12)


def test_a_before_after_comparison_without_any_effect_is_wrong_by_a_lot(without_effect):
    before = pilot_events(without_effect, "emergency_admissions", "baseline")
    after = pilot_events(without_effect, "emergency_admissions", "follow_up")
    assert after / before < 0.6
    assert after > 100


def test_comparison_people_do_not_fall_in_the_same_way(without_effect):
    others = (
        without_effect.person_periods.filter(~pl.col("is_pilot"))
        .group_by("period")
        .agg(rate=pl.col("emergency_admissions").sum() / pl.col("person_days").sum() * 365.25)
    )
    before, after = (others.filter(period=period)["rate"][0] for period in ("baseline", "follow_up"))
    assert 0.1 < before < 0.35
    assert 0.9 < after / before < 1.5


def test_counts_are_overdispersed(without_effect):
    counts = without_effect.person_periods.filter(~pl.col("is_pilot"), period="baseline")["emergency_admissions"]
    assert counts.var() > 1.3 * counts.mean()


def test_an_unobserved_level_difference_is_the_same_before_and_after(without_effect):
    raised = simulated(effects=NO_EFFECT, unobserved_level_ratio=1.5)
    for period in ("baseline", "follow_up"):
        usual = pilot_events(without_effect, "outpatient_attendances", period)
        assert pilot_events(raised, "outpatient_attendances", period) / usual == pytest.approx(1.5, abs=0.12)


def test_a_lower_level_is_possible_too(without_effect):
    lowered = simulated(effects=NO_EFFECT, unobserved_level_ratio=0.6)
    for period in ("baseline", "follow_up"):
        usual = pilot_events(without_effect, "ae_attendances", period)
        assert pilot_events(lowered, "ae_attendances", period) / usual == pytest.approx(0.6, abs=0.12)


def test_planted_changes_in_points_are_found_among_the_answers():
    item = {"positive": ("1",), "negative": ("2",), "not_counted": "8"}
    study = simulated(
        people=1500,
        survey_items=(
            SurveyItem(item_id="involved", column="INVOLVED", baseline_share=0.76, change_pp=-15.0, **item),
            SurveyItem(item_id="same", column="SAME", baseline_share=0.5, **item),
            SurveyItem(
                item_id="contact",
                column="CONTACT",
                baseline_share=0.71,
                change_pp=9.0,
                asked_after_discharge=True,
                **item,
            ),
        ),
    )
    for column, before, after in (("INVOLVED", 76, 61), ("SAME", 50, 50), ("CONTACT", 71, 80)):
        for wave, expected in (("1", before), ("2", after)):
            counted = study.patient_survey.filter(pl.col(column).is_in(["1", "2"]), WAVE=wave)[column]
            share = 100 * (counted == "1").mean()
            assert abs(share - expected) < 4 * 50 / sqrt(len(counted))


def test_only_people_who_left_hospital_are_counted_on_what_came_after():
    item = SurveyItem(
        item_id="contact",
        column="CONTACT",
        positive=("1",),
        negative=("2",),
        not_counted="8",
        baseline_share=0.7,
        asked_after_discharge=True,
    )
    answers = simulated(survey_items=(item,)).patient_survey
    assert set(answers["CONTACT"].drop_nulls()) == {"1", "2", "8"}
    counted_shares = [
        answers.filter(pl.col("CONTACT").is_not_null(), WAVE=wave)["CONTACT"].ne("8").mean() for wave in ("1", "2")
    ]
    assert 0.1 < counted_shares[1] < counted_shares[0] < 0.7


def test_about_five_in_six_respond():
    item = SurveyItem(item_id="x", column="X", positive=("1",), negative=("2",), not_counted=None, baseline_share=0.5)
    answers = simulated(survey_items=(item,)).patient_survey.filter(WAVE="1")
    assert answers.height >= 1000
    assert answers["X"].is_not_null().mean() == pytest.approx(0.82, abs=0.06)
