"""Days alive and out of hospital by hand; a part of use is no evidence where the whole of it was balanced."""

import math

import polars as pl
import pytest

from evaluation.estimation import Metric
from evaluation.estimation.month_roles import months_used
from tests.use_by_hand import CASES, IDS, days_alive, tables, use


@pytest.mark.parametrize(
    ("use_of_care", "covariate", "months"),
    [
        ("ambulatory_care_sensitive_admissions", "emergency_admissions_24_months", 24),
        ("emergency_bed_days", "emergency_bed_days_12_months", 12),
        ("elective_bed_days", "elective_admissions_12_months", 12),
        ("outpatient_tele_attendances", "outpatient_attendances_6_months", 6),
        ("outpatient_did_not_attend", "outpatient_attendances_24_months", 0),
        ("emergency_readmissions_30_days", "charlson_score", 24),
    ],
)
def test_months_in_which_the_whole_was_balanced_are_no_evidence_about_its_part(use_of_care, covariate, months):
    part = Metric(metric_id=use_of_care, label="Part", domain="utilisation", unit="per person-year")
    assert months_used(part, ["age_at_index", covariate]) == months


def test_days_alive_and_out_of_hospital_by_hand():
    found = days_alive(tables())
    assert (found["days_alive"]["pilot"], found["days_alive"]["comparator"]) == pytest.approx((60, 60))
    assert (found["days_in_hospital"]["pilot"], found["days_in_hospital"]["comparator"]) == pytest.approx((1, 0.5))
    out = found["days_alive_out_of_hospital"]
    assert (out["pilot"], out["comparator"], out["difference"]) == pytest.approx((59, 59.5, -0.5))
    variance = 20 * 1**2 / 20**2 + (10 * 1.5**2 + 30 * 0.5**2) / (39 * 40)
    assert out["difference_low"] == pytest.approx(-0.5 - 1.959964 * math.sqrt(variance * 60 / 59), rel=1e-6)
    assert found["days_alive"]["pilot_low"] is None


def test_a_death_takes_days_from_both_measures():
    died = pl.col("person_id").is_in(IDS[:10].implode()) | pl.col("person_id").is_in(IDS[CASES : CASES + 20].implode())
    observed = use().observed.with_columns(died=died, days_observed=pl.when(died).then(40).otherwise(400))
    found = days_alive(tables(after=use(observed=observed)))
    assert found["days_alive"]["pilot"] == pytest.approx((10 * 40 + 10 * 60) / 20)
    assert found["days_alive"]["pilot_low"] is not None
    assert found["days_in_hospital"]["pilot"] == pytest.approx(0)
    assert found["days_alive_out_of_hospital"]["comparator"] == pytest.approx((20 * 40 + 20 * 60) / 40)
