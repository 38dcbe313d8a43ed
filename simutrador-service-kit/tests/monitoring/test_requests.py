"""Every request has an id, a count under its route's template and a line without secrets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import structlog
from fastapi import APIRouter, FastAPI, Request, WebSocket
from fastapi.staticfiles import StaticFiles
from starlette.types import Message

from kit_web import Log, client, logged
from simutrador_service.logging import MASK
from simutrador_service.monitoring import Metrics, ObserveRequests, metrics_routes

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def log() -> Iterator[Log]:
    with logged() as stream:
        yield stream


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("test", "1.0.0")


@pytest.fixture
def app(metrics: Metrics, tmp_path: Path) -> FastAPI:
    """Routes of every kind: included, mounted, with a secret in the path, failing."""
    app, bars, mounted = FastAPI(), APIRouter(prefix="/bars"), FastAPI()

    @bars.get("/{symbol}")
    async def read_bars(symbol: str, request: Request) -> dict[str, str]:
        structlog.get_logger("service").info("reading")
        return {"symbol": symbol, "request_id": request.state.request_id}

    @app.get("/fails")
    async def fails() -> None:
        raise RuntimeError("token=hunter2hunter2")

    @app.post("/hooks/{token}")
    async def hook(token: str) -> str:
        return "ok"

    @mounted.get("/inside/{name}")
    async def inside(name: str) -> str:
        return name

    @app.websocket("/ws/{name}")
    async def talk(websocket: WebSocket, name: str) -> None:
        await websocket.accept()
        structlog.get_logger("service").info("talking")
        await websocket.close(4001)

    router = APIRouter(prefix="/v1")
    router.include_router(bars)
    app.include_router(router, prefix="/api")
    app.include_router(metrics_routes(metrics))
    app.mount("/sub", mounted)
    app.mount("/tenant/{tenant}", mounted)
    app.mount("/static", StaticFiles(directory=tmp_path))
    app.add_middleware(ObserveRequests, metrics=metrics)
    return app


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client(app) as opened:
        yield opened


def counted(metrics: Metrics, method: str, endpoint: str, status: int) -> float | None:
    labels = {"method": method, "endpoint": endpoint, "status": str(status)}
    return metrics.registry.get_sample_value("http_requests_total", labels)


def series(metrics: Metrics) -> int:
    text = metrics.render()[0].decode()
    return sum(line.startswith("http_requests_total{") for line in text.splitlines())


async def test_an_id_that_came_goes_back_and_stands_on_every_line(
    http: httpx.AsyncClient, log: Log
) -> None:
    answer = await http.get("/api/v1/bars/AAPL", headers={"X-Request-ID": "from-client.1"})
    assert answer.headers["x-request-id"] == "from-client.1"
    assert answer.json()["request_id"] == "from-client.1"
    assert [line["request_id"] for line in log.lines] == ["from-client.1"] * 2
    assert float(answer.headers["x-process-time"]) < 5.0


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, 'x"}\\n', "é"])
async def test_an_id_of_bad_form_is_replaced(http: httpx.AsyncClient, given: str, log: Log) -> None:
    answer = await http.get("/api/v1/bars/A", headers=[(b"X-Request-ID", given.encode("latin-1"))])
    assert len(answer.headers["x-request-id"]) == 32
    assert answer.headers.get_list("x-request-id") == [answer.json()["request_id"]]


async def test_ids_of_requests_at_the_same_time_are_kept_apart(
    http: httpx.AsyncClient, log: Log
) -> None:
    names = [f"r{n}" for n in range(20)]
    await asyncio.gather(
        *(http.get("/api/v1/bars/A", headers={"X-Request-ID": name}) for name in names)
    )
    assert sorted(line["request_id"] for line in log.named("reading")) == sorted(names)


async def test_a_callers_trace_id_stands_on_its_lines(http: httpx.AsyncClient, log: Log) -> None:
    await http.get("/api/v1/bars/A", headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})
    assert {line["trace_id"] for line in log.lines} == {TRACE}


@pytest.mark.parametrize(
    ("method", "path", "endpoint", "status"),
    [
        ("GET", "/api/v1/bars/AAPL?x=1", "/api/v1/bars/{symbol}", 200),
        ("POST", "/api/v1/bars/AAPL", "/api/v1/bars/{symbol}", 405),
        ("GET", "/fails", "/fails", 500),
        ("GET", "/sub/inside/a", "/sub/inside/{name}", 200),
        ("GET", "/sub/nothing", "/sub", 404),
        ("GET", "/tenant/t1/inside/a", "/{mount}/inside/{name}", 200),
        ("GET", "/static/none.css", "/static", 404),
        ("GET", "/nothing", "unmatched", 404),
    ],
)
async def test_a_request_counts_under_its_routes_template(
    http: httpx.AsyncClient, metrics: Metrics, method: str, path: str, endpoint: str, status: int
) -> None:
    assert (await http.request(method, path)).status_code == status
    assert counted(metrics, method, endpoint, status) == 1.0
    assert series(metrics) == 1
    taken = metrics.registry.get_sample_value(
        "http_request_duration_seconds_count", {"method": method, "endpoint": endpoint}
    )
    assert taken == 1.0
    assert metrics.registry.get_sample_value("http_requests_in_progress") == 0.0


async def test_labels_do_not_grow_with_what_clients_send(
    http: httpx.AsyncClient, metrics: Metrics
) -> None:
    for number in range(100):
        await http.get(f"/api/v1/bars/S{number}")
        await http.get(f"/nothing/{number}")
        await http.get(f"/tenant/{number}/inside/{number}")
        await http.request(f"VERB{number}", "/api/v1/bars/A")
    assert series(metrics) == 4
    assert counted(metrics, "OTHER", "/api/v1/bars/{symbol}", 405) == 100.0


async def test_a_line_tells_the_request_without_query_and_secrets(
    http: httpx.AsyncClient, log: Log
) -> None:
    await http.post("/hooks/abc123?token=hunter2", headers={"Authorization": "Bearer hunter2"})
    (line,) = log.lines
    assert (line["method"], line["path"], line["endpoint"], line["status"]) == (
        "POST",
        f"/hooks/{MASK}",
        "/hooks/{token}",
        200,
    )
    assert line["duration_ms"] > 0
    assert "hunter2" not in log.getvalue()


async def test_an_error_keeps_its_id_for_the_line_with_the_traceback(
    app: FastAPI, log: Log
) -> None:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://t") as http:
        with pytest.raises(RuntimeError):
            await http.get("/fails", headers={"X-Request-ID": "r7"})
    structlog.get_logger("server").error("traceback")
    assert [(line["event"], line["request_id"]) for line in log.lines] == [
        ("request", "r7"),
        ("traceback", "r7"),
    ]


async def test_probes_are_counted_but_not_logged(
    http: httpx.AsyncClient, metrics: Metrics, log: Log
) -> None:
    await http.get("/metrics")
    assert log.lines == []
    assert counted(metrics, "GET", "/metrics", 200) == 1.0


async def test_a_websocket_has_an_id_and_one_line(app: FastAPI, metrics: Metrics, log: Log) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": "/ws/a",
        "query_string": b"token=hunter2",
        "headers": [(b"x-request-id", b"w1")],
    }
    await app(scope, receive, send)
    assert [m["type"] for m in sent] == ["websocket.accept", "websocket.close"]
    (line,) = log.named("websocket")
    assert (line["request_id"], line["endpoint"], line["code"]) == ("w1", "/ws/{name}", 4001)
    assert log.named("talking")[0]["request_id"] == "w1"
    assert "hunter2" not in log.getvalue()
    assert metrics.registry.get_sample_value("websocket_connections_open") == 0.0
