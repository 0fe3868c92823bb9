"""Sensitivity: what the estimates would be had one thing been otherwise, and whether what they say survives it."""

import dagster as dg

from assets.estimates import metric_estimates, published_results
from assets.matching import TABLES as MATCHING
from evaluation.estimation import robustness as estimate_robustness
from evaluation.estimation import sensitivity_estimates as estimate_sensitivity
from evaluation.estimation import with_bias_cautions
from pipelines.faults import guarded
from pipelines.freezing import design_state
from pipelines.metrics import negative_controls, protocol_activity_metrics
from pipelines.sensitivity import planned_design, sensitivity_variants, worthwhile_changes
from pipelines.study import Study
from pipelines.table_metadata import written
from pipelines.warehouse import Warehouse

ASSET = {"group_name": "estimates", "kinds": {"polars"}}


@dg.asset(
    deps=[
        "person_periods",
        "emergency_admissions_by_other_rules",
        "recording_changes",
        "usual_providers",
        *("implied_bias", "placebo_covariates", "placebo_use"),
        "comparison_cohort",
        "comparison_pools",
        "covariates",
        "people",
        "record_quality",
        "end_of_data",
        *MATCHING,
    ],
    **ASSET,
)
@guarded
def sensitivity_estimates(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]
) -> dg.MaterializeResult:
    """Each outcome's weighted estimate with one thing otherwise, and bounds on hidden differences."""
    warehouse.free_cache()
    design = planned_design(warehouse) or {}
    estimates = estimate_sensitivity(
        sensitivity_variants(warehouse, study.protocol),
        follow_up=warehouse.connection.sql("from person_periods where period = 'follow_up'").pl(),
        metrics=protocol_activity_metrics(study, warehouse),
        controls=negative_controls(study, warehouse),
        worthwhile_pct=worthwhile_changes(study.protocol),
        design_caution=f"{design_state(study)} {design.get('weighting_caution', '')}".strip(),
        follow_up_months=study.protocol.periods.follow_up_months,
        protocol_hash=study.protocol_hash,
        run_id=context.run.run_id,
    )
    estimates = with_bias_cautions(estimates, warehouse.read("implied_bias"))
    return dg.MaterializeResult(metadata=written(warehouse, "sensitivity_estimates", estimates))


@dg.asset(deps=[sensitivity_estimates, metric_estimates, published_results], **ASSET)
@guarded
def robustness(warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]) -> dg.MaterializeResult:
    """A verdict on each outcome in plain words: what was seen, what could have been, what it survives."""
    verdicts = estimate_robustness(
        warehouse.read("sensitivity_estimates"),
        warehouse.read("metric_estimates"),
        worthwhile_pct=worthwhile_changes(study.protocol),
        published=warehouse.read("published_results"),
    )
    return dg.MaterializeResult(metadata=written(warehouse, "robustness", verdicts))
