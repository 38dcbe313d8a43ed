"""The audit log: who did what to what, when, from where, and how it ended. Never a secret."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from simutrador_service.auth.tables import AuditEntry
from simutrador_service.database import Database
from simutrador_service.database.base import utc_now

MAX_PAGE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Actor:
    """On whose behalf something happens.

    Attributes:
        id: The principal, or a word for a command (`cli:NAME`) or the service itself; None for
            somebody unknown.
        address: Where the request came from; None where there was none.
    """

    id: str | None
    address: str | None = None


SERVICE: Final = Actor("service")


class Outcome(StrEnum):
    """How it ended."""

    DONE = "done"
    REFUSED = "refused"
    LOCKED = "locked"


class Audit:
    """Writes and reads the log."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = utc_now) -> None:
        """Use the service's database."""
        self._database = database
        self._clock = clock

    def record(
        self, action: str, *, by: Actor, subject: str = "", outcome: Outcome = Outcome.DONE
    ) -> None:
        """Write one entry in a transaction of its own."""
        with self._database.write() as session:
            note(session, action, by=by, subject=subject, outcome=outcome, now=self._clock())

    def entries(
        self, *, actor: str | None = None, before: int | None = None, limit: int = 100
    ) -> Sequence[AuditEntry]:
        """Return entries, newest first; `before` is the id of the last one of a page."""
        wanted = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(min(limit, MAX_PAGE))
        if actor is not None:
            wanted = wanted.where(AuditEntry.actor == actor)
        if before is not None:
            wanted = wanted.where(AuditEntry.id < before)
        with self._database.read() as session:
            return session.scalars(wanted).all()

    def purge(self, *, keep: timedelta) -> int:
        """Forget entries older than `keep`; return how many."""
        old = delete(AuditEntry).where(AuditEntry.at < self._clock() - keep)
        with self._database.write() as session:
            return len(session.scalars(old.returning(AuditEntry.id)).all())


def note(
    session: Session,
    action: str,
    *,
    by: Actor,
    subject: str,
    now: datetime,
    outcome: Outcome = Outcome.DONE,
) -> None:
    """Write one entry together with what it speaks of, or not at all."""
    session.add(
        AuditEntry(
            at=now,
            actor=by.id,
            action=action,
            subject=subject,
            address=by.address,
            outcome=outcome,
        )
    )
