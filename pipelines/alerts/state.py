"""What the alerts remember between runs: open problems, and for each channel the messages that wait."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError


class Remembered(BaseModel):
    """Settings of everything in the file: nothing unknown, nothing changed in place."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OpenProblem(Remembered):
    """A problem that stands; `since` is when it was first seen (UTC), `run_id` the run that saw it last."""

    kind: str
    title: str
    body: str
    severity: str
    since: datetime
    run_id: str


class Message(Remembered):
    """One message to one channel. `attempt`: `sending` is written before it is sent, so that one found in a file
    was cut short; `unsure` may have arrived, as nothing came back in time."""

    message_id: str
    problem_id: str
    event: Literal["new", "worse", "cleared"]
    severity: str
    subject: str
    text: str
    attempt: Literal["waiting", "sending", "unsure"] = "waiting"


class Channel(Remembered):
    """Messages that a channel has yet to get, oldest first; failures in a row, and when to try again (UTC)."""

    last_named_at: datetime
    failures: int = 0
    try_after: datetime | None = None
    messages: tuple[Message, ...] = ()


class AlertState(Remembered):
    """The file `output/alerts.json`: problems by id, channels by a hash of their URL (never the URL itself)."""

    version: Literal[1] = 1
    problems: dict[str, OpenProblem] = {}
    channels: dict[str, Channel] = {}


def read_state(path: Path, *, say: Callable[[str], None]) -> AlertState:
    """What the file remembers; nothing when there is none, or when it cannot be read (it is then kept aside)."""
    try:
        return AlertState.model_validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return AlertState()
    except (ValidationError, OSError):
        aside = path.with_name(f"{path.name}.broken")
        say(f"alerts: {path.name} cannot be read; begun anew, so that open problems are told again ({aside.name} kept)")
        _keep_aside(path, aside, say=say)
        return AlertState()


def write_state(path: Path, state: AlertState) -> None:
    """Replaces the file in one step: whoever reads, or a kill at any moment, finds the old or the new one whole."""
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="utf-8") as file:
        file.write(state.model_dump_json(indent=1))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _keep_aside(path: Path, aside: Path, *, say: Callable[[str], None]) -> None:
    try:
        path.replace(aside)
    except OSError as error:
        say(f"alerts: {path.name} could not be kept aside ({type(error).__name__})")
