"""The pages in a real Chromium: drawn, zoomed, worked by keyboard, safe, and on their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from simutrador_core.assets.registry import AssetRegistry
from simutrador_data.core.settings import Settings
from simutrador_data.demo.tour import run_tour
from simutrador_data.main import create_app
from simutrador_data.services.progress.progress import QuietProgress
from simutrador_data.services.storage.parquet_store import ParquetStore

from . import browsing, conftest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page, Response

pytestmark = pytest.mark.browser

NOW = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing.chromium() as started:
        yield started


@pytest.fixture(scope="module")
def address(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the real bars of the demo beside the store of `conftest.fill`."""
    with ParquetStore(tmp_path_factory.mktemp("store")) as store:
        run_tour(store, AssetRegistry.default(), now=NOW, progress=QuietProgress())
        conftest.fill(store, but={"EUR/USD"})
        app = create_app(Settings(), store=store, registry=conftest.assets())
        with browsing.served(app) as url:
            yield url


@pytest.fixture
def visitor(
    browser: Browser, address: str, request: pytest.FixtureRequest
) -> Iterator[browsing.Visitor]:
    """Give a visitor, and fail for errors in the console, refused content or foreign requests."""
    visiting = browsing.Visitor(browser, address, request.node.name)
    yield visiting
    for context in browser.contexts:
        context.close()
    assert visiting.problems == []
    assert visiting.elsewhere == []


def expect(locator: Locator) -> Any:
    """Return Playwright's assertions, which wait; without Playwright no test comes this far."""
    from playwright.sync_api import expect as wait_for

    return wait_for(locator)


def answered(page: Page, path: str) -> Any:
    """Wait, inside `with`, for the answer to a request of the page."""
    return page.expect_response(lambda response: path in response.url)


def points_of(answer: Response) -> tuple[int, int]:
    """Return how many bars each point of a chart answer holds, and how many points it has."""
    body = answer.json()
    return body["bars_per_point"], len(body["opened_at"])


def open_symbol(visitor: browsing.Visitor, symbol: str, **options: Any) -> Page:
    """Open a symbol's page and wait until chart, coverage and gaps are there."""
    page = visitor.open(f"/symbols/{symbol}", **options)
    for place in ("#chart", "#heatmap", "#gaps"):
        page.wait_for_selector(f'{place}[data-state="ready"]')
    page.wait_for_selector("#chart .main-svg")
    return page


def drag_over_chart(page: Page, start: float, end: float) -> None:
    """Drag from one fraction of the chart's width to another."""
    box = page.locator("#chart .nsewdrag").first.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * start, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * end, middle, steps=6)
    page.mouse.up()


def colour_of(page: Page, selector: str) -> str:
    return page.eval_on_selector(selector, "element => getComputedStyle(element).backgroundColor")


def test_the_overview_counts_how_complete_each_series_is(visitor: browsing.Visitor) -> None:
    page = visitor.open("/")
    expect(page.locator("tr[data-pending]")).to_have_count(0)
    visitor.keep(page)
    row = page.locator('tr[data-series="daily:raw:GOOG"]').inner_text()
    assert "2,148" in row
    assert "100 %" in row
    assert "90.48 %" in page.locator('tr[data-series="daily:raw:HOLE"]').inner_text()


def test_the_filter_narrows_while_one_types(visitor: browsing.Visitor) -> None:
    page = visitor.open("/")
    with answered(page, "q=eur"):
        page.get_by_label("Filter").type("eur")
    expect(page.locator("#rows tr")).to_have_count(4)
    assert "q=eur" in page.url
    assert page.evaluate("document.activeElement.id") == "q"
    page.reload()
    assert page.locator("#rows tr").count() == 4


def test_a_symbol_is_shown_whole(visitor: browsing.Visitor) -> None:
    page = open_symbol(visitor, "AAPL")
    visitor.keep(page)
    assert page.locator("#completeness").inner_text() == "100 %"
    assert page.locator("#chart .trace.boxes, #chart .boxlayer path").count() > 100
    assert "September 11 attacks" in page.locator("#gaps").inner_text()
    splits = page.locator("#splits tr").all_inner_texts()
    assert [line.split() for line in splits] == [["2000-06-21", "2"], ["2005-02-28", "2"]]
    assert page.locator("#chart .annotation-text").all_text_contents() == ["2:1 split"] * 2


def test_zooming_fetches_a_finer_level_and_never_more_points_than_pixels(
    visitor: browsing.Visitor,
) -> None:
    page = visitor.open("/")
    with answered(page, "/trading-data/chart") as first:
        page.goto(f"{visitor.address}/symbols/AAPL")
    each, points = points_of(first.value)
    page.wait_for_selector("#chart .nsewdrag")
    width = page.locator("#chart .nsewdrag").first.bounding_box()
    assert width is not None
    assert points <= width["width"]
    assert f"of {each} daily bars each" in page.locator("#level").inner_text()
    while each > 1:
        with answered(page, "/trading-data/chart") as next_answer:
            drag_over_chart(page, 0.4, 0.6)
        finer, points = points_of(next_answer.value)
        assert finer < each
        assert points <= width["width"]
        each = finer
        page.wait_for_selector('#chart:not([aria-busy="true"])')
    expect(page.locator("#level")).to_contain_text("each one shown")
    visitor.keep(page)


