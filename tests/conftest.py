"""A small demo study, written and run once, for every test that looks at what comes out."""

import fcntl
import os
import sys
from pathlib import Path

import pytest

from pipelines.demo import write_demo
from pipelines.run import run_study
from pipelines.study import Study, load_study
from tests.small_extracts import SmallLake

# No run of a test sends alerts to where the developer's own go.
os.environ.pop("ICP_ALERT_URLS", None)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Names a failure when it happens: the summary comes only at the end of a long run, if it comes."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        sys.stderr.write(f"\n{report.when} failed: {report.nodeid}\n")


def in_silence(_line: str) -> None:
    """Progress that nobody watches."""


@pytest.fixture
def lake(tmp_path: Path) -> SmallLake:
    """A folder for a few extracts, and the lake that is read from it."""
    return SmallLake(tmp_path)


@pytest.fixture(scope="session")
def demo_study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A simulated study with its truth beside it: 200 pilot people, 4,000 others; run and published.

    Tests only read it. Where tests run in several processes, the first that asks makes it for all.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    made = shared / "demo_study"
    with (shared / "demo_study.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            made.symlink_to(_make_demo(tmp_path_factory.mktemp("studies") / "demo"))
    return load_study(made.resolve())


def _make_demo(folder: Path) -> Path:
    write_demo(folder, people=200, seed=7, effects=(), dirt=False, progress=in_silence)
    run_study(load_study(folder), say=in_silence)
    return folder


@pytest.fixture(scope="session")
def published_demo(demo_study: Study) -> Path:
    """The analysts' file of the demo study."""
    return demo_study.published / "evaluation.duckdb"
