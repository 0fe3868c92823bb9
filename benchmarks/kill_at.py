"""A process that runs a study again and again and kills its runs with SIGKILL.

    python -m benchmarks.kill_at STUDY

Reads one order a line: `boundary 12` kills a run at the 12th beginning or end of a step, `seconds 3.5` so long after
its begin, `starting 0.1` so long after its start, `whole` lets it end. Each run is a fork that does what `icp run`
does; what it needs is loaded before, so that no time passes in loading it. Answers with one line: the event and its
step, `killed`, or `ended` where the run was over before.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dagster as dg

import pipelines.alerts
import pipelines.quality.expectations
import pipelines.quality.page  # noqa: F401 - the three take ten seconds, once
from pipelines.run import run_study
from pipelines.run_log import read_runs
from pipelines.study import load_study

BOUNDARIES = {"STEP_START", "STEP_SUCCESS", "PIPELINE_SUCCESS"}
KILLED, ENDED = "killed", "ended"
LOOK_SECONDS = 0.01


def main() -> int:
    """Serve until standard input is closed."""
    folder = Path(sys.argv[1])
    for line in sys.stdin:
        order, _, value = line.strip().partition(" ")
        sys.stdout.write(f"{_obey(folder, order, float(value or 0))}\n")
        sys.stdout.flush()
    return 0


def killed_at(folder: Path, number: int) -> str:
    """The event at which a run was killed, the n-th one; `ended` if the run had fewer."""
    reading, writing = os.pipe()
    child = _forked(folder, before=lambda: _die_at(number, writing))
    os.close(writing)
    with os.fdopen(reading) as answer:
        told = answer.read()
    _wait(child)
    return told or ENDED


def killed_after(folder: Path, seconds: float, *, is_begun: bool) -> str:
    """Whether a run was still at work some seconds after its begin, or after the start of its process."""
    known = len(read_runs(folder / "output"))
    child = _forked(folder)
    while is_begun and len(read_runs(folder / "output")) == known and not _is_over(child):
        time.sleep(LOOK_SECONDS)
    time.sleep(seconds)
    is_over = _is_over(child)
    os.kill(child, signal.SIGKILL)  # one that is over waits to be asked for: the number is still its own
    _wait(child)
    return ENDED if is_over else KILLED


def _obey(folder: Path, order: str, value: float) -> str:
    if order == "boundary":
        return killed_at(folder, int(value))
    if order == "whole":
        _wait(_forked(folder))
        return ENDED
    return killed_after(folder, value, is_begun=order == "seconds")


def _forked(folder: Path, *, before: Callable[[], None] = lambda: None) -> int:
    child = os.fork()
    if child == 0:
        before()
        run_study(load_study(folder), say=lambda _line: None)
        os._exit(0)
    return child


def _is_over(child: int) -> bool:
    """Without asking for its status, so that its number is not given to another process."""
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _wait(child: int) -> None:
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit("a run failed by itself")


def _die_at(number: int, writing: int) -> None:
    """Lets Dagster's record of the event be written, then ends this process where nobody can clear up."""
    seen = 0
    store = dg.DagsterInstance.handle_new_event

    def handle(instance: dg.DagsterInstance, entry: Any, **options: Any) -> None:
        nonlocal seen
        store(instance, entry, **options)
        event = entry.dagster_event
        if event is not None and event.event_type_value in BOUNDARIES:
            seen += 1
            if seen == number:
                os.write(writing, f"{event.event_type_value} {event.step_key or 'run'}".encode())
                os.kill(os.getpid(), signal.SIGKILL)

    patch.object(dg.DagsterInstance, "handle_new_event", handle).start()


if __name__ == "__main__":
    sys.exit(main())
