"""A real service and a real Chromium, for tests that look at pages as people do."""

from __future__ import annotations

import os
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import pytest
import uvicorn
from fastapi import FastAPI

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ENDED_S = 30

# Nothing but this machine can be reached, so that a page that needs more fails.
ARGUMENTS = ["--disable-gpu", "--disable-background-networking", "--no-first-run"]
ARGUMENTS += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]

LISTEN = """document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
});"""


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Serve an application on a free port of 127.0.0.1 and give its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            # The socket listens already: a browser that comes early waits for the server.
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(ENDED_S)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium; without one the tests are skipped, but where `CI` is set they fail."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        _lacking("no Chromium on the path (Debian: apt-get install chromium)")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _lacking("Playwright is not installed (uv sync --group browser)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def _lacking(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(f"CI needs the browser tests: {reason}")
    pytest.skip(reason)


class Visitor:
    """Opens pages of one service and notes what went wrong on them."""

    def __init__(self, browser: Browser, address: str, name: str) -> None:
        self.address = address
        self.problems: list[str] = []
        self.elsewhere: list[str] = []
        self._browser = browser
        self._name = name
        self._shots = 0

    def open(
        self,
        path: str,
        *,
        width: int = 1280,
        height: int = 800,
        scheme: Literal["light", "dark"] = "light",
    ) -> Page:
        """Open a path of the service in a fresh profile."""
        context = self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            reduced_motion="reduce",
        )
        context.add_init_script(LISTEN)
        page = context.new_page()
        page.on("console", lambda said: self._note(said.type, said.text))
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("dialog", self._refuse)
        page.on("request", lambda request: self._follow(request.url))
        page.goto(self.address + path)
        return page

    def keep(self, page: Page) -> None:
        """Keep a picture of the page where `SIMUTRADOR_SCREENSHOTS` names a folder."""
        folder = os.environ.get("SIMUTRADOR_SCREENSHOTS")
        if folder:
            self._shots += 1
            name = re.sub(r"\W+", "-", f"{self._name}-{self._shots}").strip("-")
            page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)

    def _note(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.problems.append(text)

    def _refuse(self, dialog: Any) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _follow(self, url: str) -> None:
        if not url.startswith((f"{self.address}/", "data:", "blob:")):
            self.elsewhere.append(url)
