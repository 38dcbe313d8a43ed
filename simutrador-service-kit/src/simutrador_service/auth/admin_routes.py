"""Users and the audit log, for admins."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request

from simutrador_service.auth.accounts import Accounts
from simutrador_service.auth.addresses import address_of
from simutrador_service.auth.audit import MAX_PAGE, Actor
from simutrador_service.auth.dependencies import require
from simutrador_service.auth.models import AuditView, NewUser, UserChange, UserView
from simutrador_service.auth.principal import Principal
from simutrador_service.errors import ForbiddenError

ADMIN = "users:admin"


def admin_routes(accounts: Accounts) -> APIRouter:
    """Return them, without prefix."""
    router = APIRouter(tags=["Administration"])

    @router.get("/users")
    def list_users(caller: Annotated[Principal, require(ADMIN)]) -> list[UserView]:
        """List all users, oldest first."""
        _check_sees_all(caller)
        return [UserView.model_validate(user) for user in accounts.users.list_users()]

    @router.post("/users", status_code=201)
    def add_user(
        asked: NewUser, caller: Annotated[Principal, require(ADMIN)], request: Request
    ) -> UserView:
        """Add a user."""
        _check_sees_all(caller)
        user = accounts.users.create(
            asked.name,
            asked.password,
            role=asked.role,
            full_name=asked.full_name,
            plan=asked.plan,
            tenant=asked.tenant,
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
        _check_sees_all(caller)
        by = Actor(caller.id, address_of(request))
        user = accounts.users.get(user_id)
        if asked.password is not None:
            user = accounts.users.set_password(user.id, asked.password, by=by)
        if asked.role is not None or asked.active is not None:
            user = accounts.users.change(user.id, role=asked.role, active=asked.active, by=by)
        return UserView.model_validate(user)

    @router.get("/audit")
    def audit(
        caller: Annotated[Principal, require("audit:admin")],
        actor: str | None = None,
        before: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
    ) -> list[AuditView]:
        """List who did what, newest first; `before` is the id of the last one of a page."""
        _check_sees_all(caller)
        found = accounts.audit.entries(actor=actor, before=before, limit=limit)
        return [AuditView.model_validate(entry) for entry in found]

    return router


def _check_sees_all(caller: Principal) -> None:
    """Refuse whoever sees the data of one tenant alone: users and log are those of all.

    Raises:
        ForbiddenError: they do.
    """
    if caller.tenant is not None:
        raise ForbiddenError(f"tenant {caller.tenant} may not see or change the users of others")
