"""Health routes: does the process answer, can it do its work, and what is wrong with it?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.params import Depends
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from simutrador_service.monitoring.checks import (
    CheckResult,
    HealthChecks,
    HealthReport,
    HealthStatus,
)

_PROBLEM_JSON: Final = "application/problem+json"
_NO_STORE: Final = {"Cache-Control": "no-store"}


class Liveness(BaseModel):
    """The process answers."""

    model_config = ConfigDict(frozen=True)

    status: str = Field(examples=["alive"])


class Health(BaseModel):
    """How the service and its parts are.

    Attributes:
        services: Each part with its status, for instance `{"database": "healthy"}`.

    A part that tells more has a field of its own, for instance `disk: {status, free_bytes}`.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    status: HealthStatus
    service: str
    version: str
    timestamp: datetime
    services: dict[str, HealthStatus]


class CheckAnswer(BaseModel):
    """One check, for operators: its reason may name addresses, never a secret."""

    model_config = ConfigDict(frozen=True)

    name: str
    status: HealthStatus
    critical: bool
    duration_ms: float
    since: datetime | None
    code: str | None
    reason: str | None
    details: dict[str, Any]


class DeepHealth(Health):
    """All that the checks found."""

    checks: list[CheckAnswer]


def health_routes(
    checks: HealthChecks, *, public: Sequence[Depends] = (), deep: Sequence[Depends] = ()
) -> APIRouter:
    """Return `/health`, `/health/live`, `/health/ready` and `/health/deep`.

    Args:
        checks: What to ask.
        public: Dependencies of the first three: who may call them, usually everybody.
        deep: Dependencies of `/health/deep`, which names addresses: usually a scope.
    """
    router = APIRouter(tags=["Health"])
    unwell: dict[int | str, dict[str, Any]] = {
        503: {"description": "A part that the service cannot do without fails"}
    }

    @router.get("/health", dependencies=public, response_model=Health, responses=unwell)
    async def read_health() -> JSONResponse:
        """Say how the service and each of its parts is; 503 when it cannot serve."""
        report = await checks.report()
        return _answer(_health(checks, report), report)

    @router.get("/health/live", dependencies=public)
    async def read_live() -> Liveness:
        """Say that the process answers, without asking anything else."""
        return Liveness(status="alive")

    @router.get("/health/ready", dependencies=public, response_model=Liveness, responses=unwell)
    async def read_ready(request: Request) -> JSONResponse:
        """Say that requests can be served; 503 with what fails, and since when."""
        report = await checks.report()
        if report.status is HealthStatus.UNHEALTHY:
            return _not_ready(report, getattr(request.state, "request_id", None))
        return JSONResponse({"status": "ready", "checks": _failed(report)}, headers=_NO_STORE)

    @router.get("/health/deep", dependencies=deep, response_model=DeepHealth, responses=unwell)
    async def read_deep() -> JSONResponse:
        """Say what every check found, how long it took, and why it failed; 503 as `/health`."""
        report = await checks.report()
        found = [_told(result).model_dump(mode="json") for result in report.results]
        return _answer({**_health(checks, report), "checks": found}, report)

    return router


def _health(checks: HealthChecks, report: HealthReport) -> dict[str, Any]:
    told: dict[str, Any] = {
        "status": report.status,
        "service": checks.service,
        "version": checks.version,
        "timestamp": report.at.isoformat().replace("+00:00", "Z"),
        "services": {result.name: _status(result) for result in report.results},
    }
    details = {r.name: {"status": "ok", **r.details} for r in report.results if r.details}
    return {**told, **details}


def _answer(body: dict[str, Any], report: HealthReport) -> JSONResponse:
    code = 503 if report.status is HealthStatus.UNHEALTHY else 200
    return JSONResponse(body, status_code=code, headers=_NO_STORE)


def _not_ready(report: HealthReport, request_id: str | None) -> JSONResponse:
    failed = _failed(report)
    parts = ", ".join(f"{part['check']} since {part['since']}" for part in failed)
    problem = {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": f"not ready: {parts} fails; the log and /health/deep say why",
        "code": "not_ready",
        "instance": "/health/ready",
        "request_id": request_id,
        "checks": failed,
    }
    return JSONResponse(
        problem,
        status_code=503,
        media_type=_PROBLEM_JSON,
        headers={**_NO_STORE, "Retry-After": "5"},
    )


def _failed(report: HealthReport) -> list[dict[str, Any]]:
    return [
        {
            "check": result.name,
            "critical": result.critical,
            "since": result.since.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "code": result.code,
        }
        for result in report.results
        if result.since is not None
    ]


def _status(result: CheckResult) -> HealthStatus:
    if result.ok:
        return HealthStatus.HEALTHY
    return HealthStatus.UNHEALTHY if result.critical else HealthStatus.DEGRADED


def _told(result: CheckResult) -> CheckAnswer:
    return CheckAnswer(
        name=result.name,
        status=_status(result),
        critical=result.critical,
        duration_ms=result.duration_ms,
        since=result.since,
        code=result.code,
        reason=result.reason,
        details=dict(result.details),
    )
