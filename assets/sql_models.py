"""SQL models as assets: the file name is the asset's and the table's name, its header the description."""

import hashlib

import dagster as dg

from pipelines.faults import guarded
from pipelines.models import SqlModel, load_models
from pipelines.table_metadata import table_metadata
from pipelines.warehouse import Warehouse


def sql_assets(layer: str) -> list[dg.AssetsDefinition]:
    """An asset for each file in `sql/<layer>/`; what it depends on is read off its SQL."""
    return [_sql_asset(model) for model in load_models() if model.layer == layer]


def _sql_asset(model: SqlModel) -> dg.AssetsDefinition:
    @dg.asset(
        name=model.name,
        deps=[dg.AssetKey(table) for table in model.depends_on],
        group_name=model.layer,
        kinds={"sql", "duckdb"},
        description=f"{model.description}\n\nGrain: {model.grain}. Made by `sql/{model.layer}/{model.name}.sql`.",
        code_version=hashlib.sha256(model.sql.encode()).hexdigest()[:12],
    )
    @guarded
    def build(warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult:
        warehouse.run_model(model)
        return dg.MaterializeResult(metadata=table_metadata(warehouse, model.name))

    return build
