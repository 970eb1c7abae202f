"""Chromium without a window, told what to do through a pipe, for tests of pages.

The protocol is Chrome's DevTools': one JSON object for each command, event and answer, with a zero
byte after each. Nothing listens on a port.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-extensions", "--mute-audio", "--hide-scrollbars", "--remote-debugging-pipe",
]  # fmt: skip
WAIT_S = 90  # on busy cores


def find_chromium() -> str:
    """The browser's path. Fails where there is none, unless DRM_NO_BROWSER says that's known."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    if os.environ.get("DRM_NO_BROWSER"):
        pytest.skip("DRM_NO_BROWSER is set, and there is no Chromium")
    pytest.fail(
        "no Chromium to look at pages with: apt-get install chromium, or set DRM_NO_BROWSER=1 to "
        "do without these tests"
    )


class Chromium:
    """A page in a browser of its own; `events` are all that it has told so far."""

    def __init__(self, profile: Path, width: int = 1400, height: int = 1000) -> None:
        commands, self._commands = os.pipe()
        self._answers, answers = os.pipe()
        size = f"--window-size={width},{height}"
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{commands} 4>&{answers}', "bash", find_chromium(), *QUIET,
             size, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(commands, answers), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env=os.environ | {"HOME": str(profile)},
        )  # fmt: skip
        os.close(commands)
        os.close(answers)
        self.events: list[dict[str, Any]] = []
        self._rest, self._number, self._session = b"", 0, None
        self._session = self._attached()
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def __enter__(self) -> "Chromium":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._session = None
            self.send("Browser.close")
            self._process.wait(20)
        finally:
            self._process.kill()
            self._process.wait()
            os.close(self._commands)
            os.close(self._answers)

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """What the browser answers to a command; AssertionError where it objects."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, (method, answer)
        return answer["result"]

    def open(self, page: Path) -> None:
        """Load a page and wait until all of it is there."""
        before = len(self.events)
        self.send("Page.navigate", url=page.as_uri())
        self._wait(lambda: any(e["method"] == "Page.loadEventFired" for e in self.events[before:]))

    def evaluate(self, expression: str) -> Any:
        """The value of an expression of JavaScript on the page, which is awaited."""
        result = self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait_for(self, expression: str) -> None:
        """Wait until an expression is true."""
        self._wait(lambda: self.evaluate(expression))

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """An event of the mouse at a place of the window: mouseMoved, mousePressed, …"""
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, x: float, y: float) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, x, y, button="left", clickCount=1)

    def key(self, key: str, shift: bool = False) -> None:
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, modifiers=8 * shift)

    def screenshot(self, path: Path) -> None:
        """What the window shows, as PNG."""
        data = self.send("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))

    def complaints(self) -> list[str]:
        """Everything that the console holds: errors, warnings, what the policy forbade."""
        kinds = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        return [json.dumps(e["params"]) for e in self.events if e["method"] in kinds]

    def requested(self) -> list[str]:
        """The addresses that the page asked for, without those whose content is in them."""
        told = [e["params"] for e in self.events if e["method"] == "Network.requestWillBeSent"]
        urls = [params["request"]["url"] for params in told]
        return [url for url in urls if not url.startswith(("data:", "about:"))]

    def _attached(self) -> str:
        targets = self.send("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        answer = self.send("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        return answer["sessionId"]

    def _next(self) -> dict[str, Any]:
        end = time.monotonic() + WAIT_S
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._answers], [], [], max(0, end - time.monotonic()))
            assert ready, f"Chromium said nothing for {WAIT_S} s"
            more = os.read(self._answers, 1 << 20)
            assert more, "Chromium ended"
            self._rest += more
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)

    def _wait(self, is_so: Any) -> None:
        end = time.monotonic() + WAIT_S
        while not is_so():
            assert time.monotonic() < end, f"not so after {WAIT_S} s"
            time.sleep(0.05)
            self.send("Page.getFrameTree")  # brings events along
