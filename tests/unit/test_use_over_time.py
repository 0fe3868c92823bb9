"""Rows of cumulative counts, days alive out of hospital and months, by hand; and what they say where there is none."""

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from evaluation.estimation import Metric, over_time
from evaluation.estimation.after_index import days_in_months
from evaluation.estimation.cumulative_counts import COUNTED, counted_over_time
from evaluation.matching.covariates import FORMS
from tests.use_by_hand import (
    CASES,
    EVERYONE,
    IDS,
    METRICS,
    MONTHS,
    PEOPLE,
    by_day,
    counts_of,
    days_alive,
    months,
    tables,
    use,
)


def test_months_are_of_a_twelfth_of_a_year():
    assert [days_in_months(months) for months in (1, 2, 3, 6, 12, 24)] == [30, 60, 91, 182, 365, 730]


def test_mean_cumulative_counts_by_hand():
    first, last = counts_of(tables())
    assert (first["pilot"], first["comparator"], first["difference"]) == pytest.approx((0.6, 0.6, 0))
    assert (last["pilot"], last["comparator"], last["difference"]) == pytest.approx((0.6, 1.2, -0.6))
    assert [(row["month"], row["days_from_index"], row["is_end_of_follow_up"]) for row in (first, last)] == [
        (1, 30, False),
        (2, 60, True),
    ]
    # influences: (count - 0.6) / 20 of cases, (count - 1.2) / 40 of others, each with a leverage of 1/40
    cases, others = (12 * 0.4**2 + 8 * 0.6**2) / 20**2, (24 * 0.8**2 + 16 * 1.2**2) / (39 * 40)
    margin = 1.959964 * math.sqrt((cases + others) * 60 / 59)
    assert last["difference_high"] == pytest.approx(-0.6 + margin, rel=1e-6)
    factor = math.exp(1.959964 * math.sqrt(cases * 20 / 19) / 0.6)
    assert (last["pilot_low"], last["pilot_high"]) == pytest.approx((0.6 / factor, 0.6 * factor), rel=1e-6)
    assert (last["n_pilot"], last["n_comparator"]) == (20, 40)
    assert "The interval holds for this month alone" in last["caution"]


def test_with_fewer_than_ten_people_with_any_event_there_is_no_interval():
    few = by_day().filter(pl.col("person_id").is_in(IDS[3:].implode()))
    last = counts_of(tables(after=use(by_day=few)))[1]
    assert last["pilot"] == pytest.approx(9 / 20)
    assert [last[f"{name}_low"] for name in ("pilot", "comparator", "difference")] == [None] * 3
    assert "Too few people of an arm had any event: no interval." in last["caution"]


def test_people_whose_count_is_not_known_are_left_out():
    known = use().known.with_columns(
        emergency_admissions=pl.when(pl.col("person_id") == "case19").then(None).otherwise(0)
    )
    last = counts_of(tables(after=use(known=known)))[1]
    assert (last["n_pilot"], last["pilot"]) == (19, pytest.approx(12 / 19))
    assert "People whose count is not known are left out." in last["caution"]


def measured(priority: str) -> list[Metric]:
    """The study's metrics with A&E attendances of a priority, and a cost that is an outcome."""
    attendances = Metric(
        metric_id="ae_attendances", label="A&E", domain="utilisation", unit="per person-year", priority=priority
    )
    cost = Metric(metric_id="cost_gbp", label="Cost", domain="cost", unit="pounds", priority="secondary")
    return [*METRICS, attendances, cost]


def test_a_count_that_the_protocol_names_is_followed_over_time_and_no_other_beyond_the_three():
    assert [metric.metric_id for metric in counted_over_time(measured("secondary"))] == [*COUNTED, "ae_attendances"]
    assert [metric.metric_id for metric in counted_over_time(measured("exploratory"))] == list(COUNTED)


def test_an_outcome_of_the_protocol_has_its_curve_months_and_lead_test():
    seen = by_day().with_columns(ae_attendances=pl.when(pl.col("day_from_index") == 10).then(1).otherwise(0))
    found = over_time(
        [EVERYONE],
        use=use(by_day=seen, known=use().known.with_columns(ae_attendances=0)),
        months=months(ae_attendances=with_events(0, 12, 24)),
        metrics=measured("secondary"),
        follow_up_months=2,
        protocol_hash="hash",
        run_id="run",
    )
    last = counts_of(found, "ae_attendances")[1]
    assert (last["pilot"], last["comparator"]) == pytest.approx((12 / 20, 24 / 40))
    assert month_of(found, 0, "ae_attendances")["log_rate_ratio"] == pytest.approx(0)
    assert month_of(found, -24, "ae_attendances")["role"] == "held_out"
    assert leads(found)["ae_attendances"]["months_held_out"] == 18


