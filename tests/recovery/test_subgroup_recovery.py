"""From covariates and counts to subgroups: an effect planted in the older alone is found there and nowhere else."""

import math

import numpy as np
import polars as pl
import pytest

from evaluation.estimation import Metric, controlled_estimates, subgroup_interactions, with_defaults
from pipelines.comparison import compared_populations, designs_found, found_design
from pipelines.protocol import Comparison, Protocol
from pipelines.study_tables import SITES
from pipelines.warehouse import Warehouse
from tests.tiny_study import PROTOCOL, write_tiny_study

CASES, OTHERS, PLANTED, WITHIN = 900, 6000, 0.5, 3.3
ADMISSIONS = Metric(
    metric_id="admissions",
    label="Admissions",
    domain="utilisation",
    unit="admissions per person-year",
    priority="primary",
)


def people(rng: np.random.Generator) -> pl.DataFrame:
    """Cases are older, more deprived and were admitted more often; whoever was admitted more is so again."""
    number = CASES + OTHERS
    is_case = np.arange(number) < CASES
    age = rng.integers(65, 85, number) + np.where(is_case, 2, 0)
    before = rng.poisson(np.where(is_case, 1.0, 0.5))
    rate = np.exp(-0.5 + 0.4 * np.log1p(before) + 0.02 * (age - 75))
    ids = [f"p{n:05d}" for n in range(number)]
    return pl.DataFrame(
        {
            "person_id": ids,
            "record_person_id": ids,
            "is_treated": is_case,
            "site_id": ["north" if case else None for case in is_case],
            "index_date": pl.Series([None] * number, dtype=pl.Date),
            "index_month": 1,
            "sex": rng.choice(["1", "2"], number),
            "age_band": "70-74",
            "age_at_index": age,
            "emergency_admissions_12_months": before,
            "imd_quintile": np.where(is_case, rng.integers(1, 3, number), rng.integers(1, 6, number)),
            "ethnic_group": "white",
            "hospital_frailty_score": 0.0,
            "days_since_emergency_discharge": pl.Series([None] * number, dtype=pl.Int64),
            "care_home_as_of_date": pl.Series([None] * number, dtype=pl.Date),
            "deprivation_as_of_date": pl.Series([None] * number, dtype=pl.Date),
            "admissions": rng.poisson(rate * np.where(is_case & (age >= 75), PLANTED, 1.0)),
        }
    )


@pytest.fixture(scope="module")
def estimates(tmp_path_factory) -> pl.DataFrame:
    folder = write_tiny_study(tmp_path_factory.mktemp("subgroups") / "study", protocol=PROTOCOL)
    columns = ("emergency_admissions_12_months", "age_at_index", "sex", "imd_quintile")
    protocol = Protocol.model_construct(comparison=Comparison(exact=("sex",), covariates=columns))
    everyone = people(np.random.default_rng(11))
    sites = pl.DataFrame([{"site_id": "north"}], schema=SITES)
    with Warehouse(folder / "warehouse.duckdb") as warehouse:
        warehouse.write("covariates", everyone.drop("admissions"))
        pool = pl.when(~pl.col("is_treated")).then(pl.lit("outside"))
        warehouse.write("comparison_cohort", everyone.select("person_id", "is_treated", comparison_pool=pool))
        warehouse.write("people", everyone.select("person_id", "site_id", is_pilot="is_treated"))
        warehouse.write("sites", sites)
        design = found_design(warehouse, protocol)
        for name, table in design.items():
            warehouse.write(name, table)
        rows = controlled_estimates(
            compared_populations(warehouse),
            follow_up=everyone.select("person_id", "admissions", person_days=pl.lit(365)),
            earlier=everyone.select("person_id", admissions="emergency_admissions_12_months", person_days=pl.lit(365)),
            metrics=[ADMISSIONS],
            follow_up_months=12,
            protocol_hash="hash",
            run_id="run",
        )
    return with_defaults(rows, found=designs_found(design["comparison_designs"]), metrics=[ADMISSIONS])


def log_limits(estimates: pl.DataFrame, population: str) -> tuple[float, float]:
    row = estimates.filter(pl.col("population") == population, pl.col("is_default")).row(0, named=True)
    return math.log1p(row["relative_low_pct"] / 100), math.log1p(row["relative_high_pct"] / 100)


@pytest.mark.parametrize(("value", "planted"), [("75_and_over", PLANTED), ("under_75", 1.0)])
def test_the_planted_effect_is_found_in_the_older_and_none_in_the_younger(estimates, value, planted):
    low, high = log_limits(estimates, f"subgroup:age={value}")
    error = (high - low) / (2 * 1.959964)
    assert error < 0.12
    assert abs((low + high) / 2 - math.log(planted)) < WITHIN * error


def test_the_difference_by_age_is_found_and_none_by_deprivation_where_none_was_planted(estimates):
    tests = subgroup_interactions(estimates, protocol_hash="hash", run_id="run")
    p_values = dict(tests.select("subgroup", "p_value").iter_rows())
    assert p_values["age"] < 1e-4
    assert p_values["deprivation"] > 0.01
    assert p_values["ethnic_group"] is None


def test_a_subgroup_of_everybody_has_everybodys_estimate(estimates):
    assert log_limits(estimates, "subgroup:ethnic_group=white") == pytest.approx(
        log_limits(estimates, "all_sites"), rel=1e-6
    )


def test_pilot_people_of_a_subgroup_and_their_comparison_people_have_its_value(estimates):
    parts = estimates.filter(pl.col("population").str.starts_with("subgroup:deprivation="))
    everyone = estimates.filter(pl.col("population") == "all_sites", pl.col("is_default"))
    assert parts["n_pilot"].sum() == everyone["n_pilot"][0] == CASES
    assert parts.height == 2
    assert parts["n_comparator"].sum() < everyone["n_comparator"][0]
