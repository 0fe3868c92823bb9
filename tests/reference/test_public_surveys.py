"""Means and differences of public surveys, to the last digits (what R's `survey` prints ends after four).

Textbook formulas of each design (Cochran 1977, 5.6 and 9A.1) for the schools of `apistrat`, statsmodels' clustered
least squares for those of `apiclus1`, and for strata, clusters and weights together (`nhanes`, 2009-2010: 31 clusters
in 15 strata) sums over strata written out. The data belong to the package `survey` (Lumley 2004).
"""

import math

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from scipy.stats import t as student_t

from evaluation.surveys.change import change_in_mean
from evaluation.surveys.design import Sample
from tests.reference.reference_inputs import PRESENT, read
from tests.reference.survey_means import mean_and_error

__test__ = PRESENT  # where the folder is not there, there is nothing to test


def test_a_stratified_sample_of_schools_is_the_weighted_sum_of_its_strata() -> None:
    rows = read("09_survey_design/input_apistrat.csv")
    strata = rows.group_by("stype").agg(
        n=pl.len(), size=pl.col("fpc").first(), mean=pl.col("api00").mean(), variance=pl.col("api00").var()
    )
    share = strata["size"] / strata["size"].sum()
    left = 1 - strata["n"] / strata["size"]
    expected = float((share * strata["mean"]).sum()), math.sqrt((share**2 * strata["variance"] / strata["n"]).sum())
    corrected = math.sqrt((share**2 * left * strata["variance"] / strata["n"]).sum())
    names = {"value": "api00", "weight": "pw", "stratum": "stype", "cluster": None}
    assert mean_and_error(rows, **names, population=None) == pytest.approx(expected, rel=1e-6)
    assert mean_and_error(rows, **names, population="fpc")[1] == pytest.approx(corrected, rel=1e-6)


def test_a_sample_of_school_districts_is_least_squares_with_errors_by_district() -> None:
    rows = read("09_survey_design/input_apiclus1.csv")
    design = np.ones(rows.height)
    theirs = sm.WLS(rows["api00"].to_numpy(), design, weights=rows["pw"].to_numpy()).fit(
        cov_type="cluster", cov_kwds={"groups": rows["dnum"].to_numpy()}
    )
    names = {"value": "api00", "weight": "pw", "stratum": None, "cluster": "dnum"}
    found = mean_and_error(rows, **names, population=None)
    assert found == pytest.approx((theirs.params[0], theirs.bse[0]), rel=1e-6)


def test_high_cholesterol_in_a_stratified_clustered_weighted_sample() -> None:
    rows = read("09_survey_design/input_nhanes.csv")
    names = {"value": "HI_CHOL", "weight": "WTMEC2YR", "stratum": "SDMVSTRA", "cluster": "SDMVPSU"}
    mean, error = mean_and_error(rows, **names, population=None)
    known = rows.drop_nulls("HI_CHOL")
    total = known["WTMEC2YR"].sum()
    assert mean == pytest.approx((known["HI_CHOL"] * known["WTMEC2YR"]).sum() / total, rel=1e-9)
    variance = between_clusters(known.with_columns(score=pl.col("WTMEC2YR") * (pl.col("HI_CHOL") - mean) / total))
    assert error == pytest.approx(math.sqrt(variance), rel=1e-6)


def test_a_difference_between_two_parts_of_it_is_a_regression_with_scores_summed_by_cluster() -> None:
    rows = read("09_survey_design/input_nhanes.csv").drop_nulls("HI_CHOL")
    women = (rows["RIAGENDR"] == 2).to_numpy()
    values, weights = rows["HI_CHOL"].to_numpy().astype(float), rows["WTMEC2YR"].to_numpy()
    strata = (rows["SDMVSTRA"].rank("dense") - 1).cast(pl.Int64).to_numpy()
    clusters = rows.select(pl.struct("SDMVSTRA", "SDMVPSU").rank("dense").cast(pl.Int64) - 1).to_series().to_numpy()
    sample = Sample(weights=weights, strata=strata, clusters=clusters)
    found = change_in_mean(values, baseline=~women, follow_up=women, sample=sample)
    model = sm.WLS(values, np.column_stack([np.ones(women.size), women]), weights=weights).fit()
    scores = model.resid * weights * (model.model.exog @ model.normalized_cov_params[1])
    error = math.sqrt(between_clusters(rows.with_columns(score=scores)))
    margin = student_t.ppf(0.975, 31 - 15) * error
    assert found.change == pytest.approx(model.params[1], abs=1e-9)
    assert found.standard_error == pytest.approx(error, rel=1e-6)
    expected = (model.params[1] - margin, model.params[1] + margin)
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-8)
    assert (found.clusters, found.baseline) == (31, pytest.approx(model.params[0], abs=1e-9))


def between_clusters(rows: pl.DataFrame) -> float:
    """Sum over strata of n/(n-1) x sum of squared deviations of the clusters' total scores."""
    variance = 0.0
    for stratum in rows.partition_by("SDMVSTRA"):
        totals = [cluster["score"].sum() for cluster in stratum.partition_by("SDMVPSU")]
        variance += len(totals) * np.var(totals, ddof=1)
    return float(variance)
