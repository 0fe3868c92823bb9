"""A small demo study, written and run once, for every test that looks at what comes out."""

import os
from pathlib import Path

import pytest

from pipelines.demo import write_demo
from pipelines.run import run_study
from pipelines.study import Study, load_study

# No run of a test sends alerts to where the developer's own go.
os.environ.pop("ICP_ALERT_URLS", None)


def in_silence(_line: str) -> None:
    """Progress that nobody watches."""


@pytest.fixture(scope="session")
def demo_study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A simulated study with its truth beside it: 200 pilot people, 4,000 others; run and published."""
    folder = tmp_path_factory.mktemp("studies") / "demo"
    write_demo(folder, people=200, seed=7, effects=(), dirt=False, progress=in_silence)
    study = load_study(folder)
    run_study(study, say=in_silence)
    return study


@pytest.fixture(scope="session")
def published_demo(demo_study: Study) -> Path:
    """The analysts' file of the demo study."""
    return demo_study.published / "evaluation.duckdb"
