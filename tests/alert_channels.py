"""A webhook that listens on this machine, and histories of rules, for tests of the alerts."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.alerts import report_problems
from pipelines.run import run_study
from pipelines.study import Study, load_study
from tests.tiny_study import write_tiny_study

FIRST_RUN = datetime(2011, 7, 1, 6, 0, tzinfo=UTC)
QUALITY_SCHEMA = {
    "run_id": pl.String,
    "contract_id": pl.String,
    "table_name": pl.String,
    "rule_id": pl.String,
    "column_name": pl.String,
    "severity": pl.String,
    "dimension": pl.String,
    "evaluated_rows": pl.Int64,
    "failed_rows": pl.Int64,
    "threshold": pl.Float64,
    "status": pl.String,
    "started_at": pl.Datetime("us"),
}
SEX_IS_MISSING = {
    "contract_id": "hes_apc",
    "table_name": "lake_admissions",
    "rule_id": "not_null",
    "column_name": "SEX",
    "severity": "error",
    "dimension": "completeness",
    "evaluated_rows": 1000,
    "failed_rows": 120,
    "threshold": 0.05,
    "status": "fail",
}
SEX_IS_THERE = {**SEX_IS_MISSING, "failed_rows": 20, "status": "pass"}
NEW = "New (error): hes_apc SEX: rule not met: Values are there"
CLEARED = "Cleared (error): hes_apc SEX: rule not met: Values are there"
NO_DELIVERIES = pl.DataFrame(schema={"extract": pl.String, "status": pl.String})


def history(*runs: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows of `data_quality`, one sequence of rules per run, oldest first, an hour between runs."""
    rows = [
        {"run_id": f"run-{number}", "started_at": FIRST_RUN.replace(tzinfo=None) + timedelta(hours=number), **rule}
        for number, rules in enumerate(runs)
        for rule in rules
    ]
    return pl.DataFrame(rows, schema=QUALITY_SCHEMA)


def study_in(folder: Path) -> Study:
    """A study whose output is still empty."""
    return load_study(write_tiny_study(folder / "study"))


def run_telling(study: Study, told: Path, *, say: Callable[[str], None] = lambda _line: None) -> None:
    """One whole run of a study whose alerts go to a file."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("ICP_ALERT_URLS", f"file://{told}")
        run_study(study, say=say)


def problems_of_study(study: Study) -> dict[str, dict[str, str]]:
    """The problems that stand, or that somebody is still to be told of, by id."""
    problems: dict[str, dict[str, str]] = json.loads((study.output / "alerts.json").read_text())["problems"]
    return problems


@dataclass
class Runs:
    """The ends of a study's runs, one hour apart, each with one more run in the history of its rules."""

    study: Study
    said: list[str] = field(default_factory=list)
    rules: list[Sequence[Mapping[str, Any]]] = field(default_factory=list)

    def end(
        self,
        *rules: Mapping[str, Any],
        deliveries: pl.DataFrame = NO_DELIVERIES,
        run_failure: str | None = None,
    ) -> None:
        """One more run has ended with these outcomes of its rules."""
        self.rules.append(rules)
        report_problems(
            self.study,
            quality=history(*self.rules),
            deliveries=deliveries,
            run_id=f"run-{len(self.rules) - 1}",
            run_failure=run_failure,
            now=FIRST_RUN + timedelta(hours=len(self.rules)),
            say=self.said.append,
        )

    @property
    def state(self) -> dict[str, Any]:
        """What stands in alerts.json."""
        content: dict[str, Any] = json.loads((self.study.output / "alerts.json").read_text(encoding="utf-8"))
        return content

    def with_output(self, output: Path) -> "Runs":
        """The same runs with another output folder."""
        return replace(self, study=replace(self.study, output=output))


@dataclass
class Webhook:
    """What a channel received, and how it answers: `answer` is a status code, `delay_seconds` comes before it."""

    port: int = 0
    answer: int = 200
    delay_seconds: float = 0.0
    text: bytes = b"ok"
    received: list[dict[str, Any]] = field(default_factory=list)
    on_arrival: Callable[[], None] = lambda: None

    @property
    def url(self) -> str:
        """The channel's URL, with a secret in it."""
        return f"json://somebody:very-secret@127.0.0.1:{self.port}/hidden-token"

    @property
    def subjects(self) -> list[str]:
        """The subjects of all messages, in order, without the study's name."""
        return [message["title"].removeprefix("[tiny] ") for message in self.received]


@contextmanager
def webhook(channel: Webhook | None = None) -> Iterator[Webhook]:
    """A real web server on 127.0.0.1 for the block; a channel that is handed in again keeps its port."""
    channel = channel or Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            channel.received.append(json.loads(body))
            channel.on_arrival()
            time.sleep(channel.delay_seconds)
            self.send_response(channel.answer)
            if channel.answer in (301, 302):
                self.send_header("Location", f"http://127.0.0.1:{channel.port}/elsewhere")
            self.end_headers()
            self.wfile.write(channel.text)

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", channel.port), Handler)
    server.daemon_threads = True
    channel.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield channel
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
