"""What becomes of a fault in a step: tried again if it passes by itself, else told without any value of a row."""

import errno
import inspect
import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar, overload

import dagster as dg
import duckdb

from pipelines.errors import IcpError
from pipelines.interrupts import no_stop_in_imports, stop_if_asked
from pipelines.storage import storage_error

DEBUG = "ICP_DEBUG"
UNEXPECTED = "unexpected fault"
TRIES = 3
WAIT_SECONDS = 20
# Shared folders that were away, a device that stumbled. Not a full disk: that needs a person.
TRANSIENT = {
    errno.EAGAIN,
    errno.EBUSY,
    errno.ECONNRESET,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.EIO,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.ESTALE,
    errno.ETIMEDOUT,
}
_TRANSIENT_IN_WORDS = tuple(os.strerror(number).lower() for number in sorted(TRANSIENT))
_CHECKOUT = str(Path(__file__).parent.parent)
_P = ParamSpec("_P")
_R = TypeVar("_R")


class UnexpectedFaultError(IcpError):
    """A fault that nobody foresaw: its kind and place; its own message may hold values, so it is left out."""


def unexpected(fault: Exception) -> IcpError:
    """Kind and place of a fault, the place in this project if it went through it; a full disk is called by its name."""
    if (told := storage_error(fault)) is not None:
        return told
    frames = traceback.extract_tb(fault.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(_CHECKOUT) and "site-packages" not in frame.filename]
    frame = (ours or frames)[-1]
    return UnexpectedFaultError(
        f"{UNEXPECTED}: {type(fault).__name__} in {Path(frame.filename).name}, line {frame.lineno}",
        "nothing new was published; please report it",
        f"{DEBUG}=1 shows the whole message, which may hold values from the extracts",
    )


def is_transient(fault: Exception) -> bool:
    """Whether a fault of a file may pass by itself; DuckDB gives the system's words for it without their number.

    >>> is_transient(duckdb.IOException('IO Error: Could not read from file "a.csv": Input/output error'))
    True
    """
    if isinstance(fault, OSError):
        return fault.errno in TRANSIENT
    first_line = str(fault).partition("\n")[0].lower()
    return isinstance(fault, duckdb.IOException) and first_line.endswith(_TRANSIENT_IN_WORDS)


@overload
def guarded(step: Callable[_P, Iterator[_R]]) -> Callable[_P, Iterator[_R]]: ...


@overload
def guarded(step: Callable[_P, _R]) -> Callable[_P, _R]: ...


def guarded(step: Callable[_P, object]) -> Callable[_P, object]:
    """The function of an asset or check, so that Dagster's records get no value of a row from a fault in it.

    A transient fault of a file makes Dagster run the step again, up to three times, 20 seconds apart; a fault in
    data, contract or program never does. With `ICP_DEBUG` set, faults pass as they are.
    """
    if inspect.isgeneratorfunction(step):
        return _guarded_steps(step)

    @wraps(step)
    def guarded_step(*args: _P.args, **kwargs: _P.kwargs) -> object:
        with _told():
            return step(*args, **kwargs)

    return guarded_step


def _guarded_steps(step: Callable[_P, Iterator[object]]) -> Callable[_P, Iterator[object]]:
    @wraps(step)
    def guarded_steps(*args: _P.args, **kwargs: _P.kwargs) -> Iterator[object]:
        with _told():
            yield from step(*args, **kwargs)

    return guarded_steps


@contextmanager
def _told() -> Iterator[None]:
    try:
        with no_stop_in_imports():
            stop_if_asked()
            yield
    except (IcpError, dg.DagsterError, dg.RetryRequested):
        raise
    except Exception as fault:
        stop_if_asked()  # DuckDB makes "query interrupted" of a request to stop
        if is_transient(fault):
            raise dg.RetryRequested(max_retries=TRIES, seconds_to_wait=WAIT_SECONDS) from fault
        if isinstance(fault, OSError):
            raise storage_error(fault) or fault from None
        if os.environ.get(DEBUG):
            raise
        raise unexpected(fault) from None
