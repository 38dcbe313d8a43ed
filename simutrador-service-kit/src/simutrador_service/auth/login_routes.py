"""Log in, renew, register: what somebody unknown may ask, little at a time."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Response
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request

from simutrador_core.errors import InputError
from simutrador_service.auth.accounts import Accounts
from simutrador_service.auth.addresses import address_of
from simutrador_service.auth.audit import Actor
from simutrador_service.auth.dependencies import public
from simutrador_service.auth.limiting import limited
from simutrador_service.auth.logins import TokenPair
from simutrador_service.auth.models import (
    AccessToken,
    PasswordLogin,
    RefreshRequest,
    Registration,
    UserView,
)
from simutrador_service.auth.principal import Role
from simutrador_service.auth.tokens import Tokens

LOGIN_RULE: Final = "5/min, 20/h"
EXCHANGE_RULE: Final = "60/min"
REGISTER_RULE: Final = "3/min, 10/h"
_LARGEST_FORM: Final = 4_096
_FORM: Final = "application/x-www-form-urlencoded"
_LOGIN: Final[TypeAdapter[PasswordLogin]] = TypeAdapter(PasswordLogin)
_SCHEMA: Final[dict[str, Any]] = {
    "requestBody": {
        "content": {
            kind: {"schema": PasswordLogin.model_json_schema()}
            for kind in (_FORM, "application/json")
        }
    }
}


def login_routes(accounts: Accounts, *, registration: Role | None) -> APIRouter:
    """Return them, without prefix."""
    router = APIRouter(tags=["Log-in"])

    @router.post(
        "/token",
        dependencies=[public(), limited("login", LOGIN_RULE)],
        openapi_extra=_SCHEMA,
    )
    async def log_in(request: Request, response: Response) -> AccessToken:
        """Give tokens for a name and password: a form as OAuth 2 has it, or JSON."""
        response.headers["Cache-Control"] = "no-store"
        asked = await _read_login(request)
        pair = await accounts.logins.log_in(
            asked.username, asked.password, address=address_of(request)
        )
        return _answer(accounts.tokens, pair)

    @router.post("/refresh", dependencies=[public(), limited("refresh", EXCHANGE_RULE)])
    def refresh(asked: RefreshRequest, request: Request, response: Response) -> AccessToken:
        """Give the next tokens for a refresh token, once; a second use ends the log-in."""
        response.headers["Cache-Control"] = "no-store"
        pair = accounts.logins.refresh(asked.refresh_token, address=address_of(request))
        return _answer(accounts.tokens, pair)

    if registration is not None:
        role = registration

        @router.post(
            "/register",
            status_code=201,
            dependencies=[public(), limited("register", REGISTER_RULE)],
        )
        def register(asked: Registration, request: Request) -> UserView:
            """Add a user who chose their own password."""
            user = accounts.users.create(
                asked.email,
                asked.password,
                role=role,
                full_name=asked.full_name,
                by=Actor(None, address_of(request)),
            )
            return UserView.model_validate(user)

    return router


async def _read_login(request: Request) -> PasswordLogin:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LARGEST_FORM:
            raise InputError(f"a log-in has at most {_LARGEST_FORM} bytes", field="body")
    try:
        if request.headers.get("content-type", "").partition(";")[0].strip() == _FORM:
            return _LOGIN.validate_python(dict(parse_qsl(body.decode("utf-8"))))
        return _LOGIN.validate_json(body)
    except (ValidationError, ValueError):
        # The details may hold the password.
        raise InputError(
            "a log-in has username and password, as a form or as JSON", field="body"
        ) from None


def _answer(tokens: Tokens, pair: TokenPair) -> AccessToken:
    principal = tokens.verify(pair.access)
    return AccessToken(
        access_token=pair.access,
        expires_in=pair.expires_in_s,
        refresh_token=pair.refresh,
        user_id=principal.id,
        plan=principal.plan,
    )
