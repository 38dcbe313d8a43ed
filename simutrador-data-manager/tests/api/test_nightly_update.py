"""`/nightly-update`: documented words, bad input, two runs at once, a run to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from nightly_service import TUESDAY, WEDNESDAY, session_bars, settings_of
from simutrador_data.core.settings import Settings
from simutrador_data.main import create_app
from simutrador_data.services.accounts import opened_accounts
from simutrador_data.testing import Fault, FaultServer
from simutrador_service.config import JobsSection

Serve = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]

PATIENCE_S = 30.0
DATES = {"start_date": str(TUESDAY), "end_date": str(WEDNESDAY)}


@pytest.fixture
def server() -> Iterator[FaultServer]:
    bars = [session_bars(symbol, TUESDAY, WEDNESDAY) for symbol in ("AAPL", "MSFT")]
    with FaultServer(bars) as running:
        yield running


@asynccontextmanager
async def a_service(settings: Settings, serve: Serve) -> AsyncIterator[httpx.AsyncClient]:
    """Serve with accounts, over a store and a database of its own."""
    with opened_accounts(settings) as accounts:
        async with serve(create_app(settings, accounts=accounts)) as opened:
            yield opened


@pytest.fixture
async def client(
    tmp_path: Path, serve: Serve, server: FaultServer
) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of a service that does its runs."""
    async with a_service(settings_of(tmp_path / "store", server.url("polygon")), serve) as opened:
        yield opened


@pytest.fixture
async def idle(
    tmp_path: Path, serve: Serve, server: FaultServer
) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of a service that leaves its runs to other workers."""
    settings = settings_of(tmp_path / "store", server.url("polygon"))
    changed = settings.model_copy(update={"jobs": JobsSection(threads=0)})
    async with a_service(changed, serve) as opened:
        yield opened


async def started(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await client.post("/nightly-update/start", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def details(client: httpx.AsyncClient, run_id: str) -> dict[str, Any]:
    """Ask until the run has ended, as clients do."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            answer = await client.get(f"/nightly-update/status/{run_id}/details")
            if answer.status_code == 200:
                return answer.json()
            assert answer.status_code == 202
            assert answer.json()["detail"] == "Update is still in progress"
            await asyncio.sleep(0.05)


async def test_a_run_to_its_end(client: httpx.AsyncClient) -> None:
    said = await started(client, symbols=["aapl", "MSFT", "AAPL"], **DATES)
    assert said["status"] == "started"
    assert said["message"] == "Nightly update started for 2 symbols: AAPL, MSFT"
    run_id = said["request_id"]
    assert UUID(run_id).version == 4
    done = await details(client, run_id)
    assert (done["overall_success"], done["status"]) == (True, "completed")
    assert (done["symbols_requested"], done["max_concurrent_used"]) == (["AAPL", "MSFT"], 2)
    assert done["summary"]["resampling_summary"]["daily"] == 4
    status = (await client.get(f"/nightly-update/status/{UUID(run_id)}")).json()  # with dashes
    assert (status["is_complete"], status["overall_success"]) == (True, True)
    assert status["progress"]["progress_percentage"] == 100.0
    assert status["progress"]["completed_symbols"] == status["symbols_count"] == 2
    assert status["summary"]["total_candles_updated"] == 1560
    progress = (await client.get(f"/nightly-update/status/{run_id}/progress")).json()
    assert {one["status"] for one in progress["symbol_progress"].values()} == {"completed"}
    assert (await client.get("/nightly-update/active")).json() == []
    [past] = (await client.get("/nightly-update/history")).json()["runs"]
    assert (past["request_id"], past["candles_updated"]) == (run_id, 1560)


async def test_a_run_that_waits_is_starting_and_listed_as_active(idle: httpx.AsyncClient) -> None:
    said = await started(idle, symbols=["AAPL"])
    assert said["message"] == "Nightly update started for symbol AAPL"
    run_id = said["request_id"]
    status = (await idle.get(f"/nightly-update/status/{run_id}")).json()
    assert (status["status"], status["is_complete"], status["summary"]) == ("starting", False, None)
    progress = (await idle.get(f"/nightly-update/status/{run_id}/progress")).json()
    assert progress["symbol_progress"]["AAPL"]["current_step"] == "Queued for processing"
    details = await idle.get(f"/nightly-update/status/{run_id}/details")
    assert (details.status_code, int(details.headers["retry-after"]) > 0) == (202, True)
    [active] = (await idle.get("/nightly-update/active")).json()
    assert (active["request_id"], active["symbols_count"]) == (run_id, 1)


async def test_without_symbols_those_of_the_settings_are_updated(idle: httpx.AsyncClient) -> None:
    assert "83 symbols: AAPL, ABBV, ABT, ..." in (await started(idle))["message"]


