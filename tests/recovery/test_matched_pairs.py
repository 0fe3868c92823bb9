"""From covariates to pairs to estimates: a planted effect is found by pairs, adjusted for what pairs leave open."""

import math
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
import pytest

from evaluation.estimation import ComparedPopulation, Metric, controlled_estimates
from evaluation.estimation.matched_cohort import matched_cohort
from evaluation.matching import AS_OF, design_matrix, optimal, propensity_scores, terms_of
from pipelines.comparison import compared_populations, found_design
from pipelines.errors import StudyError
from pipelines.protocol import Comparison, Outcome, Protocol
from pipelines.study_tables import SITES
from pipelines.warehouse import Warehouse

CASES, OTHERS, PLANTED, WITHIN = 400, 3200, 0.7, 3.3
PAIR = ("pilot_person_id", "comparison_person_id")
METHODS = (
    *({"method": method, "with_replacement": False} for method in ("nearest", "mahalanobis", "optimal", "prognostic")),
    *({"method": method, "with_replacement": True} for method in ("nearest", "mahalanobis", "prognostic")),
)
REUSED = METHODS[4]
COVARIATES = (
    "emergency_admissions_12_months",
    "age_at_index",
    "emergency_discharge_class",
    "sex",
    "outpatient_attendances_12_months",
    "ae_attendances_12_months",
    "charlson_score",
    "long_term_conditions",
    "ae_attendances_24_months",
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
    unknown = pl.Series([None] * number, dtype=pl.Int64)
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
            **{name: rng.poisson(1.0, number) for name in COVARIATES[5:9]},
            **{name: rng.poisson(2.0, number) for name in COVARIATES[9:]},
            **dict.fromkeys(("imd_quintile", "hospital_frailty_score", "days_since_emergency_discharge"), unknown),
            "ethnic_group": unknown.cast(pl.String),
            "attendances": rng.poisson(rate * np.where(is_case, PLANTED, 1.0)),
            "attendances_before": rng.poisson(rate),
        }
    )


EVERYONE = people(np.random.default_rng(5))
PRIMARY = Outcome(metric="ae_attendances", priority="primary", benefits="service_users", expected="decrease")
FORETOLD = EVERYONE.select(
    "person_id",
    metric_id=pl.lit("ae_attendances"),
    predictive_risk=0.3 * pl.col("emergency_admissions_12_months").log1p() + 0.02 * pl.col("age_at_index"),
)


@dataclass(frozen=True, kw_only=True)
class Designed:
    """What the protocol's comparison leads to for everybody: people in pairs, pairs, the design's row, balance."""

    population: ComparedPopulation
    pairs: pl.DataFrame
    row: dict[str, Any]
    balance: pl.DataFrame


@cache
def designed(covariates: tuple[str, ...] = COVARIATES, **settings) -> Designed:
    comparison = Comparison(exact=("sex",), covariates=covariates, ratio=2, **settings)
    with TemporaryDirectory() as folder, Warehouse(Path(folder) / "warehouse.duckdb") as warehouse:
        pool = pl.when(~pl.col("is_treated")).then(pl.lit("outside"))
        without_registers = dict.fromkeys(AS_OF.values(), pl.lit(None, dtype=pl.Date))
        known = EVERYONE.drop("attendances", "attendances_before").with_columns(**without_registers)
        warehouse.write("covariates", known)
        warehouse.write("comparison_cohort", EVERYONE.select("person_id", "is_treated", comparison_pool=pool))
        warehouse.write("people", EVERYONE.select("person_id", "site_id", is_pilot="is_treated"))
        warehouse.write("sites", pl.DataFrame([{"site_id": "north"}], schema=SITES))
        warehouse.write("predictive_risks", FORETOLD)
        tables = found_design(warehouse, Protocol.model_construct(comparison=comparison, outcomes=(PRIMARY,)))
        for name, table in tables.items():
            warehouse.write(name, table)
        everybody = next(one for one in compared_populations(warehouse) if one.population == "all_sites")
    return Designed(
        population=replace(everybody, weighted=None),
        pairs=tables["matched_pairs"],
        row=tables["comparison_designs"].filter(population="all_sites").row(0, named=True),
        balance=tables["covariate_balance"].filter(population="all_sites", stage="after_matching"),
    )


