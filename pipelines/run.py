"""One run of a study: the Dagster job that schedules and sensors start too, in this process."""

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from pipelines.definitions import JOB, build_definitions
from pipelines.errors import DataQualityError
from pipelines.fingerprint import code_version, inputs_fingerprint
from pipelines.locking import output_lock
from pipelines.metrics import check_outcomes
from pipelines.progress import watched_by
from pipelines.pseudonym_key import key_of_study
from pipelines.run_log import Run, append_run, begin_run, read_runs
from pipelines.study import Study
from pipelines.warehouse import Warehouse

REPOSITORY_TAG = {".dagster/repository": "__repository__@pipelines.definitions"}
UNFINISHED = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
STOPPED = "the run stopped at a data-quality rule; nothing new was published, the published file stays"
DAGSTER_SETTINGS = """telemetry:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1
"""


@dataclass(frozen=True)
class Outcome:
    """What a run ended with: its id and whether anything was new."""

    run_id: str
    published: Path
    is_new: bool


def run_study(study: Study, *, say: Callable[[str], None]) -> Outcome:
    """Reads what is new, computes everything, publishes; returns the published file.

    Raises the error that ended the run: StudyError (exit 2), DataQualityError (exit 3: nothing new is
    published, the published file stays), IcpError (exit 1) when another run holds the study.
    """
    check_outcomes(study)
    run_id = str(uuid.uuid4())
    with output_lock(study.output, run_id=run_id):
        _end_orphans(study.output)
        key = key_of_study(study)
        inputs = inputs_fingerprint(study, key_id=key.key_id if key else "")
        link = study.published / "evaluation.duckdb"
        last = next(reversed([run for run in read_runs(study.output) if run.status == "succeeded"]), None)
        if last is not None and last.inputs == inputs and link.exists():
            return Outcome(run_id=last.run_id, published=link, is_new=False)
        run = begin_run(study, run_id=run_id, now=_now(), code_version=code_version(), inputs=inputs)
        append_run(study.output, run)
        _execute(study, run, say=say)
        return Outcome(run_id=run_id, published=link, is_new=True)


def _execute(study: Study, run: Run, *, say: Callable[[str], None]) -> None:
    status = "failed"
    with Warehouse(study.output / "warehouse.duckdb") as warehouse, _instance(study.output) as instance:
        job = build_definitions(study=study, warehouse=warehouse).resolve_job_def(JOB)
        try:
            with watched_by(say):
                job.execute_in_process(
                    run_id=run.run_id,
                    instance=instance,
                    tags=REPOSITORY_TAG,
                    run_config={"loggers": {"progress": {}}},
                )
            status = "succeeded"
        except dg.DagsterError:
            failed = _failed_checks(instance, run.run_id)
            if not failed:
                raise
            raise DataQualityError(STOPPED, *failed) from None
        finally:
            append_run(study.output, run.model_copy(update={"ended_at": _now(), "status": status}))


def _end_orphans(output: Path) -> None:
    """Marks as failed what a killed process left running: whoever holds the lock knows that nobody else does."""
    orphans = [run for run in read_runs(output) if run.status == "running"]
    for run in orphans:
        append_run(output, run.model_copy(update={"status": "failed", "ended_at": _now()}))
    if orphans:
        with _instance(output) as instance:
            for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
                instance.report_run_failed(run, message="the process of this run ended before the run did")


def _failed_checks(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    records = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION).records
    evaluations = [record.event_log_entry.asset_check_evaluation for record in records]
    return [e.description or e.check_name for e in evaluations if e is not None and not e.passed]


def _instance(output: Path) -> dg.DagsterInstance:
    home = output / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    settings = home / "dagster.yaml"
    if not settings.exists():
        settings.write_text(DAGSTER_SETTINGS, encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(home)
    return dg.DagsterInstance.from_config(str(home))


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
