"""The routes of accounts: log-in, keys, users, audit log."""

from __future__ import annotations

from fastapi import APIRouter

from simutrador_service.auth.account_routes import account_routes
from simutrador_service.auth.accounts import Accounts
from simutrador_service.auth.admin_routes import admin_routes
from simutrador_service.auth.key_routes import key_routes
from simutrador_service.auth.login_routes import login_routes
from simutrador_service.auth.principal import Role


def auth_routes(accounts: Accounts, *, registration: Role | None = None) -> APIRouter:
    """Return the routes of accounts, all below `/auth`.

    Args:
        accounts: What they work on.
        registration: Role of whoever registers by themselves; None lets nobody.
    """
    router = APIRouter(prefix="/auth")
    router.include_router(login_routes(accounts, registration=registration))
    router.include_router(account_routes(accounts))
    router.include_router(key_routes(accounts))
    router.include_router(admin_routes(accounts))
    return router
