"""Users and the audit log, for admins."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request

from simutrador_service.auth.accounts import Accounts
from simutrador_service.auth.audit import MAX_PAGE, Actor
from simutrador_service.auth.dependencies import require
from simutrador_service.auth.limiting import address_of
from simutrador_service.auth.models import AuditView, NewUser, UserChange, UserView
from simutrador_service.auth.principal import Principal

ADMIN = "users:admin"


def admin_routes(accounts: Accounts) -> APIRouter:
    """Return them, without prefix."""
    router = APIRouter(tags=["Administration"])

    @router.get("/users", dependencies=[require(ADMIN)])
    def list_users() -> list[UserView]:
        """List all users, oldest first."""
        return [UserView.model_validate(user) for user in accounts.users.list_users()]

    @router.post("/users", status_code=201)
    def add_user(
        asked: NewUser, caller: Annotated[Principal, require(ADMIN)], request: Request
    ) -> UserView:
        """Add a user."""
        user = accounts.users.create(
            asked.name,
            asked.password,
            role=asked.role,
            full_name=asked.full_name,
            plan=asked.plan,
            tenant=caller.tenant,
            by=Actor(caller.id, address_of(request)),
        )
        return UserView.model_validate(user)

    @router.patch("/users/{user_id}")
    def change_user(
        user_id: str,
        asked: UserChange,
        caller: Annotated[Principal, require(ADMIN)],
        request: Request,
    ) -> UserView:
        """Change a role, keep somebody out, or set a password; every log-in of theirs ends."""
        by = Actor(caller.id, address_of(request))
        user = accounts.users.get(user_id)
        if asked.password is not None:
            user = accounts.users.set_password(user.id, asked.password, by=by)
        if asked.role is not None or asked.active is not None:
            user = accounts.users.change(user.id, role=asked.role, active=asked.active, by=by)
        return UserView.model_validate(user)

    @router.get("/audit", dependencies=[require("audit:admin")])
    def audit(
        actor: str | None = None,
        before: int | None = None,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
    ) -> list[AuditView]:
        """List who did what, newest first; `before` is the id of the last one of a page."""
        found = accounts.audit.entries(actor=actor, before=before, limit=limit)
        return [AuditView.model_validate(entry) for entry in found]

    return router
