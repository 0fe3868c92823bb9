"""What tests of the alerts share: a study whose runs end, and a channel that is up."""

from collections.abc import Iterator
from pathlib import Path

import pytest

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
