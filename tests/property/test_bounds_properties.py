"""What must hold of bounds on any estimate: they widen, they undo themselves, they are alike in both directions."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.estimation.bounds import bounds
from evaluation.estimation.rate_ratios import RateRatio, Sample
from evaluation.estimation.variants import largest_shift

LOGS = st.floats(-1.5, 1.5).filter(lambda value: abs(value) > 1e-6)
ERRORS = st.floats(0.01, 0.5)
CHANGES = st.floats(-60, 60).filter(lambda value: abs(value) > 0.1)


def effect(log_rate_ratio: float, error: float) -> RateRatio:
    return RateRatio(
        estimator="weighted_cohort",
        estimand="att",
        log_rate_ratio=log_rate_ratio,
        standard_error=error,
        rate=1.0,
        rate_without=1.0,
        change=0.0,
        change_standard_error=0.1,
        sample=Sample(
            n_cases=100,
            n_comparators=100,
            cases_with_events=50,
            comparators_with_events=50,
            effective_sample_size=100.0,
            effective_cases=100.0,
            person_years_cases=50.0,
            person_years_comparators=50.0,
            n_clusters=200,
        ),
    )


def found(planned: RateRatio, hidden: dict[str, RateRatio], worthwhile: float | None = None) -> dict:
    return {(one.analysis, one.variant): one for one in bounds(planned, hidden, worthwhile_pct=worthwhile)}


@given(LOGS, ERRORS, st.lists(LOGS, min_size=1, max_size=5))
def test_the_widened_interval_holds_the_plain_one_and_every_estimate_with_a_hidden_group(estimate, error, others):
    planned = effect(estimate, error)
    hidden = {f"group{number}": effect(other, error) for number, other in enumerate(others)}
    shift = largest_shift(planned, hidden)
    assert abs(shift.log_shift) == pytest.approx(max(abs(other - estimate) for other in others))
    (widened,) = (one for one in bounds(planned, hidden) if one.analysis == "widened_interval")
    assert widened.low_pct <= planned.relative_low_pct <= planned.relative_high_pct <= widened.high_pct
    assert all(widened.low_pct <= one.relative_change_pct <= widened.high_pct for one in hidden.values())


@given(LOGS, ERRORS, CHANGES)
def test_an_estimate_less_the_needed_bias_is_the_change_in_question(estimate, error, worthwhile):
    planned = effect(estimate, error)
    rows = found(planned, {}, worthwhile)
    for variant, against in (("no_change", 0.0), ("smallest_worthwhile_change", worthwhile)):
        bias = rows["needed_bias", variant].value
        assert math.exp(estimate) / (1 + bias / 100) == pytest.approx(1 + against / 100)
        assert rows["e_value", variant].value >= rows["e_value_of_limit", variant].value >= 1


@given(LOGS, ERRORS)
def test_a_rise_needs_as_strong_a_confounder_as_the_fall_of_the_inverse_ratio(estimate, error):
    up, down = found(effect(estimate, error), {}), found(effect(-estimate, error), {})
    for analysis in ("e_value", "e_value_of_limit", "tipping_point"):
        assert up[analysis, "no_change"].value == pytest.approx(down[analysis, "no_change"].value)


@given(LOGS, ERRORS, CHANGES)
def test_a_bias_at_the_tipping_point_puts_a_limit_on_the_change_in_question(estimate, error, worthwhile):
    planned = effect(estimate, error)
    tipping = math.log1p(found(planned, {}, worthwhile)["tipping_point", "smallest_worthwhile_change"].value / 100)
    against = math.log1p(worthwhile / 100)
    moved = [limit + sign * tipping for limit in (planned.log_low, planned.log_high) for sign in (-1, 1)]
    assert min(abs(limit - against) for limit in moved) < 1e-9