def with_events(month: int, cases: int, others: int, *, size: int = 1) -> np.ndarray:
    counts = np.zeros((IDS.len(), MONTHS.size), dtype=np.int16)
    counts[:cases, month == MONTHS] = size
    counts[CASES : CASES + others, month == MONTHS] = 1
    return counts


def month_of(found, month: int, metric: str = "outpatient_attendances") -> dict:
    return found.event_study.filter(metric_id=metric, month_from_index=month).row(0, named=True)


def test_a_month_by_hand():
    row = month_of(tables(by_month=months(outpatient_attendances=with_events(0, 12, 12))), 0)
    assert (row["pilot_rate"], row["comparator_rate"]) == pytest.approx((0.6 / 30 * 365.25, 0.3 / 30 * 365.25))
    assert row["log_rate_ratio"] == pytest.approx(math.log(2))
    variance = (12 * 0.4**2 + 8 * 0.6**2) / 12**2 + (12 * 0.7**2 + 28 * 0.3**2) / 12**2 / (39 / 40)
    margin = 1.959964 * math.sqrt(variance * 60 / 59)
    assert row["log_rate_ratio_high"] == pytest.approx(math.log(2) + margin, rel=1e-6)


def test_a_month_with_few_people_or_none_says_so():
    few = month_of(tables(by_month=months(outpatient_attendances=with_events(0, 9, 12))), 0)
    assert (few["log_rate_ratio"] is None, few["log_rate_ratio_low"]) == (False, None)
    assert "Too few people of an arm had any event: no interval." in few["caution"]
    none = month_of(tables(), 0)
    assert (none["pilot_rate"], none["log_rate_ratio"]) == (0, None)
    assert "No ratio: nobody of an arm had any event." in none["caution"]
    unknown = month_of(
        tables(by_month=months(outpatient_attendances=np.full((60, MONTHS.size), -1, dtype=np.int16))), 0
    )
    assert (unknown["pilot_rate"], unknown["comparator_rate"]) == (None, None)
    assert "No rate: no day of this month is known of an arm." in unknown["caution"]


def test_a_month_says_what_it_can_be_evidence_of():
    found = tables()
    roles = {month: month_of(found, month)["role"] for month in (-24, -13, -12, -7, -6, -1, 0, 1)}
    assert list(roles.values()) == [
        *("held_out", "held_out", "used_for_matching", "used_for_matching"),
        *("crisis_window", "crisis_window", "follow_up", "follow_up"),
    ]
    assert "Flat by construction, not evidence" in month_of(found, -12)["caution"]
    assert "Held out" in month_of(found, -13)["caution"]
    assert "bad spell" in month_of(found, -1)["caution"]
    assert "Weights are odd." in month_of(found, 0)["caution"]
    assert month_of(found, -24, "emergency_admissions")["role"] == "used_for_matching"
    assert month_of(found, -24, "elective_admissions")["role"] == "held_out"


def leads(found) -> dict[str, dict]:
    return {row["metric_id"]: row for row in found.lead_tests.filter(design="weighted_cohort").iter_rows(named=True)}


def test_months_held_out_are_tested_together_and_used_ones_never():
    counts = with_events(-20, 12, 12) + with_events(-15, 14, 28) + with_events(-3, 20, 1)
    found = tables(by_month=months(outpatient_attendances=counts, emergency_admissions=counts))
    row = leads(found)["outpatient_attendances"]
    assert (row["months_held_out"], row["months_tested"], row["degrees_of_freedom"]) == (12, 2, 2)
    # month -20: log 2; month -15: 0; covariances of the two by hand, since the same people come first in both
    cases = [np.where(np.arange(20) < n, 1, 0) / n - 1 / 20 for n in (12, 14)]
    others = [(np.where(np.arange(40) < n, 1, 0) / n - 1 / 40) / math.sqrt(1 - 1 / 40) for n in (12, 28)]
    covariance = np.array([[a @ b + c @ d for b, d in zip(cases, others, strict=True)]
                           for a, c in zip(cases, others, strict=True)]) * 60 / 59  # fmt: skip
    log_ratios = np.array([math.log(2), 0])
    assert row["chi_square"] == pytest.approx(log_ratios @ np.linalg.solve(covariance, log_ratios))
    assert row["p_value"] == pytest.approx(math.exp(-row["chi_square"] / 2))
    assert "a large one is no proof of it" in row["caution"]
    used = leads(found)["emergency_admissions"]
    assert (used["months_held_out"], used["chi_square"]) == (0, None)
    assert "none is evidence" in used["caution"]


