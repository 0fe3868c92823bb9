"""Effects to be read: in words, and across sites."""

import dagster as dg
import polars as pl

from evaluation.estimation import (
    ALL_SITES,
    across_sites,
    with_caution,
    with_look,
    with_mortality_cautions,
    with_mortality_cautions_of_values,
)
from evaluation.estimation import effect_statements as state_effects
from evaluation.estimation import site_moderators as describe_moderators
from evaluation.estimation import subgroup_interactions as test_interactions
from pipelines.amended import HEADLINE, PRIOR, amended, state_of_design
from pipelines.faults import guarded
from pipelines.looks import look_at_data
from pipelines.metrics import activity_metrics, metrics_with_cautions, survey_metrics
from pipelines.study import Study
from pipelines.table_metadata import written
from pipelines.warehouse import Warehouse

ASSET = {"group_name": "estimates", "kinds": {"polars"}}
ACROSS_SITES_OF = (
    *("metric_estimates", "mortality_ratios", "people", "record_quality", "end_of_data", "protocol_amendments"),
)
ACROSS_SITES = {
    "site_pooling": "Mean effect across sites, how far sites differ, and what another site may expect.",
    "site_effects": "Each site's own effect, drawn towards the mean, and the mean without it.",
}


@dg.asset(deps=["metric_estimates", "site_pooling", "protocol_amendments"], **ASSET)
@guarded
def effect_statements(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]
) -> dg.MaterializeResult:
    """The default estimate of each protocol outcome in words, with probabilities beside its interval."""
    statements = state_effects(
        warehouse.read("metric_estimates"),
        metrics=(*activity_metrics(study), *survey_metrics(study)),
        pooling=warehouse.read("site_pooling"),
        sites_as=study.protocol.sites_as,
        largest_likely_change_pct=study.protocol.prior.largest_likely_change_pct,
        protocol_hash=study.protocol_hash,
        run_id=context.run.run_id,
    )
    amendments = warehouse.read("protocol_amendments")
    statements = with_caution(statements, amended(amendments, *HEADLINE), where=pl.col("sites_as").is_not_null())
    statements = with_caution(statements, amended(amendments, *PRIOR), where=pl.col("prior").is_not_null())
    return dg.MaterializeResult(metadata=written(warehouse, "effect_statements", statements))


@dg.asset(deps=["metric_estimates", "mortality_ratios", "people", "protocol_amendments"], **ASSET)
@guarded
def subgroup_interactions(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]
) -> dg.MaterializeResult:
    """Whether the effect on protocol outcomes differs by age, deprivation, ethnic group or frailty."""
    tests = test_interactions(
        warehouse.read("metric_estimates"), protocol_hash=study.protocol_hash, run_id=context.run.run_id
    )
    tests = with_mortality_cautions_of_values(tests, warehouse.read("mortality_ratios"))
    tests = with_look(tests, look_at_data(warehouse, study))
    return dg.MaterializeResult(metadata=written(warehouse, "subgroup_interactions", tests))


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            name,
            deps=[dg.AssetKey(table) for table in ACROSS_SITES_OF],
            description=description,
            **ASSET,
        )
        for name, description in ACROSS_SITES.items()
    ]
)
@guarded
def effects_across_sites(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]
):
    """Random-effects mean over sites, and each site beside the others."""
    found = across_sites(
        warehouse.read("metric_estimates"),
        metrics=metrics_with_cautions(study, warehouse),
        design_state=state_of_design(warehouse, study),
        protocol_hash=study.protocol_hash,
        run_id=context.run.run_id,
    )
    look = look_at_data(warehouse, study)
    pooling = with_mortality_cautions(found.pooling, warehouse.read("mortality_ratios"), population=ALL_SITES)
    for name, table in zip(ACROSS_SITES, (pooling, found.sites), strict=True):
        yield dg.MaterializeResult(asset_key=name, metadata=written(warehouse, name, with_look(table, look)))


@dg.asset(deps=["site_effects", "sites", "people", "protocol_amendments"], **ASSET)
@guarded
def site_moderators(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]
) -> dg.MaterializeResult:
    """Protocol outcomes by what sites are like, with a regression where there are ten sites a coefficient."""
    found = describe_moderators(
        warehouse.read("site_effects"),
        sites=warehouse.read("sites"),
        protocol_hash=study.protocol_hash,
        run_id=context.run.run_id,
    )
    found = with_look(found, look_at_data(warehouse, study))
    return dg.MaterializeResult(metadata=written(warehouse, "site_moderators", found))
