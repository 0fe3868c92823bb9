"""Agreement with statsmodels: a saturated Poisson regression with cluster-robust errors.

Convention: both use the cluster sandwich. statsmodels' default factor for GLM is
G/(G-1) x (N-1)/(N-K); ours is G/(G-1), as Stata's `vce(cluster)` for maximum likelihood. The sandwich is
therefore asked for without its factor and multiplied by G/(G-1) here.
"""

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm

from evaluation.estimation.arms import DAYS_PER_YEAR, paired_periods, rate_arm
from evaluation.estimation.effects import rate_effect
from evaluation.regression import START_ROWS, poisson_regression, with_intercept

PEOPLE = 400
Z = 1.959963984540054


@pytest.fixture(scope="module")
def long_rows() -> pl.DataFrame:
    """Over-dispersed counts, correlated within person, with unequal person-time, some of it zero."""
    rng = np.random.default_rng(20090401)
    frailty = rng.gamma(0.8, 1 / 0.8, PEOPLE)
    is_pilot = np.arange(PEOPLE) < 150
    days = np.column_stack([np.full(PEOPLE, 182), rng.integers(0, 183, PEOPLE)])
    days[:5, 1] = 0
    rates = np.where(is_pilot[:, None], [1.6, 0.9], [0.5, 0.6])
    counts = rng.poisson(rates * frailty[:, None] * days / DAYS_PER_YEAR)
    return pl.DataFrame(
        {
            "person_id": np.repeat([f"p{i:03d}" for i in range(PEOPLE)], 2),
            "is_pilot": np.repeat(is_pilot, 2),
            "site_id": "a",
            "period": ["baseline", "follow_up"] * PEOPLE,
            "person_days": days.ravel(),
            "emergency_admissions": counts.ravel(),
        }
    )


def ours(rows: pl.DataFrame, *, compared: bool):
    pairs = paired_periods(rows, metric_ids=["emergency_admissions"])
    pilot, other = (rate_arm(pairs.filter(pl.col("is_pilot") == arm), "emergency_admissions") for arm in (True, False))
    return rate_effect(pilot, other if compared else None)


def saturated_poisson(rows: pl.DataFrame):
    """Coefficients and their covariance: intercept, follow-up and, with two arms, pilot and both."""
    exposed = rows.filter(pl.col("person_days") > 0)
    pilot = exposed["is_pilot"].to_numpy().astype(float)
    after = (exposed["period"] == "follow_up").to_numpy().astype(float)
    columns = [np.ones_like(after), after] + ([pilot, pilot * after] if 0 < pilot.mean() < 1 else [])
    model = sm.GLM(
        exposed["emergency_admissions"].to_numpy(),
        np.column_stack(columns),
        family=sm.families.Poisson(),
        offset=np.log(exposed["person_days"].to_numpy() / DAYS_PER_YEAR),
    )
    groups = exposed["person_id"].rank("dense").to_numpy()
    fitted = model.fit(cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}, tol=1e-13)
    clusters = exposed["person_id"].n_unique()
    return fitted.params, fitted.cov_params() * clusters / (clusters - 1)


@pytest.mark.parametrize("compared", [False, True])
def test_ratio_interval_and_p_value_are_those_of_a_saturated_poisson_regression(long_rows, compared):
    rows = long_rows if compared else long_rows.filter("is_pilot")
    effect = ours(long_rows, compared=compared)
    params, covariance = saturated_poisson(rows)
    estimate, error = params[-1], covariance[-1, -1] ** 0.5
    assert effect.relative_change_pct == pytest.approx(100 * np.expm1(estimate), abs=1e-7)
    assert effect.relative_low_pct == pytest.approx(100 * np.expm1(estimate - Z * error), abs=1e-6)
    assert effect.relative_high_pct == pytest.approx(100 * np.expm1(estimate + Z * error), abs=1e-6)


@pytest.mark.parametrize("compared", [False, True])
def test_absolute_change_has_the_delta_method_error_of_that_regression(long_rows, compared):
    rows = long_rows if compared else long_rows.filter("is_pilot")
    effect = ours(long_rows, compared=compared)
    params, covariance = saturated_poisson(rows)
    designs = [[1, 0], [1, 1]] if not compared else [[1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 1, 1]]
    signs = np.array([-1.0, 1.0] if not compared else [1.0, -1.0, -1.0, 1.0])
    rates = np.exp(np.array(designs) @ params)
    gradient = (signs * rates) @ np.array(designs)
    error = (gradient @ covariance @ gradient) ** 0.5
    assert effect.change == pytest.approx(signs @ rates, abs=1e-9)
    assert effect.change_high - effect.change == pytest.approx(Z * error, abs=1e-8)


def test_the_interval_is_wider_than_that_of_a_poisson_model_which_these_counts_defy(long_rows):
    pilots = long_rows.filter("is_pilot")
    totals = pilots.group_by("period").agg(pl.col("emergency_admissions").sum())["emergency_admissions"].to_numpy()
    model_error = np.sqrt((1 / totals).sum())
    effect = ours(long_rows, compared=False)
    log_ratio, high = (np.log1p(value / 100) for value in (effect.relative_change_pct, effect.relative_high_pct))
    assert (high - log_ratio) / Z > model_error


def test_among_many_rows_the_regression_that_starts_on_some_of_them_ends_at_the_same_estimate():
    rng = np.random.default_rng(7)
    rows = 5 * START_ROWS
    rare = rng.random(rows) < 0.001
    columns = np.column_stack([rng.normal(size=rows), rng.poisson(1.0, rows), rare])
    years, weights = rng.uniform(0, 1, rows), rng.gamma(0.3, 1.0, rows)
    counts = rng.poisson(np.exp(-1 + 0.3 * columns[:, 0] + 0.2 * columns[:, 1]) * years)
    ours = poisson_regression(counts, with_intercept(columns), exposure=years, weights=weights)
    theirs = sm.GLM(
        counts, with_intercept(columns), family=sm.families.Poisson(), exposure=years, freq_weights=weights
    ).fit(tol=1e-14)
    np.testing.assert_allclose(ours.coefficients, theirs.params, rtol=1e-7)
