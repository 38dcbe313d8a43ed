"""What surrounds the routes: health, headers, guard, documentation, crashes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from fastapi.responses import StreamingResponse

import simutrador_data.main
from simutrador_data import __version__
from simutrador_data.core.settings import ApiSettings, DataStorageSettings, Settings
from simutrador_data.main import create_app
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_service.errors import SettingsError

Serve = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


def at(path: Path, **api: object) -> Settings:
    """Return settings of a store in a folder."""
    return Settings(
        api=ApiSettings.model_validate(api), data_storage=DataStorageSettings(base_path=path)
    )


async def test_the_root_says_where_to_go(client: httpx.AsyncClient) -> None:
    assert (await client.get("/")).json() == {
        "message": "SimuTrador Data Manager",
        "version": "1.0.0",
        "docs": "/docs",
        "openapi": "/openapi.json",
    }


async def test_health_asks_the_store(client: httpx.AsyncClient) -> None:
    told = (await client.get("/health")).json()
    assert datetime.fromisoformat(told.pop("timestamp")).tzinfo is not None
    assert told == {
        "status": "healthy",
        "service": "simutrador-data-manager",
        "version": __version__,
        "services": {"store": "healthy"},
        "store": {"status": "ok", "series": 3, "symbols": 3, "bars": 10},
    }
    assert (await client.get("/health/live")).json() == {"status": "alive"}
    assert (await client.get("/health/ready")).json() == {"status": "ready", "checks": []}


async def test_health_asks_the_disk_of_a_store_of_its_own(tmp_path: Path, serve: Serve) -> None:
    async with serve(create_app(at(tmp_path))) as client:
        told = (await client.get("/health")).json()
        deep = (await client.get("/health/deep")).json()
    assert told["services"] == {"store": "healthy", "disk": "healthy"}
    assert told["disk"]["free_bytes"] > 0
    assert {check["name"]: check["critical"] for check in deep["checks"]} == {
        "store": True,
        "disk": False,
    }


async def test_metrics_count_requests_by_route(client: httpx.AsyncClient) -> None:
    await client.get("/trading-data/data/AAPL?timeframe=daily")
    text = (await client.get("/metrics")).text
    route = 'endpoint="/trading-data/data/{symbol:path}"'
    assert f'http_requests_total{{{route},method="GET",status="200"}} 1.0' in text


async def test_a_damaged_store_is_not_ready(tmp_path: Path, serve: Serve) -> None:
    with ParquetStore(tmp_path / "store") as store:
        async with serve(create_app(Settings(), store=store)) as client:
            assert (await client.get("/health/ready")).status_code == 200
        for file in (tmp_path / "store").glob("*.sqlite*"):
            file.write_bytes(b"not a catalogue any more" * 400)
        async with serve(create_app(Settings(), store=store)) as client:
            answer = await client.get("/health/ready")
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
            assert [check["check"] for check in answer.json()["checks"]] == ["store"]
            told = await client.get("/health")
            assert (told.status_code, told.json()["status"]) == (503, "unhealthy")
            assert (await client.get("/health/live")).status_code == 200


async def test_the_store_is_made_at_the_start_and_closed_at_the_end(
    tmp_path: Path, serve: Serve
) -> None:
    async with serve(create_app(at(tmp_path / "new"))) as client:
        assert (await client.get("/trading-data/symbols")).json() == []
    assert (tmp_path / "new").is_dir()


async def test_every_answer_carries_the_security_headers(client: httpx.AsyncClient) -> None:
    for path in ("/", "/nothing-here", "/docs"):
        headers = (await client.get(path)).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"


async def test_a_request_id_is_kept_when_it_is_harmless(client: httpx.AsyncClient) -> None:
    kept = await client.get("/", headers={"X-Request-ID": "abc-123"})
    assert kept.headers["X-Request-ID"] == "abc-123"
    made = await client.get("/", headers={"X-Request-ID": "evil id <script>"})
    assert len(made.headers["X-Request-ID"]) == 32


async def test_no_other_site_may_read_answers_unless_listed(client: httpx.AsyncClient) -> None:
    answer = await client.get("/", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers


async def test_a_listed_site_may_read_answers(tmp_path: Path, serve: Serve) -> None:
    settings = at(tmp_path, allowed_origins=("http://localhost:4200",))
    async with serve(create_app(settings)) as client:
        listed = await client.get("/", headers={"Origin": "http://localhost:4200"})
        other = await client.get("/", headers={"Origin": "https://evil.example"})
    assert listed.headers["access-control-allow-origin"] == "http://localhost:4200"
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "data.example"])
def test_without_accounts_it_refuses_an_address_others_can_reach(tmp_path: Path, host: str) -> None:
    with pytest.raises(SettingsError, match="for this machine alone"):
        create_app(at(tmp_path, host=host))


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("http://127.0.0.1:8002", 200),
        ("http://[::1]:8002", 200),
        ("http://localhost:8002", 200),
        ("http://192.168.1.7:8002", 403),
        ("http://rebound.evil.example:8002", 421),
    ],
)
async def test_only_this_machine_is_answered_however_the_server_was_bound(
    tmp_path: Path, serve: Serve, url: str, status: int
) -> None:
    async with serve(create_app(at(tmp_path)), url) as client:
        answer = await client.get("/")
    assert answer.status_code == status
    assert "x-request-id" in answer.headers


async def test_a_crash_is_a_problem_without_details(tmp_path: Path, serve: Serve) -> None:
    app = create_app(at(tmp_path))

    @app.get("/crash")
    def crash() -> None:
        raise RuntimeError("the password is 1234")

    async with serve(app) as client:
        answer = await client.get("/crash")
    assert answer.status_code == 500
    problem = answer.json()
    assert problem["code"] == "internal_error"
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    assert "1234" not in answer.text
    assert answer.headers["x-frame-options"] == "DENY"


class Links(HTMLParser):
    """Collects what a page loads and offers."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.fields: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "link":
            self.loaded.append(given.get("href") or "")
        if tag in {"script", "img"}:
            self.loaded.append(given.get("src") or "")
        if tag == "input":
            self.fields.append(given.get("name") or "")


