"""From covariates to pairs to estimates: a planted effect is found by pairs, adjusted for what pairs leave open."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import polars as pl

from evaluation.estimation import ComparedPopulation, Metric, controlled_estimates
from evaluation.matching import design_matrix, terms_of
from pipelines.comparison import compared_populations, found_design
from pipelines.protocol import Comparison, Protocol
from pipelines.study_tables import SITES
from pipelines.warehouse import Warehouse

CASES, OTHERS, PLANTED, WITHIN = 500, 5000, 0.7, 3.3
COVARIATES = (
    "emergency_admissions_12_months",
    "age_at_index",
    "emergency_discharge_class",
    "sex",
    "outpatient_attendances_12_months",
    "ae_attendances_12_months",
    "charlson_score",
    "long_term_conditions",
    "hospital_frailty_score",
    "diagnoses_24_months",
    "episodes_24_months",
)
FIRST_OF_THEM = COVARIATES[:9]  # 2 + 2 + 4 + 1 + 2 + 2 + 2 + 2 + 2 columns are 19, two more would be 21
ATTENDANCES = Metric(
    metric_id="attendances", label="Attendances", domain="utilisation", unit="per person-year", priority="primary"
)


def people(rng: np.random.Generator) -> pl.DataFrame:
    """Cases attended and were admitted more; whoever attended does so again, the cases less often than they would."""
    number = CASES + OTHERS
    is_case = np.arange(number) < CASES
    admitted = rng.poisson(np.where(is_case, 1.0, 0.5))
    attended = rng.poisson(np.where(is_case, 4.0, 2.0))
    rate = 0.5 * np.exp(0.6 * np.log1p(attended) + 0.3 * np.log1p(admitted))
    ids = [f"p{n:05d}" for n in range(number)]
    return pl.DataFrame(
        {
            "person_id": ids,
            "record_person_id": ids,
            "is_treated": is_case,
            "site_id": ["north" if case else None for case in is_case],
            "index_date": pl.Series([None] * number, dtype=pl.Date),
            "index_month": 1,
            "age_band": "70-74",
            "sex": rng.choice(["1", "2"], number),
            "emergency_discharge_class": rng.choice(["0-7", "8-30", "31-90", "more", "none"], number),
            "age_at_index": rng.integers(65, 85, number),
            "emergency_admissions_12_months": admitted,
            "outpatient_attendances_12_months": attended,
            **{name: rng.poisson(1.0, number) for name in COVARIATES[5:8]},
            "hospital_frailty_score": rng.gamma(2.0, 1.0, number),
            **{name: rng.poisson(2.0, number) for name in COVARIATES[9:]},
            "imd_quintile": 1,
            "ethnic_group": "white",
            "days_since_emergency_discharge": pl.Series([None] * number, dtype=pl.Int64),
            "attendances": rng.poisson(rate * np.where(is_case, PLANTED, 1.0)),
            "attendances_before": rng.poisson(rate),
        }
    )


EVERYONE = people(np.random.default_rng(5))


@contextmanager
def designed(folder, comparison: Comparison) -> Iterator[Warehouse]:
    """A working file with the design that the protocol's comparison leads to."""
    with Warehouse(folder / "warehouse.duckdb") as warehouse:
        pool = pl.when(~pl.col("is_treated")).then(pl.lit("outside"))
        warehouse.write("covariates", EVERYONE.drop("attendances", "attendances_before"))
        warehouse.write("comparison_cohort", EVERYONE.select("person_id", "is_treated", comparison_pool=pool))
        warehouse.write("people", EVERYONE.select("person_id", "site_id", is_pilot="is_treated"))
        warehouse.write("sites", pl.DataFrame([{"site_id": "north"}], schema=SITES))
        for name, table in found_design(warehouse, Protocol.model_construct(comparison=comparison)).items():
            warehouse.write(name, table)
        yield warehouse


def everybody(warehouse: Warehouse) -> ComparedPopulation:
    return next(one for one in compared_populations(warehouse) if one.population == "all_sites")


def estimate(warehouse: Warehouse, design: str) -> dict:
    rows = controlled_estimates(
        [everybody(warehouse)],
        follow_up=EVERYONE.select("person_id", "attendances", person_days=pl.lit(365)),
        earlier=EVERYONE.select("person_id", attendances="attendances_before", person_days=pl.lit(365)),
        metrics=[ATTENDANCES],
        follow_up_months=12,
        protocol_hash="hash",
        run_id="run",
    )
    return rows.filter(design=design).row(0, named=True)


def error_and_distance(row: dict) -> tuple[float, float]:
    """Standard error of the log rate ratio, and how many of them the planted effect is away."""
    low, high = (math.log1p(row[f"relative_{side}_pct"] / 100) for side in ("low", "high"))
    error = (high - low) / (2 * 1.959964)
    return error, ((low + high) / 2 - math.log(PLANTED)) / error


def test_the_regression_in_pairs_adjusts_for_the_first_of_all_covariates_those_not_in_pairs_included(tmp_path):
    with designed(tmp_path, Comparison(exact=("sex",), covariates=COVARIATES, ratio=2)) as warehouse:
        row = warehouse.read("comparison_designs").filter(population="all_sites").row(0, named=True)
        matched = everybody(warehouse).matched
    assert row["adjusted_covariates"] == ", ".join(COVARIATES)
    assert "outpatient_attendances_12_months" not in row["matched_covariates"]
    assert "adjusts for outpatient_attendances_12_months" in row["matching_caution"]
    theirs = EVERYONE.filter(pl.col("person_id").is_in(matched.person_id.implode()))
    expected = design_matrix(theirs, terms=terms_of(FIRST_OF_THEM, interactions=False))
    places = expected.person_id.search_sorted(matched.person_id).to_numpy()
    np.testing.assert_allclose(matched.covariates, expected.values[places])


def test_pairs_that_differ_in_planned_care_give_the_planted_effect_by_regression(tmp_path):
    with designed(tmp_path, Comparison(exact=("sex",), covariates=COVARIATES, ratio=2)) as warehouse:
        error, distance = error_and_distance(estimate(warehouse, "matched_cohort"))
    assert error < 0.08
    assert abs(distance) < WITHIN
