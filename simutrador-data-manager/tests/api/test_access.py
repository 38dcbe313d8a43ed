"""Who is let in: open to this machine alone, elsewhere by keys; every route says whom it serves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest

from simutrador_core.models.enums import UserPlan
from simutrador_data.core.settings import ApiSettings, DataStorageSettings, Settings
from simutrador_data.main import create_app
from simutrador_data.services.accounts import opened_accounts
from simutrador_service.auth import Accounts, route_rules, unmatched_routes
from simutrador_service.config import AuthSection, RedisSection, SecretUrl
from simutrador_service.errors import SettingsError

Serve = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]

PUBLIC = {
    "/",
    "/api/v1/health",
    "/api/v1/simulate",
    "/auth/refresh",
    "/auth/token",
    "/docs",
    "/favicon.ico",
    "/health",
    "/health/live",
    "/health/ready",
    "/openapi.json",
    "/static/{folder}/{path:path}",
}
# Written by hand, so that a route is opened to more people only on purpose.
SCOPES = {
    "/": {"bars:read"},  # the page; programs get the public document
    "/data-analysis/completeness": {"bars:read"},
    "/data-analysis/quality": {"bars:read"},
    "/health/deep": {"health:read"},
    "/jobs": {"jobs:read", "jobs:write"},
    "/jobs/{job_id}": {"jobs:read", "jobs:write"},
    "/jobs/{job_id}/events": {"jobs:read"},
    "/jobs/{job_id}/retry": {"jobs:write"},
    "/metrics": {"metrics:read"},
    "/nightly-update/data-completeness": {"bars:read"},
    "/nightly-update/active": {"jobs:read"},
    "/nightly-update/history": {"jobs:read"},
    "/nightly-update/start": {"jobs:write"},
    "/nightly-update/status/{request_id}": {"jobs:read"},
    "/nightly-update/status/{request_id}/details": {"jobs:read"},
    "/nightly-update/status/{request_id}/progress": {"jobs:read"},
    "/nightly-update/{request_id}/cancel": {"jobs:write"},
    "/nightly-update/{request_id}/retry": {"jobs:write"},
    "/pages/rows": {"bars:read"},
    "/schedules": {"jobs:read"},
    "/schedules/{name}/pause": {"jobs:admin"},
    "/schedules/{name}/resume": {"jobs:admin"},
    "/schedules/{name}/run": {"jobs:admin"},
    "/symbols/{symbol:path}": {"bars:read"},
    "/trading-data/actions/{symbol:path}": {"bars:read"},
    "/trading-data/bars": {"bars:read"},
    "/trading-data/chart": {"bars:read"},
    "/trading-data/coverage": {"bars:read"},
    "/trading-data/data/{symbol:path}": {"bars:read"},
    "/trading-data/dataset-id": {"bars:read"},
    "/trading-data/diff/{symbol:path}": {"bars:read"},
    "/trading-data/gaps": {"bars:read"},
    "/trading-data/history/{symbol:path}": {"bars:read"},
    "/trading-data/series": {"bars:read"},
    "/trading-data/symbols": {"bars:read"},
}


def reachable(folder: Path, *, host: str = "0.0.0.0", enabled: bool | None = None) -> Settings:
    """Return settings of a service that other machines reach."""
    return Settings(
        api=ApiSettings(host=host),
        auth=AuthSection(enabled=enabled),
        data_storage=DataStorageSettings(base_path=folder),
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return reachable(tmp_path)


@pytest.fixture
def accounts(settings: Settings) -> Iterator[Accounts]:
    with opened_accounts(settings) as opened:
        yield opened


def test_every_route_says_whom_it_serves(settings: Settings, accounts: Accounts) -> None:
    app = create_app(settings, accounts=accounts)
    assert unmatched_routes(app) == []
    rules = route_rules(app)
    assert {rule.path for rule in rules if rule.is_public} == PUBLIC
    scopes: dict[str, set[str]] = {}
    for rule in rules:
        if not rule.is_public and not rule.path.startswith("/auth/"):
            scopes.setdefault(rule.path, set()).update(rule.scopes)
    assert scopes == SCOPES


@pytest.mark.parametrize(
    "path",
    [
        "/trading-data/symbols",
        "/trading-data/bars?symbols=AAPL",
        "/symbols/AAPL",
        "/metrics",
        "/health/deep",
    ],
)
async def test_a_service_that_others_reach_asks_for_a_key(
    settings: Settings, accounts: Accounts, serve: Serve, path: str
) -> None:
    async with serve(create_app(settings, accounts=accounts), "http://192.168.1.7:8002") as client:
        unknown = await client.get(path)
        key = (settings.service_folder / "initial-api-key").read_text().strip()
        known = await client.get(path, headers={"X-API-Key": key})
    assert unknown.status_code == 401
    assert known.status_code in {200, 404}


async def test_whoever_may_read_bars_may_not_read_metrics(
    settings: Settings, accounts: Accounts, serve: Serve
) -> None:
    key = accounts.keys.create("ann", scopes=["bars:read"]).key
    asked = {"queries": []}
    async with serve(create_app(settings, accounts=accounts), "http://192.168.1.7:8002") as client:
        client.headers["Authorization"] = f"Bearer {key}"
        assert (await client.get("/trading-data/symbols")).json() == []
        assert (await client.post("/trading-data/dataset-id", json=asked)).status_code == 200
        for path in ("/metrics", "/health/deep"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_anybody_may_ask_whether_it_is_well_and_how_it_is_used(
    settings: Settings, accounts: Accounts, serve: Serve
) -> None:
    async with serve(create_app(settings, accounts=accounts), "http://192.168.1.7:8002") as client:
        told = (await client.get("/health")).json()
        asked = ("store", "disk", "database", "jobs")
        assert told["services"] == dict.fromkeys(asked, "healthy")
        for path in ("/health/live", "/health/ready", "/", "/docs", "/openapi.json"):
            assert (await client.get(path)).status_code == 200


async def test_a_refused_page_is_a_page(
    settings: Settings, accounts: Accounts, serve: Serve
) -> None:
    async with serve(create_app(settings, accounts=accounts), "http://192.168.1.7:8002") as client:
        answer = await client.get("/", headers={"Accept": "text/html"})
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/html")
    assert "X-API-Key" in answer.text


async def test_loopback_is_open_until_a_key_is_made(tmp_path: Path, serve: Serve) -> None:
    here = reachable(tmp_path, host="127.0.0.1")
    with opened_accounts(here) as accounts:
        async with serve(create_app(here, accounts=accounts)) as client:
            assert (await client.get("/trading-data/symbols")).status_code == 200
            assert (await client.get("/metrics")).status_code == 200
        assert not (here.service_folder / "initial-api-key").exists()
        accounts.keys.create("ann", scopes=["bars:read"])
        async with serve(create_app(here, accounts=accounts)) as client:
            assert (await client.get("/trading-data/symbols")).status_code == 401


def test_switching_auth_off_for_others_refuses_to_start(tmp_path: Path, accounts: Accounts) -> None:
    with pytest.raises(SettingsError, match=r"AUTH__ENABLED=false, but API__HOST=0\.0\.0\.0"):
        create_app(reachable(tmp_path, enabled=False), accounts=accounts)


def test_without_accounts_auth_cannot_be_asked_for(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="has no accounts"):
        create_app(reachable(tmp_path, host="127.0.0.1", enabled=True))


def test_a_folder_for_keys_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "service").write_text("a file where the folder should be")
    with (
        pytest.raises(SettingsError, match="where keys, users and jobs are kept"),
        opened_accounts(reachable(tmp_path)),
    ):
        pass


async def test_without_its_redis_the_service_answers_and_says_so(
    tmp_path: Path, serve: Serve
) -> None:
    pytest.importorskip("redis")
    lost = reachable(tmp_path).model_copy(
        update={"redis": RedisSection(url=SecretUrl("redis://127.0.0.1:1/0"))}
    )
    with opened_accounts(lost) as accounts:
        key = accounts.keys.create("ann", scopes=["bars:read"], plan=UserPlan.FREE).key
        async with serve(create_app(lost, accounts=accounts), "http://192.168.1.7") as client:
            answer = await client.get("/trading-data/symbols", headers={"X-API-Key": key})
            assert (answer.status_code, answer.headers["X-RateLimit-Limit"]) == (200, "100")
            ready = await client.get("/health/ready")
            assert ready.status_code == 200
            assert [check["check"] for check in ready.json()["checks"]] == ["limits"]
            assert (await client.get("/health")).json()["status"] == "degraded"
