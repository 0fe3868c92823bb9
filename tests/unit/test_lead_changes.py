"""The lead test of matched difference-in-differences by hand, and where there is none."""

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from evaluation.estimation import ComparedPeople, ComparedPopulation, Metric, PersonMonths, with_lead_cautions
from evaluation.estimation.event_study import LEAD_TESTS
from evaluation.estimation.lead_changes import lead_change_rows

CASES, OTHERS = 20, 40
IDS = pl.Series([f"case{n:02d}" for n in range(CASES)] + [f"other{n:02d}" for n in range(OTHERS)])
IS_CASE = np.arange(CASES + OTHERS) < CASES
MONTHS = np.arange(-24, 3)
OUTPATIENT = Metric(metric_id="outpatient_attendances", label="Outpatient", domain="utilisation", unit="per year")
EVERYONE = ComparedPopulation(
    population="all_sites",
    pilot_people=CASES,
    weighted=None,
    matched=ComparedPeople(
        person_id=IDS,
        is_treated=IS_CASE,
        weights=np.where(IS_CASE, 1.0, 0.5),
        covariates=np.zeros((CASES + OTHERS, 0)),
        set_ids=np.concatenate([np.arange(CASES), np.repeat(np.arange(CASES), 2)]),
    ),
    weighting_caution="",
    matching_caution="Pairs are odd.",
    matched_by=(
        "age_at_index",
        "outpatient_attendances_6_months",
        "charlson_score",
        "pool",
        "emergency_discharge_class",
    ),
)


def counts(**by_month: tuple[int, int]) -> np.ndarray:
    """So many cases and others, the first ones of each, with an event in a month ("m20" is month -20)."""
    found = np.zeros((IDS.len(), MONTHS.size), dtype=np.int16)
    for name, (cases, others) in by_month.items():
        month = -int(name[1:])
        found[:cases, month == MONTHS] += 1
        found[CASES : CASES + others, month == MONTHS] += 1
    return found


def row_of(
    found: np.ndarray, one: ComparedPopulation = EVERYONE, *, metric: Metric = OUTPATIENT, months=MONTHS
) -> dict:
    kept = np.isin(MONTHS, months)
    days = np.full((IDS.len(), MONTHS.size), 30, dtype=np.uint8)
    people = PersonMonths(
        person_id=IDS, months=MONTHS[kept], days=days[:, kept], counts={metric.metric_id: found[:, kept]}
    )
    (row,) = lead_change_rows(one, people, metrics=[metric])
    return row


def course(later: int) -> np.ndarray:
    """The first 12 cases and 24 others have an event in month -20, the last ones in month -15; cases so many then."""
    found = counts(m20=(12, 24))
    found[8:20, MONTHS == -15] = later
    found[CASES + 16 :, MONTHS == -15] = 1
    return found


DIVERGING = course(2)


def test_the_change_between_two_half_years_long_before_by_hand():
    row = row_of(DIVERGING, replace(EVERYONE, matched=replace(EVERYONE.matched, set_ids=np.arange(60))))
    assert row["relative_change_pct"] == pytest.approx(100)  # cases 12 and 24, others 24 and 24
    assert (row["months_held_out"], row["months_tested"], row["degrees_of_freedom"]) == (18, 12, 1)
    first, last = np.arange(20) < 12, np.arange(20) >= 8
    cases = last / 12 - first / 12
    others = np.repeat(cases, 2) / 2
    error = math.sqrt((cases @ cases + others @ others) * 60 / 59)
    assert row["chi_square"] == pytest.approx((math.log(2) / error) ** 2)
    assert row["relative_high_pct"] == pytest.approx(100 * (2 * math.exp(1.959964 * error) - 1), rel=1e-5)
    assert row["p_value"] == pytest.approx(math.erfc(math.log(2) / error / math.sqrt(2)))


def test_a_difference_that_lasts_and_months_that_are_not_tested_change_nothing():
    lasting = 3 * course(1)
    lasting[CASES:] //= 3
    other_months = counts(m12=(20, 0), m7=(20, 0), m1=(20, 40))
    assert row_of(lasting + other_months)["relative_change_pct"] == pytest.approx(0)


def test_who_is_not_known_in_a_month_of_either_half_year_is_left_out_of_both():
    unknown = DIVERGING.copy()
    unknown[10, MONTHS == -13] = -1
    assert row_of(unknown)["relative_change_pct"] == pytest.approx(100)  # cases 11 and 22
    unknown[10, MONTHS == -20] = 50
    assert row_of(unknown)["relative_change_pct"] == pytest.approx(100)