def test_a_double_click_shows_everything_again(visitor: browsing.Visitor) -> None:
    page = open_symbol(visitor, "AAPL")
    with answered(page, "/trading-data/chart"):
        page.get_by_role("button", name="1M", exact=True).click()
    expect(page.locator("#level")).to_contain_text("each one shown")
    with answered(page, "/trading-data/chart") as whole:
        page.locator("#chart .nsewdrag").first.dblclick()
    assert whole.value.json()["total_bars"] == 3270


def test_the_chart_is_worked_by_keyboard(visitor: browsing.Visitor) -> None:
    page = open_symbol(visitor, "AAPL")
    page.locator("#chart").focus()
    seen: list[dict[str, Any]] = []
    for key in ("+", "ArrowLeft", "ArrowRight", "-", "Home"):
        with answered(page, "/trading-data/chart") as answer:
            page.keyboard.press(key)
        seen.append(answer.value.json())
        page.wait_for_selector('#chart:not([aria-busy="true"])')
    near, earlier, later, out, home = (one["opened_at"][0] for one in seen)
    assert seen[0]["total_bars"] < 3270
    assert earlier < near <= later
    assert out < later
    assert seen[4]["total_bars"] == 3270
    assert home == out or seen[3]["total_bars"] <= 3270


def test_everything_can_be_reached_with_the_tab_key(visitor: browsing.Visitor) -> None:
    page = open_symbol(visitor, "HOLE")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    wanted = {"theme", "chart", "log"}
    seen: set[str] = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
        if seen >= wanted | {"CANVAS", "SUMMARY", "INPUT"}:
            break
    assert seen >= wanted | {"CANVAS", "SUMMARY", "INPUT"}


def test_the_heatmap_tells_each_session_to_the_keyboard(visitor: browsing.Visitor) -> None:
    page = open_symbol(visitor, "HOLE")
    page.locator("#heatmap canvas").focus()
    page.keyboard.press("Home")
    assert page.locator("#cell").inner_text() == "2024-01-02 Tue: 1 of 1 bar"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert page.locator("#cell").inner_text() == ("2024-01-10 Wed: 0 of 1 bar, absent: vendor hole")
    page.keyboard.press("PageDown")
    assert page.locator("#cell").inner_text() == "2024-01-31 Wed: 1 of 1 bar"
    for _ in range(12):
        page.keyboard.press("ArrowUp")
    assert page.locator("#cell").inner_text() == (
        "2024-01-15 Mon: closed, Martin Luther King, Jr. Day"
    )
    page.locator("summary").click()
    year = page.locator("#years tbody tr").inner_text().split()
    assert year == ["2024", "21", "21", "19", "90.48", "%", "2", "1"]
    visitor.keep(page)


def test_a_gap_shows_in_the_chart_and_reasons_can_be_left_out(visitor: browsing.Visitor) -> None:
    page = open_symbol(visitor, "HOLE")
    rows = page.locator("#gaps tbody tr")
    assert [text.split("\t")[0].strip() for text in rows.all_inner_texts()] == [
        "2024-01-10 to 2024-01-11",
        "2024-01-15",
    ]
    assert "absent from test (asked 2024-02-01)" in rows.first.inner_text()
    page.get_by_role("checkbox", name="closed").uncheck()
    expect(rows).to_have_count(1)
    page.get_by_role("checkbox", name="vendor hole").uncheck()
    page.wait_for_selector("text=No reason is ticked")
    page.get_by_role("checkbox", name="vendor hole").check()
    with answered(page, "/trading-data/chart"):
        page.get_by_role("button", name="2024-01-10 to 2024-01-11").click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_appearance_follows_the_system_and_then_the_button(
    visitor: browsing.Visitor, scheme: Any
) -> None:
    light, dark = "rgb(244, 246, 248)", "rgb(15, 19, 23)"
    first, second = (light, dark) if scheme == "light" else (dark, light)
    page = open_symbol(visitor, "AAPL", scheme=scheme)
    assert colour_of(page, "body") == first
    toggle = page.get_by_role("button", name="Dark appearance")
    assert toggle.get_attribute("aria-pressed") == str(scheme == "dark").lower()
    toggle.click()
    assert colour_of(page, "body") == second
    visitor.keep(page)
    page.reload()
    assert colour_of(page, "body") == second


