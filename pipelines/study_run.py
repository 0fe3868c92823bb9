"""Around every run, however it was started: the lock, the log of runs, the working file, and the end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg

from pipelines.arrivals import arrivals_key, look_at_extracts
from pipelines.dagster_home import dagster_instance
from pipelines.endings import Ending, ending_of, has_published
from pipelines.fingerprint import code_version, inputs_fingerprint
from pipelines.interrupts import no_stop_in_imports, noted_requests, undisturbed
from pipelines.locking import output_lock
from pipelines.protocol_log import note_protocol
from pipelines.pseudonym_key import key_of_study
from pipelines.reporting import DIED, latest_ledger, report_run
from pipelines.run_log import Run, append_run, begin_run, orphaned_runs, utc_now
from pipelines.study import Study
from pipelines.warehouse import Warehouse
from pipelines.working_file import WORKING_FILE, working_file

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
    such a run never counts as having taken anything in. A request to stop ends the run at the next step at the
    latest; what is written at its end is written whole.
    """
    with working_file(study) as warehouse, noted_requests():
        note_protocol(study, now=utc_now())
        run = begin_run(study, run_id=run_id, now=utc_now(), code_version=code_version(), inputs=inputs)
        arrivals = arrivals_key(look_at_extracts(study)) if inputs else ""
        run = run.model_copy(update={"arrivals": arrivals})
        try:
            append_run(study.output, run)
            yield warehouse
        finally:
            _end(study, run, warehouse, instance=instance, say=say)


def current_inputs(study: Study) -> str:
    """The fingerprint of everything that a run of the study would read now."""
    key = key_of_study(study)
    return inputs_fingerprint(study, key_id=key.key_id if key else "")


def end_orphans(study: Study, *, instance: dg.DagsterInstance, say: Say) -> tuple[Run, ...]:
    """Ends what a killed process left running, and tells people; the caller holds the study.

    Whoever holds the lock knows that nobody else does. Runs that wait for the lock are not in the log yet. A run
    that was killed when the published file was already its own has succeeded; any other has failed.
    """
    orphans = tuple(_ended_orphan(study, orphan) for orphan in orphaned_runs(study.output))
    for orphan in orphans:
        append_run(study.output, orphan)
        known = instance.get_run_by_id(orphan.run_id)
        if known is not None and not known.is_finished:
            instance.report_run_failed(known, message=ORPHANED)
    if orphans:
        failure = None if orphans[-1].status == "succeeded" else DIED
        with Warehouse(study.output / WORKING_FILE) as warehouse:
            report_run(study, warehouse=warehouse, run_id=orphans[-1].run_id, failure=failure, say=say)
    return orphans


def _ended_orphan(study: Study, orphan: Run) -> Run:
    status = "succeeded" if has_published(study.published, orphan.run_id) else "failed"
    return orphan.model_copy(update={"status": status, "ended_at": utc_now()})


def _end(study: Study, run: Run, warehouse: Warehouse, *, instance: dg.DagsterInstance, say: Say) -> None:
    with undisturbed():
        ending = _ending(study, run, instance)
        changes = {"ended_at": utc_now(), "status": ending.status, "is_blocked": bool(ending.blocked)}
        left = {"inputs": "", "arrivals": ""} if _has_left_files(warehouse, run, ending) else {}
        append_run(study.output, run.model_copy(update=changes | left))
    with no_stop_in_imports():
        report_run(study, warehouse=warehouse, run_id=run.run_id, failure=ending.failure, say=say)


def _has_left_files(warehouse: Warehouse, run: Run, ending: Ending) -> bool:
    """Whether a run left files for the next one because they changed under it: then not everything is taken in."""
    if ending.status != "succeeded":
        return False
    return not latest_ledger(warehouse).filter(run_id=run.run_id, status="growing").is_empty()


def _ending(study: Study, run: Run, instance: dg.DagsterInstance) -> Ending:
    """How the run ended; one that was stopped when the published file was already its own has succeeded."""
    ending = ending_of(instance, run.run_id)
    is_done = ending.is_interruption and has_published(study.published, run.run_id)
    return Ending(blocked=(), failure=None) if is_done else ending
