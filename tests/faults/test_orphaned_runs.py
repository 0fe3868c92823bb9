"""A run that was killed does not stay `running` for ever."""

import os
import signal
import subprocess
import sys
import time

import dagster as dg

from pipelines.run import run_study
from pipelines.run_log import read_runs
from pipelines.study import load_study
from tests.tiny_study import write_tiny_study


def test_the_next_run_marks_a_killed_one_as_failed(tmp_path):
    folder = write_tiny_study(tmp_path / "study")
    output = folder / "output"
    killed = subprocess.Popen([sys.executable, "-m", "pipelines.cli", "run", folder])
    for _ in range(600):
        if any(run.status == "running" for run in read_runs(output)):
            break
        time.sleep(0.1)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    (orphan,) = read_runs(output)
    assert orphan.status == "running"
    run_study(load_study(folder), say=lambda _line: None)
    statuses = {run.run_id: run.status for run in read_runs(output)}
    assert statuses.pop(orphan.run_id) == "failed"
    assert list(statuses.values()) == ["succeeded"]
    with dg.DagsterInstance.from_config(str(output / "dagster")) as instance:
        unfinished = [run for run in instance.get_runs() if not run.is_finished]
    assert unfinished == []
