"""Effects to be read: in words, and across sites."""

import dagster as dg

from evaluation.estimation import across_sites
from evaluation.estimation import effect_statements as state_effects
from evaluation.estimation import site_moderators as describe_moderators
from evaluation.estimation import subgroup_interactions as test_interactions
from pipelines.faults import guarded
from pipelines.freezing import design_state
from pipelines.metrics import activity_metrics, metrics_with_cautions, survey_metrics
from pipelines.study import Study
from pipelines.table_metadata import written
from pipelines.warehouse import Warehouse

ASSET = {"group_name": "estimates", "kinds": {"polars"}}
ACROSS_SITES = {
    "site_pooling": "Mean effect across sites, how far sites differ, and what another site may expect.",
    "site_effects": "Each site's own effect, drawn towards the mean, and the mean without it.",
}


@dg.asset(deps=["metric_estimates", "site_pooling"], **ASSET)
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
        protocol_hash=study.protocol_hash,
        run_id=context.run.run_id,
    )
    return dg.MaterializeResult(metadata=written(warehouse, "effect_statements", statements))


@dg.asset(deps=["metric_estimates"], **ASSET)
@guarded
def subgroup_interactions(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]
) -> dg.MaterializeResult:
    """Whether the effect on protocol outcomes differs by age, deprivation, ethnic group or frailty."""
    tests = test_interactions(
        warehouse.read("metric_estimates"), protocol_hash=study.protocol_hash, run_id=context.run.run_id
    )
    return dg.MaterializeResult(metadata=written(warehouse, "subgroup_interactions", tests))


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            name,
            deps=[dg.AssetKey(table) for table in ("metric_estimates", "people", "record_quality", "end_of_data")],
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
        design_state=design_state(study),
        protocol_hash=study.protocol_hash,
        run_id=context.run.run_id,
    )
    for name, table in zip(ACROSS_SITES, (found.pooling, found.sites), strict=True):
        yield dg.MaterializeResult(asset_key=name, metadata=written(warehouse, name, table))


@dg.asset(deps=["site_effects", "sites"], **ASSET)
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
    return dg.MaterializeResult(metadata=written(warehouse, "site_moderators", found))
