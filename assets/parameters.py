"""The study's settings and the code lists, as tables that the SQL models join."""

import dagster as dg

from pipelines.code_lists import load_code_lists
from pipelines.faults import guarded
from pipelines.parameters import DESIGN_STAGE, PARAMETER_TABLES, parameter_frames
from pipelines.protocol_log import amendments_frame, used_protocols
from pipelines.study import Study
from pipelines.study_files import kept_files
from pipelines.table_metadata import written
from pipelines.warehouse import Warehouse

CODE_LISTS = load_code_lists()


def _specs(tables: dict[str, str], kind: str) -> list[dg.AssetSpec]:
    return [
        dg.AssetSpec(name, description=description, group_name="parameters", kinds={kind, "duckdb"})
        for name, description in tables.items()
    ]


@dg.multi_asset(name="study_parameters", specs=_specs(PARAMETER_TABLES, "yaml"))
@guarded
def study_parameters(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]
):
    """Protocol, sites, prices and instruments as tables, so that a missing one is a loud error."""
    for name, frame in parameter_frames(study, is_design_stage=context.run.job_name == DESIGN_STAGE).items():
        yield dg.MaterializeResult(asset_key=name, metadata=written(warehouse, name, frame))


@dg.multi_asset(name="code_list_tables", specs=_specs({c.table: c.description for c in CODE_LISTS}, "yaml"))
@guarded
def code_list_tables(warehouse: dg.ResourceParam[Warehouse]):
    """Every code list as a table of its own."""
    for code_list in CODE_LISTS:
        metadata = written(warehouse, code_list.table, code_list.frame())
        yield dg.MaterializeResult(asset_key=code_list.table, metadata=metadata)


@dg.asset(group_name="parameters", kinds={"polars"})
@guarded
def protocol_amendments(warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]) -> dg.MaterializeResult:
    """Settings of the protocol, and files beside it, that were changed after their first use."""
    amendments = amendments_frame(
        used_protocols(study.output), reasons=study.protocol.amendments, kept=kept_files(study.output)
    )
    return dg.MaterializeResult(metadata=written(warehouse, "protocol_amendments", amendments))
