"""Mortality ratios by hand, where they have no interval, and the caution that early deaths call for."""

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from evaluation.estimation import ComparedPeople, ComparedPopulation, Metric, UseAfterIndex, with_mortality_cautions
from evaluation.estimation.cautions import NOT_FROZEN, Circumstances
from evaluation.estimation.mortality import MORTALITY_RATIOS, mortality_rows
from evaluation.estimation.mortality_cautions import not_comparable
from evaluation.estimation.weighted_effects import prepared_design

DIED = Metric(metric_id="died", label="Died", domain="outcome", unit="share of people", is_binary=True)
CASES, OTHERS = 100, 400
IDS = pl.Series([f"case{n:03d}" for n in range(CASES)] + [f"other{n:03d}" for n in range(OTHERS)])
IS_CASE = np.arange(CASES + OTHERS) < CASES
PEOPLE = ComparedPeople(
    person_id=IDS,
    is_treated=IS_CASE,
    weights=np.where(IS_CASE, 1.0, 0.25),
    covariates=np.zeros((CASES + OTHERS, 0)),
    set_ids=np.concatenate([np.arange(CASES), np.repeat(np.arange(CASES), 4)]),
)
EVERYONE = ComparedPopulation(
    population="all_sites",
    pilot_people=CASES,
    weighted=PEOPLE,
    matched=PEOPLE,
    weighting_caution="Weights are odd.",
    matching_caution="Pairs are odd.",
)


def observed(cases_who_die: int, others_who_die: int, *, day: int = 50, days: int = 50) -> UseAfterIndex:
    """All are observed for `days`, who dies until day `day`, the first ones of each arm."""
    number = np.concatenate([np.arange(CASES), np.arange(OTHERS)])
    died = number < np.where(IS_CASE, cases_who_die, others_who_die)
    frame = pl.DataFrame({"person_id": IDS, "days_observed": np.where(died, day, days), "died": died})
    return UseAfterIndex(observed=frame, by_day=pl.DataFrame(), known=pl.DataFrame())


def rows(use: UseAfterIndex, one: ComparedPopulation = EVERYONE, *, months: int = 6) -> list[dict]:
    prepared = "" if one.weighted is None else prepared_design(one.weighted)
    told = Circumstances(design_state=NOT_FROZEN, follow_up_months=months)
    return ratios(list(mortality_rows(one, prepared, use, metric=DIED, circumstances=told))).rows(named=True)


def by_window(found: list[dict], design: str = "weighted_cohort") -> dict[str, dict]:
    return {row["observed_window"]: row for row in found if row["design"] == design}


@pytest.mark.parametrize("design", ["weighted_cohort", "matched_cohort"])
def test_a_ratio_of_death_rates_by_hand(design):
    row = by_window(rows(observed(12, 24)), design)["first_90_days"]
    assert row["pilot_rate"] == pytest.approx(12 / (100 * 50 / 365.25))
    assert row["comparator_rate"] == pytest.approx(24 / (400 * 50 / 365.25))
    assert row["mortality_ratio"] == pytest.approx(2)
    # influences on the log rates: (died - 0.12) / 12 of cases, (died - 0.06) / 24 of others, of whom each has a
    # leverage of 1/400 on a weighted mean
    others = (24 * 0.94**2 + 376 * 0.06**2) / 24**2 / (399 / 400 if design == "weighted_cohort" else 1)
    factor = math.exp(1.959964 * math.sqrt(((12 * 0.88**2 + 88 * 0.12**2) / 12**2 + others) * 500 / 499))
    assert row["mortality_ratio_low"] == pytest.approx(2 / factor, rel=1e-5)
    assert row["mortality_ratio_high"] == pytest.approx(2 * factor, rel=1e-5)
    assert (row["n_pilot"], row["n_comparator"]) == (100, 400)
    assert row["person_years_pilot"] == pytest.approx(100 * 50 / 365.25)


