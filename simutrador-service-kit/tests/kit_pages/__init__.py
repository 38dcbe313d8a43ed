"""Pages of a small service, over the kit's layout."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException

from simutrador_core.errors import UnknownSymbolError
from simutrador_service.auth import public
from simutrador_service.config import ServerSection
from simutrador_service.web import (
    Link,
    PageRoute,
    Pages,
    ServiceInfo,
    SharedPageRoute,
    create_app,
    pages_of,
)

RUNNING = (
    '{"id":"j1","state":"running","done":1250,"total":5000,"step":"AAPL 2013","eta_s":95.0,'
    '"ended_at":null,"cancel_requested":false,"error":null,"error_code":null}'
)
FAILED = (
    '{"id":"j2","state":"failed","done":300,"total":900,"step":"MSFT 2014","eta_s":null,'
    '"ended_at":"2026-11-20T10:00:00Z","cancel_requested":false,'
    '"error":"polygon: rate limit reached, retry after 0:01:00","error_code":"rate_limit"}'
)


def pages() -> Pages:
    return Pages(
        "SimuTrador Demo",
        version="1.2.3",
        package="kit_pages",
        sections=[Link("Overview", "/"), Link("Jobs", "/jobs")],
        services={"Data": "http://127.0.0.1:8002", "Venue": "/venue", "Demo": "/"},
        note="Times are UTC",
    )


def app(server: ServerSection | None = None) -> FastAPI:
    shown = pages()
    return create_app(
        ServiceInfo("simutrador-demo", "1.2.3", "SimuTrador Demo"),
        server or ServerSection(),
        routers=[_shared(), _pages(), _answers()],
        pages=shown,
    )


def _shared() -> APIRouter:
    router = APIRouter(route_class=SharedPageRoute, dependencies=[public()])

    @router.get("/", include_in_schema=False)
    def overview(request: Request, name: str = "<b>AAPL</b>") -> HTMLResponse:
        return pages_of(request).page("demo.html", here="/", name=name)

    return router


def _pages() -> APIRouter:
    router = APIRouter(route_class=PageRoute, dependencies=[public()], include_in_schema=False)

    @router.get("/wrong/{kind}")
    def wrong(kind: str, count: int = 0) -> HTMLResponse:
        if kind == "symbol":
            raise UnknownSymbolError("<script>")
        raise HTTPException(404)

    return router


def _answers() -> APIRouter:
    router = APIRouter(dependencies=[public()])

    @router.get("/figure")
    def figure(points: int = 100) -> dict[str, Any]:
        x = list(range(points))
        y = [100 + 10 * math.sin(n / 15) + n / 20 for n in x]
        line = {"type": "scatter", "mode": "lines", "x": x, "y": y, "line": {"color": "$accent"}}
        return {"data": [line], "layout": {"yaxis": {"title": {"text": "Equity, USD"}}}}

    @router.get("/jobs/{job_id}/events")
    async def events(job_id: str) -> EventSourceResponse:
        async def said() -> AsyncIterator[ServerSentEvent]:
            if job_id == "j2":
                yield ServerSentEvent(FAILED, event="end")
                return
            yield ServerSentEvent(RUNNING, event="progress")
            await asyncio.Event().wait()

        return EventSourceResponse(said())

    return router
