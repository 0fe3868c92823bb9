"""`make ui` on a small study: what was run by hand is listed, a delivery starts a run, a stop leaves nothing."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.run import REPOSITORY_TAG, run_study
from pipelines.run_log import Run, read_runs
from pipelines.study import load_study
from tests.alert_channels import Webhook, webhook
from tests.tiny_study import FILES, write_tiny_study

HEADER = FILES["admissions/admissions_2010-01_to_2010-12.csv"].splitlines()[0]
EPISODE = "{key},A,2011-01-03,2011-01-04,1,3,2011-01-03,2011-01-04,21,19,1,19,1,RXX"
PATIENCE_SECONDS = 120


@dataclass
class Served:
    """A study with its web server and daemon, started as `make ui` starts them, and the webhook that it alerts."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    channel: Webhook

    def ask(self, query: str) -> dict:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql",
            data=json.dumps({"query": query}).encode(),
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)["data"]

    def runs(self) -> tuple[Run, ...]:
        return read_runs(self.folder / "output")

    def deliver(self, month: str, *, key: int) -> None:
        path = self.folder / "extracts" / "admissions" / f"admissions_{month}.csv"
        path.write_text(f"{HEADER}\n{EPISODE.format(key=key).replace('2011-01', month)}\n")


def wait_until(is_so: Callable[[], bool], *, what: str) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < give_up_at, f"waited in vain: {what}"
        time.sleep(0.2)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def processes_of(folder: Path) -> set[int]:
    """Every living process that was started for this study, however deep below the first."""
    mark = f"ICP_STUDY={folder}".encode()
    return {int(path.parent.name) for path in Path("/proc").glob("[0-9]*/environ") if mark in _environment(path)}


def held_by(folder: Path) -> int:
    """The process that holds the study, as its lock says."""
    return int((folder / "output" / ".lock").read_text().rsplit(" ", 1)[1])


def is_asked_to_stop(pid: int) -> bool:
    """Whether a request to stop waits for a process, from the kernel's mask of pending signals."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (pending,) = (line.split()[1] for line in lines if line.startswith("ShdPnd"))
    return bool(int(pending, 16) & 1 << (signal.SIGTERM - 1))


def _environment(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().split(b"\0")
    except OSError:
        return []


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Served]:
    folder = write_tiny_study(tmp_path_factory.mktemp("served") / "study")
    run_study(load_study(folder), say=lambda _line: None)
    with webhook() as channel:
        yield from serving(folder, channel)


def serving(folder: Path, channel: Webhook) -> Iterator[Served]:
    """Web server and daemon of a study; ends them by their ids and leaves none."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.ui", folder, "--port", str(port)],
        env={**os.environ, "ICP_LOOK_EVERY_SECONDS": "2", "ICP_ALERT_URLS": channel.url},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    served = Served(folder, port, process, channel)

    def is_up() -> bool:
        try:
            return bool(served.ask("{ version }"))
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    try:
        wait_until(is_up, what="the web server answers")
        yield served
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
        left = processes_of(folder)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        assert not left


def test_a_run_made_by_hand_stands_on_the_page_of_its_job(served):
    (by_hand,) = served.runs()
    (tag,) = REPOSITORY_TAG.items()
    query = """{ pipelineRunsOrError(filter: {pipelineName: "evaluate", tags: [{key: "%s", value: "%s"}]})
        { ... on Runs { results { runId status } } } }"""
    listed = served.ask(query % tag)["pipelineRunsOrError"]["results"]
    assert {"runId": by_hand.run_id, "status": "SUCCESS"} in listed


def test_the_study_is_loaded_with_its_sensors_on(served):
    query = """{ repositoryOrError(repositorySelector:
        {repositoryName: "__repository__", repositoryLocationName: "pipelines.definitions"})
        { ... on Repository { jobs { name } sensors { name sensorState { status } } } } }"""
    found = served.ask(query)["repositoryOrError"]
    assert "evaluate" in {job["name"] for job in found["jobs"]}
    states = {sensor["name"]: sensor["sensorState"]["status"] for sensor in found["sensors"]}
    assert states == {"new_deliveries": "RUNNING", "died_runs": "RUNNING"}


def test_a_delivery_starts_a_run_without_hands_and_is_published(served):
    served.deliver("2011-01", key=101)
    wait_until(lambda: len(served.runs()) == 2 and served.runs()[-1].ended_at is not None, what="a run of its own")
    run = served.runs()[-1]
    assert run.status == "succeeded"
    published = served.folder / "output" / "published" / "evaluation.duckdb"
    assert published.readlink() == Path(f"evaluation-{run.run_id}.duckdb")
    assert (served.folder / "output" / "quality" / "index.html").is_file()


def test_a_delivery_that_is_refused_is_told_at_the_webhook_without_hands(served):
    before = len(served.runs())
    broken = served.folder / "extracts" / "admissions" / "admissions_2011-03.csv"
    broken.write_text("EPIKEY,PSEUDO_HESID\n103,A\n")
    wait_until(lambda: any("refused" in subject for subject in served.channel.subjects), what="the alert")
    wait_until(lambda: len(served.runs()) > before and served.runs()[-1].ended_at is not None, what="the run's end")
    assert (served.runs()[-1].status, served.runs()[-1].is_blocked) == ("failed", True)
    (message,) = [one for one in served.channel.received if "refused" in one["title"]]
    assert broken.name in message["message"]
    broken.unlink()


def test_stopping_in_the_middle_of_a_run_ends_everything_in_order(served):
    served.deliver("2011-02", key=102)
    before = len(served.runs())
    wait_until(lambda: len(served.runs()) > before, what="a run under way")
    run_process = held_by(served.folder)
    os.kill(run_process, signal.SIGSTOP)  # held where it is, so that it cannot end before it is stopped
    run = served.runs()[-1]
    assert run.status == "running"
    served.process.send_signal(signal.SIGINT)
    wait_until(lambda: is_asked_to_stop(run_process), what="the stop reaches the run")
    os.kill(run_process, signal.SIGCONT)
    assert served.process.wait(timeout=60) == 0
    assert processes_of(served.folder) == set()
    assert (served.runs()[-1].run_id, served.runs()[-1].status) == (run.run_id, "failed")
    published = served.folder / "output" / "published" / "evaluation.duckdb"
    assert published.readlink() != Path(f"evaluation-{run.run_id}.duckdb")
