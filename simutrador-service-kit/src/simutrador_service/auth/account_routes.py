"""What everybody who is known may ask about themselves."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from starlette.requests import Request

from simutrador_service.auth.accounts import Accounts
from simutrador_service.auth.addresses import address_of
from simutrador_service.auth.audit import Actor
from simutrador_service.auth.credentials import credential_of
from simutrador_service.auth.dependencies import require
from simutrador_service.auth.errors import UnknownUserError
from simutrador_service.auth.limiting import limited
from simutrador_service.auth.login_routes import LOGIN_RULE
from simutrador_service.auth.models import Me, PasswordChange
from simutrador_service.auth.principal import Principal, Role
from simutrador_service.auth.tables import User


def account_routes(accounts: Accounts) -> APIRouter:
    """Return them, without prefix."""
    router = APIRouter(tags=["Account"])

    @router.get("/me")
    def me(caller: Annotated[Principal, require("self:read")]) -> Me:
        """Say who speaks and what they may do."""
        user = _user_of(accounts, caller)
        return Me(
            id=caller.id,
            scopes=sorted(caller.scopes),
            plan=caller.plan,
            tenant=caller.tenant,
            name=user.name if user else None,
            role=Role(user.role) if user else None,
        )

    @router.post("/logout", status_code=204)
    def log_out(caller: Annotated[Principal, require("self:write")], request: Request) -> None:
        """End this log-in: its access and refresh tokens stop working. A key is left as it is."""
        token = credential_of(request.scope)
        if accounts.tokens.recognises(token):
            family = accounts.tokens.grant(token).family
            by = Actor(caller.id, address_of(request))
            accounts.logins.log_out(family or caller.credential or "", by=by)

    @router.put("/password", status_code=204, dependencies=[limited("login", LOGIN_RULE)])
    def change_password(
        asked: PasswordChange, caller: Annotated[Principal, require("self:write")], request: Request
    ) -> None:
        """Change one's password; every log-in ends, this one too."""
        user = accounts.users.get(caller.id)
        address = address_of(request)
        accounts.users.check(user.name, asked.current_password, address=address)
        accounts.users.set_password(user.id, asked.new_password, by=Actor(user.id, address))

    return router


def _user_of(accounts: Accounts, caller: Principal) -> User | None:
    try:
        return accounts.users.get(caller.id)
    except UnknownUserError:
        return None  # a key of somebody who is no user
