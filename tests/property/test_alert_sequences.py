"""Whatever comes and goes, and whichever channel is down meanwhile: each change is told once to each, in order."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.study import Study
from tests.alert_channels import SEX_IS_MISSING, Runs, study_in

COLUMNS = ("DIAG_01", "ETHNOS", "SEX")
FATES = ("pass", "warning", "error", "not_evaluated", "engine")
RULES = st.fixed_dictionaries({column: st.sampled_from(FATES) for column in COLUMNS})
STEPS = st.lists(st.tuples(RULES, st.tuples(st.booleans(), st.booleans()), st.booleans()), min_size=1, max_size=8)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return study_in(tmp_path_factory.mktemp("alert_sequences"))


@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_every_channel_gets_each_appearance_and_each_clearing_once_and_in_order(
    study: Study, steps: list[tuple[dict[str, str], tuple[bool, bool], bool]]
):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as environment:
        runs = Runs(replace(study, output=Path(folder) / "output"))
        logs = [Path(folder) / name / "alerts.log" for name in ("one", "two")]
        urls = " ".join(f"file://{log}" for log in logs)
        for fates, ups, has_urls in steps:
            environment.setenv("ICP_ALERT_URLS", urls if has_urls else "")
            for log, is_up in zip(logs, ups, strict=True):
                put(log, is_up=is_up)
            runs.end(*(rule(column, fate) for column, fate in fates.items()))
        environment.setenv("ICP_ALERT_URLS", urls)
        for log in logs:
            put(log, is_up=True)
        for _ in range(2):
            runs.end(*(rule(column, fate) for column, fate in steps[-1][0].items()))
        first_named = next((number for number, (_, _, has_urls) in enumerate(steps) if has_urls), len(steps) - 1)
        for log in logs:
            told = read(log)
            for column in COLUMNS:
                about = [event for event, place in told if place == f"hes_apc {column}"]
                assert about == expected([fates[column] for fates, _, _ in steps], first_named=first_named)
            assert [event for event, place in told if place == "engine"] == expected(
                ["error" if "engine" in fates.values() else "pass" for fates, _, _ in steps], first_named=first_named
            )


def expected(fates: Sequence[str], *, first_named: int) -> list[str]:
    """The messages about one problem, by hand: a channel hears from the first run that names it on."""
    events: list[str] = []
    severity: str | None = None
    for number, fate in enumerate(fates):
        before = severity
        if fate == "pass":
            severity = None
        elif fate in ("warning", "error"):
            severity = fate
        is_told = number >= first_named
        if (number == first_named and severity) or (is_told and severity and before is None):
            events.append(f"New ({severity})")
        elif is_told and (before, severity) == ("warning", "error"):
            events.append("Worse (error)")
        elif number > first_named and before and severity is None:
            events.append(f"Cleared ({before})")
    return events


def rule(column: str, fate: str) -> dict[str, Any]:
    if fate in ("not_evaluated", "engine"):
        status = "error" if fate == "engine" else fate
        return {**SEX_IS_MISSING, "column_name": column, "status": status, "evaluated_rows": None, "failed_rows": None}
    is_passed = fate == "pass"
    return {
        **SEX_IS_MISSING,
        "column_name": column,
        "severity": "error" if is_passed else fate,
        "failed_rows": 0 if is_passed else 500,
        "status": "pass" if is_passed else "fail",
    }


def put(log: Path, *, is_up: bool) -> None:
    """A file channel is down while a file stands where its folder should be."""
    aside = log.parent.with_name(f"{log.parent.name}.aside")
    if is_up and not log.parent.is_dir():
        log.parent.unlink(missing_ok=True)
        aside.replace(log.parent) if aside.exists() else log.parent.mkdir()
    elif not is_up and not log.parent.is_file():
        if log.parent.is_dir():
            log.parent.replace(aside)
        log.parent.write_text("", encoding="utf-8")


def read(log: Path) -> list[tuple[str, str]]:
    """Event and place of each message in a file, in order."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    subjects = [line.removeprefix("[tiny] ") for line in lines if line.startswith("[tiny] ")]
    parts = [subject.split(": ") for subject in subjects]
    return [(part[0], "engine" if part[1].startswith("Rules could not") else part[1]) for part in parts]
