"""Rows of the weighted and matched designs by hand, and what they say where there is no estimate."""

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from evaluation.estimation import ComparedPeople, ComparedPopulation, Metric, controlled_estimates, with_defaults
from evaluation.estimation.cautions import NOT_FROZEN

FOUR_YEARS = 1461
ADMISSIONS = Metric(metric_id="admissions", label="Admissions", domain="utilisation", unit="admissions per person-year")
DIED = Metric(metric_id="died", label="Died", domain="outcome", unit="share of people", is_binary=True)
CASES, OTHERS = 20, 40
IDS = pl.Series([f"case{n:02d}" for n in range(CASES)] + [f"other{n:02d}" for n in range(OTHERS)])
IS_CASE = np.arange(CASES + OTHERS) < CASES
# over four years 12 of 20 cases had one admission each, 24 of 40 others two; before, some 12 and 24 had one
COUNTS = [1] * 12 + [0] * 8 + [2] * 24 + [0] * 16
BEFORE = [0] * 8 + [1] * 12 + [0] * 16 + [1] * 24
# 2 of 20 cases died and 8 of 40 others
DEATHS = [True] * 2 + [False] * 18 + [True] * 8 + [False] * 32
PEOPLE = ComparedPeople(
    person_id=IDS,
    is_treated=IS_CASE,
    weights=np.where(IS_CASE, 1.0, 0.5),
    covariates=np.zeros((CASES + OTHERS, 0)),
    set_ids=np.concatenate([np.arange(CASES), np.repeat(np.arange(CASES), 2)]),
)
EVERYONE = ComparedPopulation(
    population="all_sites",
    pilot_people=25,
    weighted=PEOPLE,
    matched=PEOPLE,
    weighting_caution="Weights are odd.",
    matching_caution="Pairs are odd.",
)


def frame(**columns) -> pl.DataFrame:
    return pl.DataFrame({"person_id": IDS, "person_days": FOUR_YEARS, **columns})


def rows(compared: ComparedPopulation = EVERYONE, *, metric: Metric = ADMISSIONS, counts=COUNTS, before=BEFORE) -> dict:
    estimates = controlled_estimates(
        [compared],
        follow_up=frame(admissions=counts, died=DEATHS),
        earlier=frame(admissions=before),
        metrics=[metric],
        follow_up_months=6,
        protocol_hash="hash",
        run_id="run",
    )
    return {row["design"]: row for row in estimates.iter_rows(named=True)}


@pytest.mark.parametrize("design", ["weighted_cohort", "matched_cohort"])
def test_a_cohort_compares_rates_after_the_index_date(design):
    row = rows()[design]
    assert (row["pilot_follow_up"], row["comparator_follow_up"]) == pytest.approx((12 / 80, 48 / 160))
    assert (row["change"], row["relative_change_pct"]) == pytest.approx((-0.15, -50))
    assert (row["pilot_baseline"], row["comparator_baseline"]) == (None, None)
    assert (row["n_pilot"], row["n_comparator"], row["n_clusters"]) == (20, 40, 60)
    assert (row["person_years_pilot"], row["person_years_comparator"]) == pytest.approx((80, 160))
    # influences on the log rates: (count - rate x 4) / 12 of cases, half of (count - rate x 4) / 24 of others, of whom
    # each has a leverage of 1/40 on a weighted mean
    others = (24 * 0.8**2 + 16 * 1.2**2) * 0.5**2 / 24**2 / (39 / 40 if design == "weighted_cohort" else 1)
    error = math.sqrt(((12 * 0.4**2 + 8 * 0.6**2) / 12**2 + others) * 60 / 59)
    assert row["relative_high_pct"] == pytest.approx(100 * (0.5 * math.exp(1.959964 * error) - 1), rel=1e-6)
    assert row["p_value"] == pytest.approx(math.erfc(math.log(2) / error / math.sqrt(2)))
    assert row["minimum_detectable_change_pct"] == pytest.approx(100 * (1 - math.exp(-2.801585 * error)), rel=1e-6)


def test_the_level_of_clustering_is_named_as_the_design_has_it():
    levels = {design: row["cluster_level"] for design, row in rows().items()}
    pairs = "person and matched set"
    assert levels == {"weighted_cohort": "person", "matched_cohort": pairs, "matched_did": pairs}


