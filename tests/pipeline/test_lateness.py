"""A delivery is late when nothing comes: a run that finds nothing new says so, and takes it back when one has come."""

import json
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from pipelines import run
from pipelines.quality.history import read_quality
from pipelines.run import run_study
from pipelines.run_log import utc_now
from pipelines.study import load_study
from tests.tiny_study import PROTOCOL, write_tiny_study

STILL_TO_COME = PROTOCOL.replace("data_until: 2010-12-31", "data_until: 2030-12-31")
LATE_AFTER_DAYS = 40
LATE = "quality:hes_apc:extract_fresh:table"
WITHOUT_GREAT_EXPECTATIONS = """
import sys
from pathlib import Path
from pipelines.run import run_study
from pipelines.study import load_study
assert not run_study(load_study(Path(sys.argv[1])), say=lambda line: None).is_new
assert "great_expectations" not in sys.modules
"""


def in_silence(_line: str) -> None:
    """Progress that nobody watches."""


def study_of(folder: Path, *, synthetic: bool) -> Path:
    """A study whose deliveries came 35 days ago, run once."""
    protocol = STILL_TO_COME.replace("synthetic: true", f"synthetic: {str(synthetic).lower()}")
    root = write_tiny_study(folder, protocol=protocol)
    came = time.time() - (LATE_AFTER_DAYS - 5) * 86400
    for path in root.glob("extracts/*/*"):
        os.utime(path, (came, came))
    run_study(load_study(root), say=in_silence)
    return root


def look_after(days: int, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run some days later that finds nothing new."""
    monkeypatch.setattr(run, "utc_now", lambda: utc_now() + timedelta(days=days))
    assert not run_study(load_study(root), say=in_silence).is_new


def problems(root: Path) -> set[str]:
    return set(json.loads((root / "output" / "alerts.json").read_text())["problems"])


def lateness(root: Path) -> list[tuple[str, int]]:
    rows = read_quality(root / "output").filter(rule_id="extract_fresh", contract_id="hes_apc")
    return list(rows.select("status", "failed_rows").iter_rows())


def test_a_run_with_nothing_new_notices_that_a_delivery_is_late_and_the_next_one_clears_it(tmp_path, monkeypatch):
    root = study_of(tmp_path / "study", synthetic=False)
    page = root / "output" / "quality" / "index.html"
    first_page = page.read_bytes()
    look_after(4, root, monkeypatch)
    assert (lateness(root), LATE in problems(root)) == ([("pass", 0)], False)
    assert page.read_bytes() == first_page
    look_after(6, root, monkeypatch)
    assert (lateness(root), LATE in problems(root)) == ([("fail", 1)], True)
    assert page.read_bytes() != first_page
    for path in root.glob("extracts/*/*"):
        path.touch()
    monkeypatch.setattr(run, "utc_now", utc_now)
    run_study(load_study(root), say=in_silence)
    assert (lateness(root), LATE in problems(root)) == ([("pass", 0), ("pass", 0)], False)
    subprocess.run([sys.executable, "-c", WITHOUT_GREAT_EXPECTATIONS, root], check=True)


def test_a_made_up_study_is_never_late(tmp_path, monkeypatch):
    root = study_of(tmp_path / "study", synthetic=True)
    look_after(1000, root, monkeypatch)
    assert lateness(root) == [("not_evaluated", 0)]
    assert LATE not in problems(root)
