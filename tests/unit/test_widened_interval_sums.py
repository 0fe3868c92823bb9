"""The sums of the benchmark on widened intervals, by hand."""

import math

import pytest

from benchmarks.widened_intervals import Sums
from evaluation.estimation.rate_ratios import RateRatio, Sample

SAMPLE = Sample(
    n_cases=100,
    n_comparators=100,
    cases_with_events=50,
    comparators_with_events=50,
    effective_sample_size=100.0,
    effective_cases=100.0,
    person_years_cases=50.0,
    person_years_comparators=50.0,
    n_clusters=200,
)


def effect(log_rate_ratio: float, *, error: float = 0.1) -> RateRatio:
    return RateRatio(
        estimator="weighted_cohort",
        estimand="att",
        log_rate_ratio=log_rate_ratio,
        standard_error=error,
        rate=1.0,
        rate_without=1.0,
        change=0.0,
        change_standard_error=0.1,
        sample=SAMPLE,
    )


def test_draws_are_counted_by_whether_each_interval_covers_the_truth():
    sums = Sums()
    hidden = {"age_and_sex": effect(0.21), "planned_use": effect(0.10)}
    sums.add(effect(0.20), hidden, 0.0)  # 0.004 to 0.396: outside; widened by 0.1: inside
    sums.add(effect(0.10), {"planned_use": effect(0.10)}, 0.0)  # inside both
    sums.add(effect(0.50), {"planned_use": effect(0.40)}, 0.0)  # 0.304 on: outside both
    sums.add(None, {}, 0.0)
    sums.add(effect(0.10), {}, 0.0)  # nothing could be hidden
    figures = sums.figures()
    assert (figures["draws"], figures["failed"]) == (3, 2)
    assert (figures["plain_coverage"], figures["widened_coverage"]) == pytest.approx((1 / 3, 2 / 3), abs=1e-4)
    assert figures["plain_coverage_error"] == pytest.approx(math.sqrt(2 / 9 / 3), abs=1e-4)
    assert figures["bias"] == pytest.approx(0.8 / 3, abs=1e-4)
    # the sums of shifts are 0.11, 0 and 0.1; 0.304 less 0.1 is still above 0
    assert figures["summed_coverage"] == pytest.approx(2 / 3, abs=1e-4)
    assert figures["mean_sum_of_shifts"] == pytest.approx(0.21 / 3, abs=1e-4)
    assert figures["mean_widening"] == pytest.approx(0.2 / 3, abs=1e-4)
    assert figures["strongest_group"] == {"planned_use": 3}
