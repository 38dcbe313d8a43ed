"""From an answer of the service that is not as hoped (problem+json, RFC 9457) to our errors."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, cast

from simutrador_core.errors import (
    AuthenticationError,
    CalendarError,
    ConflictError,
    CorruptDataError,
    InputError,
    InvalidBarsError,
    InvalidRangeError,
    InvalidSymbolError,
    InvalidTimeframeError,
    RateLimitError,
    SimutradorError,
    StoreError,
    StoreFormatError,
    UnknownSymbolError,
    UnreachableError,
    VersionGoneError,
)

_INPUT: Final[Mapping[str, type[InputError]]] = {
    kind.code: kind
    for kind in (InvalidSymbolError, InvalidTimeframeError, InvalidRangeError, InvalidBarsError)
}
_OTHER: Final[Mapping[str, type[SimutradorError]]] = {
    kind.code: kind for kind in (CalendarError, ConflictError, CorruptDataError, StoreFormatError)
}
_UNKNOWN_SYMBOL: Final = re.compile(r"no bars are stored for symbol '(.*?)': (.*)", re.DOTALL)
_SHOWN: Final = 500

_REFUSED = (401, 403)
_TOO_MANY = 429
_WRONG_INPUT = 422
_FAILED = 500


def to_error(
    status: int, body: bytes, *, url: str, retry_after: timedelta | None
) -> SimutradorError:
    """Return the error an answer stands for.

    Args:
        status: HTTP status, 300 or above.
        body: What the service said.
        url: The service's address, without credentials, for people.
        retry_after: When it wants to be asked again, where it says so.
    """
    problem = _problem(body)
    code, detail = str(problem.get("code", "")), str(problem.get("detail", ""))[:_SHOWN]
    if status in _REFUSED:
        text = detail or "the key is wrong, or may not read bars"
        return AuthenticationError(text, provider=url)
    if status == _TOO_MANY:
        return RateLimitError(provider=url, retry_after=retry_after or timedelta(0))
    if code == UnknownSymbolError.code:
        found = _UNKNOWN_SYMBOL.fullmatch(detail)
        return UnknownSymbolError(found[1], hint=found[2]) if found else StoreError(detail)
    if code == VersionGoneError.code:
        return VersionGoneError(detail)
    if code in _OTHER:
        return _OTHER[code](detail)
    if status == _WRONG_INPUT and problem:
        return _INPUT.get(code, InputError)(detail, field=_field(problem))
    if code:
        return StoreError(f"{url}: {detail or code}")
    return UnreachableError(
        f"{url} answered {status} and not as a data manager does; is that its address?"
    )


def retry_after(header: str | None, *, now: datetime) -> timedelta | None:
    """Return how long a `Retry-After` header wants us to wait: seconds, or a date.

    Args:
        header: The header's text; None or nonsense gives None.
        now: The present instant, aware.
    """
    if header is None:
        return None
    if header.strip().isdecimal():
        return timedelta(seconds=min(int(header), 10**6))
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(timedelta(0), at - now)


def _field(problem: Mapping[str, Any]) -> str | None:
    field = problem.get("field")
    return field if isinstance(field, str) else None


def _problem(body: bytes) -> Mapping[str, Any]:
    try:
        found: object = json.loads(body)
    except ValueError:
        return {}
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}


__all__ = ["retry_after", "to_error"]
