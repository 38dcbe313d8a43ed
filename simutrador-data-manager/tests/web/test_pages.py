"""The pages as they leave the server: who is shown one, what stands in it, what is escaped."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI

from simutrador_data.core.settings import DataStorageSettings, Settings
from simutrador_data.main import create_app
from simutrador_service.web import prefers_html

Serve = Callable[[FastAPI], AbstractAsyncContextManager[httpx.AsyncClient]]


class Outline(HTMLParser):
    """What a page is made of: its elements in order, its text, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of every element of a kind."""
        return [attributes for name, attributes in self.tags if name == tag]

    def loaded(self) -> set[str]:
        """Return the addresses a browser fetches for the page."""
        links = {link["href"] for link in self.named("link")}
        sources = {tag.get("src") for name in ("script", "img") for tag in self.named(name)}
        return {address for address in links | sources if address}


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("text/html", True),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("TEXT/HTML", True),
        ("text/html, application/json", True),
        ("application/json, text/html", False),
        ("text/html;q=0.5, application/json", False),
        ("text/html;q=0.5, application/json;q=0.4", True),
        ("text/html;q=0", False),
        ("text/html;q=nonsense", False),
    ],
)
def test_html_is_for_clients_that_ask_for_it_before_json(accept: str, html: bool) -> None:
    assert prefers_html(accept) is html


async def test_the_root_serves_both(client: httpx.AsyncClient) -> None:
    shown = await client.get("/")
    assert shown.headers["content-type"].startswith("text/html")
    told = await client.get("/", headers={"Accept": "application/json"})
    assert told.json()["message"] == "SimuTrador Data Manager"
    for answer in (shown, told):
        assert "Accept" in answer.headers["vary"].split(", ")


async def test_the_overview_lists_every_series(client: httpx.AsyncClient) -> None:
    page = Outline((await client.get("/")).text)
    ids = [row["data-series"] for row in page.named("tr") if "data-series" in row]
    assert "daily:raw:BRK.B" in ids
    assert "1min:raw:EUR/USD" in ids
    assert len(ids) == 7
    assert "7 symbols, 7 series, 127 bars" in page.text


async def test_a_filter_needs_no_script(client: httpx.AsyncClient) -> None:
    page = Outline((await client.get("/?q=eur 1min")).text)
    ids = [row["data-series"] for row in page.named("tr") if "data-series" in row]
    assert ids == ["1min:raw:EUR/USD"]
    assert "1 of 7 series" in page.text


async def test_rows_say_how_complete_a_series_is_and_why_not(client: httpx.AsyncClient) -> None:
    answer = await client.get("/pages/rows", params={"series": "daily:raw:HOLE"})
    page = Outline(answer.text)
    # January 2024 has 21 sessions; two of them were asked for and are absent.
    assert "90.48 %" in page.text
    assert "vendor hole 2" in " ".join(page.text.split())
    assert {"data-reason": "vendor_hole", "class": "reason"} in page.named("span")


async def test_the_overview_remembers_what_was_counted(client: httpx.AsyncClient) -> None:
    def pending(text: str) -> set[str | None]:
        return {row["data-series"] for row in Outline(text).named("tr") if "data-pending" in row}

    assert len(pending((await client.get("/")).text)) == 7
    await client.get("/pages/rows", params={"series": "daily:raw:HOLE"})
    after = pending((await client.get("/")).text)
    assert len(after) == 6
    assert "daily:raw:HOLE" not in after


async def test_a_row_that_cannot_be_judged_says_so_and_spares_the_others(
    client: httpx.AsyncClient,
) -> None:
    hostile = "daily:raw:<IMG SRC=X ONERROR=ALERT(1)>"
    answer = await client.get("/pages/rows", params={"series": [hostile, "daily:raw:BRK.B"]})
    page = Outline(answer.text)
    assert answer.status_code == 200
    assert "Cannot be judged" in page.text
    assert "100 %" in page.text
    assert not page.named("img")


async def test_rows_of_series_gone_meanwhile_are_left_out(client: httpx.AsyncClient) -> None:
    page = Outline((await client.get("/pages/rows", params={"series": "daily:raw:GONE"})).text)
    assert not page.named("tr")


async def test_too_many_rows_are_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get("/pages/rows", params={"series": ["daily:raw:HOLE"] * 51})
    assert answer.status_code == 422
    assert "50" in Outline(answer.text).text


@pytest.mark.parametrize(
    ("path", "symbol"),
    [
        ("BRK.B", "BRK.B"),
        ("brk.b", "BRK.B"),
        ("EUR%2FUSD", "EUR/USD"),
        ("EUR/USD", "EUR/USD"),
        ("A%26B%2BC", "A&B+C"),
    ],
)
async def test_a_symbol_has_a_page_however_it_is_spelled(
    client: httpx.AsyncClient, path: str, symbol: str
) -> None:
    answer = await client.get(f"/symbols/{path}")
    page = Outline(answer.text)
    assert answer.status_code == 200
    assert page.named("main")[0]["data-symbol"] == symbol


async def test_links_of_the_overview_lead_to_their_pages(client: httpx.AsyncClient) -> None:
    page = Outline((await client.get("/")).text)
    links = [a["href"] or "" for a in page.named("a") if (a["href"] or "").startswith("/symbols")]
    assert len(links) == 7
    statuses = {link: (await client.get(link)).status_code for link in links}
    hostile = quote("<IMG SRC=X ONERROR=ALERT(1)>", safe="")
    assert {link for link, status in statuses.items() if status != 200} == {
        f"/symbols/{hostile}?timeframe=daily&adjustment=raw"
    }


async def test_stored_text_never_becomes_markup(client: httpx.AsyncClient) -> None:
    for path in ("/", "/symbols/LEGAL", "/symbols/%3CIMG%20SRC%3DX%3E", "/?q=%3Cscript%3E"):
        page = Outline((await client.get(path)).text)
        assert all("src" in script for script in page.named("script")), path
        assert [image["alt"] for image in page.named("img")] == [""], path
        assert not [name for name, tag in page.tags if any(key.startswith("on") for key in tag)]


async def test_pages_hold_no_inline_style_or_script(client: httpx.AsyncClient) -> None:
    for path in ("/", "/symbols/HOLE", "/symbols/NOPE"):
        page = Outline((await client.get(path)).text)
        assert not page.named("style")
        assert not [tag for _, tag in page.tags if "style" in tag]
        assert all(script.get("src") for script in page.named("script"))


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/symbols/NOPE", 404, "no bars are stored for symbol 'NOPE'"),
        ("/symbols/HOLE?timeframe=1h", 404, "stored are daily"),
        ("/symbols/HOLE?timeframe=fortnight", 422, "fortnight"),
        ("/symbols/HOLE?adjustment=clean", 422, "raw, split, total"),
        ("/symbols/..%2F..%2Fetc", 422, "it must begin with a letter"),
    ],
)
async def test_errors_are_pages_that_name_the_cause(
    client: httpx.AsyncClient, path: str, status: int, text: str
) -> None:
    answer = await client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert text in Outline(answer.text).text


async def test_generated_data_is_marked(client: httpx.AsyncClient) -> None:
    assert "Synthetic data" in Outline((await client.get("/symbols/MADE")).text).text
    assert "Synthetic data" not in Outline((await client.get("/symbols/HOLE")).text).text


async def test_an_empty_store_says_how_to_begin(tmp_path: Path, serve: Serve) -> None:
    settings = Settings(data_storage=DataStorageSettings(base_path=tmp_path / "my store"))
    async with serve(create_app(settings)) as client:
        page = Outline((await client.get("/")).text)
    assert "The store is empty" in page.text
    folder = f"'{tmp_path}/my store'"
    assert f"simutrador-data demo --no-serve --data {folder}" in page.text
    assert f"simutrador-data import prices.csv --data {folder}" in page.text


async def test_everything_a_page_loads_is_here_and_kept_for_ever(client: httpx.AsyncClient) -> None:
    addresses = Outline((await client.get("/symbols/HOLE")).text).loaded()
    assert any(address.endswith("plotly.min.js") for address in addresses)
    for address in addresses:
        assert address.startswith("/static/")
        answer = await client.get(address)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_an_address_of_older_content_is_gone(client: httpx.AsyncClient) -> None:
    assert (await client.get("/static/0123456789abcdef/css/base.css")).status_code == 404
    assert (await client.get("/static/plotly-1.0/plotly.min.js")).status_code == 404


async def test_static_files_are_a_closed_list(client: httpx.AsyncClient) -> None:
    address = next(
        a for a in Outline((await client.get("/")).text).loaded() if a.endswith("base.css")
    )
    folder = address.removesuffix("css/base.css")
    for path in ("..%2Ftemplates%2Fbase.html", "../templates/base.html", "css", ""):
        assert (await client.get(folder + path)).status_code == 404
