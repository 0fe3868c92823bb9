"""A run that was killed or stopped does not stay `running` for ever, and is not called what it is not."""

import os
import signal
import subprocess
import sys
import time

import dagster as dg
import pytest

from pipelines.dagster_home import dagster_instance
from pipelines.run import run_study
from pipelines.run_log import append_run, begin_run, read_runs, utc_now
from pipelines.study import load_study
from pipelines.study_run import recorded_run
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


def test_a_line_of_the_log_that_was_cut_short_does_not_swallow_the_next_one(tmp_path):
    study = load_study(write_tiny_study(tmp_path / "study"))
    first, cut, last = (
        begin_run(study, run_id=run_id, now=utc_now(), code_version="", inputs="") for run_id in ("one", "cut", "last")
    )
    append_run(study.output, first)
    log = study.output / "runs.jsonl"
    log.write_text(log.read_text() + cut.model_dump_json()[:40])
    append_run(study.output, last)
    append_run(study.output, last.model_copy(update={"status": "failed"}))
    assert [(run.run_id, run.status) for run in read_runs(study.output)] == [("one", "running"), ("last", "failed")]


@pytest.mark.parametrize(("published", "status"), [("evaluation-cut.duckdb", "succeeded"), ("", "failed")])
def test_a_run_that_is_stopped_has_succeeded_only_if_the_published_file_is_its_own(tmp_path, published, status):
    study = load_study(write_tiny_study(tmp_path / "study"))
    study.published.mkdir(parents=True)
    (study.published / "evaluation.duckdb").symlink_to(published or "evaluation-earlier.duckdb")
    with (
        dagster_instance(study.output) as instance,
        pytest.raises(KeyboardInterrupt),
        recorded_run(study, run_id="cut", inputs="", instance=instance, say=lambda _line: None),
    ):
        raise KeyboardInterrupt
    assert [run.status for run in read_runs(study.output)] == [status]