def test_a_comparison_person_in_two_sets_and_people_of_one_set_belong_together_in_matched_designs():
    """Where cases use more and their controls less, sets of one row each would give intervals that are too narrow."""
    alone = replace(EVERYONE, matched=replace(PEOPLE, set_ids=np.arange(CASES + OTHERS)))
    counts, before = [1] * 12 + [0] * 8 + [0] * 16 + [2] * 24, [1] * 20 + [1] * 40
    for design in ("matched_cohort", "matched_did"):
        in_sets, apart = (rows(one, counts=counts, before=before)[design] for one in (EVERYONE, alone))
        assert in_sets["relative_change_pct"] == pytest.approx(apart["relative_change_pct"])
        assert in_sets["relative_high_pct"] > apart["relative_high_pct"] + 1


def test_who_stands_in_both_arms_is_one_cluster():
    """The first twenty comparison people are the cases before they enrolled: influences are summed by person."""
    apart, records = rows()["weighted_cohort"], pl.Series([*IDS[:20], *IDS[:20], *IDS[40:]])
    both = replace(PEOPLE, record_person_id=records)
    row = rows(replace(EVERYONE, weighted=both))["weighted_cohort"]
    assert (row["n_pilot"], row["n_comparator"], row["n_clusters"]) == (20, 40, 40)
    assert row["relative_change_pct"] == apart["relative_change_pct"]
    cases = (np.array(COUNTS[:20]) - 0.6) / 12
    others = 0.5 * (np.array(COUNTS[20:]) - 1.2) / 24 / math.sqrt(39 / 40)
    added = np.concatenate([cases - others[:20], others[20:]])
    error = math.sqrt((added**2).sum() * 40 / 39)
    assert row["relative_high_pct"] == pytest.approx(100 * (0.5 * math.exp(1.959964 * error) - 1), rel=1e-6)


def test_matched_difference_in_differences_divides_by_the_earlier_rates():
    row = rows()["matched_did"]
    levels = ("pilot_baseline", "pilot_follow_up", "comparator_baseline", "comparator_follow_up")
    assert [row[name] for name in levels] == pytest.approx([0.15, 0.15, 0.15, 0.3])
    assert (row["change"], row["relative_change_pct"]) == pytest.approx((-0.15, -50))
    assert row["person_years_pilot"] == pytest.approx(160)


def test_who_the_estimate_is_about_is_said_in_words():
    found = rows()
    assert found["matched_cohort"]["estimand_population"] == "pilot people, all sites; 20 of 25 matched"
    weighted = found["weighted_cohort"]["estimand_population"]
    assert weighted == "pilot people, all sites; 20 of 25 observed on the index date"


def test_the_matched_are_those_in_pairs_whether_or_not_their_use_is_known():
    found = rows(counts=[None, *COUNTS[1:]])
    for design in ("matched_cohort", "matched_did"):
        assert found[design]["n_pilot"] == 19
        assert found[design]["estimand_population"] == "pilot people, all sites; 20 of 25 matched"
    assert found["weighted_cohort"]["estimand_population"].endswith("; 19 of 25 observed on the index date")


def test_every_row_says_its_design_that_it_was_not_frozen_and_what_the_design_stage_found():
    found = rows()
    assert all(NOT_FROZEN in row["caution"] for row in found.values())
    assert "Weights are odd." in found["weighted_cohort"]["caution"]
    assert all("Pairs are odd." in found[design]["caution"] for design in ("matched_cohort", "matched_did"))
    assert "Weights are odd." not in found["matched_cohort"]["caution"]


def test_deaths_are_compared_as_risks_and_have_no_difference_in_differences():
    found = rows(metric=DIED)
    row = found["weighted_cohort"]
    assert (row["pilot_follow_up"], row["comparator_follow_up"]) == pytest.approx((0.1, 0.2))
    assert (row["change"], row["relative_change_pct"]) == pytest.approx((-0.1, -50))
    assert row["person_years_pilot"] == pytest.approx(80)
    assert found["matched_did"]["change"] is None
    assert "no change from before it to compare" in found["matched_did"]["caution"]


