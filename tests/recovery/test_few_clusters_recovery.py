"""With ten unequal sites, tests that treat sites as clusters reject a true null about as often as they say.

Limits are the 99.9% ones of 5% for the number of draws, and CR1 with a normal quantile is shown to fail them.
"""

import numpy as np
from scipy.stats import binom

from evaluation.estimation.clustering import clustered_variance
from evaluation.estimation.few_clusters import cr2_error, wild_cluster_test
from evaluation.estimation.intervals import two_sided_p
from evaluation.regression import linear_regression, with_intercept

DRAWS = 400
SITES = np.repeat(np.arange(10), [4, 6, 8, 10, 12, 14, 16, 20, 30, 40])
TREATED_SITES = [0, 3, 5, 9]


def p_values() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(61)
    design = with_intercept(np.isin(SITES, TREATED_SITES))
    found: dict[str, list[float]] = {"normal": [], "cr2": [], "webb": []}
    for _ in range(DRAWS):
        outcomes = 0.7 * rng.normal(size=10)[SITES] + rng.normal(size=SITES.size)
        model, null = linear_regression(outcomes, design), linear_regression(outcomes, design[:, :1])
        variance = clustered_variance(model.influence_on([0, 1]), SITES)
        found["normal"].append(two_sided_p(model.coefficients[1] / variance**0.5))
        found["cr2"].append(cr2_error(model, SITES, column=1).p_value)
        found["webb"].append(wild_cluster_test(null, design, SITES, column=1, rng=rng, draws=399).p_value)
    return {name: np.array(values) for name, values in found.items()}


def test_cr2_and_webb_hold_their_level_where_normal_errors_do_not():
    rejected = {name: int((values <= 0.05).sum()) for name, values in p_values().items()}
    low, high = binom.ppf([0.0005, 0.9995], DRAWS, 0.05)
    assert low <= rejected["cr2"] <= high
    assert low <= rejected["webb"] <= high
    assert rejected["normal"] > high
