"""Clustered, two-way and small-sample errors on public data: agreement with published tables and statsmodels.

Petersen's test data: errors as in his published table (Petersen 2009, and the programming notes beside it).
Ships: McCullagh and Nelder (1989), table 6.3. Card and Krueger (1994), New Jersey and Pennsylvania.
"""

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm

from evaluation.estimation.clustering import clustered_covariance
from evaluation.estimation.matched_did import matched_did
from evaluation.regression import poisson_regression, with_intercept
from tests.reference.reference_inputs import PRESENT, read

__test__ = PRESENT  # where the folder is not there, there is nothing to test

COUNTS = {
    "medpar": ("11_count_rate_ratios/input_medpar.csv", "los", ["hmo", "white", "type2", "type3"], "provnum"),
    "rwm5yr": ("11_count_rate_ratios/input_rwm5yr.csv", "docvis", ["outwork", "female", "age"], "id"),
    "epil": ("11_count_rate_ratios/input_epil.csv", "y", ["lbase", "lage", "V4"], "subject"),
    "NMES1988": ("11_count_rate_ratios/input_NMES1988.csv", "visits", ["chronic", "age", "school"], "hospital"),
}
PETERSEN = {"firm": 0.0506, "year": 0.0334, "both": 0.0536, "white": 0.0284}


def petersen_error(kind: str) -> float:
    rows = read("02_clustered_se_petersen/input.csv").with_columns(white=pl.int_range(pl.len()))
    design = with_intercept(rows["x"])
    model = sm.OLS(rows["y"].to_numpy(), design).fit()
    influences = design * model.resid[:, None] @ model.normalized_cov_params
    labels = [rows["firm"], rows["year"]] if kind == "both" else [rows[kind]]
    factor = 1 if kind == "white" else (rows.height - 1) / (rows.height - 2)
    return float(np.sqrt(clustered_covariance(influences, *labels)[1, 1] * factor))


@pytest.mark.parametrize("kind", list(PETERSEN))
def test_petersens_published_errors(kind):
    assert petersen_error(kind) == pytest.approx(PETERSEN[kind], abs=5e-5)


@pytest.mark.parametrize("kind", ["firm", "year", "both"])
def test_petersens_errors_as_statsmodels_computes_them(kind):
    rows = read("02_clustered_se_petersen/input.csv")
    groups = rows.select("firm", "year").to_numpy() if kind == "both" else rows[kind].to_numpy()
    model = sm.OLS(rows["y"].to_numpy(), sm.add_constant(rows["x"].to_numpy()))
    theirs = model.fit(cov_type="cluster", cov_kwds={"groups": groups})
    assert petersen_error(kind) == pytest.approx(theirs.bse[1], abs=1e-9)


@pytest.mark.parametrize("data", list(COUNTS))
def test_log_rate_ratios_and_clustered_errors_of_public_counts(data):
    path, outcome, columns, cluster = COUNTS[data]
    rows = read(path)
    design = with_intercept(rows.select(columns).to_numpy())
    ours = poisson_regression(rows[outcome], design)
    groups = rows[cluster].rank("dense").to_numpy()
    model = sm.GLM(rows[outcome].to_numpy(), design, family=sm.families.Poisson())
    theirs = model.fit(cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}, tol=1e-13)
    count = len(np.unique(groups))
    covariance = clustered_covariance(ours.influences, groups)
    assert ours.coefficients == pytest.approx(theirs.params, abs=1e-8)
    assert covariance == pytest.approx(theirs.cov_params() * count / (count - 1), rel=1e-6, abs=1e-12)


def test_the_ships_of_mccullagh_and_nelder():
    rows = read("11_count_rate_ratios/input_ships.csv").filter(pl.col("service") > 0)
    types = [rows["type"] == name for name in "BCDE"]
    years = [rows["year"] == year for year in (65, 70, 75)]
    design = with_intercept(*types, *years, rows["period"] == 75)
    model = poisson_regression(rows["incidents"], design, exposure=rows["service"])
    published = [-6.41, -0.54, -0.69, -0.08, 0.33, 0.70, 0.82, 0.45, 0.38]
    assert model.coefficients == pytest.approx(published, abs=0.0051)
    pearson = (rows["incidents"].to_numpy() - model.expected) ** 2 / model.expected
    assert pearson.sum() / (rows.height - 9) == pytest.approx(1.69, abs=0.005)


def test_the_two_by_two_of_card_and_krueger():
    # As matched_did has it: full-time staff in place of events, a year for a restaurant that was reached, else none.
    rows = read("03_did_2x2_card_krueger/input.csv").filter(pl.col("fte").is_not_null())
    shops = rows["id"].unique().sort()
    reached = [pl.DataFrame({"id": shops}).join(rows.filter(d=d), on="id", how="left").sort("id") for d in (0, 1)]
    staff = [wave["fte"].fill_null(0.0) for wave in reached]
    years = [wave["fte"].is_not_null().cast(pl.Float64) for wave in reached]
    ours = matched_did(
        baseline_counts=staff[0],
        baseline_person_years=years[0],
        counts=staff[1],
        person_years=years[1],
        is_treated=reached[0]["nj"].fill_null(reached[1]["nj"]) == 1,
        weights=np.ones(shops.len()),
        person_ids=shops,
    )
    columns = rows.select("nj", "d", "d_nj").to_numpy().astype(float)
    model = sm.OLS(rows["fte"].to_numpy(), sm.add_constant(columns))
    theirs = model.fit(cov_type="cluster", cov_kwds={"groups": rows["id"].to_numpy()})
    assert ours.change == pytest.approx(2.753606, abs=5e-7)
    assert ours.change == pytest.approx(theirs.params[3], abs=1e-9)
    factor = (rows.height - 1) / (rows.height - 4)  # the custom of least squares, which statsmodels keeps and we don't
    assert ours.change_standard_error * factor**0.5 == pytest.approx(theirs.bse[3], abs=1e-9)
