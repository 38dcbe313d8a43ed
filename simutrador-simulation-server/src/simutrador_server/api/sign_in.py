"""The sign-in service: an API key for a token, what a token says, what its plan allows."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request

from simutrador_core.models.websocket import TokenResponse, UserLimitsResponse
from simutrador_server.api.credentials import token_of
from simutrador_server.api.state import Venue
from simutrador_server.auth.door import NotAdmittedError, Visit
from simutrador_server.auth.plans import LIMITS
from simutrador_server.auth.user import user_of
from simutrador_service.auth import public
from simutrador_service.auth.limiting import limited
from simutrador_service.errors import UnauthenticatedError

EXCHANGE_RULE: Final = "60/min"


class Validated(BaseModel):
    """What a token stands for, and until when."""

    model_config = ConfigDict(frozen=True)

    valid: bool = True
    user_id: str
    plan: str
    expires_at: datetime


def sign_in_routes(venue: Venue) -> APIRouter:
    """Return them; the token is looked at by the routes themselves, with the protocol's words."""
    router = APIRouter(prefix="/auth", tags=["Sign-in"])

    @router.post("/token", dependencies=[public(), limited("exchange", EXCHANGE_RULE)])
    async def token(request: Request, response: Response) -> TokenResponse:
        """Give a token for the key in `X-API-Key`."""
        response.headers["Cache-Control"] = "no-store"
        given = await venue.door.exchange(request.headers.get("x-api-key", "").strip())
        user = user_of(given.principal)
        return TokenResponse(
            access_token=given.token,
            expires_in=given.expires_in_s,
            user_id=user.user_id,
            plan=user.plan,
        )

    @router.post("/validate", dependencies=[public()])
    async def validate(request: Request, response: Response) -> Validated:
        """Say whom the token in `Authorization` stands for, and until when."""
        response.headers["Cache-Control"] = "no-store"
        visit = await _visit(venue, request)
        user = visit.user
        return Validated(user_id=user.user_id, plan=user.plan.value, expires_at=visit.expires_at)

    @router.get("/limits", dependencies=[public()])
    async def limits(request: Request, response: Response) -> UserLimitsResponse:
        """Say what the plan of the token allows, and how much of it is used."""
        response.headers["Cache-Control"] = "no-store"
        user = (await _visit(venue, request)).user
        allowed = LIMITS[user.plan].to_wire()
        used = {
            "websocket_connections": venue.connections.count(user.user_id),
            "concurrent_sessions": venue.book.open_count(user.user_id),
        }
        return UserLimitsResponse(
            plan=user.plan,
            limits=allowed,
            usage={name: used.get(name, 0) for name in allowed},
            reset_times=dict.fromkeys(allowed, venue.now()),
        )

    return router


async def _visit(venue: Venue, request: Request) -> Visit:
    try:
        return await venue.door.admit(token_of(request.scope))
    except NotAdmittedError as e:
        raise UnauthenticatedError(str(e)) from None
