"""The end of a run, seen from the alerts: what stands, what to remember, what to send."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from pipelines.alerts.events import Circumstances, after_run
from pipelines.alerts.outbox import Book, channel_id_of, send_waiting
from pipelines.alerts.problems import clearing_of, problems_of
from pipelines.alerts.sending import channel_urls
from pipelines.alerts.state import AlertState, read_state, write_state
from pipelines.alerts.wording import plain
from pipelines.study import Study

STATE_FILE = "alerts.json"
LONGEST_WAIT_SECONDS = 60


def report_problems(
    study: Study,
    *,
    quality: pl.DataFrame,
    deliveries: pl.DataFrame,
    run_id: str,
    run_failure: str | None,
    now: datetime,
    say: Callable[[str], None],
) -> None:
    """Brings `output/alerts.json` up to date and sends what is due; called at the end of every run, however it ended.

    `quality`: the history of all runs, oldest first. `deliveries`: one row per file as of this run; empty if it did
    not get that far. `run_failure`: None when the run ended as it should or was blocked by data, DIED, or kind and
    place such as `OSError in admission_records`. `now`: UTC. Never raises because a channel is down or the output
    cannot be written; then it says so, and what was not sent is sent at the end of a later run.
    """
    urls = channel_urls(os.environ.get(study.protocol.alerts.to_env, ""))
    circumstances = Circumstances(
        study=study.protocol.study,
        title=plain(study.protocol.title or study.protocol.study),
        run_id=run_id,
        now=_as_utc(now),
    )
    path = study.output / STATE_FILE
    with _alone(study.output, say=say):
        state = after_run(
            read_state(path, say=say),
            problems_of(quality, deliveries, run_failure=run_failure),
            clearing=clearing_of(quality, deliveries, run_failure=run_failure),
            channel_ids=tuple(map(channel_id_of, urls)),
            circumstances=circumstances,
        )
        book = Book(state=state, save=_saver(path, say=say))
        book.save(state)
        if state.problems and not urls:
            open_now = f"{len(state.problems)} problem{'s' if len(state.problems) > 1 else ''} open"
            say(f"alerts: {open_now}, nothing sent: {study.protocol.alerts.to_env} is not set")
        send_waiting(book, urls, now=circumstances.now, say=say)


def _saver(path: Path, *, say: Callable[[str], None]) -> Callable[[AlertState], None]:
    """Writes the state; where that fails (disk full, read-only) alerts matter most, so they go out all the same."""
    complaints: set[str] = set()

    def save(state: AlertState) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_state(path, state)
        except OSError as error:
            complaint = type(error).__name__
            if complaint not in complaints:
                say(f"alerts: {path.name} cannot be written ({complaint}); messages may come again after the next run")
            complaints.add(complaint)

    return save


@contextmanager
def _alone(output: Path, *, say: Callable[[str], None]) -> Iterator[None]:
    """Holds `output/.alerts.lock`, waiting up to a minute for another process that sends."""
    try:
        output.mkdir(parents=True, exist_ok=True)
        file = (output / ".alerts.lock").open("a")
    except OSError:
        yield
        return
    with file:
        end = time.monotonic() + LONGEST_WAIT_SECONDS
        while not _is_locked(file.fileno()):
            if time.monotonic() > end:
                say("alerts: another process has been sending for a minute; going on without waiting for it")
                break
            time.sleep(0.1)
        yield


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _as_utc(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(tzinfo=None) if now.tzinfo else now
