"""CR2 errors and the Webb bootstrap, beside dense matrices, statsmodels' HC2 and resampling written out."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.linalg import sqrtm

from evaluation.estimation.few_clusters import WEBB_POINTS, cr2_error, wild_cluster_test
from evaluation.regression import linear_regression, poisson_regression, with_intercept

SITES = np.repeat(np.arange(8), [3, 5, 8, 4, 6, 9, 7, 6])
ROWS = SITES.size


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcomes and counts of eight unequal sites, a design with the arm in column 1, site effects in both."""
    rng = np.random.default_rng(8)
    design = with_intercept(SITES < 4, rng.normal(size=ROWS))
    level = 0.4 * rng.normal(size=8)[SITES] + design @ [0.5, 0.3, 0.2]
    return level + rng.normal(size=ROWS), rng.poisson(np.exp(level)), design


def dense_cr2(design: np.ndarray, residuals: np.ndarray) -> tuple[float, float]:
    """Variance and Satterthwaite degrees of freedom of column 1 with every n x n matrix written out."""
    bread = np.linalg.inv(design.T @ design)
    rest = np.eye(ROWS) - design @ bread @ design.T
    variance, loadings = 0.0, []
    for site in range(8):
        own = site == SITES
        adjust = np.real(sqrtm(np.linalg.inv(rest[np.ix_(own, own)])))
        loading = adjust @ design[own] @ bread[:, 1]
        variance += float(loading @ residuals[own]) ** 2
        loadings.append(rest[:, own] @ loading)
    products = np.array(loadings) @ np.array(loadings).T
    return variance, float(np.trace(products) ** 2 / np.trace(products @ products))


def test_cr2_and_its_degrees_of_freedom_are_those_of_dense_matrices(data):
    outcomes, _, design = data
    model = linear_regression(outcomes, design)
    variance, freedom = dense_cr2(design, outcomes - model.expected)
    error = cr2_error(model, SITES, column=1)
    assert error.standard_error**2 == pytest.approx(variance, rel=1e-9)
    assert error.degrees_of_freedom == pytest.approx(freedom, rel=1e-9)


def test_cr2_of_a_poisson_regression_uses_its_working_weights(data):
    _, counts, design = data
    model = poisson_regression(counts, design)
    root = np.sqrt(model.expected)
    variance, freedom = dense_cr2(design * root[:, None], (counts - model.expected) / root)
    error = cr2_error(model, SITES, column=1)
    assert error.standard_error**2 == pytest.approx(variance, rel=1e-8)
    assert error.degrees_of_freedom == pytest.approx(freedom, rel=1e-8)


def test_with_rows_as_clusters_cr2_is_hc2(data):
    outcomes, _, design = data
    theirs = sm.OLS(outcomes, design).fit().HC2_se
    error = cr2_error(linear_regression(outcomes, design), np.arange(ROWS), column=1)
    assert error.standard_error == pytest.approx(theirs[1], rel=1e-9)


def test_the_webb_bootstrap_is_that_of_refitting_every_sample(data):
    outcomes, _, design = data
    restricted = linear_regression(outcomes, design[:, [0, 2]])
    ours = wild_cluster_test(restricted, design, SITES, column=1, rng=np.random.default_rng(3), draws=199)
    multipliers = np.random.default_rng(3).choice(WEBB_POINTS, size=(199, 8))

    def statistic(sample: np.ndarray) -> float:
        options = {"groups": SITES, "use_correction": False}
        return float(sm.OLS(sample, design).fit(cov_type="cluster", cov_kwds=options).tvalues[1])

    residuals = outcomes - restricted.expected
    drawn = [statistic(restricted.expected + residuals * row[SITES]) for row in multipliers]
    assert ours.statistic == pytest.approx(statistic(outcomes), rel=1e-9)
    assert ours.p_value == (1 + sum(abs(value) >= abs(ours.statistic) for value in drawn)) / 200


def test_webbs_points_have_mean_zero_and_variance_one():
    assert WEBB_POINTS.mean() == pytest.approx(0)
    assert (WEBB_POINTS**2).mean() == pytest.approx(1)
