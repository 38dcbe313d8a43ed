"""Makes the application of a service: routes, and what surrounds every request of every service."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from simutrador_service.auth import Authenticator, public, require
from simutrador_service.auth.exposure import Exposure
from simutrador_service.auth.limiting import CallerLimits
from simutrador_service.config import ServerSection
from simutrador_service.limits import LimitHeaders, RateLimiter
from simutrador_service.monitoring import (
    HealthChecks,
    Metrics,
    ObserveRequests,
    health_routes,
    metrics_routes,
)
from simutrador_service.problems import correct_openapi, install_problems
from simutrador_service.problems.translating import StatusTable
from simutrador_service.web.assets import asset_routes
from simutrador_service.web.compression import Compression
from simutrador_service.web.docs import docs_routes
from simutrador_service.web.guards import CrossSiteGuard, HostGuard
from simutrador_service.web.head import HeadAsGet
from simutrador_service.web.pages import Pages
from simutrador_service.web.request_limits import BodyLimit, HeaderLimit
from simutrador_service.web.security import SecurityHeaders
from simutrador_service.web.time_limit import TimeLimit

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Any]]

_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_SENT_BY_PAGES: Final = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-None-Match",
    "Last-Event-ID",
    "X-API-Key",
    "X-Request-ID",
)
_READ_BY_PAGES: Final = (
    "ETag",
    "Location",
    "Retry-After",
    "X-Process-Time",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Request-ID",
)


@dataclass(frozen=True, slots=True)
class ServiceInfo:
    """What a service says of itself.

    Attributes:
        name: Its package, `simutrador-data-manager`.
        version: Its version.
        title: Its name for people, `SimuTrador Data Manager`.
        description: One line.
        expose_headers: Headers of its own answers that pages of allowed origins may read.
    """

    name: str
    version: str
    title: str
    description: str = ""
    expose_headers: Sequence[str] = ()


class Root(BaseModel):
    """The root: where to go from here."""

    model_config = ConfigDict(frozen=True)

    message: str = Field(examples=["SimuTrador Data Manager"])
    version: str = Field(examples=["1.0.0"])
    docs: str = "/docs"
    openapi: str = "/openapi.json"


def create_app(
    service: ServiceInfo,
    server: ServerSection,
    *,
    routers: Sequence[APIRouter] = (),
    lifespan: Lifespan | None = None,
    checks: HealthChecks | None = None,
    metrics: Metrics | None = None,
    authenticator: Authenticator | None = None,
    limits: CallerLimits | None = None,
    exposure: Exposure | None = None,
    statuses: StatusTable | None = None,
    middleware: Sequence[Middleware] = (),
    pages: Pages | None = None,
) -> FastAPI:
    """Return the application of a service.

    Besides `routers` it has `/`, `/health`, `/health/live`, `/health/ready`, `/health/deep`,
    `/metrics`, `/docs`, `/openapi.json` and `/static`; a router that has one of them wins.

    Args:
        service: What it says of itself.
        server: How much a client may ask for, and which other sites may.
        routers: The service's own routes; every one declares `require(...)` or `public()`.
        lifespan: Opens and closes what the routes need.
        checks: What `/health` asks; nothing when None.
        metrics: What `/metrics` shows; those of every service when None.
        authenticator: Knows credentials; None makes a service that is open to this machine alone.
        limits: How much each caller may ask; counted by this process alone when None.
        exposure: What `guard_exposure` decided: an open service is guarded against other names.
        statuses: Statuses of the service's own errors.
        middleware: The service's own, inside error handling and limits, the first one outermost.
        pages: How the service's pages look; the plain look when None.
    """
    checks = checks or HealthChecks(service.name, service.version)
    metrics = metrics or Metrics(service.name, service.version)
    app = FastAPI(
        title=service.title,
        description=service.description,
        version=service.version,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.authenticator = authenticator or Authenticator.open_to_all()
    app.state.limits = limits or CallerLimits(RateLimiter())
    pages = pages or Pages(service.title, version=service.version)
    app.state.pages = pages
    own = [
        _root_routes(service),
        health_routes(checks, public=[public()], deep=[require("health:read")]),
        metrics_routes(metrics, dependencies=[require("metrics:read")]),
        docs_routes(app, pages),
        asset_routes(pages.assets),
    ]
    for router in (*routers, *own):
        app.include_router(router)
    app.add_middleware(HeadAsGet)
    app.add_middleware(LimitHeaders)
    for one in reversed(middleware):
        app.add_middleware(one.cls, *one.args, **one.kwargs)
    _limit(app, server)
    _guard(app, server, _guarded_hosts(authenticator, exposure))
    install_problems(app, statuses)
    _surround_answers(app, service, server)
    app.add_middleware(ObserveRequests, metrics=metrics)
    correct_openapi(app)
    return app


def _root_routes(service: ServiceInfo) -> APIRouter:
    router = APIRouter(tags=["Service"])

    @router.get("/", dependencies=[public()])
    async def service_info(response: Response) -> Root:
        """Say what this is and where its documentation is."""
        response.headers["Vary"] = "Accept"
        return Root(message=service.title, version=service.version)

    return router


def _limit(app: FastAPI, server: ServerSection) -> None:
    """Limit what a request may bring and how long it may take, and compress its answer."""
    app.add_middleware(BodyLimit, max_bytes=server.max_body_bytes)
    app.add_middleware(TimeLimit, seconds=server.request_timeout_s)
    app.add_middleware(Compression)
    app.add_middleware(
        HeaderLimit, max_bytes=server.max_header_bytes, max_headers=server.max_headers
    )


def _guarded_hosts(
    authenticator: Authenticator | None, exposure: Exposure | None
) -> frozenset[str] | None:
    """Return the names an open service may be called by; None for one that asks for a login."""
    if exposure is not None:
        return exposure.hosts if exposure.is_open else None
    return frozenset() if authenticator is None or authenticator.is_open else None


def _guard(app: FastAPI, server: ServerSection, hosts: frozenset[str] | None) -> None:
    """Refuse what a page of another site makes a browser send."""
    origins = [*server.allowed_origins, *([server.public_url] if server.public_url else [])]
    app.add_middleware(CrossSiteGuard, origins=[origin.rstrip("/") for origin in origins])
    if hosts is not None:
        app.add_middleware(HostGuard, hosts=hosts)


def _surround_answers(app: FastAPI, service: ServiceInfo, server: ServerSection) -> None:
    """Add headers to every answer, errors included."""
    if server.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(server.allowed_origins),
            allow_methods=list(_METHODS),
            allow_headers=list(_SENT_BY_PAGES),
            expose_headers=[*_READ_BY_PAGES, *service.expose_headers],
        )
    app.add_middleware(SecurityHeaders)
