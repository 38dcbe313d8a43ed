"""A problem as plain ASGI messages, for middleware that answers before any route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.types import Scope, Send

from simutrador_service.problems.models import Problem

MEDIA_TYPE: Final = "application/problem+json"


async def send_problem(
    problem: Problem, scope: Scope, send: Send, headers: Mapping[str, str] | None = None
) -> None:
    """Send a whole answer, with the request's path and id filled in."""
    body = filled(problem, scope).model_dump_json(exclude_none=True).encode()
    lines = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        *((name.lower().encode(), value.encode()) for name, value in (headers or {}).items()),
    ]
    await send({"type": "http.response.start", "status": problem.status, "headers": lines})
    await send({"type": "http.response.body", "body": body})


def filled(problem: Problem, scope: Scope) -> Problem:
    """Return the problem with the path and id of a request."""
    state: Mapping[str, Any] = scope.get("state") or {}
    return problem.model_copy(
        update={"instance": scope.get("path"), "request_id": state.get("request_id")}
    )
