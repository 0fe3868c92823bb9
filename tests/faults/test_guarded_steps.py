"""A fault in a step: tried again only if it can pass by itself, and told without any value of a row."""

import errno
from collections.abc import Callable

import dagster as dg
import duckdb
import pytest

from pipelines import faults
from pipelines.endings import Ending, ending_of
from pipelines.errors import DataQualityError
from pipelines.faults import guarded

VALUE = "9990001234"


def ending_and_events(step: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> tuple[Ending, str]:
    """How a run of one asset ended, and everything that Dagster keeps of it."""
    monkeypatch.setattr(faults, "WAIT_SECONDS", 0)

    @dg.asset
    @guarded
    def table() -> None:
        step()

    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([table], instance=instance, raise_on_error=False)
        events = instance.all_logs(result.run_id)
        return ending_of(instance, result.run_id), "\n".join(map(repr, events))


def failing(error: Exception, *, times: int) -> Callable[[], None]:
    left = [error] * times

    def step() -> None:
        if left:
            raise left.pop()

    return step


def test_a_conversion_that_fails_is_told_by_kind_and_place_without_the_value(monkeypatch):
    monkeypatch.delenv("ICP_DEBUG", raising=False)

    def step() -> None:
        with duckdb.connect() as connection:
            connection.execute("select cast($1 as date)", [VALUE])

    ending, events = ending_and_events(step, monkeypatch)
    assert ending.status == "failed"
    assert ending.failure == "ConversionException in table"
    assert "ConversionException in test_guarded_steps.py, line " in events
    assert VALUE not in events


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EHOSTDOWN, "host is down"),
        duckdb.IOException('IO Error: Could not read from file "a.csv": Input/output error'),
        duckdb.IOException('IO Error: Cannot open file "a.csv": Stale file handle'),
    ],
)
def test_a_share_that_was_away_is_read_again_and_the_run_succeeds(monkeypatch, error):
    ending, _ = ending_and_events(failing(error, times=3), monkeypatch)
    assert ending == Ending(blocked=(), failure=None)


def test_a_share_that_stays_away_ends_the_run_after_three_more_tries(monkeypatch):
    ending, events = ending_and_events(failing(OSError(errno.EIO, "input/output error"), times=4), monkeypatch)
    assert ending.failure == "OSError in table"
    assert events.count("'STEP_RESTARTED'") == 3


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "no space left"), "DiskFullError"),
        (PermissionError(errno.EACCES, "permission denied"), "NoRightError"),
        (DataQualityError("a rule failed"), "DataQualityError"),
        (duckdb.IOException('IO Error: Could not write file "x": No space left on device'), "DiskFullError"),
        (duckdb.IOException(f"IO Error: {VALUE}"), "IOException"),
    ],
)
def test_a_full_disk_a_missing_right_or_a_data_error_is_not_tried_again(monkeypatch, error, told):
    ending, events = ending_and_events(failing(error, times=1), monkeypatch)
    assert ending.failure == f"{told} in table"
    assert "STEP_UP_FOR_RETRY" not in events
    assert VALUE not in events


def test_a_generator_is_guarded_from_its_first_line_to_its_last(monkeypatch):
    monkeypatch.delenv("ICP_DEBUG", raising=False)

    @guarded
    def steps():
        yield 1
        raise ValueError(VALUE)

    given = steps()
    assert next(given) == 1
    with pytest.raises(faults.UnexpectedFaultError, match=r"ValueError in test_guarded_steps.py") as told:
        next(given)
    assert VALUE not in str(told.value)
    assert told.value.exit_code == 1


def test_with_debugging_on_a_fault_passes_as_it_is(monkeypatch):
    monkeypatch.setenv("ICP_DEBUG", "1")

    @guarded
    def step():
        raise ValueError(VALUE)

    with pytest.raises(ValueError, match=VALUE):
        step()