async def test_the_documentation_needs_no_other_host(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/docs")
    page = Links()
    page.feed(answer.text)
    assert len(page.loaded) > 4
    for address in page.loaded:
        assert address.startswith("/static/")
        assert (await client.get(address)).status_code == 200
    assert {"symbols", "timeframe", "format", "points"} <= set(page.fields)


async def test_openapi_documents_problems_and_formats(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    bars = document["paths"]["/trading-data/bars"]["get"]["responses"]
    assert {"application/json", "text/csv", "application/vnd.apache.arrow.stream"} <= set(
        bars["200"]["content"]
    )
    assert list(bars["422"]["content"]) == ["application/problem+json"]
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_the_module_builds_its_app_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_STORAGE__BASE_PATH", str(tmp_path))
    assert simutrador_data.main.app is simutrador_data.main.app
    with pytest.raises(AttributeError, match="no attribute 'other'"):
        simutrador_data.main.other  # noqa: B018


def test_running_the_module_refuses_to_be_open_to_others(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "simutrador_data.main"],
        cwd=tmp_path,
        env={**os.environ, "API__HOST": "0.0.0.0", "AUTH__ENABLED": "false"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "AUTH__ENABLED=false, but API__HOST=0.0.0.0" in done.stderr
    assert "Traceback" not in done.stderr


async def test_half_an_answer_never_looks_whole(tmp_path: Path, serve: Serve) -> None:
    app = create_app(at(tmp_path))

    @app.get("/cut")
    def cut() -> StreamingResponse:
        def parts() -> Iterator[bytes]:
            yield b"first half"
            raise RuntimeError("the disk is gone")

        return StreamingResponse(parts())

    async with serve(app) as client:
        with pytest.raises(RuntimeError, match="the disk is gone"):
            await client.get("/cut")