@pytest.mark.parametrize(
    ("path", "scheme"), [("/", "light"), ("/symbols/AAPL", "dark"), ("/?q=nothing-like-it", "dark")]
)
def test_pages_fit_a_telephone(visitor: browsing.Visitor, path: str, scheme: Any) -> None:
    page = visitor.open(path, width=390, height=844, scheme=scheme)
    page.wait_for_load_state("networkidle")
    visitor.keep(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("path", ["/", "/symbols/HOLE"])
def test_pages_can_be_read_aloud(visitor: browsing.Visitor, path: str) -> None:
    page = visitor.open(path)
    page.wait_for_load_state("networkidle")
    found = page.evaluate(
        """() => ({
          language: document.documentElement.lang,
          headings: document.querySelectorAll("h1").length,
          landmarks: ["header", "nav", "main", "footer"].filter((n) => !document.querySelector(n)),
          nameless: [...document.querySelectorAll("button, a, input:not([type=hidden])")].filter(
            (e) => !(e.getAttribute("aria-label") || e.textContent.trim() || e.labels?.length),
          ).length,
          pictures: [...document.querySelectorAll("canvas, img, [role=img]")].filter(
            (e) => !e.hasAttribute("aria-label") && !e.hasAttribute("alt"),
          ).length,
          headless: [...document.querySelectorAll("table")].filter(
            (t) => !t.querySelector("th[scope=col]"),
          ).length,
          twice: [...document.querySelectorAll("[id]")].map((e) => e.id).filter(
            (id, i, all) => all.indexOf(id) !== i,
          ),
        })"""
    )
    assert found == {
        "language": "en",
        "headings": 1,
        "landmarks": [],
        "nameless": 0,
        "pictures": 0,
        "headless": 0,
        "twice": [],
    }


def test_stored_text_is_harmless(visitor: browsing.Visitor) -> None:
    page = visitor.open("/")
    expect(page.locator("tr[data-pending]")).to_have_count(0)
    assert page.get_by_role("link", name=conftest.HOSTILE).count() == 1
    assert page.locator("main img").count() == 0
    page = open_symbol(visitor, "LEGAL")
    assert page.get_by_text(conftest.SCRIPT).count() == 2
    assert page.locator("main script").count() == 0


def test_odd_symbols_have_whole_pages(visitor: browsing.Visitor) -> None:
    for path in ("A%26B%2BC", "BRK.B", "EUR%2FUSD?timeframe=1h"):
        open_symbol(visitor, path)


def test_generated_bars_are_marked_in_the_chart(visitor: browsing.Visitor) -> None:
    page = open_symbol(visitor, "MADE")
    assert "4 synthetic" in page.locator("#level").inner_text()
    assert page.locator("#synthetic").is_visible()


def test_a_failure_is_told_in_the_words_of_the_service_and_can_be_tried_again(
    visitor: browsing.Visitor,
) -> None:
    page = open_symbol(visitor, "HOLE")
    problem = json.dumps({"title": "Service Unavailable", "detail": "the disk is full of snow"})
    page.route(
        "**/trading-data/gaps*",
        lambda route: route.fulfill(
            status=503, content_type="application/problem+json", body=problem
        ),
    )
    page.get_by_role("checkbox", name="closed").uncheck()
    page.wait_for_selector("text=the disk is full of snow")
    visitor.keep(page)
    page.unroute("**/trading-data/gaps*")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector('#gaps[data-state="ready"]')
    # Chromium notes the refused request in the console; nothing else may stand there.
    assert all("503" in problem for problem in visitor.problems)
    visitor.problems.clear()


def test_a_chart_that_failed_zooms_again_once_it_is_back(visitor: browsing.Visitor) -> None:
    page = open_symbol(visitor, "AAPL")
    page.route("**/trading-data/chart*", lambda route: route.abort())
    page.get_by_role("button", name="1Y", exact=True).click()
    page.wait_for_selector("text=The service does not answer")
    page.unroute("**/trading-data/chart*")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector("#chart .nsewdrag")
    with answered(page, "/trading-data/chart") as answer:
        drag_over_chart(page, 0.4, 0.6)
    assert answer.value.json()["total_bars"] < 252
    assert all("ERR_FAILED" in problem for problem in visitor.problems)
    visitor.problems.clear()


def test_of_hurried_zooms_the_last_one_counts(visitor: browsing.Visitor) -> None:
    page = open_symbol(visitor, "AAPL")
    for name in ("5Y", "1Y", "6M", "1M", "All", "1Y"):
        page.get_by_role("button", name=name, exact=True).click()
    # New York had 250 sessions in 2012: without the 40 before March, with 41 of 2013, 251.
    expect(page.locator("#level")).to_have_text(
        "251 daily bars, each one shown, 2012-03-01 to 2013-03-01"
    )


def test_an_empty_store_says_how_to_begin(browser: Browser, tmp_path: Path) -> None:
    with (
        ParquetStore(tmp_path / "empty") as store,
        browsing.served(create_app(Settings(), store=store)) as url,
    ):
        visitor = browsing.Visitor(browser, url, "empty")
        page = visitor.open("/")
        assert page.get_by_role("heading", name="The store is empty").is_visible()
        visitor.keep(page)
        page.context.close()
    assert visitor.problems == []
