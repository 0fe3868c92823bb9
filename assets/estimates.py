"""Estimates: how far each metric moved, by population and design, and beside what others published."""

import dagster as dg
import polars as pl

from assets.areas import ESTIMATES as AREA_ESTIMATES
from assets.matching import TABLES as MATCHING
from evaluation.estimation import comparison_with_published as beside_published
from evaluation.estimation import controlled_estimates as estimate_controlled
from evaluation.estimation import estimates_by_horizon as estimate_by_horizon
from evaluation.estimation import metric_estimates as estimate_metrics
from evaluation.estimation import (
    site_populations,
    survey_item_estimates,
    with_adjusted_p_values,
    with_bias_cautions,
    with_brackets,
    with_carried_forward,
    with_caution,
    with_defaults,
    with_lead_cautions,
    with_look,
    with_mortality_cautions,
    with_site_quality_cautions,
)
from evaluation.surveys import survey_estimates as estimate_surveys
from pipelines.amended import COUNTS, HORIZONS, amended, amended_instruments, state_of_design
from pipelines.comparison import compared_populations, designs_found, use_of_compared
from pipelines.faults import guarded
from pipelines.freezing import MAY_CHANGE
from pipelines.horizons import POPULATIONS, follow_up_to_horizons, tables_read
from pipelines.looks import look_at_data
from pipelines.metrics import (
    activity_metrics,
    extracts_by_metric,
    metrics_with_cautions,
    protocol_activity_metrics,
    site_register,
    survey_designs,
    survey_metrics,
)
from pipelines.protocol_log import amended_outcomes
from pipelines.published import published_results as load_published_results
from pipelines.study import Study
from pipelines.table_metadata import written
from pipelines.warehouse import Warehouse

ASSET = {"group_name": "estimates", "kinds": {"polars"}}


@dg.asset(deps=["survey_answers", "instrument_items", "sites", "people", "protocol_amendments"], **ASSET)
@guarded
def survey_estimates(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]
) -> dg.MaterializeResult:
    """Levels and change of each questionnaire item, in percentage points."""
    estimates = estimate_surveys(
        warehouse.read("survey_answers"),
        items=warehouse.read("instrument_items"),
        designs=survey_designs(study),
        site_populations=site_populations(site_register(warehouse.read("sites"), warehouse.read("people"))),
        protocol_hash=study.protocol_hash,
        run_id=context.run.run_id,
    )
    for instrument, changed in amended_instruments(warehouse.read("protocol_amendments"), study).items():
        estimates = with_caution(estimates, changed, where=pl.col("instrument_id") == instrument)
    return dg.MaterializeResult(metadata=written(warehouse, "survey_estimates", estimates))


@dg.asset(deps=["person_periods", "people", "sites", "record_quality", "end_of_data", "protocol_amendments"], **ASSET)
@guarded
def before_after_estimates(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]
) -> dg.MaterializeResult:
    """Change of each metric from before to after, alone and against unmatched comparison people."""
    warehouse.free_cache()
    estimates = estimate_metrics(
        warehouse.read("person_periods"),
        metrics=metrics_with_cautions(study, warehouse),
        site_populations=site_populations(site_register(warehouse.read("sites"), warehouse.read("people"))),
        follow_up_months=study.protocol.periods.follow_up_months,
        protocol_hash=study.protocol_hash,
        run_id=context.run.run_id,
    )
    estimates = with_caution(estimates, amended(warehouse.read("protocol_amendments"), *COUNTS, but=MAY_CHANGE))
    return dg.MaterializeResult(metadata=written(warehouse, "before_after_estimates", estimates))


@dg.asset(
    deps=[
        "person_periods",
        "earlier_baselines",
        "people",
        "sites",
        "record_quality",
        "end_of_data",
        "protocol_amendments",
        "implied_bias",
        *MATCHING,
    ],
    **ASSET,
)
@guarded
def controlled_estimates(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]
) -> dg.MaterializeResult:
    """Effect on each metric against weighted and against matched comparison people."""
    warehouse.free_cache()
    estimates = estimate_controlled(
        compared_populations(warehouse),
        follow_up=use_of_compared(warehouse, "person_periods", period="follow_up"),
        earlier=use_of_compared(warehouse, "earlier_baselines"),
        design_state=state_of_design(warehouse, study),
        metrics=metrics_with_cautions(study, warehouse),
        follow_up_months=study.protocol.periods.follow_up_months,
        protocol_hash=study.protocol_hash,
        run_id=context.run.run_id,
    )
    estimates = with_bias_cautions(estimates, warehouse.read("implied_bias"))
    return dg.MaterializeResult(metadata=written(warehouse, "controlled_estimates", estimates))