def test_with_fewer_than_ten_people_with_events_there_is_no_interval():
    row = rows(counts=[1] * 9 + [0] * 11 + [2] * 24 + [0] * 16)["weighted_cohort"]
    assert row["relative_change_pct"] == pytest.approx(100 * (9 / 80 / 0.3 - 1))
    assert [row[name] for name in ("change_low", "relative_low_pct", "p_value")] == [None] * 3
    assert "Too few people of an arm had any event: no interval." in row["caution"]


def test_people_whose_count_is_not_known_have_no_person_time():
    row = rows(counts=[None, *COUNTS[1:-1], None])["matched_cohort"]
    assert (row["n_pilot"], row["n_comparator"]) == (19, 39)
    assert (row["pilot_follow_up"], row["comparator_follow_up"]) == pytest.approx((11 / 76, 48 / 156))
    assert "People whose count is not known are left out." in row["caution"]


def test_without_events_there_is_no_estimate_and_the_reason_is_given():
    found = rows(counts=[0] * CASES + COUNTS[CASES:])
    assert [row["change"] for row in found.values()] == [None] * 3
    assert all("No estimate: a group has no events." in row["caution"] for row in found.values())


def test_a_metric_that_is_not_known_of_anybody_has_rows_without_values():
    found = rows(counts=pl.Series([None] * 60, dtype=pl.Int64), before=pl.Series([None] * 60, dtype=pl.Int64))
    assert {design: (row["n_pilot"], row["change"]) for design, row in found.items()} == dict.fromkeys(found, (0, None))


def test_without_weights_or_pairs_the_rows_stand_with_the_reason():
    found = rows(replace(EVERYONE, weighted=None, matched=None))
    assert set(found) == {"weighted_cohort", "matched_cohort", "matched_did"}
    assert [row["n_pilot"] for row in found.values()] == [0, 0, 0]
    assert "Weights are odd." in found["weighted_cohort"]["caution"]


def test_weights_that_do_not_balance_are_not_used():
    lopsided = replace(PEOPLE, covariates=IS_CASE.astype(float)[:, None] + np.arange(60)[:, None] % 3)
    found = rows(replace(EVERYONE, weighted=lopsided))
    assert found["weighted_cohort"]["change"] is None
    assert "the weights do not make the groups alike" in found["weighted_cohort"]["caution"]
    assert found["matched_cohort"]["change"] is not None


def test_a_subgroup_has_the_weighted_cohort_of_protocol_outcomes_alone_and_is_exploratory():
    part = replace(EVERYONE, population="subgroup:age=75_and_over", matched=None, is_subgroup=True)
    assert rows(part) == {}
    found = rows(part, metric=replace(ADMISSIONS, priority="primary"))
    assert list(found) == ["weighted_cohort"]
    row = found["weighted_cohort"]
    assert (row["priority"], row["relative_change_pct"]) == ("exploratory", pytest.approx(-50))
    assert row["estimand_population"] == "pilot people, age 75 and over; 20 of 25 observed on the index date"


DESIGNS = ("weighted_cohort", "matched_cohort", "matched_did", "unmatched_did", "uncontrolled")


@pytest.mark.parametrize(
    ("designs", "found", "metric", "default"),
    [
        (DESIGNS, DESIGNS[:3], ADMISSIONS, "weighted_cohort"),
        (DESIGNS, DESIGNS[1:3], ADMISSIONS, "matched_did"),
        (DESIGNS, DESIGNS[1:3], DIED, "unmatched_did"),
        (DESIGNS, (), ADMISSIONS, "unmatched_did"),
        (("uncontrolled",), (), ADMISSIONS, "uncontrolled"),
        (("weighted_cohort",), (), ADMISSIONS, "weighted_cohort"),
    ],
)
def test_the_default_is_the_first_design_that_the_design_stage_found(designs, found, metric, default):
    given = [(metric.metric_id, "all_sites", design, False) for design in designs]
    estimates = pl.DataFrame(given, schema=["metric_id", "population", "design", "is_default"], orient="row")
    chosen = with_defaults(estimates, found={"all_sites": found}, metrics=[metric])
    assert chosen.filter("is_default")["design"].to_list() == [default]
    assert chosen["design"].to_list() == list(designs)