async def test_one_run_has_a_symbol_at_a_time(idle: httpx.AsyncClient) -> None:
    first = await started(idle, symbols=["AAPL", "MSFT"])
    second = await idle.post("/nightly-update/start", json={"symbols": ["IBM", "MSFT"]})
    assert second.status_code == 409
    assert second.json()["job_id"] == first["request_id"]
    assert "MSFT" in second.json()["detail"]
    await started(idle, symbols=["IBM"])  # shares no symbol
    cancelled = await idle.post(f"/nightly-update/{first['request_id']}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    await started(idle, symbols=["MSFT"])


async def test_many_who_start_the_same_run_at_once_get_one(idle: httpx.AsyncClient) -> None:
    body = {"symbols": ["AAPL"]}
    asked = [idle.post("/nightly-update/start", json=body) for _ in range(8)]
    answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 7]


async def test_a_repeated_idempotency_key_gives_the_same_run(idle: httpx.AsyncClient) -> None:
    ids: set[str] = set()
    for _ in range(2):
        answer = await idle.post(
            "/nightly-update/start",
            json={"symbols": ["AAPL"]},
            headers={"Idempotency-Key": "tonight"},
        )
        ids.add(answer.json()["request_id"])
    assert len(ids) == 1


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"symbols": []}, "symbols"),
        ({"symbols": ["A B\u0000"]}, "symbol"),
        ({"symbols": ["AAPL"], "max_concurrent": 0}, "max_concurrent"),
        ({"symbols": ["AAPL"], "max_concurrent_symbols": 3}, "max_concurrent_symbols"),
        ({"symbols": ["AAPL"], "start_date": "yesterday"}, "start_date"),
        (
            {"symbols": ["AAPL"], "start_date": "2024-01-03", "end_date": "2024-01-02"},
            "start_date 2024-01-03 is after end_date 2024-01-02",
        ),
        ({"symbols": ["AAPL"], "end_date": "2999-01-01"}, "2999-01-01 lies in the future"),
    ],
)
async def test_bad_input_is_refused_with_its_reason(
    idle: httpx.AsyncClient, body: dict[str, Any], text: str
) -> None:
    answer = await idle.post("/nightly-update/start", json=body)
    assert answer.status_code == 422
    assert text in answer.text
    assert (await idle.get("/nightly-update/active")).json() == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nightly-update/status/{id}"),
        ("GET", "/nightly-update/status/{id}/progress"),
        ("GET", "/nightly-update/status/{id}/details"),
        ("POST", "/nightly-update/{id}/cancel"),
        ("POST", "/nightly-update/{id}/retry"),
    ],
)
async def test_unknown_runs_are_not_found(idle: httpx.AsyncClient, method: str, path: str) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    answer = await idle.request(method, path.format(id=unknown))
    assert (answer.status_code, "not found" in answer.json()["detail"]) == (404, True)


async def test_a_failed_run_answers_with_details_and_its_rest_can_be_done(
    client: httpx.AsyncClient, server: FaultServer
) -> None:
    server.always(Fault.UNAUTHORIZED)
    first = (await started(client, symbols=["AAPL"], **DATES))["request_id"]
    done = await details(client, first)
    assert (done["status"], done["overall_success"]) == ("failed", False)
    assert done["global_errors"] != []
    assert "a-key-nobody-may-see" not in str(done)
    server.always(None)
    retried = await client.post(f"/nightly-update/{first}/retry")
    again = retried.json()["request_id"]
    assert (await details(client, again))["overall_success"] is True
    assert (await client.get(f"/nightly-update/status/{again}")).json()["retry_of"] == first
    nothing = await client.post(f"/nightly-update/{again}/retry")
    assert (nothing.status_code, nothing.json()["job_id"]) == (409, again)
    listed = (await client.get("/nightly-update/history?status=failed&limit=1")).json()
    assert [run["request_id"] for run in listed["runs"]] == [first]
    assert listed["runs"][0]["failed_symbols"] == ["AAPL"]


async def test_the_history_comes_page_by_page(idle: httpx.AsyncClient) -> None:
    for symbol in ("AAPL", "MSFT", "IBM"):
        await started(idle, symbols=[symbol])
    first = (await idle.get("/nightly-update/history?limit=2")).json()
    path = f"/nightly-update/history?limit=2&cursor={first['next_cursor']}"
    rest = (await idle.get(path)).json()
    assert [len(first["runs"]), len(rest["runs"]), rest["next_cursor"]] == [2, 1, None]
    refused = await idle.get("/nightly-update/history?status=running")
    assert refused.status_code == 422
