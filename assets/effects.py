"""Effects to be read: across sites, beside each other."""

import dagster as dg

from evaluation.estimation import across_sites
from pipelines.faults import guarded
from pipelines.masking import row_metadata
from pipelines.metrics import metrics_with_cautions
from pipelines.study import Study
from pipelines.warehouse import Warehouse

ASSET = {"group_name": "estimates", "kinds": {"polars"}}
ACROSS_SITES = {
    "site_pooling": "Mean effect across sites, how far sites differ, and what another site may expect.",
    "site_effects": "Each site's own effect, drawn towards the mean, and the mean without it.",
}


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            name,
            deps=[dg.AssetKey(table) for table in ("metric_estimates", "people", "record_quality")],
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
        protocol_hash=study.protocol_hash,
        run_id=context.run.run_id,
    )
    for name, table in zip(ACROSS_SITES, (found.pooling, found.sites), strict=True):
        yield dg.MaterializeResult(asset_key=name, metadata=row_metadata(warehouse.write(name, table)))
