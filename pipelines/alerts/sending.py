"""One message to one channel: through Apprise, or as lines at the end of a file."""

import logging
import os
import re
import threading
from enum import Enum
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pipelines.alerts.state import Message

SEPARATOR = re.compile(r"[\s,]+(?=[A-Za-z][A-Za-z0-9+.-]*://)")
CONNECT_SECONDS = 5.0
REPEATED = "This may repeat an earlier message: nothing says whether that one arrived."
# What plugins of third parties may raise; their texts could hold the URL, so that they are not shown.
PLUGIN_FAULTS = (ImportError, OSError, RuntimeError, TypeError, ValueError, LookupError, AttributeError)


class Outcome(Enum):
    """What became of a message; UNSURE when nothing came back in time, so that it may have arrived."""

    SENT = "sent"
    FAILED = "failed"
    UNSURE = "unsure"
    UNUSABLE = "unusable"


def channel_urls(text: str) -> tuple[str, ...]:
    """The URLs in a setting, separated by blanks, commas or line breaks, each once.

    >>> channel_urls("json://a.example/x, mailto://b.example?to=c@d.example,e@f.example")
    ('json://a.example/x', 'mailto://b.example?to=c@d.example,e@f.example')
    """
    parts = [part.strip(" ,\t\r\n") for part in SEPARATOR.split(text)]
    return tuple(dict.fromkeys(part for part in parts if part))


def send(url: str, message: Message, *, wait_seconds: float) -> Outcome:
    """Sends and waits that long for an answer; never raises, and logs nothing that could hold the URL."""
    outcomes: list[Outcome] = []
    thread = threading.Thread(
        target=lambda: outcomes.append(_deliver(url, message, wait_seconds)), name="alert", daemon=True
    )
    thread.start()
    thread.join(wait_seconds)
    return outcomes[0] if outcomes else Outcome.UNSURE


def _deliver(url: str, message: Message, wait_seconds: float) -> Outcome:
    text = f"{message.text}\n{REPEATED}" if message.attempt == "unsure" else message.text
    try:
        if url.lower().startswith("file:"):
            return _to_file(url, message, text)
        return _through_apprise(url, message, text, wait_seconds)
    except PLUGIN_FAULTS:
        return Outcome.FAILED


def _to_file(url: str, message: Message, text: str) -> Outcome:
    path = Path(unquote(urlsplit(url).path))
    if urlsplit(url).netloc or not path.name:
        return Outcome.UNUSABLE
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{message.subject}\n{text}\n\n")
        file.flush()
        os.fsync(file.fileno())
    return Outcome.SENT


def _through_apprise(url: str, message: Message, text: str, wait_seconds: float) -> Outcome:
    _silence()
    import apprise  # 0.3 s: only when there is something to send

    asset = apprise.AppriseAsset(
        app_id="icp",
        app_desc="Integrated Care Pilot Evaluation",
        app_url="",
        image_url_mask="",  # or each card would fetch a picture from the network when opened
        image_url_logo="",
        storage_mode="memory",
        service_timeout=0,  # `send` waits, so that an answer that does not come is told from a refusal
        http_redirects=False,  # a POST that is redirected becomes a GET: answered, and the message lost
        async_mode=False,
    )
    channel = apprise.Apprise(asset=asset)
    if not channel.add(url):
        return Outcome.UNUSABLE
    service = channel[0]
    service.socket_connect_timeout = min(CONNECT_SECONDS, wait_seconds)
    service.socket_read_timeout = 2 * wait_seconds
    is_markdown = service.notify_format == apprise.NotifyFormat.MARKDOWN
    if is_markdown:  # sent as it is: Apprise would escape every dot, and Teams shows the escapes on telephones
        text = text.replace("\n", "\n\n")
    kind = "success" if message.event == "cleared" else {"error": "failure"}.get(message.severity, "warning")
    is_sent = channel.notify(
        body=text, title=message.subject, notify_type=kind, body_format="markdown" if is_markdown else "text"
    )
    return Outcome.SENT if is_sent else Outcome.FAILED


def _silence() -> None:
    """Apprise's log names hosts, urllib3's whole paths: both hold secrets, and stay silent from here on."""
    logging.getLogger("apprise").disabled = True
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)
