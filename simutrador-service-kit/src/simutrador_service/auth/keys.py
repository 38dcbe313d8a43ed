"""`KeyStore`: API keys `prefix.secret` of which only hashes are kept."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from simutrador_core.errors import InputError
from simutrador_core.models.enums import UserPlan
from simutrador_service.auth.audit import SERVICE, Actor, note
from simutrador_service.auth.errors import UnknownKeyError
from simutrador_service.auth.new_keys import SHAPE, NewKey, add_key, digest_of, new_key
from simutrador_service.auth.principal import ROLE_SCOPES, Principal, Role
from simutrador_service.auth.recent import Recent
from simutrador_service.auth.revocations import LONGEST_TOKEN, write_revoked
from simutrador_service.auth.tables import ApiKey, User
from simutrador_service.database import Database
from simutrador_service.database.base import utc_now
from simutrador_service.errors import UnauthenticatedError

CACHE_S: Final = 2.0
CACHE_SIZE: Final = 1_024
_NOBODY: Final = "0" * 64
_USED_EVERY: Final = timedelta(minutes=1)


class KeyStore:
    """The keys of a database; a verifier of the `Authenticator`.

    A key that was verified is believed for two seconds without asking the database. Revoking one
    in this process takes effect at once, in other processes within these two seconds.
    """

    def __init__(
        self,
        database: Database,
        *,
        on_change: Callable[[], None] = lambda: None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Use the service's database; `on_change` is told when a key stops working."""
        self._on_change = on_change
        self.database = database
        self.clock = clock
        self.recent: Final[Recent[Principal]] = Recent(size=CACHE_SIZE, keep_s=CACHE_S)

    def create(
        self,
        owner: str,
        *,
        scopes: Iterable[str],
        plan: UserPlan | None = None,
        tenant: str | None = None,
        label: str = "",
        lifetime: timedelta | None = None,
        by: Actor = SERVICE,
    ) -> NewKey:
        """Make a key.

        Args:
            owner: Whose it is: a user's id, or any name.
            scopes: What it may do, at least one.
            plan: What its owner has subscribed to.
            tenant: Whose data it sees, where one service serves several.
            label: What it is for.
            lifetime: How long it works; None for one that lasts.
            by: Who makes it, for the audit log.

        Raises:
            InputError: a value is empty, too long, or no scope.
        """
        with self.database.write() as session:
            made = new_key(
                owner,
                scopes=scopes,
                plan=plan,
                tenant=tenant,
                label=label,
                lifetime=lifetime,
                now=self.clock(),
            )
            add_key(session, made, by=by, now=self.clock())
            return made

    def list_keys(self, *, owner: str | None = None) -> Sequence[ApiKey]:
        """Return what is kept of every key, or of one owner's, oldest first."""
        wanted = select(ApiKey).order_by(ApiKey.created_at, ApiKey.prefix)
        with self.database.read() as session:
            return session.scalars(wanted if owner is None else wanted.filter_by(owner=owner)).all()

    def get(self, prefix: str) -> ApiKey:
        """Return what is kept of a key.

        Raises:
            UnknownKeyError: there is none.
        """
        with self.database.read() as session:
            return _get(session, prefix)

    def revoke(self, prefix: str, *, by: Actor = SERVICE) -> ApiKey:
        """Make a key useless, and every token that was given for it; twice changes nothing.

        Raises:
            UnknownKeyError: there is none.
        """
        with self.database.write() as session:
            row = _get(session, prefix)
            row.revoked_at = row.revoked_at or self.clock()
            write_revoked(session, row.prefix, until=self.clock() + LONGEST_TOKEN)
            note(session, "key.revoke", by=by, subject=row.prefix, now=self.clock())
        self._ended()
        return row

    def rotate(
        self, prefix: str, *, overlap: timedelta = timedelta(0), by: Actor = SERVICE
    ) -> NewKey:
        """Make another key like this one, which ends after `overlap`, so that both work meanwhile.

        Raises:
            UnknownKeyError: there is none.
            InputError: it does not work any more.
        """
        now = self.clock()
        with self.database.write() as session:
            old = _get(session, prefix)
            if not works(old, now):
                raise InputError(f"key {old.prefix} has ended; create a new one", field="prefix")
            left = None if old.expires_at is None else old.expires_at - old.created_at
            made = new_key(
                old.owner,
                scopes=old.scopes,
                plan=None if old.plan is None else UserPlan(old.plan),
                tenant=old.tenant,
                label=old.label,
                lifetime=left,
                now=now,
            )
            ends = now + overlap
            old.expires_at = ends if old.expires_at is None else min(ends, old.expires_at)
            add_key(session, made, by=by, now=now)
            if not overlap:
                write_revoked(session, old.prefix, until=now + LONGEST_TOKEN)
            note(session, "key.rotate", by=by, subject=old.prefix, now=now)
        self._ended()
        return made

    def is_empty(self) -> bool:
        """Return whether no key works."""
        with self.database.read() as session:
            return no_key_works(session, self.clock())

    def recognises(self, credential: str) -> bool:
        """Return whether this has the shape of a key."""
        return SHAPE.fullmatch(credential) is not None

    def recall(self, credential: str) -> Principal | None:
        """Return whose key it is if that was asked within the last two seconds."""
        return self.recent.get(digest_of(credential))

    def verify(self, credential: str) -> Principal:
        """Return whose key it is; compared in constant time.

        Raises:
            UnauthenticatedError: it is unknown, revoked or expired, or its owner is locked out.
        """
        digest = digest_of(credential)
        known, mark, now = self.recent.get(digest), self.recent.mark(), self.clock()
        if known is not None:
            return known
        with self.database.read() as session:
            row = _find(session, credential.partition(".")[0], digest)
            user = session.get(User, row.owner) if row else None
        if row is None or not works(row, now) or not (user is None or user.active):
            raise UnauthenticatedError("the key does not hold; ask for a new one")
        principal = _principal(row, user)
        left = CACHE_S if row.expires_at is None else (row.expires_at - now).total_seconds()
        self.recent.put(digest, principal, mark=mark, keep_s=left)
        if row.last_used_at is None or now - row.last_used_at >= _USED_EVERY:
            self._note_use(row.prefix, now)
        return principal

    def _ended(self) -> None:
        self.recent.forget()
        self._on_change()

    def _note_use(self, prefix: str, now: datetime) -> None:
        used = update(ApiKey).where(ApiKey.prefix == prefix).values(last_used_at=now)
        # A full disk must not keep out who has a key.
        with suppress(SQLAlchemyError), self.database.write() as session:
            session.execute(used)


