"""How a run ended, read off Dagster's own events: the same answer whichever way it was started."""

import re
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from pipelines.faults import UNEXPECTED
from pipelines.publishing import LINK

INTERRUPTED = "interrupted"
CHECK_FAILED = "DagsterAssetCheckFailedError"
REQUESTS_TO_STOP = {"DagsterExecutionInterruptedError", "KeyboardInterrupt"}
_UNEXPECTED = re.compile(rf"\b{UNEXPECTED}: (?P<kind>\w+) in ")
_STEPS = {dg.DagsterEventType.STEP_SUCCESS, dg.DagsterEventType.STEP_FAILURE}


@dataclass(frozen=True)
class Ending:
    """`blocked` holds what each failed blocking rule says; `failure` is kind and place of an unexpected fault."""

    blocked: tuple[str, ...]
    failure: str | None

    @property
    def status(self) -> str:
        """As the published table `runs` knows it."""
        return "failed" if self.blocked or self.failure else "succeeded"

    @property
    def is_interruption(self) -> bool:
        """Whether somebody asked the run to stop, and nothing else was wrong."""
        return self.failure == INTERRUPTED and not self.blocked


def ending_of(instance: dg.DagsterInstance, run_id: str) -> Ending:
    """The ending of a run whose last step is over."""
    blocked = blocking_rules_failed(instance, run_id)
    records = instance.get_records_for_run(run_id, of_type=_STEPS).records
    events = [record.event_log_entry.get_dagster_event() for record in records]
    faults = [fault for event in events if event.is_step_failure and (fault := _fault(event))]
    finished = {event.step_key for event in events}
    if not faults and not blocked and not _planned(instance, run_id) <= finished:
        faults = [INTERRUPTED]
    return Ending(blocked=blocked, failure=faults[0] if faults else None)


def has_published(folder: Path, run_id: str) -> bool:
    """Whether the published file in a folder is the one that this run wrote."""
    link = folder / LINK
    return link.is_symlink() and link.readlink().name == f"evaluation-{run_id}.duckdb"


def blocking_rules_failed(instance: dg.DagsterInstance, run_id: str) -> tuple[str, ...]:
    """What the failed blocking checks of a run say, each in one line."""
    records = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION).records
    found = [record.event_log_entry.asset_check_evaluation for record in records]
    return tuple(
        evaluation.description or evaluation.check_name
        for evaluation in found
        if evaluation and not evaluation.passed and evaluation.blocking and _is_error(evaluation)
    )


def _is_error(evaluation: dg.AssetCheckEvaluation) -> bool:
    return evaluation.severity == dg.AssetCheckSeverity.ERROR


def _fault(event: dg.DagsterEvent) -> str | None:
    """Kind and step of a fault, without its message, which may hold values; None where a check stopped the run.

    INTERRUPTED where somebody asked the run to stop.
    """
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    if error is None or error.cls_name == CHECK_FAILED:
        return None
    if error.cls_name in REQUESTS_TO_STOP:
        return INTERRUPTED
    told = _UNEXPECTED.search(error.message)
    return f"{told['kind'] if told else error.cls_name} in {event.step_key}"


def _planned(instance: dg.DagsterInstance, run_id: str) -> set[str]:
    run = instance.get_run_by_id(run_id)
    snapshot = run.execution_plan_snapshot_id if run else None
    return set(instance.get_execution_plan_snapshot(snapshot).step_keys_to_execute) if snapshot else {INTERRUPTED}
