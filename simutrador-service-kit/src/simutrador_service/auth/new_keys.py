"""How a key is made: `prefix.secret`, of which the secret is kept as a hash alone."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy.orm import Session

from simutrador_core.errors import InputError
from simutrador_core.models.enums import UserPlan
from simutrador_service.auth.audit import Actor, note
from simutrador_service.auth.principal import check_scope
from simutrador_service.auth.tables import MAX_ID, ApiKey

SHAPE: Final = re.compile(r"sk_[0-9a-f]{12}\.[A-Za-z0-9_-]{43}")
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made.

    Attributes:
        key: The whole key: the only time it can be seen.
        kept: What is kept of it.
    """

    key: str = field(repr=False)
    kept: ApiKey


def new_key(
    owner: str,
    *,
    scopes: Iterable[str],
    plan: UserPlan | None,
    tenant: str | None,
    label: str,
    lifetime: timedelta | None,
    now: datetime,
) -> NewKey:
    """Return a key that is kept nowhere yet.

    Raises:
        InputError: a value is empty, too long, or no scope.
    """
    allowed = sorted({check_scope(scope) for scope in scopes})
    if not allowed:
        raise InputError("a key needs at least one scope", field="scopes")
    for name, text in {"owner": owner, "tenant": tenant, "label": label}.items():
        if text is not None and (len(text) > MAX_ID or not text.isprintable()):
            raise InputError(f"{name} has at most {MAX_ID} printable characters", field=name)
    if not owner.strip():
        raise InputError("a key has an owner; give a user's id, or any name", field="owner")
    if lifetime is not None and lifetime <= timedelta(0):
        raise InputError("a key lives for some time, or leave its lifetime out", field="lifetime")
    prefix = f"sk_{secrets.token_hex(6)}"
    key = f"{prefix}.{secrets.token_urlsafe(_SECRET_BYTES)}"
    kept = ApiKey(
        prefix=prefix,
        sha256=digest_of(key),
        owner=owner,
        label=label,
        scopes=allowed,
        plan=plan,
        tenant=tenant,
        created_at=now,
        expires_at=None if lifetime is None else now + lifetime,
    )
    return NewKey(key, kept)


def add_key(session: Session, made: NewKey, *, by: Actor, now: datetime) -> None:
    """Keep a key, and say so in the audit log."""
    session.add(made.kept)
    note(session, "key.create", by=by, subject=made.kept.prefix, now=now)


def digest_of(key: str) -> str:
    """Return what is kept of a whole key."""
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
