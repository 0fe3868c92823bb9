"""One run of a study: the Dagster job that schedules and sensors start too, in this process."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from pipelines.dagster_home import dagster_instance
from pipelines.definitions import JOB, build_definitions
from pipelines.endings import blocking_rules_failed
from pipelines.errors import DataQualityError
from pipelines.freezing import frozen_design
from pipelines.interrupts import no_stop_in_imports
from pipelines.metrics import check_outcomes
from pipelines.progress import watched_by
from pipelines.reporting import report_nothing_new
from pipelines.run_log import Run, read_runs, utc_now
from pipelines.study import Study
from pipelines.study_run import current_inputs, held_study, recorded_run
from pipelines.warehouse import Warehouse

REPOSITORY_TAG = {".dagster/repository": "__repository__@pipelines.definitions"}
STOPPED = "the run stopped at a data-quality rule; nothing new was published, the published file stays"


@dataclass(frozen=True)
class Outcome:
    """What a run ended with: its id and whether anything was new."""

    run_id: str
    published: Path
    is_new: bool


def run_study(study: Study, *, say: Callable[[str], None]) -> Outcome:
    """Reads what is new, computes everything, publishes; returns the published file.

    Raises the error that ended the run: StudyError (exit 2; also for a frozen design that was changed),
    DataQualityError (exit 3: nothing new is published, the published file stays), IcpError (exit 1) when another run
    holds the study.
    """
    check_outcomes(study)
    frozen_design(study)
    run_id = str(uuid.uuid4())
    link = study.published / "evaluation.duckdb"
    with held_study(study, run_id=run_id, say=say):
        inputs = current_inputs(study)
        last = _last_success(study)
        if last is not None and last.inputs == inputs and link.exists():
            report_nothing_new(study, run_id=last.run_id, published=link, now=utc_now(), say=say)
            return Outcome(run_id=last.run_id, published=link, is_new=False)
        with (
            dagster_instance(study.output) as instance,
            no_stop_in_imports(),
            recorded_run(study, run_id=run_id, inputs=inputs, instance=instance, say=say) as warehouse,
        ):
            execute(study, warehouse, run_id=run_id, instance=instance, say=say)
    return Outcome(run_id=run_id, published=link, is_new=True)


def execute(
    study: Study,
    warehouse: Warehouse,
    *,
    run_id: str,
    instance: dg.DagsterInstance,
    say: Callable[[str], None],
    job_name: str = JOB,
) -> None:
    """Executes a job of the study in this process; the caller holds the study and has the run recorded."""
    job = build_definitions(study=study, warehouse=warehouse).resolve_job_def(job_name)
    try:
        with watched_by(say):
            job.execute_in_process(
                run_id=run_id, instance=instance, tags=REPOSITORY_TAG, run_config={"loggers": {"progress": {}}}
            )
    except dg.DagsterExecutionInterruptedError:
        raise KeyboardInterrupt from None
    except dg.DagsterError:
        failed = blocking_rules_failed(instance, run_id)
        if not failed:
            raise
        raise DataQualityError(STOPPED, *failed) from None


def _last_success(study: Study) -> Run | None:
    return next((run for run in reversed(read_runs(study.output)) if run.status == "succeeded"), None)
