"""Keys: everybody who may has some of their own; an admin sees and ends all."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Response
from starlette.requests import Request

from simutrador_service.auth.accounts import Accounts
from simutrador_service.auth.addresses import address_of
from simutrador_service.auth.audit import Actor
from simutrador_service.auth.dependencies import require
from simutrador_service.auth.errors import UnknownKeyError
from simutrador_service.auth.models import KeyView, MadeKey, NewKeyRequest, Rotation
from simutrador_service.auth.new_keys import NewKey
from simutrador_service.auth.principal import Principal, check_scope
from simutrador_service.auth.tables import ApiKey
from simutrador_service.errors import ForbiddenError

MANAGE = "keys:admin"


def key_routes(accounts: Accounts) -> APIRouter:
    """Return them, without prefix."""
    router = APIRouter(prefix="/keys", tags=["Keys"])

    @router.get("")
    def list_keys(
        caller: Annotated[Principal, require("keys:read")], owner: str | None = None
    ) -> list[KeyView]:
        """List one's own keys; an admin names another owner, or `*` for all."""
        wanted = owner or caller.id
        if wanted != caller.id and not caller.may(MANAGE):
            raise ForbiddenError(f"only the scope {MANAGE} sees keys of others")
        found = accounts.keys.list_keys(owner=None if wanted == "*" else wanted)
        return [KeyView.model_validate(key) for key in found if _is_visible(key, caller)]

    @router.post("", status_code=201)
    def create_key(
        asked: NewKeyRequest,
        caller: Annotated[Principal, require("keys:write")],
        request: Request,
        response: Response,
    ) -> MadeKey:
        """Make a key for oneself that may do no more than oneself; it is shown this once."""
        for scope in asked.scopes:
            if not caller.may(check_scope(scope)):
                raise ForbiddenError(f"you may not {scope}, so your key may not either")
        lifetime = None if asked.lifetime_days is None else timedelta(days=asked.lifetime_days)
        made = accounts.keys.create(
            caller.id,
            scopes=asked.scopes,
            plan=caller.plan,
            tenant=caller.tenant,
            label=asked.label,
            lifetime=lifetime,
            by=Actor(caller.id, address_of(request)),
        )
        return _shown(made, response)

    @router.delete("/{prefix}", status_code=204)
    def revoke_key(
        prefix: str, caller: Annotated[Principal, require("keys:write")], request: Request
    ) -> None:
        """Make a key useless, and every token that was given for it."""
        _check_owner(accounts, prefix, caller)
        accounts.keys.revoke(prefix, by=Actor(caller.id, address_of(request)))

    @router.post("/{prefix}/rotate", status_code=201)
    def rotate_key(
        prefix: str,
        asked: Rotation,
        caller: Annotated[Principal, require("keys:write")],
        request: Request,
        response: Response,
    ) -> MadeKey:
        """Make another key like this one; both work for a while. It is shown this once."""
        _check_owner(accounts, prefix, caller)
        made = accounts.keys.rotate(
            prefix,
            overlap=timedelta(seconds=asked.overlap_s),
            by=Actor(caller.id, address_of(request)),
        )
        return _shown(made, response)

    return router


def _check_owner(accounts: Accounts, prefix: str, caller: Principal) -> None:
    """Answer alike for a key of somebody else and for one that is not there.

    Raises:
        UnknownKeyError: there is no such key of theirs.
        ForbiddenError: the key may do what the caller may not: it is not theirs to renew or end.
    """
    key = accounts.keys.get(prefix)
    if not _is_visible(key, caller) or (key.owner != caller.id and not caller.may(MANAGE)):
        raise UnknownKeyError(prefix)
    if not all(caller.may(scope) for scope in key.scopes):
        raise ForbiddenError(f"key {key.prefix} may do more than you; ask an admin")


def _is_visible(key: ApiKey, caller: Principal) -> bool:
    return caller.tenant is None or key.tenant == caller.tenant


def _shown(made: NewKey, response: Response) -> MadeKey:
    response.headers["Cache-Control"] = "no-store"
    kept = KeyView.model_validate(made.kept)
    return MadeKey(**kept.model_dump(), api_key=made.key)