def test_windows_count_deaths_and_days_within_them_alone():
    found = by_window(rows(observed(20, 80, day=31, days=200)))
    assert [row["window_days"] for row in found.values()] == [30, 90, 182]
    assert found["first_30_days"]["mortality_ratio"] is None
    assert "No estimate: a group has no events." in found["first_30_days"]["caution"]
    years = (20 * 31 + 80 * 90) / 365.25
    assert found["first_90_days"]["pilot_rate"] == pytest.approx(20 / years)
    assert found["follow_up"]["person_years_pilot"] == pytest.approx((20 * 31 + 80 * 182) / 365.25)


def test_a_death_on_the_last_day_of_a_window_counts_and_one_on_the_next_day_does_not():
    assert by_window(rows(observed(20, 80, day=30, days=200)))["first_30_days"]["mortality_ratio"] == pytest.approx(1)
    assert by_window(rows(observed(20, 80, day=31, days=200)))["first_30_days"]["mortality_ratio"] is None


def test_with_fewer_than_ten_deaths_in_an_arm_there_is_no_interval():
    row = by_window(rows(observed(9, 80)))["first_90_days"]
    assert row["mortality_ratio"] == pytest.approx(9 / 100 / (80 / 400))
    assert (row["mortality_ratio_low"], row["mortality_ratio_high"]) == (None, None)
    assert "Too few people of an arm had any event: no interval." in row["caution"]


def test_people_who_are_not_observed_are_left_out_and_it_is_said():
    use = observed(12, 24)
    gone = replace(use, observed=use.observed.filter(pl.col("person_id") != "case099"))
    row = by_window(rows(gone))["first_90_days"]
    assert row["n_pilot"] == 99
    assert "People who are not observed after the index date are left out." in row["caution"]


def test_without_weights_or_pairs_the_rows_stand_with_the_reason():
    found = rows(observed(12, 24), replace(EVERYONE, weighted=None, matched=None))
    assert [(row["n_pilot"], row["mortality_ratio"]) for row in found] == [(0, None)] * 6
    assert "Weights are odd." in found[0]["caution"]


def estimates(*designs: str) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "metric_id": ["emergency_admissions"] * len(designs),
            "population": ["all_sites"] * len(designs),
            "design": designs,
            "caution": ["Before."] * len(designs),
        }
    )


def ratios(found: list[dict]) -> pl.DataFrame:
    return pl.DataFrame(found, schema=MORTALITY_RATIOS, orient="row")


@pytest.mark.parametrize(("cases", "others", "how"), [(30, 40, "more often"), (10, 120, "less often")])
def test_early_deaths_away_from_one_stand_as_a_caution_on_the_controlled_designs(cases, others, how):
    found = rows(observed(cases, others))
    every = ("uncontrolled", "unmatched_did", "weighted_cohort", "matched_cohort", "matched_did")
    caution = with_mortality_cautions(estimates(*every), ratios(found))["caution"].to_list()
    assert caution[:2] == ["Before.", "Before."]
    for one in caution[2:]:
        assert one.startswith("Before. Groups not comparable: pilot people died " + how)
        assert "it shows who was enrolled" in one
    assert how in not_comparable(found, design="weighted_cohort")


def test_a_ratio_whose_interval_holds_one_or_that_has_none_calls_for_no_caution():
    for use in (observed(12, 50), observed(9, 4)):
        found = rows(use)
        assert not_comparable(found, design="weighted_cohort") == ""
        assert with_mortality_cautions(estimates("weighted_cohort"), ratios(found))["caution"][0] == "Before."


def test_late_deaths_call_for_no_caution():
    found = rows(observed(30, 40, day=150, days=200))
    assert by_window(found)["follow_up"]["mortality_ratio"] == pytest.approx(3, rel=0.05)
    assert by_window(found)["follow_up"]["mortality_ratio_low"] > 1
    assert not_comparable(found, design="weighted_cohort") == ""


def test_each_design_has_the_verdict_of_its_own_people():
    found = [row for row in rows(observed(30, 40)) if row["design"] == "matched_cohort"]
    caution = with_mortality_cautions(estimates("weighted_cohort", "matched_did"), ratios(found))["caution"]
    assert "Groups not comparable" not in caution[0]
    assert "Groups not comparable" in caution[1]