def test_the_change_within_a_year_is_from_the_first_to_the_last_half_year_before_the_crisis():
    a_year = DIVERGING + 2 * counts(m9=(20, 0)) + counts(m12=(0, 24), m6=(20, 0))
    row = row_of(a_year, replace(EVERYONE, matched=replace(EVERYONE.matched, set_ids=np.arange(60))))
    assert row["relative_change_pct"] == pytest.approx(100)
    assert row["change_a_year_pct"] == pytest.approx(100 * (40 / 12 - 1))  # cases 12 and 40, others 24 and 24
    error = math.log(1 + row["change_a_year_high_pct"] / 100) - math.log(40 / 12)
    assert math.log(40 / 12) - math.log(1 + row["change_a_year_low_pct"] / 100) == pytest.approx(error)


def test_the_change_within_a_year_needs_every_month_before_the_crisis_to_be_left_open():
    a_year = DIVERGING + counts(m12=(20, 24))
    used = replace(EVERYONE, matched_by=("outpatient_attendances_12_months",))
    assert row_of(a_year, used)["months_tested"] == 12
    assert row_of(a_year, used).get("change_a_year_pct") is None
    assert row_of(a_year)["change_a_year_pct"] is not None
    assert row_of(DIVERGING).get("change_a_year_pct") is None  # nobody has an event in months -12 to -7
    assert row_of(a_year, replace(EVERYONE, matched=None)).get("change_a_year_pct") is None


@pytest.mark.parametrize("covariate", ["outpatient_attendances_24_months", "outpatient_attendances_18_months"])
def test_there_is_no_test_where_pairs_were_made_alike_in_the_months(covariate):
    row = row_of(DIVERGING, replace(EVERYONE, matched_by=(covariate,)))
    assert (row["months_tested"], row.get("p_value")) == (0, None)
    assert "they are no evidence" in row["caution"]


def test_twelve_months_alike_leave_the_test_and_diagnoses_take_it_from_admissions():
    assert row_of(DIVERGING, replace(EVERYONE, matched_by=("outpatient_attendances_12_months",)))["months_tested"] == 12
    elective = replace(OUTPATIENT, metric_id="elective_admissions")
    assert row_of(DIVERGING, metric=elective)["months_held_out"] == 0


def test_there_is_no_test_without_pairs_months_or_people_and_each_says_why():
    assert row_of(DIVERGING, replace(EVERYONE, matched=None)) | {"label": ""} == {
        **{"population": "all_sites", "metric_id": "outpatient_attendances", "label": "", "design": "matched_did"},
        **{"months_held_out": None, "months_tested": 0},
        "caution": "No test: no pairs were found for these pilot people. Pairs are odd.",
    }
    short = row_of(DIVERGING, months=np.arange(-18, 3))
    assert (short["months_tested"], "does not hold all of months" in short["caution"]) == (0, True)
    few = row_of(counts(m20=(9, 24), m15=(12, 24)))
    assert (few["months_tested"], "too few people" in few["caution"]) == (0, True)


def estimates() -> pl.DataFrame:
    designs = ["weighted_cohort", "matched_did", "matched_did"]
    metrics = ["outpatient_attendances", "outpatient_attendances", "elective_admissions"]
    return pl.DataFrame({"metric_id": metrics, "design": designs}).with_columns(
        population=pl.lit("all_sites"), caution=pl.lit("Before.")
    )


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (2.0, 30.0, "finds a rise as well"),
        (-30.0, -2.0, "finds a fall as well"),
        (-2.0, 30.0, None),
        (None, None, None),
    ],
)
def test_a_change_that_nobody_caused_stands_on_the_row_of_the_design_alone(low, high, words):
    row = {"population": "all_sites", "metric_id": "outpatient_attendances", "design": "matched_did"}
    limits = {"relative_low_pct": low, "relative_high_pct": high}
    of_weights = row | {"design": "weighted_cohort", "relative_low_pct": None, "relative_high_pct": None}
    tests = pl.DataFrame([row | limits, of_weights], schema=LEAD_TESTS, orient="row")
    weighted, outpatient, elective = with_lead_cautions(estimates(), tests)["caution"]
    assert weighted == elective == "Before."
    assert (outpatient != "Before.") == (words is not None)
    assert words is None or words in outpatient
