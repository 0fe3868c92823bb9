"""Real channels on this machine that are up, down, slow and broken: nothing lost, nothing doubled, no secret told."""

import logging
import socket
import time
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message as Email
from pathlib import Path
from urllib.parse import quote

import polars as pl
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP, Envelope, Session

from pipelines.alerts import outbox
from tests.alert_channels import CLEARED, NEW, SEX_IS_MISSING, SEX_IS_THERE, Runs, Webhook, webhook

OTHER = {**SEX_IS_MISSING, "column_name": "ETHNOS", "severity": "warning"}
NEW_OTHER = "New (warning): hes_apc ETHNOS: rule not met: Values are there"


@pytest.fixture
def closed_hook(monkeypatch: pytest.MonkeyPatch) -> Webhook:
    with webhook() as channel:
        pass
    monkeypatch.setenv("ICP_ALERT_URLS", channel.url)
    return channel


def test_one_message_for_a_new_problem_none_while_it_persists_one_when_it_is_over(runs: Runs, hook: Webhook):
    runs.end(SEX_IS_MISSING)
    runs.end(SEX_IS_MISSING)
    assert hook.subjects == [NEW]
    runs.end(SEX_IS_THERE)
    runs.end(SEX_IS_THERE)
    assert hook.subjects == [NEW, CLEARED]
    assert [message["type"] for message in hook.received] == ["failure", "success"]
    assert runs.said == []


def test_a_run_that_could_not_evaluate_does_not_clear(runs: Runs, hook: Webhook):
    runs.end(SEX_IS_MISSING)
    runs.end(run_failure="OSError in admission_records")
    runs.end({**SEX_IS_MISSING, "status": "error", "evaluated_rows": None, "failed_rows": None})
    assert hook.subjects == [
        NEW,
        "New (error): A run failed",
        "New (error): Rules could not be evaluated: hes_apc",
        "Cleared (error): A run failed",
    ]


def test_messages_are_kept_while_a_channel_is_down_and_sent_in_order_when_it_is_back(runs: Runs, closed_hook: Webhook):
    runs.end(SEX_IS_MISSING)
    runs.end(SEX_IS_THERE)
    assert closed_hook.received == []
    assert "channel 1 of 1 did not take a message" in runs.said[0]
    with webhook(closed_hook):
        runs.end(SEX_IS_THERE)
        runs.end(SEX_IS_THERE)
    assert closed_hook.subjects == [NEW, CLEARED]
    assert "may repeat" not in "".join(message["message"] for message in closed_hook.received)


@pytest.mark.parametrize("answer", [500, 503, 429, 404, 302])
def test_a_channel_that_answers_with_an_error_or_sends_elsewhere_gets_the_message_again(
    runs: Runs, hook: Webhook, answer: int
):
    hook.answer = answer
    runs.end(SEX_IS_MISSING)
    hook.answer = 200
    runs.end(SEX_IS_MISSING)
    assert hook.subjects == [NEW, NEW]
    assert hook.received[0]["message"] == hook.received[1]["message"]
    runs.end(SEX_IS_MISSING)
    assert len(hook.received) == 2


def test_a_broken_channel_does_not_double_messages_on_another(
    runs: Runs, hook: Webhook, monkeypatch: pytest.MonkeyPatch
):
    with webhook() as broken:
        broken.answer = 500
        monkeypatch.setenv("ICP_ALERT_URLS", f"{broken.url},\n{hook.url}")
        runs.end(SEX_IS_MISSING)
        runs.end(SEX_IS_MISSING, OTHER)
        assert hook.subjects == [NEW, NEW_OTHER]
        broken.answer = 200
        runs.end(SEX_IS_MISSING, OTHER)
    assert broken.subjects == [NEW, NEW, NEW, NEW_OTHER]
    assert hook.subjects == [NEW, NEW_OTHER]
    assert "channel 1 of 2" in runs.said[0]


