"""Effects regressed on what sites are like, by hand and beside ordinary least squares."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evaluation.estimation.meta_regression import meta_regression
from evaluation.estimation.pooling import pooled_effect, reml_tau2

TWO_KINDS = np.repeat([0.0, 1.0], 5)


def test_two_kinds_of_sites_by_hand():
    found = meta_regression(0.2 * TWO_KINDS, np.full(10, 0.1), TWO_KINDS[:, None], names=["budget"])
    slope = found.coefficients[0]
    assert (found.tau2, found.q, found.knapp_hartung_factor) == pytest.approx((0, 0, 1), abs=1e-12)
    assert (found.intercept.estimate, slope.estimate) == pytest.approx((0, 0.2), abs=1e-12)
    assert slope.standard_error == pytest.approx(0.1 * math.sqrt(2 / 5))
    assert (slope.low, slope.high) == pytest.approx((0.2 - 2.306004 * 0.0632456, 0.2 + 2.306004 * 0.0632456), abs=1e-6)
    assert found.degrees_of_freedom == 8


def test_with_equal_errors_and_great_spread_it_is_ordinary_least_squares():
    rng = np.random.default_rng(4)
    depth = rng.normal(size=14)
    effects = 0.3 * depth + rng.normal(scale=0.5, size=14)
    found = meta_regression(effects, np.full(14, 0.1), depth[:, None], names=["depth"])
    line = stats.linregress(depth, effects)
    slope = found.coefficients[0]
    # the residual mean square is tau2 and the sites' own variance together; then the factor is 1
    assert found.tau2 + 0.01 == pytest.approx(((effects - line.intercept - line.slope * depth) ** 2).sum() / 12)
    assert (slope.estimate, slope.standard_error, slope.p_value) == pytest.approx(
        (line.slope, line.stderr, line.pvalue), rel=1e-6
    )


def test_without_moderators_the_variance_is_that_of_the_pooled_effect():
    y, v = np.array([0.0, 0.2, 0.5, -0.1]), np.array([0.01, 0.02, 0.01, 0.03])
    alone = reml_tau2(y, v)
    assert alone == pytest.approx(reml_tau2(y, v, np.ones((4, 1))), abs=1e-15)
    pooled = pooled_effect(y, np.sqrt(v), sites=list("abcd"))
    assert alone == pytest.approx(pooled.heterogeneity.tau2, rel=1e-12)


@given(st.floats(-2, 2), st.floats(0.1, 5), st.integers(0, 1000))
def test_units_of_the_moderator_change_the_slope_alone(shift, scale, seed):
    rng = np.random.default_rng(seed)
    depth, errors = rng.normal(size=12), rng.uniform(0.05, 0.3, size=12)
    y = rng.normal(scale=0.3, size=12)
    one = meta_regression(y, errors, depth[:, None], names=["depth"])
    other = meta_regression(y, errors, (shift + scale * depth)[:, None], names=["depth"])
    assert other.tau2 == pytest.approx(one.tau2, rel=1e-6, abs=1e-9)
    assert other.coefficients[0].estimate * scale == pytest.approx(one.coefficients[0].estimate, rel=1e-6, abs=1e-9)
    assert other.coefficients[0].p_value == pytest.approx(one.coefficients[0].p_value, rel=1e-5, abs=1e-9)


def test_fewer_than_ten_sites_a_coefficient_are_refused():
    with pytest.raises(ValueError, match="10 sites a coefficient"):
        meta_regression(np.zeros(9), np.ones(9), np.arange(9.0)[:, None], names=["depth"])
    both = np.column_stack([np.arange(19.0), np.arange(19.0) ** 2])
    with pytest.raises(ValueError, match="10 sites a coefficient"):
        meta_regression(np.zeros(19), np.ones(19), both, names=["depth", "squared"])


@pytest.mark.parametrize("column", [np.full(10, 3.0), np.zeros(10)])
def test_sites_all_alike_are_refused(column):
    with pytest.raises(ValueError, match="says the same"):
        meta_regression(np.zeros(10), np.ones(10), column[:, None], names=["depth"])


def test_an_effect_without_an_error_is_refused():
    with pytest.raises(ValueError, match="finite effects"):
        meta_regression(np.zeros(10), np.full(10, np.nan), np.arange(10.0)[:, None], names=["depth"])
