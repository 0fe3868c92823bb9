"""Progress of a run for the person who watches: a line per step, from Dagster's own events."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg

_LOGGER = logging.getLogger("icp.progress")


class _Steps(logging.Handler):
    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(logging.DEBUG)  # Dagster logs its events as debugging
        self.say = say

    def emit(self, record: logging.LogRecord) -> None:
        meta = getattr(record, "dagster_meta", {})
        event = meta.get("dagster_event")
        if event is None and record.levelno >= logging.INFO:
            self.say(str(meta.get("orig_message", record.getMessage())))
        elif event is not None and event.event_type == dg.DagsterEventType.STEP_START:
            self.say(str(event.step_key))


@dg.logger(description="Hands each step's start and each message of an asset to whoever watches the run.")
def progress_logger(_context: dg.InitLoggerContext) -> logging.Logger:
    """The one logger of our runs; silent unless `watched_by` is in force."""
    _LOGGER.setLevel(logging.DEBUG)
    _LOGGER.propagate = False
    return _LOGGER


@contextmanager
def watched_by(say: Callable[[str], None]) -> Iterator[None]:
    """Within the block, `say` gets a line for each step that starts and each message of an asset."""
    handler = _Steps(say)
    _LOGGER.addHandler(handler)
    try:
        yield
    finally:
        _LOGGER.removeHandler(handler)
