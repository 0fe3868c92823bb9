"""Does the lead test of matched pairs see a trend that one arm has alone, and nothing where there is none?

Sets of a case and three controls with a frailty that they share in part; cases use half as much again at all times, a
lasting difference that the design takes away.
"""

import numpy as np
import polars as pl
from scipy.stats import binom

from evaluation.estimation import ComparedPeople, ComparedPopulation, Metric, PersonMonths
from evaluation.estimation.lead_changes import lead_change_rows

SETS, CONTROLS, MONTHLY_RATE, LASTING = 600, 3, 0.15, 1.5
DRAWS, FIRST = 200, 4_101_000
MONTHS = np.arange(-24, 0)
OUTPATIENT = Metric(metric_id="outpatient_attendances", label="Outpatient", domain="utilisation", unit="per year")


def drawn(seed: int, *, trend_a_year: float) -> dict:
    """The row of a made-up study whose cases' rate rises by so much a year (log) beyond their controls'."""
    rng = np.random.default_rng(seed)
    set_ids = np.concatenate([np.arange(SETS), np.repeat(np.arange(SETS), CONTROLS)])
    is_case = np.arange(set_ids.size) < SETS
    frailty = rng.gamma(2.0, 0.5, SETS)[set_ids] * rng.gamma(2.0, 0.5, set_ids.size)
    rate = MONTHLY_RATE * frailty * np.where(is_case, LASTING, 1.0)
    course = np.exp(np.where(is_case, trend_a_year / 12, 0.0)[:, None] * (MONTHS - MONTHS[0]))
    ids = pl.Series([f"p{number:05d}" for number in range(set_ids.size)])
    people = ComparedPeople(
        person_id=ids,
        is_treated=is_case,
        weights=np.where(is_case, 1.0, 1 / CONTROLS),
        covariates=np.zeros((set_ids.size, 0)),
        set_ids=set_ids,
    )
    one = ComparedPopulation(
        population="all_sites",
        pilot_people=SETS,
        weighted=None,
        matched=people,
        weighting_caution="",
        matching_caution="",
        matched_by=("outpatient_attendances_3_months",),
    )
    months = PersonMonths(
        person_id=ids,
        months=MONTHS,
        days=np.full((set_ids.size, MONTHS.size), 30, dtype=np.uint8),
        counts={OUTPATIENT.metric_id: rng.poisson(rate[:, None] * course).astype(np.int16)},
    )
    (row,) = lead_change_rows(one, months, metrics=[OUTPATIENT])
    return row


def test_without_a_trend_one_test_in_twenty_finds_one_and_the_mean_is_none():
    rows = [drawn(FIRST + number, trend_a_year=0.0) for number in range(DRAWS)]
    found = sum(row["p_value"] < 0.05 for row in rows)
    assert binom.cdf(found, DRAWS, 0.05) > 0.001
    assert binom.sf(found - 1, DRAWS, 0.05) > 0.001
    logs = np.log1p(np.array([row["relative_change_pct"] for row in rows]) / 100)
    assert abs(logs.mean()) < 3.3 * logs.std() / np.sqrt(DRAWS)


def test_a_trend_that_the_cases_have_alone_is_seen_and_measured():
    rows = [drawn(FIRST + DRAWS + number, trend_a_year=0.5) for number in range(DRAWS)]
    logs = np.log1p(np.array([row["relative_change_pct"] for row in rows]) / 100)
    # half a year lies between the middles of the two half-years
    assert abs(logs.mean() - 0.25) < 3.3 * logs.std() / np.sqrt(DRAWS)
    assert np.mean([row["p_value"] < 0.05 for row in rows]) > 0.9
    a_year = np.log1p(np.array([row["change_a_year_pct"] for row in rows]) / 100)
    assert abs(a_year.mean() - 0.5) < 3.3 * a_year.std() / np.sqrt(DRAWS)
    covered = sum(row["relative_low_pct"] < 100 * np.expm1(0.25) < row["relative_high_pct"] for row in rows)
    assert binom.cdf(covered, DRAWS, 0.95) > 0.001
