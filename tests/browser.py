"""A Chromium without a network, driven over its own pipe: opens a file, answers about the page, says what it asked for.

Where no Chromium is installed `CHROMIUM` is None, and the tests that need one are not collected.
"""

import base64
import json
import os
import select
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE_SECONDS = 60
SETTINGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
)


class Browser:
    """One tab. `requested` are the addresses that its pages asked for, `complaints` what it said of them."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to_browser, self._from_browser = os.fdopen(to_browser, "wb", 0), os.fdopen(from_browser, "rb", 0)
        self._number, self._rest, self._session = 0, b"", {}
        self.requested: list[str] = []
        self.complaints: list[str] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._session = {"sessionId": session}
        for domain in ("Network", "Page", "Log", "Runtime"):
            self._call(f"{domain}.enable")

    def open(self, path: Path, *, width: int = 1440, scheme: str = "light") -> None:
        """Loads a file in a window of that many pixels, in a light or dark colour scheme."""
        self._call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600
        )
        self._call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self._call("Page.navigate", url=path.as_uri())
        self._until("Page.loadEventFired")

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise ValueError(answer["exceptionDetails"]["exception"]["description"])
        return answer["result"].get("value")

    def picture(self, path: Path) -> None:
        """Writes the whole page as a picture."""
        size = self._call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        taken = self._call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(taken["data"]))

    def close(self) -> None:
        """Ends the browser and lets go of the pipe."""
        self._session = {}
        self._call("Browser.close")
        self._to_browser.close()
        self._from_browser.close()

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters, **self._session}
        self._to_browser.write(json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            pass
        if "error" in answer:
            raise ValueError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def _until(self, event: str) -> None:
        while self._next().get("method") != event:
            pass

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            if not select.select([self._from_browser], [], [], PATIENCE_SECONDS)[0]:
                raise TimeoutError("the browser does not answer")
            read = self._from_browser.read(1 << 16)
            if not read:
                raise EOFError("the browser ended")
            self._rest += read
        text, _, self._rest = self._rest.partition(b"\0")
        message = json.loads(text)
        self._note(message.get("method"), message.get("params", {}))
        return message

    def _note(self, method: str | None, said: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requested.append(said["request"]["url"])
        if method == "Network.loadingFailed":
            self.complaints.append(said["errorText"])
        if method == "Log.entryAdded":
            self.complaints.append(said["entry"]["text"])


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser with an empty profile in `folder`; its process is gone when the block ends."""
    own_input, to_browser = os.pipe()
    from_browser, own_output = os.pipe()

    as_three_and_four = f'exec "$@" 3<&{own_input} 4>&{own_output}'
    command = ["bash", "-c", as_three_and_four, "bash", str(CHROMIUM), *SETTINGS, f"--user-data-dir={folder}"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    process = subprocess.Popen(command, pass_fds=(own_input, own_output), **quiet)
    os.close(own_input)
    os.close(own_output)
    try:
        opened = Browser(to_browser, from_browser)
        yield opened
        opened.close()
        process.wait(timeout=PATIENCE_SECONDS)
    finally:
        process.kill()
        process.wait()
