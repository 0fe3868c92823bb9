"""Noticing runs that ended without a word, so that their alert is sent all the same."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from pipelines.locking import StudyHeldError, output_lock
from pipelines.reporting import DIED, report_without_page
from pipelines.run_log import orphaned_runs, read_runs
from pipelines.study import Study, load_study
from pipelines.study_run import LONGEST_WAIT_SECONDS, ORPHANED, end_orphans

WATCHER = "none: looking for runs that died"
# A run is in the log as soon as it has the lock; beyond the longest wait for that it cannot live any more.
SURELY_GONE = timedelta(seconds=2 * LONGEST_WAIT_SECONDS)
WAITING = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


def died_runs_sensor(root: Path, *, look_every_seconds: int) -> dg.SensorDefinition:
    """Marks runs whose process is gone as failed, however they were started, and tells people of them."""

    @dg.sensor(
        name="died_runs",
        minimum_interval_seconds=look_every_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Marks runs whose process died as failed, and sends the alert that they could not send.",
    )
    def died_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        study, now = load_study(root), datetime.now(UTC)
        since = datetime.fromisoformat(context.cursor) if context.cursor else now
        silent = silent_runs(study, context.instance, since=since, now=now)
        if silent or orphaned_runs(study.output):
            try:
                with output_lock(study.output, run_id=WATCHER):
                    died = end_died_runs(study, context.instance, silent=silent, say=context.log.info)
            except StudyHeldError:
                return dg.SkipReason("a run is under way")
        else:
            died = ()
        context.update_cursor(now.isoformat())
        return dg.SkipReason(f"died: {', '.join(died)}" if died else "no run died")

    return died_runs


def silent_runs(study: Study, instance: dg.DagsterInstance, *, since: datetime, now: datetime) -> tuple[str, ...]:
    """Ids of runs that the log never knew and that failed since, or wait for the study beyond any wait."""
    logged = {run.run_id for run in read_runs(study.output)}
    failed = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=since))
    stuck = instance.get_runs(dg.RunsFilter(statuses=WAITING, created_before=now - SURELY_GONE))
    return tuple(run.run_id for run in (*failed, *stuck) if run.run_id not in logged)


def end_died_runs(
    study: Study, instance: dg.DagsterInstance, *, silent: Iterable[str], say: Callable[[str], None]
) -> tuple[str, ...]:
    """Marks runs that died as failed and tells people once; their ids. The caller holds the study."""
    orphans = end_orphans(study, instance=instance, say=say)
    unlogged = tuple(silent)
    for run_id in unlogged:
        run = instance.get_run_by_id(run_id)
        if run is not None and not run.is_finished:
            instance.report_run_failed(run, message=ORPHANED)
    if unlogged:
        report_without_page(study, run_id=unlogged[-1], failure=DIED, say=say)
    return (*(run.run_id for run in orphans), *unlogged)
