"""From errors to problems: one table from our error tree to statuses, and the framework's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

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
from simutrador_service.errors import ServiceError, SettingsError, TooManyRequestsError
from simutrador_service.problems.models import FieldProblem, Problem

StatusTable = Mapping[type[SimutradorError], int]

# The first row that fits decides, so children stand before their parents.
STATUS: Final[StatusTable] = {
    UnknownSymbolError: 404,
    ImportFileError: 422,
    SettingsError: 500,
    InputError: 422,
    CalendarError: 422,
    ConflictError: 409,
    CorruptDataError: 500,
    StoreFormatError: 500,
    StoreError: 503,
    DataProviderError: 502,
    MissingExtraError: 501,
}

CODES: Final[Mapping[int, str]] = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    408: "request_incomplete",
    409: "conflict",
    413: "body_too_large",
    415: "unsupported_media_type",
    422: "invalid_input",
    429: "rate_limit_exceeded",
    431: "headers_too_large",
    500: "internal_error",
    501: "not_implemented",
    503: "unavailable",
    504: "timeout",
}

_TITLES: Final = {413: "Content Too Large", 422: "Unprocessable Content"}  # as RFC 9110 has them
# A client names what it likes, and is told no more of it than helps.
_MOST_ERRORS: Final = 20
_LONGEST_NAME: Final = 200
_BOUND_KEYS: Final = ("ge", "gt", "le", "lt", "max_length", "min_length", "expected", "pattern")


class BoundError(InputError):
    """A parameter crosses a bound; `bound` says which, as text."""

    code = "out_of_bounds"

    def __init__(self, message: str, *, field: str, bound: str) -> None:
        super().__init__(message, field=field)
        self.bound = bound


def make_problem(status: int, detail: str, *, code: str | None = None, **facts: Any) -> Problem:
    """Return a problem; its title follows from the status, and its code unless one is given."""
    code = code or CODES.get(status, "http_error")
    return Problem(title=title_of(status), status=status, detail=detail, code=code, **facts)


def to_problem(error: SimutradorError, statuses: StatusTable = STATUS) -> Problem:
    """Translate one of our errors."""
    return make_problem(
        status_of(error, statuses),
        str(error),
        code=error.code,
        field=_field_of(error),
        bound=getattr(error, "bound", None),
        job_id=getattr(error, "job_id", None),
        **_limit_of(error),
    )


def status_of(error: SimutradorError, statuses: StatusTable = STATUS) -> int:
    """Return the status of one of our errors: its row, or what it says itself, or 500."""
    says = error.status if isinstance(error, ServiceError) else 500
    return next((status for kind, status in statuses.items() if isinstance(error, kind)), says)


def from_validation(errors: Sequence[Any]) -> Problem:
    """Translate FastAPI's list of parameter errors; the first one leads, a few follow."""
    found = [_field_problem(error) for error in errors[:_MOST_ERRORS]]
    first = found[0]
    return make_problem(
        422,
        f"{first.field}: {first.detail}",
        field=first.field,
        bound=first.bound,
        errors=found,
    )


def from_http(error: HTTPException, *, method: str, path: str) -> Problem:
    """Translate the framework's error; one that says no more than its status is explained."""
    detail = str(error.detail)
    if detail == _phrase(error.status_code):
        detail = _explained(error, method, path) or detail
    return make_problem(error.status_code, detail)


def title_of(status: int) -> str:
    """Return the name of a status."""
    return _TITLES.get(status) or _phrase(status)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def _explained(error: HTTPException, method: str, path: str) -> str | None:
    if error.status_code == HTTPStatus.NOT_FOUND:
        return f"nothing is served at {path}; see /docs"
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow")
        hint = f"allowed: {allowed}" if allowed else "see /docs"
        return f"{method} is not possible at {path}; {hint}"
    return None


def _field_problem(error: Any) -> FieldProblem:
    context: Mapping[str, Any] = error.get("ctx") or {}
    bound = next((f"{key} {context[key]}" for key in _BOUND_KEYS if key in context), None)
    detail = str(error.get("msg", "")).removeprefix("Value error, ")
    if error.get("type") == "json_invalid":
        reason = context.get("error", "not JSON")
        return FieldProblem(field="body", detail=f"not JSON ({reason}); send a JSON document")
    return FieldProblem(field=_place(error.get("loc") or ()), detail=detail, bound=bound)


def _place(location: Sequence[Any]) -> str:
    """Return `orders.0.quantity` for ("body", "orders", 0, "quantity")."""
    inner = location[1:] or location or ("request",)
    return ".".join(str(part)[:_LONGEST_NAME] for part in inner)[:_LONGEST_NAME]


def _field_of(error: SimutradorError) -> str | None:
    if isinstance(error, InputError):
        return error.field
    return "symbol" if isinstance(error, UnknownSymbolError) else None


def _limit_of(error: SimutradorError) -> dict[str, Any]:
    if not isinstance(error, TooManyRequestsError):
        return {}
    return {"limit": error.limit, "retry_after_s": error.retry_after_s, "error": error.code}
