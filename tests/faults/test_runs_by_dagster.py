"""A run that Dagster starts has the same lock, log, page and alerts around it as `icp run`, however it ends."""

import fcntl
import json
import subprocess
import sys
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from pipelines import definitions
from pipelines.dagster_home import dagster_instance
from pipelines.definitions import JOB, build_definitions, recorded_warehouse
from pipelines.died_runs import died_runs_sensor
from pipelines.errors import IcpError
from pipelines.run import run_study
from pipelines.run_log import Run, append_run, begin_run, read_runs, utc_now
from pipelines.study import load_study
from pipelines.study_run import recorded_run
from pipelines.working_file import working_file
from tests.tiny_study import write_tiny_study

REFUSED = {"admissions/admissions_2011-01.csv": "EPIKEY,PSEUDO_HESID\n6,A\n"}


@pytest.fixture
def folder(tmp_path) -> Path:
    return write_tiny_study(tmp_path / "study")


def run_by_dagster(folder: Path, *, selection: list[str] | None = None) -> dg.ExecuteInProcessResult:
    """As the daemon's run process does: the working file is the resource that brings lock and log along."""
    study = load_study(folder)
    job = build_definitions(study=study, warehouse=recorded_warehouse(study)).resolve_job_def(JOB)
    with dagster_instance(study.output) as instance:
        keys = [dg.AssetKey(name) for name in selection] if selection else None
        return job.execute_in_process(instance=instance, asset_selection=keys, raise_on_error=False)


def log_running(folder: Path, run_id: str) -> None:
    study = load_study(folder)
    append_run(study.output, begin_run(study, run_id=run_id, now=utc_now(), code_version="", inputs=""))


def logged(folder: Path) -> tuple[Run, ...]:
    return read_runs(folder / "output")


def problems(folder: Path) -> set[str]:
    return set(json.loads((folder / "output" / "alerts.json").read_text())["problems"])


def started_run(folder: Path) -> str:
    """The id of a run that Dagster knows as started."""
    study = load_study(folder)
    job = build_definitions(study=study, warehouse=recorded_warehouse(study)).resolve_job_def(JOB)
    with dagster_instance(study.output) as instance:
        return instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED).run_id


def dagster_status(folder: Path, run_id: str) -> dg.DagsterRunStatus:
    with dagster_instance(folder / "output") as instance:
        return instance.get_run_by_id(run_id).status


def watch(folder: Path) -> str:
    sensor = died_runs_sensor(folder, look_every_seconds=30)
    with (
        dagster_instance(folder / "output") as instance,
        dg.build_sensor_context(instance=instance) as context,
    ):
        return sensor(context).skip_message


def test_a_run_by_dagster_is_logged_published_and_seen_as_done_by_the_next_icp_run(folder):
    result = run_by_dagster(folder)
    (run,) = logged(folder)
    assert (run.run_id, run.status, run.is_blocked) == (result.run_id, "succeeded", False)
    assert run.ended_at is not None
    assert (folder / "output" / "quality" / "index.html").is_file()
    assert not run_study(load_study(folder), say=lambda _line: None).is_new


def test_a_refused_file_is_logged_as_blocking_and_told(tmp_path):
    folder = write_tiny_study(tmp_path / "study", files=REFUSED)
    run_by_dagster(folder)
    (run,) = logged(folder)
    assert (run.status, run.is_blocked) == ("failed", True)
    assert any(problem.startswith("delivery:admissions:") for problem in problems(folder))
    assert "run:failed" not in problems(folder)


def test_a_run_of_a_part_never_counts_as_having_taken_the_deliveries_in(folder):
    run_by_dagster(folder, selection=["published_results"])
    (run,) = logged(folder)
    assert (run.status, run.inputs, run.arrivals) == ("succeeded", "", "")


def test_a_run_by_dagster_waits_for_the_one_that_holds_the_study_and_gives_up_at_last(folder, monkeypatch):
    monkeypatch.setattr(definitions, "LONGEST_WAIT_SECONDS", 0.1)
    (folder / "output").mkdir()
    with (folder / "output" / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert not run_by_dagster(folder).success
    assert logged(folder) == ()


def test_a_run_that_died_is_marked_and_told_by_the_watcher_once_in_both_logs(folder):
    run_id = started_run(folder)
    log_running(folder, run_id)
    assert watch(folder) == f"died: {run_id}"
    assert [(run.run_id, run.status) for run in logged(folder)] == [(run_id, "failed")]
    assert dagster_status(folder, run_id) == dg.DagsterRunStatus.FAILURE
    assert "run:died" in problems(folder)
    assert watch(folder) == "no run died"


def test_the_watcher_leaves_a_run_alone_that_waits_for_the_study(folder):
    log_running(folder, "gone")
    waiting = started_run(folder)
    assert watch(folder) == "died: gone"
    assert dagster_status(folder, waiting) == dg.DagsterRunStatus.STARTED


def test_the_watcher_leaves_a_run_alone_that_holds_the_study(folder):
    log_running(folder, "living")
    with (folder / "output" / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert watch(folder) == "a run is under way"
    assert logged(folder)[0].status == "running"


def test_a_run_that_ends_before_its_last_step_is_an_interrupted_one(folder):
    study = load_study(folder)
    with (
        dagster_instance(study.output) as instance,
        pytest.raises(KeyboardInterrupt),
        recorded_run(study, run_id="cut", inputs="", instance=instance, say=lambda _line: None),
    ):
        raise KeyboardInterrupt
    assert logged(folder)[0].status == "failed"
    assert "run:failed" in problems(folder)


def test_a_working_file_that_another_program_has_open_is_named(folder, tmp_path):
    study = load_study(folder)
    study.output.mkdir()
    holder = study.output / "warehouse.duckdb"
    with duckdb.connect(holder) as connection:
        connection.execute("create table held (n int)")

    code = f"import duckdb, sys; c = duckdb.connect({str(holder)!r}); print('held', flush=True); sys.stdin.read()"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(IcpError, match="another program has it open"), working_file(study, wait_seconds=0):
            pass
    finally:
        process.kill()
        process.wait()
    with working_file(study) as warehouse:
        assert warehouse.count("held") == 0