def test_too_few_people_in_the_months_held_out_are_no_test():
    row = leads(tables())["outpatient_attendances"]
    assert (row["months_held_out"], row["months_tested"], row["p_value"]) == (12, 0, None)
    assert "No test: in too few of the months" in row["caution"]


def test_without_weights_there_are_rows_without_values_that_say_why_and_no_months():
    found = tables(replace(EVERYONE, weighted=None))
    assert [row["pilot"] for row in counts_of(found)] == [None, None]
    assert all("Weights are odd." in row["caution"] for row in counts_of(found))
    assert [row["n_pilot"] for row in days_alive(found).values()] == [0, 0, 0]
    assert found.event_study.is_empty()
    assert all(row["months_held_out"] is None and "no weights" in row["caution"] for row in leads(found).values())


def test_groups_that_are_not_comparable_are_said_to_be_so_on_every_later_row():
    died = pl.col("person_id").is_in(IDS[:15].implode()) | pl.col("person_id").is_in(IDS[CASES : CASES + 10].implode())
    observed = use().observed.with_columns(died=died, days_observed=pl.when(died).then(20).otherwise(400))
    found = tables(after=use(observed=observed))
    for table in (found.mean_cumulative_counts, found.days_alive_out_of_hospital):
        assert table["caution"].str.contains("Groups not comparable", literal=True).all()
    early = pl.col("observed_window") == "first_90_days"
    said = found.mortality_ratios.filter(pl.col("caution").str.contains("Groups not comparable"))
    assert said.equals(found.mortality_ratios.filter(early, design="weighted_cohort"))
    assert "Groups not comparable" in month_of(found, 0)["caution"]
    assert "Groups not comparable" not in month_of(found, -24)["caution"]


def test_a_model_has_deaths_by_both_designs_a_subgroup_by_weights_alone_and_neither_has_more():
    for part, designs in (
        ("model:team", ["weighted_cohort", "matched_cohort"]),
        ("subgroup:age=75_and_over", ["weighted_cohort"]),
    ):
        one = replace(
            EVERYONE, population=part, matched=replace(PEOPLE, set_ids=np.arange(60)), is_subgroup="=" in part
        )
        found = tables(one)
        assert found.mortality_ratios["design"].unique(maintain_order=True).to_list() == designs
        assert found.mortality_ratios["population"].unique().to_list() == [part]
        others = (found.mean_cumulative_counts, found.days_alive_out_of_hospital, found.event_study, found.lead_tests)
        assert all(table.is_empty() for table in others)


def test_without_anybody_to_compare_every_table_is_there_and_empty():
    found = over_time([], use=use(), months=months(), metrics=METRICS, follow_up_months=2, protocol_hash="", run_id="")
    for table in vars(found).values():
        assert table.is_empty()
        assert {"population", "caution", "run_id"} <= set(table.columns)


@pytest.mark.parametrize("covariate", FORMS)
def test_it_is_known_of_every_covariate_which_months_it_looks_at(covariate):
    one = replace(EVERYONE, weighted_by=(covariate,))
    role = month_of(tables(one), -24, "emergency_admissions")["role"]
    diagnoses = ("charlson", "elixhauser", "frailty", "diagnoses", "episodes", "conditions", "discharge_class")
    looks_back = covariate == "emergency_admissions_24_months" or any(part in covariate for part in diagnoses)
    assert role == ("used_for_matching" if looks_back else "held_out")


def test_a_covariate_that_nobody_classified_is_refused():
    with pytest.raises(ValueError, match="it is not known which months it looks at"):
        tables(replace(EVERYONE, weighted_by=("shoe_size",)))
