"""Agreement with R's `survey` package (and Stata) on the examples of their manuals.

Printed there: eight units in two strata, `svymean(~x, withoutfpc)` 5.448148, 0.7412683 and `withfpc`
0.6160407 (Stata's manual prints the same); `svymean(~api00, dstrat)` 662.29, 9.4089; `svymean(~api00,
dclus1)` 644.17, 23.542 and without population correction 23.779.
The larger data belong to the package and are not shipped: they are tested where their folder lies beside
the checkout, to the last digits in `test_public_surveys.py`. The correction for sampling without replacement
is no part of `linearised_variance`; multiplying a stratum's influences by the root of (1 - n/N) gives it exactly.
"""

import numpy as np
import polars as pl
import pytest

from evaluation.surveys import linearised_variance
from tests.reference.reference_inputs import PRESENT, read
from tests.reference.survey_means import mean_and_error

EIGHT_UNITS = pl.DataFrame(
    {
        "stratum_id": [1, 1, 1, 1, 1, 2, 2, 2],
        "weight": [3, 3, 3, 3, 3, 4, 4, 4],
        "population": [15, 15, 15, 15, 15, 12, 12, 12],
        "x": [2.8, 4.1, 6.8, 6.8, 9.2, 3.7, 6.6, 4.2],
    }
)
IN_HAND = [
    (EIGHT_UNITS, "x", "weight", "stratum_id", None, None, 5.448148, 0.7412683),
    (EIGHT_UNITS, "x", "weight", "stratum_id", None, "population", 5.448148, 0.6160407),
]
BESIDE = [
    ("input_apistrat.csv", "api00", "pw", "stype", None, "fpc", 662.29, 9.4089),
    ("input_apiclus1.csv", "api00", "pw", None, "dnum", "fpc", 644.17, 23.542),
    ("input_apiclus1.csv", "api00", "pw", None, "dnum", None, 644.17, 23.779),
]
CASES = IN_HAND + [(read(f"09_survey_design/{name}"), *design) for name, *design in BESIDE if PRESENT]


@pytest.mark.parametrize("case", CASES, ids=[f"mean of {case[1]}, error {case[-1]}" for case in CASES])
def test_means_and_errors_are_those_that_are_printed(case):
    rows, value, weight, stratum, cluster, population, printed_mean, printed_error = case
    mean, error = mean_and_error(
        rows, value=value, weight=weight, stratum=stratum, cluster=cluster, population=population
    )
    assert mean == pytest.approx(printed_mean, rel=1e-5)
    assert error == pytest.approx(printed_error, rel=3e-5)


def test_a_stratified_cluster_sample_by_an_independent_formula():
    """Cochran (1977) 11.23 for totals: sum over strata of n/(n-1) x sum of squared deviations of cluster totals."""
    rng = np.random.default_rng(7)
    strata = np.repeat(np.arange(4), 30)
    clusters = strata * 6 + rng.integers(0, 6, strata.size)
    clusters = np.unique(clusters, return_inverse=True)[1]
    influence = rng.normal(size=strata.size)
    expected = 0.0
    for stratum in range(4):
        totals = [influence[clusters == c].sum() for c in np.unique(clusters[strata == stratum])]
        expected += len(totals) * np.var(totals, ddof=1)
    assert linearised_variance(influence, strata=strata, clusters=clusters) == pytest.approx(expected)
