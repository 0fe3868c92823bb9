"""What is to be told: the problems of this run against those that were open, a message per change and channel."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipelines.alerts.problems import Problem
from pipelines.alerts.state import AlertState, Channel, Message, OpenProblem

FORGET_AFTER = timedelta(days=30)
WORDS = {"new": "New", "worse": "Worse", "cleared": "Cleared"}


@dataclass(frozen=True)
class Circumstances:
    """Of which study and run a message speaks, and when (UTC)."""

    study: str
    title: str
    run_id: str
    now: datetime


def after_run(
    state: AlertState,
    problems: Collection[Problem],
    *,
    clearing: Callable[[str], str | None],
    channel_ids: Collection[str],
    circumstances: Circumstances,
) -> AlertState:
    """The state with this run's problems, and on every channel a message for each that is new, worse or over.

    A problem that persists, or gets milder, is told no more. One that is not among `problems` stays open unless
    `clearing` says why it is over. A channel that is named for the first time is told of all that is open. Channels
    that this run does not name keep getting messages, for the next run that names them, and are forgotten after
    30 days.
    """
    ended = _ended(state, problems, clearing)
    open_now = {problem_id: p for problem_id, p in state.problems.items() if problem_id not in ended}
    open_now |= {p.problem_id: _opened(p, state.problems.get(p.problem_id), circumstances) for p in problems}
    told = (
        *_worsened(state.problems, open_now, circumstances),
        *(_cleared(problem_id, state.problems[problem_id], why, circumstances) for problem_id, why in ended.items()),
    )
    channels = {
        channel_id: _named(channel, is_named=channel_id in channel_ids, told=told, now=circumstances.now)
        for channel_id, channel in state.channels.items()
        if channel_id in channel_ids or circumstances.now - channel.last_named_at <= FORGET_AFTER
    }
    all_open = tuple(_begun("new", problem_id, open_now[problem_id], circumstances) for problem_id in open_now)
    fresh = {c: Channel(last_named_at=circumstances.now, messages=all_open) for c in channel_ids if c not in channels}
    return AlertState(problems=open_now, channels=channels | fresh)


def _ended(
    state: AlertState, problems: Collection[Problem], clearing: Callable[[str], str | None]
) -> Mapping[str, str]:
    standing = {problem.problem_id for problem in problems}
    reasons = {problem_id: clearing(problem_id) for problem_id in state.problems if problem_id not in standing}
    return {problem_id: why for problem_id, why in reasons.items() if why is not None}


def _opened(problem: Problem, before: OpenProblem | None, circumstances: Circumstances) -> OpenProblem:
    return OpenProblem(
        kind=problem.kind,
        title=problem.title,
        body=problem.body,
        severity=problem.severity,
        since=before.since if before else circumstances.now,
        run_id=circumstances.run_id,
    )


def _worsened(
    before: Mapping[str, OpenProblem], open_now: Mapping[str, OpenProblem], circumstances: Circumstances
) -> Iterator[Message]:
    for problem_id, problem in open_now.items():
        known = before.get(problem_id)
        if known is None:
            yield _begun("new", problem_id, problem, circumstances)
        elif (known.severity, problem.severity) == ("warning", "error"):
            yield _begun("worse", problem_id, problem, circumstances)


def _begun(event: str, problem_id: str, problem: OpenProblem, circumstances: Circumstances) -> Message:
    lines = [problem.body, *_footer(problem, circumstances)]
    return _message(event, problem_id, problem, lines, circumstances)


def _cleared(problem_id: str, problem: OpenProblem, why: str, circumstances: Circumstances) -> Message:
    lines = [why, "Nothing needs to be done.", *_footer(problem, circumstances)]
    return _message("cleared", problem_id, problem, lines, circumstances)


def _message(
    event: str, problem_id: str, problem: OpenProblem, lines: list[str], circumstances: Circumstances
) -> Message:
    identity = f"{event} {problem_id} {circumstances.run_id} {circumstances.now.isoformat()}"
    message_id = hashlib.sha256(identity.encode()).hexdigest()[:12]
    return Message.model_validate(
        {
            "message_id": message_id,
            "problem_id": problem_id,
            "event": event,
            "severity": problem.severity,
            "subject": f"[{circumstances.study}] {WORDS[event]} ({problem.severity}): {problem.title}",
            "text": "\n".join([*lines, f"Reference: {message_id}"]),
        }
    )


def _footer(problem: OpenProblem, circumstances: Circumstances) -> list[str]:
    return [
        f"Study: {circumstances.title}",
        f"Since: {problem.since:%Y-%m-%d %H:%M} UTC",
        f"Run: {circumstances.run_id}",
        "Where to look: quality/index.html in the study's output folder",
    ]


def _named(channel: Channel, *, is_named: bool, told: tuple[Message, ...], now: datetime) -> Channel:
    last_named_at = now if is_named else channel.last_named_at
    return channel.model_copy(update={"last_named_at": last_named_at, "messages": (*channel.messages, *told)})
