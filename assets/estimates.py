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
    with_defaults,
    with_look,
    with_mortality_cautions,
    with_site_quality_cautions,
)
from evaluation.surveys import survey_estimates as estimate_surveys
from pipelines.comparison import compared_populations, designs_found, look_at_data, use_of_compared
from pipelines.faults import guarded
from pipelines.freezing import design_state
from pipelines.horizons import POPULATIONS, follow_up_to_horizons, tables_read
from pipelines.masking import row_metadata
from pipelines.metrics import (
    activity_metrics,
    extracts_by_metric,
    metrics_with_cautions,
    protocol_activity_metrics,
    site_register,
    survey_designs,
    survey_metrics,
)
from pipelines.published import published_results as load_published_results
from pipelines.study import Study
from pipelines.warehouse import Warehouse

ASSET = {"group_name": "estimates", "kinds": {"polars"}}


@dg.asset(deps=["survey_answers", "instrument_items", "sites", "people"], **ASSET)
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
    return dg.MaterializeResult(metadata=row_metadata(warehouse.write("survey_estimates", estimates)))


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
    return dg.MaterializeResult(metadata=row_metadata(warehouse.write("before_after_estimates", estimates)))


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
        design_state=design_state(study),
        metrics=metrics_with_cautions(study, warehouse),
        follow_up_months=study.protocol.periods.follow_up_months,
        protocol_hash=study.protocol_hash,
        run_id=context.run.run_id,
    )
    estimates = with_bias_cautions(estimates, warehouse.read("implied_bias"))
    return dg.MaterializeResult(metadata=row_metadata(warehouse.write("controlled_estimates", estimates)))


@dg.asset(
    deps=[
        *tables_read(),
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
def estimates_by_horizon(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]
) -> dg.MaterializeResult:
    """Each outcome's weighted effect up to each follow-up horizon of the protocol."""
    warehouse.free_cache()
    estimates = estimate_by_horizon(
        compared_populations(warehouse, kinds=POPULATIONS, with_pairs=False),
        horizons=follow_up_to_horizons(warehouse, study.protocol.periods),
        metrics=protocol_activity_metrics(study, warehouse),
        design_state=design_state(study),
        protocol_hash=study.protocol_hash,
        run_id=context.run.run_id,
    )
    estimates = with_bias_cautions(estimates, warehouse.read("implied_bias"))
    return dg.MaterializeResult(metadata=row_metadata(warehouse.write("estimates_by_horizon", estimates)))


@dg.asset(
    deps=[
        *(before_after_estimates, controlled_estimates, AREA_ESTIMATES, survey_estimates),
        *("mortality_ratios", "comparison_designs", "people", "record_quality"),
    ],
    **ASSET,
)
@guarded
def metric_estimates(warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]) -> dg.MaterializeResult:
    """Level and change of each metric, one row per metric, population, design and estimator."""
    controlled = with_mortality_cautions(warehouse.read("controlled_estimates"), warehouse.read("mortality_ratios"))
    both = pl.concat([warehouse.read("before_after_estimates"), controlled])
    estimates = with_defaults(
        with_site_quality_cautions(both, warehouse.read("record_quality"), extracts=extracts_by_metric(study)),
        found=designs_found(warehouse.read("comparison_designs")),
        metrics=activity_metrics(study),
    )
    items = survey_item_estimates(warehouse.read("survey_estimates"), metrics=survey_metrics(study))
    look = look_at_data(warehouse, study.protocol)
    areas = with_look(warehouse.read(AREA_ESTIMATES), look)
    found = [with_look(estimates, look), areas, with_look(items, look.of_answers)]
    rows = warehouse.write("metric_estimates", with_brackets(with_adjusted_p_values(pl.concat(found))))
    return dg.MaterializeResult(metadata=row_metadata(rows))


@dg.asset(**ASSET)
@guarded
def published_results(warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult:
    """What evaluations of integrated care published, mapped to our metrics, populations and designs."""
    return dg.MaterializeResult(metadata=row_metadata(warehouse.write("published_results", load_published_results())))


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
    return dg.MaterializeResult(metadata=row_metadata(warehouse.write("comparison_with_published", comparison)))
