"""The study as Dagster sees it: all assets and checks, one job, the study and its working file as resources."""

import os
from pathlib import Path

import dagster as dg

from assets import ALL_ASSETS, ALL_CHECKS
from pipelines.progress import progress_logger
from pipelines.study import Study, load_study
from pipelines.warehouse import Warehouse

JOB = "evaluate"
DEMO = "demo"


def build_definitions(*, study: Study, warehouse: Warehouse) -> dg.Definitions:
    """All assets and checks, bound to one study and its working file."""
    return dg.Definitions(
        assets=ALL_ASSETS,
        asset_checks=ALL_CHECKS,
        jobs=[dg.define_asset_job(JOB, selection=dg.AssetSelection.all(), description="From extracts to published.")],
        resources={"study": study, "warehouse": warehouse},
        executor=dg.in_process_executor,
        loggers={"progress": progress_logger},
    )


@dg.definitions
def defs() -> dg.Definitions:
    """For `workspace.yaml`: the study named by `ICP_STUDY`, else the demo beside this checkout."""
    study = load_study(Path(os.environ.get("ICP_STUDY", DEMO)))
    return build_definitions(study=study, warehouse=Warehouse(study.output / "warehouse.duckdb"))