def test_a_slow_channel_is_given_up_and_what_may_have_arrived_is_marked_as_a_possible_repeat(
    runs: Runs, hook: Webhook, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(outbox, "LONGEST_SECONDS", 1.5)
    hook.delay_seconds = 30
    begun = time.monotonic()
    runs.end(SEX_IS_MISSING)
    assert time.monotonic() - begun < 15
    assert "did not answer in time" in runs.said[0]
    hook.delay_seconds = 0
    runs.end(SEX_IS_MISSING)
    runs.end(SEX_IS_MISSING)
    assert hook.subjects == [NEW, NEW]
    assert hook.received[1]["message"].endswith("nothing says whether that one arrived.")
    assert hook.received[1]["message"].startswith(hook.received[0]["message"])


def test_the_time_given_to_a_channel_is_below_ten_seconds():
    assert outbox.LONGEST_SECONDS < 10


def test_a_channel_that_keeps_failing_is_left_alone_for_longer_and_longer(runs: Runs, closed_hook: Webhook):
    tried = []
    for _ in range(4):
        runs.end(SEX_IS_MISSING)
        (channel,) = runs.state["channels"].values()
        tried.append((channel["failures"], channel["try_after"]))
    assert tried == [
        (1, "2011-07-01T07:00:00"),
        (2, "2011-07-01T08:02:00"),
        (3, "2011-07-01T09:04:00"),
        (4, "2011-07-01T10:08:00"),
    ]


def test_without_a_url_the_state_is_kept_and_one_line_says_so(runs: Runs, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("ICP_ALERT_URLS", raising=False)
    runs.end(SEX_IS_MISSING)
    assert runs.said == ["alerts: 1 problem open, nothing sent: ICP_ALERT_URLS is not set"]
    with webhook() as hook:
        monkeypatch.setenv("ICP_ALERT_URLS", hook.url)
        runs.end(SEX_IS_MISSING)
        assert hook.subjects == [NEW]


def test_a_url_that_cannot_be_used_is_named_by_its_place_and_holds_up_nobody(
    runs: Runs, hook: Webhook, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ICP_ALERT_URLS", f"nonsense://very-secret/x {hook.url}")
    runs.end(SEX_IS_MISSING)
    assert hook.subjects == [NEW]
    assert runs.said == [
        "alerts: channel 1 of 2 has a URL that cannot be used (docs/alerts.md says which can);"
        " messages left for the next run: 1"
    ]


def test_neither_url_nor_host_is_ever_logged_said_or_kept(
    runs: Runs, closed_hook: Webhook, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("urllib3").setLevel(logging.DEBUG)
    runs.end(SEX_IS_MISSING)
    with webhook(closed_hook):
        closed_hook.answer = 500
        runs.end(SEX_IS_MISSING)
    printed = capfd.readouterr()
    everything = "\n".join(
        [caplog.text, printed.out, printed.err, *runs.said, (runs.study.output / "alerts.json").read_text("utf-8")]
    )
    assert len(closed_hook.received) == 1
    assert not [secret for secret in ("very-secret", "hidden-token", "127.0.0.1", "somebody") if secret in everything]


def test_no_count_of_one_to_seven_and_no_value_reaches_a_channel_or_the_state(runs: Runs, hook: Webhook):
    refused = pl.DataFrame(
        {
            "extract": ["admissions"],
            "file_name": ["patient_9434765919.csv"],
            "delivery_id": ["ab12"],
            "status": ["refused"],
            "refusal_reason": ["column_missing: EPISTART"],
        }
    )
    runs.end({**SEX_IS_MISSING, "failed_rows": 3, "threshold": 0.0}, deliveries=refused, run_failure="Value 9434765919")
    told = "".join(message["title"] + message["message"] for message in hook.received)
    told += (runs.study.output / "alerts.json").read_text("utf-8")
    assert "1 to 7 of 1000 rows (below 0.8%)" in told
    assert "3 of 1000" not in told
    assert "0.3%" not in told
    assert "9434765919" not in told


def test_a_message_is_appended_to_a_file_and_kept_while_the_folder_is_missing(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    log = tmp_path / "a folder" / "alerts.log"
    monkeypatch.setenv("ICP_ALERT_URLS", f"file://{quote(str(log))}")
    runs.end(SEX_IS_MISSING)
    log.parent.mkdir()
    runs.end(SEX_IS_MISSING, OTHER)
    lines = log.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("[tiny]")] == [f"[tiny] {NEW}", f"[tiny] {NEW_OTHER}"]
    assert "Study: tiny" in lines


class Inbox(Sink):
    def __init__(self) -> None:
        super().__init__()
        self.received: list[tuple[list[str], Email]] = []
        self.refuse = False

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        if self.refuse:
            return "451 try again later"
        self.received.append((envelope.rcpt_tos, message_from_bytes(envelope.content)))
        return "250 OK"


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(Inbox(), hostname="127.0.0.1", port=port)
    controller.start()
    monkeypatch.setenv(
        "ICP_ALERT_URLS",
        f"mailto://127.0.0.1:{port}?from=icp@trust.example&to=analyst@trust.example&mode=insecure&format=text",
    )
    yield controller.handler
    controller.stop()


def test_an_email_arrives_with_subject_and_plain_text(runs: Runs, inbox: Inbox):
    runs.end(SEX_IS_MISSING)
    runs.end(SEX_IS_THERE)
    assert [str(email["Subject"]) for _, email in inbox.received] == [f"[tiny] {NEW}", f"[tiny] {CLEARED}"]
    recipients, email = inbox.received[0]
    assert recipients == ["analyst@trust.example"]
    assert email.get_content_type() == "text/plain"
    text = email.get_payload(decode=True).decode()
    assert "How much: 120 of 1000 rows (12.0%); allowed: 5%" in text.splitlines()
    assert runs.said == []


def test_an_email_that_the_server_refuses_is_sent_at_the_next_run(runs: Runs, inbox: Inbox):
    inbox.refuse = True
    runs.end(SEX_IS_MISSING)
    assert "did not take a message" in runs.said[0]
    inbox.refuse = False
    runs.end(SEX_IS_MISSING)
    runs.end(SEX_IS_MISSING)
    assert len(inbox.received) == 1
