"""The messages that wait, channel by channel: each sent once, in order, and none forgotten."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipelines.alerts.sending import Outcome, send
from pipelines.alerts.state import AlertState, Channel

LONGEST_SECONDS = 9.0
LONGEST_PAUSE_MINUTES = 60
WORDS = {
    Outcome.SENT: "is slow",
    Outcome.FAILED: "did not take a message",
    Outcome.UNSURE: "did not answer in time",
    Outcome.UNUSABLE: "has a URL that cannot be used (docs/alerts.md says which can)",
}


@dataclass
class Book:
    """The state while messages go out: `save` keeps it after every step."""

    state: AlertState
    save: Callable[[AlertState], None]

    def update(self, channel_id: str, channel: Channel) -> None:
        """Replaces a channel and keeps the state."""
        self.state = self.state.model_copy(update={"channels": self.state.channels | {channel_id: channel}})
        self.save(self.state)


def channel_id_of(url: str) -> str:
    """What stands for a channel in the state: 16 hex digits that do not tell its URL, which holds secrets."""
    return hashlib.sha256(url.encode()).hexdigest()[:16]


def send_waiting(book: Book, urls: Sequence[str], *, now: datetime, say: Callable[[str], None]) -> None:
    """Sends on each channel what waits for it; a channel that fails is left for the next run, the others go on.

    Each message is marked `sending` before it goes and taken out after it went, so that a kill between the two
    repeats it, marked as a possible repeat, and never loses it. A channel holds the run for at most 9 seconds.
    """
    for position, url in enumerate(urls, start=1):
        channel_id = channel_id_of(url)
        channel = book.state.channels[channel_id]
        if not channel.messages or (channel.try_after is not None and now < channel.try_after):
            continue
        outcome = _send_all(book, channel_id, url, now=now)
        waiting = len(book.state.channels[channel_id].messages)
        if waiting:
            left = f"messages left for the next run: {waiting}"
            say(f"alerts: channel {position} of {len(urls)} {WORDS[outcome]}; {left}")


def _send_all(book: Book, channel_id: str, url: str, *, now: datetime) -> Outcome:
    end = time.monotonic() + LONGEST_SECONDS
    while (channel := book.state.channels[channel_id]).messages:
        wait_seconds = end - time.monotonic()
        if wait_seconds < LONGEST_SECONDS / 3:
            break
        message = channel.messages[0]
        was_cut_short = message.attempt != "waiting"
        book.update(channel_id, _first_is(channel, "sending"))
        known = message.model_copy(update={"attempt": "unsure" if was_cut_short else "waiting"})
        outcome = send(url, known, wait_seconds=wait_seconds)
        if outcome is not Outcome.SENT:
            is_unsure = was_cut_short or outcome is Outcome.UNSURE
            book.update(channel_id, _failed(_first_is(channel, "unsure" if is_unsure else "waiting"), now))
            return outcome
        book.update(channel_id, channel.model_copy(update={"messages": channel.messages[1:], "failures": 0}))
    return Outcome.SENT


def _first_is(channel: Channel, attempt: str) -> Channel:
    first = channel.messages[0].model_copy(update={"attempt": attempt})
    return channel.model_copy(update={"messages": (first, *channel.messages[1:])})


def _failed(channel: Channel, now: datetime) -> Channel:
    failures = channel.failures + 1
    pause = min(2 ** (failures - 1), LONGEST_PAUSE_MINUTES) if failures > 1 else 0
    return channel.model_copy(update={"failures": failures, "try_after": now + timedelta(minutes=pause)})
