"""Around every run, however it was started: the lock, the log of runs, the working file, and the end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg

from pipelines.arrivals import arrivals_key, look_at_extracts
from pipelines.dagster_home import dagster_instance
from pipelines.endings import ending_of
from pipelines.fingerprint import code_version, inputs_fingerprint
from pipelines.locking import output_lock
from pipelines.pseudonym_key import key_of_study
from pipelines.reporting import DIED, report_run, report_without_page
from pipelines.run_log import Run, append_run, begin_run, orphaned_runs, utc_now
from pipelines.study import Study
from pipelines.warehouse import Warehouse
from pipelines.working_file import working_file

Say = Callable[[str], None]
LONGEST_WAIT_SECONDS = 3600
ORPHANED = "the process of this run ended before the run did"


@contextmanager
def held_study(study: Study, *, run_id: str, say: Say, wait_seconds: float = 0) -> Iterator[None]:
    """Holds the study for one run and ends what killed runs left open; StudyHeldError when another run has it."""
    with output_lock(study.output, run_id=run_id, wait_seconds=wait_seconds):
        if orphaned_runs(study.output):
            with dagster_instance(study.output) as instance:
                end_orphans(study, instance=instance, say=say)
        yield


@contextmanager
def recorded_run(
    study: Study, *, run_id: str, inputs: str, instance: dg.DagsterInstance, say: Say
) -> Iterator[Warehouse]:
    """Writes a run's begin and end into the log, lends it the working file, and tells people how it ended.

    The caller holds the study. `inputs` is the fingerprint of what the run reads, blank for a run of a part only:
    such a run never counts as having taken anything in.
    """
    with working_file(study) as warehouse:
        run = begin_run(study, run_id=run_id, now=utc_now(), code_version=code_version(), inputs=inputs)
        arrivals = arrivals_key(look_at_extracts(study)) if inputs else ""
        run = run.model_copy(update={"arrivals": arrivals})
        append_run(study.output, run)
        try:
            yield warehouse
        finally:
            _end(study, run, warehouse, instance=instance, say=say)


def current_inputs(study: Study) -> str:
    """The fingerprint of everything that a run of the study would read now."""
    key = key_of_study(study)
    return inputs_fingerprint(study, key_id=key.key_id if key else "")


def end_orphans(study: Study, *, instance: dg.DagsterInstance, say: Say) -> tuple[Run, ...]:
    """Marks as failed what a killed process left running, and tells people; the caller holds the study.

    Whoever holds the lock knows that nobody else does. Runs that wait for the lock are not in the log yet.
    """
    orphans = orphaned_runs(study.output)
    for orphan in orphans:
        append_run(study.output, orphan.model_copy(update={"status": "failed", "ended_at": utc_now()}))
        known = instance.get_run_by_id(orphan.run_id)
        if known is not None and not known.is_finished:
            instance.report_run_failed(known, message=ORPHANED)
    if orphans:
        report_without_page(study, run_id=orphans[-1].run_id, failure=DIED, say=say)
    return orphans


def _end(study: Study, run: Run, warehouse: Warehouse, *, instance: dg.DagsterInstance, say: Say) -> None:
    ending = ending_of(instance, run.run_id)
    changes = {"ended_at": utc_now(), "status": ending.status, "is_blocked": bool(ending.blocked)}
    append_run(study.output, run.model_copy(update=changes))
    report_run(study, warehouse=warehouse, run_id=run.run_id, failure=ending.failure, say=say)
