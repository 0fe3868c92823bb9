"""The study as Dagster sees it: all assets and checks, one job, what starts it, the study and its working file."""

import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from assets import ALL_ASSETS, ALL_CHECKS
from assets.matching import DESIGN
from pipelines.asset_metadata import described
from pipelines.died_runs import died_runs_sensor
from pipelines.freezing import frozen_design
from pipelines.metrics import check_outcomes
from pipelines.parameters import DESIGN_STAGE
from pipelines.progress import progress_logger
from pipelines.study import Study, load_study
from pipelines.study_run import LONGEST_WAIT_SECONDS, current_inputs, held_study, recorded_run
from pipelines.warehouse import Warehouse
from pipelines.watching import LOOK_EVERY_SECONDS, deliveries_sensor, planned_run

JOB = "evaluate"
DESIGN_JOB = DESIGN_STAGE
DEMO = "demo"


def build_definitions(*, study: Study, warehouse: Warehouse | dg.ResourceDefinition) -> dg.Definitions:
    """All assets and checks, bound to one study and its working file."""
    jobs = [
        dg.define_asset_job(JOB, selection=dg.AssetSelection.all(), description="From extracts to published."),
        dg.define_asset_job(DESIGN_JOB, selection=design_selection(), description="Who is compared with whom."),
    ]
    return dg.Definitions(
        assets=dg.map_asset_specs(lambda spec: described(spec, study), ALL_ASSETS),
        asset_checks=ALL_CHECKS,
        jobs=jobs,
        schedules=planned_run(study, job_name=JOB),
        sensors=[
            deliveries_sensor(study.root, job_name=JOB),
            died_runs_sensor(study.root, look_every_seconds=LOOK_EVERY_SECONDS),
        ],
        resources={"study": study, "warehouse": warehouse},
        executor=dg.in_process_executor,
        loggers={"progress": progress_logger},
    )


def design_selection() -> dg.AssetSelection:
    """The tables of the design and all that they are made of: nothing that holds an outcome."""
    return dg.AssetSelection.assets(*DESIGN, "attrition", "deliveries").upstream().required_multi_asset_neighbors()


def recorded_warehouse(study: Study) -> dg.ResourceDefinition:
    """The working file for a run that Dagster starts, with lock, log, page and alerts around it as in `icp run`.

    A run waits up to an hour for one that holds the study.
    """

    @dg.resource(description="The run's working file; opened under the study's lock, closed at the run's end.")
    def warehouse(context: dg.InitResourceContext) -> Iterator[Warehouse]:
        run, instance = _run_of(context)
        say = dg.get_dagster_logger().info
        with held_study(study, run_id=run.run_id, say=say, wait_seconds=LONGEST_WAIT_SECONDS):
            check_outcomes(study)
            frozen_design(study)
            inputs = current_inputs(study) if _is_whole(run) else ""
            with recorded_run(study, run_id=run.run_id, inputs=inputs, instance=instance, say=say) as working_file:
                yield working_file

    return warehouse


@dg.definitions
def defs() -> dg.Definitions:
    """For `workspace.yaml`: the study named by `ICP_STUDY`, else the demo beside this checkout."""
    study = load_study(Path(os.environ.get("ICP_STUDY", DEMO)))
    return build_definitions(study=study, warehouse=recorded_warehouse(study))


def _run_of(context: dg.InitResourceContext) -> tuple[dg.DagsterRun, dg.DagsterInstance]:
    if context.run is None or context.instance is None:
        raise dg.DagsterInvariantViolationError("the working file is lent to runs only")
    return context.run, context.instance


def _is_whole(run: dg.DagsterRun) -> bool:
    """Whether a run does all there is to do; one that takes up a former run uses what that one read."""
    return run.job_name == JOB and not (run.asset_selection or run.asset_check_selection or run.parent_run_id)
