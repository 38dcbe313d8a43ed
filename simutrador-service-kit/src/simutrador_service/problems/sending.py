"""A problem as plain ASGI messages, for middleware that answers before any route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.types import Scope, Send

from simutrador_service.logging import mask_credentials
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
    """Return the problem with the path and id of a request; it repeats no token or key."""
    state: Mapping[str, Any] = scope.get("state") or {}
    errors = problem.errors and [
        one.model_copy(update={"detail": mask_credentials(one.detail)}) for one in problem.errors
    ]
    return problem.model_copy(
        update={
            "detail": mask_credentials(problem.detail),
            "errors": errors,
            "job_id": problem.job_id and mask_credentials(problem.job_id),
            "instance": mask_credentials(scope.get("path", "")),
            "request_id": state.get("request_id"),
        }
    )
