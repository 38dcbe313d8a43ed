"""The page base in a real Chromium that can reach nothing but this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import kit_pages
from kit_service import served

pytestmark = pytest.mark.integration

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ["--disable-gpu", "--no-sandbox", "--no-first-run"]
ARGUMENTS += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
LISTEN = """document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
});"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(kit_pages.app) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("no Chromium on the path (Debian: apt-get install chromium)")
    api: Any = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield opened
        opened.close()


@contextmanager
def visit(browser: Any, url: str, **look: Any) -> Iterator[tuple[Any, list[str]]]:
    """Open a page; give it and what went wrong on it."""
    context = browser.new_context(**look)
    page, wrong = context.new_page(), []
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.add_init_script(LISTEN)
    page.goto(url, wait_until="domcontentloaded")
    yield page, wrong
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_draws_charts_and_progress_under_the_strict_policy(
    browser: Any, address: str, scheme: str
) -> None:
    with visit(browser, address, color_scheme=scheme) as (page, wrong):
        page.wait_for_selector(".chart[data-state=ready] .main-svg")
        running = page.locator(".progress[data-job=running]")
        running.wait_for()
        assert "1,250 of 5,000" in running.inner_text()
        assert "about 2 min left" in running.inner_text()
        failed = page.locator(".progress[data-job=failed]")
        failed.wait_for()
        assert "Failed: polygon: rate limit" in failed.inner_text()
        assert page.locator("#demo").inner_text() == "module ran: 65 min"
        drawn = page.locator(".scatterlayer .js-line").first.evaluate("e => e.style.stroke")
        assert drawn == {"light": "rgb(23, 96, 156)", "dark": "rgb(116, 179, 234)"}[scheme]
        assert wrong == []


def test_a_page_can_be_used_with_the_keyboard(browser: Any, address: str) -> None:
    with visit(browser, address, color_scheme="light") as (page, wrong):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "content"
        page.locator("#theme").focus()
        page.keyboard.press("Enter")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        page.reload(wait_until="domcontentloaded")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert wrong == []


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_narrow_page_does_not_scroll_sideways(browser: Any, address: str, path: str) -> None:
    look = {"viewport": {"width": 360, "height": 740}}
    with visit(browser, address + path, **look) as (page, wrong):
        page.wait_for_selector("main")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360
        assert wrong == []
