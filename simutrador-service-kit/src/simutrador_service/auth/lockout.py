"""Lock-out: after some failed log-ins in a row the next must wait, longer each time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from math import ceil
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from simutrador_service.auth.tables import LoginFailures
from simutrador_service.database import Database
from simutrador_service.database.upsert import insert_absent
from simutrador_service.errors import TooManyRequestsError


@dataclass(frozen=True, slots=True)
class Backoff:
    """When and for how long.

    Attributes:
        free: Failures in a row that cost nothing but the last.
        first: The wait after them; it doubles with each failure.
        longest: It never grows beyond.
    """

    free: int
    first: timedelta
    longest: timedelta


PER_USER: Final = Backoff(5, timedelta(seconds=30), timedelta(minutes=15))
# Many people may share an address, so it has more room.
PER_ADDRESS: Final = Backoff(20, timedelta(seconds=30), timedelta(minutes=15))
FORGOTTEN_AFTER: Final = timedelta(hours=1)


def wait_after(failures: int, rule: Backoff) -> timedelta:
    """Return how long nobody may try after this many failures in a row."""
    if failures < rule.free:
        return timedelta(0)
    return min(rule.longest, rule.first * 2 ** min(failures - rule.free, 20))


class Lockout:
    """Counts failures, of each user and each address."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime]) -> None:
        """Use the service's database."""
        self._database = database
        self._clock = clock

    def begin(self, name: str, address: str | None) -> None:
        """Count a try as failed before it is judged, so that tries at once cannot outrun it.

        Raises:
            TooManyRequestsError: the name or the address has to wait.
        """
        now = self._clock()
        with self._database.write() as session:
            for subject, rule in _subjects(name, address):
                row = _locked_row(session, subject, now)
                if row.locked_until is not None and row.locked_until > now:
                    left = (row.locked_until - now).total_seconds()
                    raise TooManyRequestsError(limit=rule.free, retry_after_s=max(1, ceil(left)))
                _count(row, row.failures + 1, rule, now)

    def succeeded(self, name: str, address: str | None) -> None:
        """Forget the name's failures and take back the address's last: others may share it."""
        now = self._clock()
        user, *place = _subjects(name, address)
        with self._database.write() as session:
            session.execute(delete(LoginFailures).where(LoginFailures.subject == user[0]))
            for subject, rule in place:
                row = _locked_row(session, subject, now)
                _count(row, max(0, row.failures - 1), rule, now)

    def purge(self) -> int:
        """Forget failures of long ago; return how many rows."""
        old = delete(LoginFailures).where(LoginFailures.last_at < self._clock() - FORGOTTEN_AFTER)
        with self._database.write() as session:
            return len(session.scalars(old.returning(LoginFailures.subject)).all())


def _subjects(name: str, address: str | None) -> Sequence[tuple[str, Backoff]]:
    """Return the rows a try counts in, in an order that two of them cannot block each other."""
    found = [(_subject("user", name), PER_USER)]
    return found if address is None else [*found, (_subject("address", address), PER_ADDRESS)]


def _subject(kind: str, text: str) -> str:
    return sha256(f"{kind}:{text}".encode("utf-8", "surrogatepass")).hexdigest()


def _locked_row(session: Session, subject: str, now: datetime) -> LoginFailures:
    insert_absent(session, LoginFailures, subject=subject, failures=0, last_at=now)
    row = session.scalars(
        select(LoginFailures).where(LoginFailures.subject == subject).with_for_update()
    ).one()
    if now - row.last_at > FORGOTTEN_AFTER:
        row.failures, row.locked_until = 0, None
    return row


def _count(row: LoginFailures, failures: int, rule: Backoff, now: datetime) -> None:
    wait = wait_after(failures, rule)
    row.failures, row.last_at = failures, now
    row.locked_until = now + wait if wait else None