def no_key_works(session: Session, now: datetime) -> bool:
    """Return whether there is no key that works."""
    lasts = or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now)
    found = select(ApiKey.prefix).where(ApiKey.revoked_at.is_(None), lasts).limit(1)
    return session.scalar(found) is None


def works(key: ApiKey, now: datetime) -> bool:
    """Return whether a key is neither revoked nor expired."""
    return key.revoked_at is None and (key.expires_at is None or now < key.expires_at)


def _principal(key: ApiKey, owner: User | None) -> Principal:
    """Return who speaks: a user's key never does more than its user may by now."""
    scopes = frozenset(key.scopes)
    if owner is not None:
        user = Principal(owner.id, ROLE_SCOPES[Role(owner.role)])
        scopes = frozenset(scope for scope in scopes if user.may(scope))
    plan = None if key.plan is None else UserPlan(key.plan)
    return Principal(key.owner, scopes, plan, key.tenant, key.prefix)


def _find(session: Session, prefix: str, digest: str) -> ApiKey | None:
    """Return the row of a key that fits; as slow for an unknown prefix as for a wrong secret."""
    kept = select(ApiKey.sha256).where(ApiKey.prefix == prefix).scalar_subquery()
    known: str = session.scalars(select(func.coalesce(kept, _NOBODY))).one()
    return session.get(ApiKey, prefix) if hmac.compare_digest(digest, known) else None


def _get(session: Session, prefix: str) -> ApiKey:
    row = session.get(ApiKey, prefix.partition(".")[0]) if prefix.isprintable() else None
    if row is None:
        raise UnknownKeyError(prefix)
    return row
