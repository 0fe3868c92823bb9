"""Agreement with a saturated Poisson regression: statsmodels' coefficients, CR2 errors of dense matrices.

The covariance is assembled from CR2 of each contrast (`dense_cr2`); an arm's people are clusters of their own, so the
arms' variances add up, and with them Welch's degrees of freedom from each arm's Satterthwaite ones.
"""

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from scipy.stats import t as student_t

from evaluation.estimation.arms import DAYS_PER_YEAR, paired_periods, rate_arm
from evaluation.estimation.effects import rate_effect
from evaluation.regression import START_ROWS, poisson_regression, with_intercept
from tests.reference.dense_cr2 import dense_cr2

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


def arm_by_regression(rows: pl.DataFrame, *, is_log: bool) -> tuple[float, float, float]:
    """Change of an arm's rate, or of its log, with CR2 variance and degrees of freedom; intercept and follow-up."""
    exposed = rows.filter(pl.col("person_days") > 0)
    after = (exposed["period"] == "follow_up").to_numpy().astype(float)
    design = np.column_stack([np.ones_like(after), after])
    counts = exposed["emergency_admissions"].to_numpy()
    offset = np.log(exposed["person_days"].to_numpy() / DAYS_PER_YEAR)
    fitted = sm.GLM(counts, design, family=sm.families.Poisson(), offset=offset).fit(tol=1e-13)
    before, later = np.exp(fitted.params[0]), np.exp(fitted.params.sum())
    contrast = np.array([0.0, 1.0]) if is_log else np.array([later - before, later])  # the second by the delta method
    root = np.sqrt(fitted.fittedvalues)
    variance, freedom = dense_cr2(
        design * root[:, None], (counts - fitted.fittedvalues) / root, exposed["person_id"].to_numpy(), contrast
    )
    return float(fitted.params[1] if is_log else later - before), variance, freedom


def by_regression(rows: pl.DataFrame, *, compared: bool, is_log: bool) -> tuple[float, float]:
    """The change, less the comparator's, and half the width of its 95% interval."""
    arms = [arm_by_regression(rows.filter("is_pilot"), is_log=is_log)]
    if compared:
        arms.append(arm_by_regression(rows.filter(~pl.col("is_pilot")), is_log=is_log))
    variance = sum(arm[1] for arm in arms)
    freedom = variance**2 / sum(arm[1] ** 2 / arm[2] for arm in arms)
    estimate = arms[0][0] - sum(arm[0] for arm in arms[1:])
    return estimate, student_t.ppf(0.975, freedom) * variance**0.5


@pytest.fixture(params=["everyone", "twelve people an arm"])
def some_rows(request: pytest.FixtureRequest, long_rows: pl.DataFrame) -> pl.DataFrame:
    """All rows, or a small study that has people without any follow-up too, and people with little of it."""
    if request.param == "everyone":
        return long_rows
    people = [f"p{number:03d}" for arm in (0, 150) for number in range(arm, arm + 40)]
    busy = long_rows.filter(pl.col("person_id").is_in(people)).group_by("person_id", "is_pilot", maintain_order=True)
    ranked = busy.agg(pl.col("emergency_admissions").sum()).sort("emergency_admissions", descending=True)
    twelve = ranked.group_by("is_pilot", maintain_order=True).head(12)["person_id"]
    return long_rows.filter(pl.col("person_id").is_in([*twelve, "p000"]))


@pytest.mark.parametrize("compared", [False, True])
def test_ratio_interval_and_p_value_are_those_of_a_saturated_poisson_regression(some_rows, compared):
    effect = ours(some_rows, compared=compared)
    estimate, margin = by_regression(some_rows, compared=compared, is_log=True)
    assert effect.relative_change_pct == pytest.approx(100 * np.expm1(estimate), abs=1e-7)
    assert effect.relative_low_pct == pytest.approx(100 * np.expm1(estimate - margin), abs=1e-6)
    assert effect.relative_high_pct == pytest.approx(100 * np.expm1(estimate + margin), abs=1e-6)


@pytest.mark.parametrize("compared", [False, True])
def test_absolute_change_has_the_delta_method_error_of_that_regression(some_rows, compared):
    effect = ours(some_rows, compared=compared)
    estimate, margin = by_regression(some_rows, compared=compared, is_log=False)
    assert effect.change == pytest.approx(estimate, abs=1e-9)
    assert effect.change_high - effect.change == pytest.approx(margin, abs=1e-8)


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


@pytest.mark.parametrize("seed", [1, 4, 5])
def test_one_person_of_far_more_use_than_any_other_throws_no_regression_off(seed):
    """A square of use some 80 standard deviations out, and days so few that a start of counts + 0.1 is a huge rate."""
    rng = np.random.default_rng(seed)
    use = rng.gamma(0.5, 1, 2 * START_ROWS)
    use[7] = 60
    design = with_intercept(use / use.std(), use**2 / (use**2).std())
    years = np.where(rng.random(use.size) < 0.01, 0.002, 0.5)
    counts = rng.poisson(0.12 * years * np.exp(0.2 * np.minimum(use, 3)))
    found = poisson_regression(counts, design, exposure=years)
    model = sm.GLM(counts, design, family=sm.families.Poisson(), offset=np.log(years))
    slowly = model.fit(method="newton", start_params=[np.log(counts.sum() / years.sum()), 0, 0], tol=1e-14, maxiter=200)
    assert found.coefficients == pytest.approx(slowly.params, rel=1e-6)
    assert abs(design.T @ (counts - found.expected)).max() < 1e-4