@dg.asset(
    deps=[
        *tables_read(),
        *("people", "earlier_baselines"),
        "sites",
        "record_quality",
        "end_of_data",
        "protocol_amendments",
        "implied_bias",
        "mortality_ratios",
        *MATCHING,
    ],
    **ASSET,
)
@guarded
def estimates_by_horizon(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]
) -> dg.MaterializeResult:
    """Each outcome's weighted effect up to each follow-up horizon, with `matched_did` beside it."""
    warehouse.free_cache()
    estimates = estimate_by_horizon(
        compared_populations(warehouse, kinds=POPULATIONS),
        horizons=follow_up_to_horizons(warehouse, study.protocol.periods),
        earlier=use_of_compared(warehouse, "earlier_baselines"),
        metrics=protocol_activity_metrics(study, warehouse),
        design_state=state_of_design(warehouse, study),
        protocol_hash=study.protocol_hash,
        run_id=context.run.run_id,
    )
    estimates = with_bias_cautions(estimates, warehouse.read("implied_bias"))
    estimates = with_mortality_cautions(estimates, warehouse.read("mortality_ratios"))
    quality = warehouse.read("record_quality")
    estimates = with_site_quality_cautions(estimates, quality, extracts=extracts_by_metric(study))
    estimates = with_caution(estimates, amended(warehouse.read("protocol_amendments"), *HORIZONS))
    estimates = with_look(estimates, look_at_data(warehouse, study))
    return dg.MaterializeResult(metadata=written(warehouse, "estimates_by_horizon", estimates))


@dg.asset(
    deps=[
        *(before_after_estimates, controlled_estimates, AREA_ESTIMATES, survey_estimates),
        *("mortality_ratios", "lead_tests", "comparison_designs", "people", "protocol_amendments", "record_quality"),
    ],
    **ASSET,
)
@guarded
def metric_estimates(warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]) -> dg.MaterializeResult:
    """Level and change of each metric, one row per metric, population, design and estimator."""
    controlled = with_mortality_cautions(warehouse.read("controlled_estimates"), warehouse.read("mortality_ratios"))
    controlled = with_lead_cautions(controlled, warehouse.read("lead_tests"))
    both = pl.concat([warehouse.read("before_after_estimates"), controlled])
    estimates = with_defaults(
        with_site_quality_cautions(both, warehouse.read("record_quality"), extracts=extracts_by_metric(study)),
        found=designs_found(warehouse.read("comparison_designs")),
        metrics=activity_metrics(study),
    )
    items = survey_item_estimates(warehouse.read("survey_estimates"), metrics=survey_metrics(study))
    for item, sentences in amended_outcomes(warehouse.read("protocol_amendments")).items():
        items = with_caution(items, " ".join(sentences), where=pl.col("metric_id") == item)
    look = look_at_data(warehouse, study)
    found = [with_look(estimates, look), warehouse.read(AREA_ESTIMATES), with_look(items, look.of_answers)]
    found_together = with_carried_forward(
        with_adjusted_p_values(pl.concat(found)),
        warehouse.read("lead_tests"),
        follow_up_months=study.protocol.periods.follow_up_months,
    )
    return dg.MaterializeResult(metadata=written(warehouse, "metric_estimates", with_brackets(found_together)))


@dg.asset(**ASSET)
@guarded
def published_results(warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult:
    """What evaluations of integrated care published, mapped to our metrics, populations and designs."""
    return dg.MaterializeResult(metadata=written(warehouse, "published_results", load_published_results()))


@dg.asset(deps=[published_results, metric_estimates], **ASSET)
@guarded
def comparison_with_published(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]
) -> dg.MaterializeResult:
    """Each published result beside this run's estimate of the same metric and population."""
    comparison = beside_published(
        warehouse.read("published_results"),
        warehouse.read("metric_estimates"),
        follow_up_months=study.protocol.periods.follow_up_months,
        run_id=context.run.run_id,
    )
    return dg.MaterializeResult(metadata=written(warehouse, "comparison_with_published", comparison))
