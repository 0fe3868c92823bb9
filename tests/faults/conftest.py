"""What tests of faults share: a study whose runs end, a channel that is up, and the command line."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines.cli import main
from tests.alert_channels import Runs, Webhook, study_in, webhook


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    """The ends of a study's runs; nothing has been told yet."""
    return Runs(study_in(tmp_path))


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    """A webhook that is the study's only channel."""
    with webhook() as channel:
        monkeypatch.setenv("ICP_ALERT_URLS", channel.url)
        yield channel


@pytest.fixture
def icp(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """The command line in this process: its exit code and what it says."""

    def run(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["icp", *map(str, arguments)])
        try:
            main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        return code, capsys.readouterr().err

    return run
