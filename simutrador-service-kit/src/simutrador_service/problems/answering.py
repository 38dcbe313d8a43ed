"""Sends problems: from routes through FastAPI, from middleware as plain ASGI messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from simutrador_core.errors import SimutradorError
from simutrador_service.errors import ServiceError
from simutrador_service.logging.loggers import get_logger
from simutrador_service.problems.crashes import CrashMiddleware
from simutrador_service.problems.databases import DATABASE_ERRORS, from_database
from simutrador_service.problems.models import Problem
from simutrador_service.problems.sending import MEDIA_TYPE, filled, send_problem
from simutrador_service.problems.translating import (
    STATUS,
    StatusTable,
    from_http,
    from_validation,
    to_problem,
)

_SERVER_ERROR: Final = 500
_log = get_logger(__name__)


def install_problems(app: FastAPI, statuses: StatusTable | None = None) -> None:
    """Answer every error of `app` with problem+json: ours, FastAPI's and unforeseen ones.

    Args:
        app: The application; call this before middleware that must surround error answers.
        statuses: Statuses of the service's own errors; children stand before their parents.
    """
    own = statuses or {}
    table = {**own, **{kind: status for kind, status in STATUS.items() if kind not in own}}

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, SimutradorError)
        problem = to_problem(error, table)
        if problem.status >= _SERVER_ERROR:
            _log.error("request_failed", path=request.url.path, code=problem.code, exc_info=error)
        headers = error.headers if isinstance(error, ServiceError) else None
        return problem_response(request, problem, headers)

    async def validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return problem_response(request, from_validation(error.errors()))

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        problem = from_http(error, method=request.method, path=request.url.path)
        return problem_response(request, problem, error.headers)

    async def database(request: Request, error: Exception) -> Response:
        problem = from_database(error)
        _log.error("database_refused", path=request.url.path, code=problem.code, exc_info=error)
        return problem_response(request, problem)

    app.add_exception_handler(SimutradorError, ours)
    for kind in DATABASE_ERRORS:
        app.add_exception_handler(kind, database)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(HTTPException, http)
    app.add_middleware(CrashMiddleware)


def problem_response(
    request: Request, problem: Problem, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the answer for a problem, with the request's path and id filled in."""
    whole = filled(problem, request.scope)
    return Response(
        whole.model_dump_json(exclude_none=True),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=dict(headers or {}),
    )


__all__ = ["MEDIA_TYPE", "install_problems", "problem_response", "send_problem"]
