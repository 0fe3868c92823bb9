"""Whole runs that are disturbed: refused, stopped, killed, out of room; the published file stays whole, and the next
run ends as if nothing had been."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.after_kills import left_behind, published_contents
from benchmarks.killed_study import Study as KilledStudy
from pipelines.dagster_home import dagster_instance
from pipelines.run import run_study
from pipelines.run_log import read_runs
from pipelines.study import load_study
from tests.tiny_study import write_tiny_study

KILLS = 3
BOUNDARIES = {"STEP_START", "STEP_SUCCESS"}
PUBLISHED = "STEP_SUCCESS published"


def in_silence(_line: str) -> None:
    """Progress that nobody watches."""


def run(folder: Path) -> None:
    run_study(load_study(folder), say=in_silence)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Path:
    """A study that ran once, and nothing happened."""
    folder = write_tiny_study(tmp_path_factory.mktemp("undisturbed") / "study")
    run(folder)
    return folder


@pytest.fixture
def folder(undisturbed, tmp_path) -> Path:
    """The same study with the same file times, not yet run."""
    ignored = shutil.ignore_patterns("output")
    return Path(shutil.copytree(undisturbed, tmp_path / "study", ignore=ignored))


def assert_as_if_nothing_had_been(folder: Path, undisturbed: Path) -> None:
    run(folder)
    assert published_contents(folder / "output") == published_contents(undisturbed / "output")
    assert left_behind(folder / "output") == []
    assert read_runs(folder / "output")[-1].status == "succeeded"


def started(folder: Path) -> subprocess.Popen[str]:
    """`icp run` in a process of its own that has begun its run; Ctrl-C reaches it even where it does not reach us."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", "run", folder],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    wait_until(lambda: process.poll() is not None or bool(read_runs(folder / "output")))
    assert process.poll() is None
    return process


def wait_until(is_so: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


def test_a_second_run_is_refused_and_a_stopped_one_publishes_nothing(folder, undisturbed):
    first = started(folder)
    first.send_signal(signal.SIGSTOP)  # held where it is, so that it cannot end before it is stopped
    second = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "run", folder], capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert f"another run holds this study (run {read_runs(folder / 'output')[0].run_id}" in second.stderr
    assert f"process {first.pid})" in second.stderr
    first.send_signal(signal.SIGINT)
    first.send_signal(signal.SIGCONT)
    _, told = first.communicate(timeout=120)
    assert (first.returncode, told.strip()) == (1, "stopped")
    assert [run.status for run in read_runs(folder / "output")] == ["failed"]
    assert published_contents(folder / "output") is None
    assert_as_if_nothing_had_been(folder, undisturbed)


def boundaries(folder: Path) -> list[str]:
    """The beginnings and ends of steps of a study's first run, in their order."""
    with dagster_instance(folder / "output") as instance:
        events = [entry.dagster_event for entry in instance.all_logs(read_runs(folder / "output")[0].run_id)]
    return [f"{e.event_type_value} {e.step_key}" for e in events if e is not None and e.event_type_value in BOUNDARIES]


def test_kills_at_the_beginning_and_end_of_steps_tear_nothing(folder, undisturbed):
    expected = published_contents(undisturbed / "output")
    known = boundaries(undisturbed)
    chosen = np.random.default_rng(20090401).choice(len(known), size=KILLS, replace=False)
    with KilledStudy(folder).killed_as_ordered() as order:
        for number in chosen.tolist():
            assert order(f"boundary {number + 1}") == known[number]
            assert published_contents(folder / "output") in (None, expected)
    assert_as_if_nothing_had_been(folder, undisturbed)
    assert {run.status for run in read_runs(folder / "output")[:-1]} == {"failed"}


def test_a_run_that_was_killed_after_publishing_has_succeeded(folder, undisturbed):
    with KilledStudy(folder).killed_as_ordered() as order:
        assert order(f"boundary {boundaries(undisturbed).index(PUBLISHED) + 1}") == PUBLISHED
    outcome = run_study(load_study(folder), say=in_silence)
    assert not outcome.is_new
    assert [run.status for run in read_runs(folder / "output")] == ["succeeded"]
    assert outcome.published.readlink() == Path(f"evaluation-{outcome.run_id}.duckdb")
    assert published_contents(folder / "output") == published_contents(undisturbed / "output")
    assert (folder / "output" / "quality" / "index.html").is_file()
