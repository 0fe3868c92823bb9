"""Reading: whatever is new in the extracts' folders goes into the lake, a view per extract stands over it."""

import dagster as dg

from pipelines.arrivals import lake_contents, roles_with_news, rows_delivered
from pipelines.faults import guarded
from pipelines.lake import LEDGER_TABLES, QUARANTINE, ROLES, fill_lake
from pipelines.masking import row_metadata
from pipelines.study import Study
from pipelines.table_metadata import table_metadata, written
from pipelines.warehouse import Warehouse

VIEWS = {role: dg.AssetKey(f"lake_{role}") for role in ROLES}
READ_FOR = {
    "deliveries_read": [dg.AssetKey(["extracts", role]) for role in ROLES],
    "extract_coverage": [dg.AssetKey("deliveries_read"), VIEWS["enrolments"]],
}


def _view_spec(role: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        VIEWS[role],
        deps=[dg.AssetKey(["extracts", role])],
        description=f"Accepted records of the extract {role}: a view over its Parquet files.",
        group_name="lake",
        kinds={"parquet", "duckdb"},
    )


def _table_spec(name: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        name,
        deps=READ_FOR.get(name, [dg.AssetKey("deliveries_read")]),
        description=LEDGER_TABLES[name],
        group_name="lake",
        kinds={"duckdb"},
    )


EXTRACTS = [
    dg.AssetSpec(
        ["extracts", role],
        description=f"Deliveries of {role} as they arrived in the study's folder; never changed.",
        group_name="extracts",
        kinds={"file"},
    )
    for role in ROLES
]


QUARANTINED = dg.AssetSpec(
    QUARANTINE,
    deps=[dg.AssetKey("deliveries_read")],
    description="Quarantined records with their original text: a view over their Parquet files. Sensitive.",
    group_name="lake",
    kinds={"parquet", "duckdb"},
)


@dg.multi_asset(specs=[*map(_view_spec, ROLES), QUARANTINED, *map(_table_spec, LEDGER_TABLES)])
@guarded
def read_deliveries(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]
):
    """Reads every new delivery once, by its contract."""
    before = lake_contents(study)
    lake = fill_lake(study, warehouse.connection, say=context.log.info)
    for role in roles_with_news(before, lake_contents(study)):
        rows = rows_delivered(lake.deliveries, role)
        told = dg.AssetMaterialization(
            ["extracts", role], description="A new delivery was read.", metadata=row_metadata(rows)
        )
        context.log_event(told)
    for view in VIEWS.values():
        yield dg.MaterializeResult(asset_key=view, metadata=table_metadata(warehouse, view.path[0]))
    for name, table in lake.tables.items():
        yield dg.MaterializeResult(asset_key=name, metadata=written(warehouse, name, table))
    yield dg.MaterializeResult(asset_key=QUARANTINE, metadata=table_metadata(warehouse, QUARANTINE))