def estimate(found: Designed, design: str) -> dict:
    rows = controlled_estimates(
        [found.population],
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


def test_the_regression_in_pairs_adjusts_for_the_first_of_all_covariates_those_not_in_pairs_included():
    found = designed(**METHODS[0])
    matched = found.population.matched
    assert found.row["adjusted_covariates"] == ", ".join(COVARIATES)
    assert "outpatient_attendances_12_months" not in found.row["matched_covariates"]
    assert "adjusts for outpatient_attendances_12_months" in found.row["matching_caution"]
    theirs = EVERYONE.filter(pl.col("person_id").is_in(matched.person_id.implode()))
    expected = design_matrix(theirs, terms=terms_of(FIRST_OF_THEM, interactions=False))
    places = expected.person_id.search_sorted(matched.person_id).to_numpy()
    np.testing.assert_allclose(matched.covariates, expected.values[places])


@pytest.mark.parametrize("design", ["matched_cohort", "matched_did"])
@pytest.mark.parametrize("settings", METHODS, ids=str)
def test_pairs_of_every_method_give_the_planted_effect_though_they_differ_in_planned_care(settings, design):
    error, distance = error_and_distance(estimate(designed(**settings), design))
    assert error < 0.1
    assert abs(distance) < WITHIN


@pytest.mark.parametrize("settings", METHODS, ids=str)
def test_pairs_of_every_method_keep_the_caliper_and_use_nobody_twice_without_replacement(settings):
    found = designed(**settings)
    row, pairs = found.row, found.pairs
    assert (row["matching_method"], row["with_replacement"]) == (settings["method"], settings["with_replacement"])
    logits = log_odds(row["matched_covariates"].split(", "))
    apart = [abs(logits[case] - logits[other]) for case, other in pairs.select(PAIR).iter_rows()]
    assert 0 < max(apart) <= row["caliper"] + 1e-9
    assert pairs.group_by("pilot_person_id").agg(pl.col("weight").sum())["weight"].round(12).unique().to_list() == [1]
    assert pairs["comparison_person_id"].is_unique().all() == (not settings["with_replacement"])


def log_odds(covariates: list[str]) -> dict[str, float]:
    matrix = design_matrix(EVERYONE, terms=terms_of(covariates))
    scores = propensity_scores(matrix, cohort=EVERYONE).scores
    return dict(scores.select("person_id", "propensity_logit").iter_rows())


def test_prognostic_pairs_are_nearer_in_the_risk_than_those_of_the_score_and_the_balance_shows_it():
    risks = dict(FORETOLD.select("person_id", "predictive_risk").iter_rows())
    apart = {
        settings["method"]: np.mean(
            [abs(risks[case] - risks[other]) for case, other in designed(**settings).pairs.select(PAIR).iter_rows()]
        )
        for settings in (METHODS[0], METHODS[3])
    }
    assert apart["prognostic"] < apart["nearest"] / 2
    shown = designed(**METHODS[3]).balance.filter(covariate="predictive_risk_ae_attendances")
    assert shown["standardised_mean_difference"].abs().item() < 0.1
    assert designed(**METHODS[0]).balance.filter(covariate="predictive_risk_ae_attendances").is_empty()


def test_methods_differ_in_the_pairs_they_find():
    found = {frozenset(designed(**settings).pairs.select(PAIR).iter_rows()) for settings in METHODS}
    assert len(found) == len(METHODS)


def test_reused_people_weigh_what_their_pairs_weigh_and_are_one_person_in_numbers_and_balance():
    found = designed(**REUSED)
    row, did = (estimate(found, design) for design in ("matched_cohort", "matched_did"))
    weights = found.pairs.group_by("comparison_person_id").agg(pl.col("weight").sum())
    assert weights.height < found.pairs.height == int((~found.population.matched.is_treated).sum())
    theirs = weights.join(EVERYONE, left_on="comparison_person_id", right_on="person_id")
    age = found.balance.row(by_predicate=pl.col("covariate") == "age_at_index", named=True)
    assert age["comparison_people"] == row["n_comparator"] == did["n_comparator"] == weights.height
    mean_age = (theirs["weight"] * theirs["age_at_index"]).sum() / weights["weight"].sum()
    assert age["comparison_mean"] == pytest.approx(mean_age)
    effective = weights["weight"].sum() ** 2 / (weights["weight"] ** 2).sum()
    assert age["comparison_effective_people"] == pytest.approx(effective)
    cases = EVERYONE.filter(pl.col("person_id").is_in(found.pairs["pilot_person_id"].implode()))
    change = 1.0
    for arm, power in ((cases.with_columns(weight=1.0), 1), (theirs, -1)):
        after, before = ((arm["weight"] * arm[name]).sum() for name in ("attendances", "attendances_before"))
        change *= (after / before) ** power
    assert did["relative_change_pct"] == pytest.approx(100 * (change - 1))


def test_errors_with_reused_people_are_those_by_set_and_person():
    found = designed(**REUSED)
    people = found.population.matched
    counts = people.person_id.to_frame("person_id").join(EVERYONE, on="person_id", maintain_order="left")
    shared = {
        "counts": counts["attendances"].to_numpy(),
        "person_years": np.full(counts.height, 365 / 365.25),
        "is_treated": people.is_treated,
        "weights": people.weights,
        "covariates": people.covariates,
    }
    by_set_and_person = matched_cohort(person_ids=people.person_numbers, set_ids=people.set_ids, **shared)
    by_use = matched_cohort(person_ids=np.arange(counts.height), **shared)
    error, _ = error_and_distance(estimate(found, "matched_cohort"))
    assert error == pytest.approx(by_set_and_person.standard_error, rel=1e-6)
    assert error > by_use.standard_error


def test_too_many_people_of_a_kind_for_optimal_pairs_end_the_design_with_what_to_do(monkeypatch):
    monkeypatch.setattr(optimal, "MOST_CELLS", 1000)
    with pytest.raises(StudyError) as refused:
        designed(COVARIATES[:4], method="optimal")
    assert refused.value.exit_code == 2
    assert str(refused.value).startswith(
        "protocol.yaml: comparison.method: a stratum is too large for optimal matching;"
    )
    assert "match exactly on more columns" in str(refused.value)
