"""The demo's one population file is of its last month, later than all index dates: designs that use it say so."""

import shutil
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.comparison import found_design
from pipelines.warehouse import Warehouse

OF_REGISTER = {"is_care_home_resident": "Care home", "imd_quintile": "eprivation"}
FEW = ("emergency_admissions_12_months", "age_at_index", "imd_quintile", "is_care_home_resident")
LATER = "Care home and deprivation of all pilot people are as in a population file later than the index date"


@pytest.fixture
def copy(demo_study, tmp_path) -> Path:
    return Path(shutil.copy(demo_study.output / "warehouse.duckdb", tmp_path / "warehouse.duckdb"))


def designs(path: Path, study, *, known_by: str = "") -> pl.DataFrame:
    """Designs of the demo with few covariates, these two among them; `known_by` as if the file were of that day."""
    settings = study.protocol.comparison.model_copy(update={"covariates": FEW, "exact": ("sex",)})
    with Warehouse(path) as warehouse:
        if known_by:
            dated = f"care_home_as_of_date = date '{known_by}', deprivation_as_of_date = date '{known_by}'"
            warehouse.connection.execute(f"update covariates set {dated}")
        return found_design(warehouse, study.protocol.model_copy(update={"comparison": settings}))["comparison_designs"]


def test_a_design_with_care_home_and_deprivation_of_a_later_day_says_so_on_weights_and_pairs(demo_study, copy):
    (row,) = designs(copy, demo_study).filter(pl.col("population") == "all_sites").iter_rows(named=True)
    assert row["weighted_covariates"] == ", ".join(FEW)
    assert LATER in row["weighting_caution"]
    assert LATER in row["matching_caution"]


def test_with_a_file_from_before_the_pilot_there_is_no_such_caution(demo_study, copy):
    found = designs(copy, demo_study, known_by="2009-01-31")
    said = found.select(pl.col("weighting_caution", "matching_caution").str.contains("population file").any())
    assert said.row(0) == (False, False)


def test_the_weights_of_the_demo_say_it_of_what_they_balance_and_estimates_pass_it_on(published_demo):
    with duckdb.connect(published_demo, read_only=True) as connection:
        rows = connection.sql("from comparison_designs where has_weights").pl()
        query = "select population, caution from metric_estimates where design = 'weighted_cohort'"
        estimates = connection.sql(query).pl()
    assert rows.height > 5
    for row in rows.iter_rows(named=True):
        theirs = estimates.filter(pl.col("population") == row["population"])["caution"]
        for name, words in OF_REGISTER.items():
            is_used = name in row["weighted_covariates"].split(", ")
            pattern = f"{words}[^.]* of all pilot people (is|are) as in a population file later"
            assert (words in row["weighting_caution"].split("Too few people")[0]) == is_used
            assert theirs.str.contains(pattern).all() == is_used
