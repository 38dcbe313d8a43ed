"""Every error as problem+json: one table from our error tree to statuses, and FastAPI's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from simutrador_core.errors import (
    CalendarError,
    ConflictError,
    CorruptDataError,
    DataProviderError,
    ImportFileError,
    InputError,
    MissingExtraError,
    SimutradorError,
    StoreError,
    StoreFormatError,
    UnknownSymbolError,
)
from simutrador_data.models.problems import FieldProblem, Problem

MEDIA_TYPE: Final = "application/problem+json"

# The first row that fits decides, so children stand before their parents.
STATUS: Final[Mapping[type[SimutradorError], HTTPStatus]] = {
    UnknownSymbolError: HTTPStatus.NOT_FOUND,
    ImportFileError: HTTPStatus.UNPROCESSABLE_ENTITY,
    InputError: HTTPStatus.UNPROCESSABLE_ENTITY,
    CalendarError: HTTPStatus.UNPROCESSABLE_ENTITY,
    ConflictError: HTTPStatus.CONFLICT,
    CorruptDataError: HTTPStatus.INTERNAL_SERVER_ERROR,
    StoreFormatError: HTTPStatus.INTERNAL_SERVER_ERROR,
    StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
    DataProviderError: HTTPStatus.BAD_GATEWAY,
    MissingExtraError: HTTPStatus.NOT_IMPLEMENTED,
    SimutradorError: HTTPStatus.INTERNAL_SERVER_ERROR,
}

_BOUND_KEYS: Final = ("ge", "gt", "le", "lt", "max_length", "min_length", "expected", "pattern")
_CODES: Final[Mapping[int, str]] = {404: "not_found", 405: "method_not_allowed"}

_log = structlog.get_logger(__name__)


class BoundError(InputError):
    """A parameter crosses a bound; `bound` says which, as text."""

    code = "out_of_bounds"

    def __init__(self, message: str, *, field: str, bound: str) -> None:
        super().__init__(message, field=field)
        self.bound = bound


def to_problem(error: SimutradorError) -> Problem:
    """Translate one of our errors."""
    status = next(status for kind, status in STATUS.items() if isinstance(error, kind))
    return Problem(
        type="about:blank",
        title=status.phrase,
        status=status,
        detail=str(error),
        code=error.code,
        field=_field_of(error),
        bound=getattr(error, "bound", None),
    )


def from_validation(errors: Sequence[Any]) -> Problem:
    """Translate FastAPI's list of parameter errors; the first one leads."""
    found = [_field_problem(error) for error in errors]
    first = found[0]
    return Problem(
        type="about:blank",
        title=HTTPStatus.UNPROCESSABLE_ENTITY.phrase,
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
        detail=f"{first.field}: {first.detail}",
        code="invalid_input",
        field=first.field,
        bound=first.bound,
        errors=found,
    )


def problem_response(
    request: Request, problem: Problem, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the answer for a problem, with the request's path and id filled in."""
    whole = problem.model_copy(
        update={
            "instance": request.url.path,
            "request_id": getattr(request.state, "request_id", None),
        }
    )
    return Response(
        whole.model_dump_json(exclude_none=True),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=dict(headers or {}),
    )


def install(app: FastAPI) -> None:
    """Answer errors of `app` with problem+json; the middleware does it for unforeseen ones."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, SimutradorError)
        problem = to_problem(error)
        if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.error("request_failed", path=request.url.path, code=problem.code, exc_info=error)
        return problem_response(request, problem)

    async def validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return problem_response(request, from_validation(error.errors()))

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return problem_response(request, _from_http(error, request), error.headers)

    app.add_exception_handler(SimutradorError, ours)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(HTTPException, http)


def _from_http(error: HTTPException, request: Request) -> Problem:
    phrase = HTTPStatus(error.status_code).phrase
    detail = str(error.detail)
    if error.status_code == HTTPStatus.NOT_FOUND and detail == phrase:
        detail = f"nothing is served at {request.url.path}; see /docs"
    return Problem(
        type="about:blank",
        title=phrase,
        status=error.status_code,
        detail=detail,
        code=_CODES.get(error.status_code, "http_error"),
    )


def _field_problem(error: Any) -> FieldProblem:
    context: Mapping[str, Any] = error.get("ctx") or {}
    bound = next((f"{key} {context[key]}" for key in _BOUND_KEYS if key in context), None)
    place = error.get("loc") or ("request",)
    return FieldProblem(field=str(place[-1]), detail=str(error.get("msg", "")), bound=bound)


def _field_of(error: SimutradorError) -> str | None:
    if isinstance(error, InputError):
        return error.field
    return "symbol" if isinstance(error, UnknownSymbolError) else None
