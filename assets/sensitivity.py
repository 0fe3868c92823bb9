"""Sensitivity: what the estimates would be had one thing been otherwise, and whether what they say survives it."""

import dagster as dg

from assets.estimates import metric_estimates, published_results
from assets.matching import TABLES as MATCHING
from evaluation.estimation import robustness as estimate_robustness
from evaluation.estimation import sensitivity_estimates as estimate_sensitivity
from evaluation.estimation import with_bias_cautions, with_look, with_mortality_cautions
from pipelines import later_enrolment, spell_rules
from pipelines.amended import state_of_design
from pipelines.faults import guarded
from pipelines.looks import look_at_data
from pipelines.metrics import negative_controls, protocol_activity_metrics
from pipelines.sensitivity import planned_design, sensitivity_variants, worthwhile_changes
from pipelines.study import Study
from pipelines.table_metadata import written
from pipelines.warehouse import Warehouse

ASSET = {"group_name": "estimates", "kinds": {"polars"}}


@dg.asset(
    deps=[
        *sorted({*later_enrolment.tables_read(), *spell_rules.tables_read()}),
        "recording_changes",
        "usual_providers",
        *("implied_bias", "mortality_ratios", "placebo_covariates", "placebo_use", "predictive_risks"),
        "comparison_cohort",
        "comparison_pools",
        "covariates",
        "people",
        "record_quality",
        *("end_of_data", "protocol_amendments"),
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
        design_caution=f"{state_of_design(warehouse, study)} {design.get('weighting_caution', '')}".strip(),
        follow_up_months=study.protocol.periods.follow_up_months,
        protocol_hash=study.protocol_hash,
        run_id=context.run.run_id,
    )
    estimates = with_bias_cautions(estimates, warehouse.read("implied_bias"))
    estimates = with_mortality_cautions(estimates, warehouse.read("mortality_ratios"))
    estimates = with_look(estimates, look_at_data(warehouse, study))
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
