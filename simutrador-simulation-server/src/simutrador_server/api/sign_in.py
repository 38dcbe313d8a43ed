"""The sign-in service: an API key for a token, what a token says, what its plan allows."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simutrador_core.models.websocket import TokenResponse, UserLimitsResponse
from simutrador_server import __version__
from simutrador_server.api.credentials import token_of
from simutrador_server.api.state import Venue
from simutrador_server.auth.plans import LIMITS
from simutrador_server.auth.tokens import TokenError
from simutrador_server.simulation.wire import stamp


def json_response(document: Any, status: int = 200) -> Response:
    """Return a JSON answer that no cache keeps."""
    return Response(
        orjson.dumps(document),
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def problem(status: HTTPStatus, code: str, detail: str) -> Response:
    """Return an error as `application/problem+json`; `error` and `message` repeat it."""
    document = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "code": code,
        "detail": detail,
        "error": code,
        "message": detail,
    }
    return Response(
        orjson.dumps(document),
        status_code=int(status),
        media_type="application/problem+json",
        headers={"Cache-Control": "no-store"},
    )


async def on_http_error(_request: Request, error: Exception) -> Response:
    """Return an unknown path or method as a problem."""
    assert isinstance(error, HTTPException), "registered for this kind alone"
    status = HTTPStatus(error.status_code)
    return problem(status, status.name.lower(), error.detail)


class SignIn:
    """The handlers of the sign-in service."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def routes(self) -> list[Route]:
        """Return where each handler is found."""
        return [
            Route("/auth/token", self.token, methods=["POST"]),
            Route("/auth/validate", self.validate, methods=["POST"]),
            Route("/auth/limits", self.limits, methods=["GET"]),
            Route("/health", self.health, methods=["GET"]),
        ]

    async def token(self, request: Request) -> Response:
        """Give a token for the key in `X-API-Key`."""
        venue = self._venue
        principal = venue.keys.find(request.headers.get("x-api-key", ""))
        if principal is None:
            return problem(HTTPStatus.UNAUTHORIZED, "invalid_key", "Invalid API key")
        answer = TokenResponse(
            access_token=venue.tokens.issue(principal, now=venue.now()),
            expires_in=int(venue.tokens.lifetime.total_seconds()),
            user_id=principal.user_id,
            plan=principal.plan,
        )
        return json_response(answer.model_dump(mode="json"))

    async def validate(self, request: Request) -> Response:
        """Say whom the token in `Authorization` stands for, and until when."""
        try:
            grant = self._venue.tokens.verify(token_of(request.scope), now=self._venue.now())
        except TokenError as e:
            return problem(HTTPStatus.UNAUTHORIZED, e.code, str(e))
        return json_response(
            {
                "valid": True,
                "user_id": grant.principal.user_id,
                "plan": grant.principal.plan.value,
                "expires_at": stamp(grant.expires_at),
            }
        )

    async def limits(self, request: Request) -> Response:
        """Say what the plan of the token allows, and how much of it is used."""
        venue, now = self._venue, self._venue.now()
        try:
            user = venue.tokens.verify(token_of(request.scope), now=now).principal
        except TokenError as e:
            return problem(HTTPStatus.UNAUTHORIZED, e.code, str(e))
        limits = LIMITS[user.plan].to_wire()
        used = {
            "websocket_connections": venue.connections.count(user.user_id),
            "concurrent_sessions": venue.book.open_count(user.user_id),
        }
        usage = {name: used.get(name, 0) for name in limits}
        answer = UserLimitsResponse(
            plan=user.plan, limits=limits, usage=usage, reset_times=dict.fromkeys(limits, now)
        )
        return json_response(answer.model_dump(mode="json"))

    async def health(self, _request: Request) -> Response:
        """Say that the service is there."""
        return json_response(
            {
                "status": "healthy",
                "server_version": __version__,
                "timestamp": stamp(self._venue.now()),
            }
        )
