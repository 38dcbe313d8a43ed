"""Pages over the layout, their files, and errors as pages."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import zstandard
from jinja2 import UndefinedError

import kit_pages
from simutrador_service.web import Assets, Pages, prefers_html
from simutrador_service.web.assets import plotly_script

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
LINK = re.compile(r"""(?:src|href)="([^"]+)\"""")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(kit_pages.app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as opened:
        yield opened


async def test_an_address_shared_by_people_and_programs_answers_each(
    client: httpx.AsyncClient,
) -> None:
    page = await client.get("/", headers=BROWSER)
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["cache-control"] == "no-cache"
    assert "Accept" in page.headers["vary"]
    assert (await client.get("/")).json()["message"] == "SimuTrador Demo"


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        ("text/html", True),
        ("application/json, text/html", False),
        ("text/html;q=0.5, application/json;q=0.9", False),
        ("*/*", False),
        ("", False),
        ("text/html;q=0", False),
        ("text/html;q=x", False),
    ],
)
def test_only_whoever_asks_for_a_page_gets_one(accept: str, html: bool) -> None:
    assert prefers_html(accept) is html


async def test_values_are_escaped_and_unknown_names_are_errors(client: httpx.AsyncClient) -> None:
    page = (await client.get("/", headers=BROWSER)).text
    assert "&lt;b&gt;AAPL&lt;/b&gt;" in page
    assert "<b>AAPL" not in page
    with pytest.raises(UndefinedError):
        kit_pages.pages().render("demo.html")


async def test_the_layout_links_sections_and_services(client: httpx.AsyncClient) -> None:
    page = (await client.get("/", headers=BROWSER)).text
    assert '<a href="/" aria-current="page">Overview</a>' in page
    assert '<a href="/jobs" >Jobs</a>' in page
    assert '<a href="http://127.0.0.1:8002" >Data</a>' in page
    assert '<a href="/" aria-current="true">Demo</a>' in page


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/wrong/symbol", 404, "no bars are stored for symbol &#39;&lt;script&gt;&#39;"),
        ("/wrong/page", 404, "nothing is served at /wrong/page; see /docs"),
        ("/wrong/page?count=many", 422, "count: Input should be a valid integer"),
    ],
)
async def test_an_error_of_a_page_is_a_page_with_the_reason(
    client: httpx.AsyncClient, path: str, status: int, text: str
) -> None:
    answer = await client.get(path, headers=BROWSER)
    assert answer.status_code == status
    assert text in answer.text
    assert answer.headers["x-request-id"] in answer.text


async def test_a_page_has_nothing_inline_and_needs_no_other_host(
    client: httpx.AsyncClient,
) -> None:
    for path in ("/", "/docs", "/wrong/symbol"):
        page = (await client.get(path, headers=BROWSER)).text
        assert not re.search(r"<script(?![^>]*src=)", page)
        assert "<style" not in page
        assert not re.search(r"\s(on\w+|style)=", page)
        for address in LINK.findall(page):
            assert address.startswith(("/", "#", "http://127.0.0.1:8002")), address


async def test_files_are_kept_for_ever_under_names_that_follow_their_content(
    client: httpx.AsyncClient,
) -> None:
    page = (await client.get("/", headers=BROWSER)).text
    files = [address for address in LINK.findall(page) if address.startswith("/static/")]
    assert len(files) >= 8
    for address in files:
        answer = await client.get(address)
        assert answer.status_code == 200, address
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert (await client.head(address)).status_code == 200
    gone = await client.get(re.sub(r"/static/[^/]+/", "/static/0123456789abcdef/", files[0]))
    assert gone.status_code == 404


def test_a_changed_file_changes_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "pages_of_a_test"
    (folder / "static").mkdir(parents=True)
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    script = folder / "static" / "a.js"
    script.write_text("1")
    before = Assets("pages_of_a_test").url("a.js")
    script.write_text("2")
    after = Assets("pages_of_a_test").url("a.js")
    assert before != after
    with pytest.raises(KeyError):
        Assets("pages_of_a_test").url("b.js")


@pytest.mark.parametrize("path", ["%2e%2e/pages.py", "..%2fpages.py", "/etc/passwd", ""])
async def test_only_files_for_browsers_are_served(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(f"/static/{Assets().version}/{path}")).status_code == 404


async def test_files_are_sent_compressed(client: httpx.AsyncClient) -> None:
    address = plotly_script().url
    async with client.stream("GET", address, headers={"Accept-Encoding": "zstd"}) as answer:
        body = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers["vary"] == "Accept-Encoding"
    assert len(body) < len(plotly_script().content) / 2
    whole = zstandard.ZstdDecompressor().decompressobj().decompress(body)
    assert whole == plotly_script().content


async def test_every_browser_finds_an_icon(client: httpx.AsyncClient) -> None:
    assert (await client.get("/favicon.ico")).headers["content-type"] == "image/svg+xml"


def test_a_page_without_charts_does_not_need_plotly(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        pytest.fail("Plotly was asked for")

    pages = Pages("SimuTrador Demo")
    pages._environment.globals["plotly_script"] = missing
    assert "SimuTrador" in pages.render(
        "kit/docs.html", info={"title": "", "version": ""}, operations=[]
    )
