"""A headless browser, spoken to over the W3C WebDriver protocol."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--force-color-profile=srgb",
)  # fmt: skip


def program() -> tuple[str, str] | None:
    """The driver and the browser of this machine."""
    driver = shutil.which("chromedriver")
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    return (driver, browser) if driver and browser else None


class Browser:
    """One browser session."""

    def __init__(self, url: str) -> None:
        self._url = url

    def post(self, path: str, **body: Any) -> Any:
        data = json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)["value"]

    def open(self, page: Path, *, width: int, dark: bool = False) -> None:
        phone = width < 600
        self.cdp(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=900, deviceScaleFactor=2 if phone else 1, mobile=phone,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.cdp("Emulation.setEmulatedMedia", features=[scheme])
        self.post("/url", url=page.resolve().as_uri())

    def run(self, script: str) -> Any:
        """Run a function's body in the page and return what it returns."""
        return self.post("/execute/sync", script=script, args=[])

    def cdp(self, command: str, **parameters: Any) -> Any:
        return self.post("/goog/cdp/execute", cmd=command, params=parameters)

    def log(self) -> list[str]:
        """What the console and the network said since the last call."""
        return [entry["message"] for entry in self.post("/se/log", type="browser")]

    def screenshot(self, target: Path, clip: dict[str, float] | None = None) -> None:
        options: dict[str, Any] = {"captureBeyondViewport": True}
        if clip is not None:
            options["clip"] = {**clip, "scale": 1}
        target.write_bytes(base64.b64decode(self.cdp("Page.captureScreenshot", **options)["data"]))


@contextmanager
def browsing(profile: Path) -> Iterator[Browser]:
    """A session with an empty profile."""
    found = program()
    assert found is not None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    driver = subprocess.Popen([found[0], f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        root = Browser(f"http://127.0.0.1:{port}")
        options = {"binary": found[1], "args": [*ARGUMENTS, f"--user-data-dir={profile}"]}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        for attempt in range(100):
            try:
                session = root.post("/session", capabilities={"alwaysMatch": wanted})["sessionId"]
                break
            except ConnectionError:
                if attempt == 99:
                    raise
            except urllib.error.URLError as error:
                if attempt == 99 or not isinstance(error.reason, ConnectionError):
                    raise
            time.sleep(0.1)
        browser = Browser(f"{root._url}/session/{session}")
        yield browser
        urllib.request.urlopen(urllib.request.Request(browser._url, method="DELETE"), timeout=30).close()
    finally:
        driver.terminate()
        driver.wait()
