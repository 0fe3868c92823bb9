"""Rows of a small published file, one maker a table: `values` replace what stands in the row."""

from pathlib import Path

from evaluation.estimation import EFFECT_STATEMENTS, ESTIMATES_BY_HORIZON, METRIC_ESTIMATES, SITE_POOLING
from evaluation.surveys import SURVEY_ESTIMATES
from pipelines.contracts import contract_by_table
from pipelines.results import results

COMPARISON = [column.name for column in contract_by_table("comparison_with_published").columns]
FELL = {"relative_change_pct": -20.0, "relative_low_pct": -24.0, "relative_high_pct": -16.0}
UNCLEAR = {"relative_change_pct": 2.0, "relative_low_pct": -3.0, "relative_high_pct": 7.25}


def estimate(metric_id: str, design: str = "unmatched_did", population: str = "all_sites", **values: object) -> dict:
    row = dict.fromkeys(METRIC_ESTIMATES) | {
        "metric_id": metric_id,
        "label": metric_id.replace("_", " ").capitalize(),
        "domain": "utilisation",
        "unit": "admissions per person-year",
        "priority": "primary",
        "kind": "outcome",
        "population": population,
        "design": design,
        "estimator": "saturated_poisson",
        "is_default": design == "unmatched_did",
        "pilot_baseline": 1.5,
        "pilot_follow_up": 1.25,
        "change": -0.25,
        "n_pilot": 2000,
        "n_comparator": 40000 if design == "unmatched_did" else None,
        "n_clusters": 42000,
        "caution": f"Design {design}. An early result.",
    }
    return row | values


def item(population: str = "all_sites", **values: object) -> dict:
    row = dict.fromkeys(SURVEY_ESTIMATES) | {
        "extract": "patient_survey",
        "instrument_id": "patients",
        "measure_id": "involved",
        "measure_kind": "item",
        "label": "Felt involved",
        "group_name": "all",
        "population": population,
        "design": "uncontrolled",
        "unit": "percent",
        "rows_baseline": 500,
        "rows_follow_up": 480,
        "answers_baseline": 400,
        "answers_follow_up": 390,
        "positive_baseline": 240,
        "positive_follow_up": 214,
        "not_counted_baseline": 4,
        "missing_baseline": 96,
        "response_rate_baseline_pct": 82.0,
        "baseline_level": 60.0,
        "follow_up_level": 55.0,
        "change": -5.0,
        "change_low": -8.1,
        "change_high": -1.9,
        "caution": "Those who answered.",
    }
    return row | values


def beside(result_id: str, **values: object) -> dict:
    row = dict.fromkeys(COMPARISON) | {
        "result_id": result_id,
        "programme": "National pilots",
        "scope": "all 16 sites",
        "published_design": "matched_did",
        "published_metric": "emergency_admissions",
        "unit": "pct_change",
        "horizon_months": 6,
        "change": 2.0,
        "metric_id": "emergency_admissions",
        "population": "all_sites",
        "our_design": "unmatched_did",
        "our_change": -20.0,
        "our_change_low": -24.0,
        "our_change_high": -16.0,
        "our_n_pilot": 2000,
        "our_caution": "Another design than the published one.",
    }
    return row | values


def pooled(**values: object) -> dict:
    row = dict.fromkeys(SITE_POOLING) | {
        "metric_id": "admissions",
        "label": "Admissions",
        "priority": "primary",
        "design": "weighted_cohort",
        "sites": 16,
        "sites_used": 12,
        "pilot_people": 2000,
        "pilot_people_used": 1900,
        "random_change_pct": 3.0,
        "random_low_pct": -2.5,
        "random_high_pct": 8.8,
        "prediction_low_pct": -9.0,
        "prediction_high_pct": 17.0,
        "tau2": 0.0025,
        "i2_pct": 41.3,
        "caution": "Sites share a pool.",
    }
    return row | values


def stated(**values: object) -> dict:
    row = dict.fromkeys(EFFECT_STATEMENTS) | {
        "metric_id": "admissions",
        "label": "Admissions",
        "priority": "primary",
        "population": "all_sites",
        "design": "unmatched_did",
        "relative_change_pct": -4.321,
        "statement": "No evidence of a change; falls larger than 3% and rises larger than 1% are ruled out.",
        "bracket": "Not known.",
        "probability_fell": 0.764,
        "probability_worthwhile": 0.004,
        "probability_rose": 0.236,
        "prior": "Before the data: a change between -17% and +20% held to be 95% likely.",
        "caution": "Hidden confounding is not in them.",
    }
    return row | values


def at_horizon(months: int, **values: object) -> dict:
    row = dict.fromkeys(ESTIMATES_BY_HORIZON) | {
        "metric_id": "admissions",
        "label": "Admissions",
        "priority": "primary",
        "population": "all_sites",
        "design": "weighted_cohort",
        "horizon_months": months,
        "is_primary_horizon": months == 6,
        "is_early": months < 12,
        "n_pilot": 2000,
        "n_comparator": 40000,
        "caution": "Hidden differences." + (" An early result." if months < 12 else ""),
    }
    return row | values


def page(path: Path, *, population: str = "all_sites", output_format: str = "table") -> str:
    """What `icp results` prints of a file, with single spaces."""
    return " ".join(results(path, output_format=output_format, population=population).split())
