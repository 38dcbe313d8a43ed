"""`Logins`: a password for a pair of tokens, a refresh token for the next pair, and the end."""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final
from uuid import uuid4

from sqlalchemy import delete
from sqlalchemy.orm import Session

from simutrador_service.auth.audit import Actor, Outcome, note
from simutrador_service.auth.families import end_family
from simutrador_service.auth.revocations import Revocations
from simutrador_service.auth.tables import RefreshToken, User
from simutrador_service.auth.tokens import ACCESS_S, Tokens
from simutrador_service.auth.users import Users, principal_of
from simutrador_service.errors import UnauthenticatedError, UnavailableError

REFRESH_S: Final = 30 * 86_400
_SHAPE: Final = re.compile(r"rt_([0-9a-f]{32})\.[A-Za-z0-9_-]{43}")
_HASHING_THREADS: Final = 4  # Argon2 takes 64 MiB in each
_MOST_WAITING: Final = 64


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a log-in gives.

    Attributes:
        access: For `Authorization: Bearer`.
        refresh: Good for one exchange.
        expires_in_s: Seconds the access token is valid.
    """

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_in_s: int


class _Exchange(StrEnum):
    """What a refresh token turned out to be."""

    GOOD = "refresh"
    REFUSED = "refresh.refused"
    USED_AGAIN = "refresh.reused"


class Logins:
    """Opens, renews and ends log-ins."""

    def __init__(
        self,
        users: Users,
        tokens: Tokens,
        revocations: Revocations,
        *,
        access_s: int = ACCESS_S,
        refresh_s: int = REFRESH_S,
    ) -> None:
        """Give `tokens` to `users`.

        Args:
            users: Who may log in.
            tokens: Issues the access tokens.
            revocations: Those that `tokens` asks.
            access_s: Seconds an access token is valid.
            refresh_s: Seconds a refresh token is valid.
        """
        self._users = users
        self._tokens = tokens
        self._revocations = revocations
        self._access_s = access_s
        self._refresh_s = refresh_s
        self._pool = ThreadPoolExecutor(_HASHING_THREADS, thread_name_prefix="login")
        self._waiting = 0

    async def log_in(self, name: str, password: str, *, address: str | None) -> TokenPair:
        """Return tokens for a password, judged in a thread of its own.

        Raises:
            UnauthenticatedError: name or password is wrong.
            TooManyRequestsError: too many tries failed.
            UnavailableError: more log-ins wait than are judged in a few seconds.
        """
        if self._waiting >= _MOST_WAITING:
            raise UnavailableError("too many log-ins at once; try again in a few seconds")
        self._waiting += 1
        try:
            judge = asyncio.get_running_loop().run_in_executor
            return await judge(self._pool, self._log_in, name, password, address)
        finally:
            self._waiting -= 1

    def refresh(self, token: str, *, address: str | None) -> TokenPair:
        """Return the next pair for a refresh token; one that comes twice ends its whole family.

        Raises:
            UnauthenticatedError: it does not hold.
        """
        shape = _SHAPE.fullmatch(token)
        pair: TokenPair | None = None
        if shape is not None:
            with self._users.database.write() as session:
                pair = self._exchange(session, shape[1], _hash(token), address)
            self._revocations.changed()
        if pair is None:
            raise UnauthenticatedError("the refresh token does not hold; log in again")
        return pair

    def log_out(self, family: str, *, by: Actor) -> None:
        """End a log-in: its access and refresh tokens stop working."""
        now = self._users.clock()
        with self._users.database.write() as session:
            end_family(session, family, now=now)
            note(session, "logout", by=by, subject=by.id or "", now=now)
        self._revocations.changed()

    def purge(self) -> int:
        """Forget refresh tokens that expired; return how many."""
        old = delete(RefreshToken).where(RefreshToken.expires_at <= self._users.clock())
        with self._users.database.write() as session:
            return len(session.scalars(old.returning(RefreshToken.id)).all())

    def close(self) -> None:
        """End the threads once what waits is judged."""
        self._pool.shutdown()

    def _log_in(self, name: str, password: str, address: str | None) -> TokenPair:
        user = self._users.check(name, password, address=address)
        now = self._users.clock()
        with self._users.database.write() as session:
            current = session.get(User, user.id, with_for_update=True)
            if current is None or current.changed_at != user.changed_at:
                raise UnauthenticatedError("the account was changed just now; log in again")
            note(session, "login", by=Actor(user.id, address), subject=user.id, now=now)
            return self._pair(session, current, uuid4().hex, now)

    def _exchange(
        self, session: Session, token_id: str, digest: str, address: str | None
    ) -> TokenPair | None:
        now = self._users.clock()
        row = session.get(RefreshToken, token_id)
        if row is None or not hmac.compare_digest(row.sha256, digest):
            return None
        # One at a time for each user: whoever ends log-ins meanwhile would miss the new token.
        user = session.get(User, row.user_id, with_for_update=True)
        session.refresh(row)
        found = _judge(row, user, now)
        outcome = Outcome.DONE if found is _Exchange.GOOD else Outcome.REFUSED
        by = Actor(row.user_id, address)
        note(session, found, by=by, subject=row.user_id, outcome=outcome, now=now)
        if found is _Exchange.USED_AGAIN:
            end_family(session, row.family, now=now)
        if found is not _Exchange.GOOD or user is None:
            return None
        row.used_at = now
        return self._pair(session, user, row.family, now)

    def _pair(self, session: Session, user: User, family: str, now: datetime) -> TokenPair:
        token_id = uuid4().hex
        refresh = f"rt_{token_id}.{secrets.token_urlsafe(32)}"
        session.add(
            RefreshToken(
                id=token_id,
                family=family,
                user_id=user.id,
                sha256=_hash(refresh),
                created_at=now,
                expires_at=now + timedelta(seconds=self._refresh_s),
            )
        )
        access = self._tokens.issue(principal_of(user), lifetime_s=self._access_s, family=family)
        return TokenPair(access, refresh, self._access_s)


def _judge(row: RefreshToken, user: User | None, now: datetime) -> _Exchange:
    if row.used_at is not None:
        return _Exchange.USED_AGAIN
    if row.revoked_at is not None or row.expires_at <= now or user is None or not user.active:
        return _Exchange.REFUSED
    return _Exchange.GOOD


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
