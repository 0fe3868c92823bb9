"""A request to stop (Ctrl-C, SIGTERM, the web page's button) that nothing on its way can swallow.

Python raises such a request wherever the program happens to be. Two places are bad. A library that catches every
exception there, as Great Expectations does around each query, makes a fault of its own of it, and the run would go on.
And within an import it can leave a lock behind, so that the next import waits for ever. So each request is noted where
it arrives and asked after before every step, and within an import it is noted only.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType

REQUESTS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
IMPORTING = "<frozen importlib"
_NOBODY = -1


class _Notes:
    """The pipe into which the interpreter writes the number of every signal, and what was read from it."""

    def __init__(self) -> None:
        self.reading = _NOBODY
        self.is_asked = False

    def look(self) -> bool:
        """Whether a request came since the notes were opened."""
        while self.reading != _NOBODY and (numbers := _read(self.reading)):
            self.is_asked |= not REQUESTS.isdisjoint(numbers)
        return self.is_asked


_NOTES = _Notes()


@contextmanager
def noted_requests() -> Iterator[None]:
    """Notes requests to stop for the block; outside the main thread, where no signal arrives, it notes nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    _NOTES.reading, _NOTES.is_asked = reading, False
    try:
        yield
    finally:
        _NOTES.reading, _NOTES.is_asked = _NOBODY, False
        signal.set_wakeup_fd(before)
        os.close(reading)
        os.close(writing)


def stop_if_asked() -> None:
    """Raises KeyboardInterrupt if somebody asked for the run to stop, even if that was swallowed at the time."""
    if _NOTES.look():
        raise KeyboardInterrupt


def no_stop_in_imports() -> AbstractContextManager[None]:
    """A block in which a request to stop is raised at once, as KeyboardInterrupt, but never within an import."""
    return _answered_by(_raise_outside_imports)


def undisturbed() -> AbstractContextManager[None]:
    """A short block that a request to stop does not cut through; it is for what must be written at the end."""
    return _answered_by(_only_note)


@contextmanager
def _answered_by(answer: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = [number for number in REQUESTS if signal.getsignal(number) not in (None, signal.SIG_IGN)]
    handlers = {number: signal.signal(number, answer) for number in heard}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _only_note(_number: int, _frame: FrameType | None) -> None:
    """The interpreter has noted it already."""


def _raise_outside_imports(_number: int, frame: FrameType | None) -> None:
    while frame is not None:
        if frame.f_code.co_filename.startswith(IMPORTING):
            return
        frame = frame.f_back
    raise KeyboardInterrupt


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 512)
    except BlockingIOError:
        return b""
