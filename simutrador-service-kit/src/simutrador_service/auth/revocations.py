"""Tokens taken back before their time: known at once here, within seconds in other processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from simutrador_service.auth.tables import RevokedToken
from simutrador_service.database import Database
from simutrador_service.database.base import utc_now
from simutrador_service.database.upsert import insert_absent

READ_EVERY_S: Final = 2.0
LONGEST_TOKEN: Final = timedelta(days=1, minutes=1)
"""No access token is valid for longer, whatever the settings said when it was issued."""


class Revocations:
    """The list of revoked tokens and log-ins, read anew every two seconds while it is asked.

    When the database does not answer, nobody's token is believed: the error rises.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Use the service's database; `monotonic` tells when the list is out of date."""
        self._database = database
        self._clock = clock
        self._monotonic = monotonic
        self._lock = Lock()
        self._ids: frozenset[str] = frozenset()
        self._read_at: float | None = None

    def are_fresh(self) -> bool:
        """Return whether the list can be asked without waiting for the database."""
        at = self._read_at
        return at is not None and self._monotonic() - at < READ_EVERY_S

    def hold(self, ids: Iterable[str]) -> bool:
        """Return whether one of these is revoked; reads the list where it is out of date."""
        if not self.are_fresh():
            self._read()
        return not self._ids.isdisjoint(ids)

    def revoke(self, token_id: str, *, until: datetime) -> None:
        """Take back a token, or all of a log-in, that would expire at `until` at the latest."""
        with self._database.write() as session:
            write_revoked(session, token_id, until=until)
        self.changed()

    def changed(self) -> None:
        """Read the list anew at the next question: this process wrote to it."""
        with self._lock:
            self._read_at = None

    def purge(self) -> int:
        """Forget what has expired; return how many."""
        old = delete(RevokedToken).where(RevokedToken.expires_at <= self._clock())
        with self._database.write() as session:
            return len(session.scalars(old.returning(RevokedToken.id)).all())

    def _read(self) -> None:
        with self._lock:  # also keeps `changed` waiting, so that a list read before it never counts
            if self.are_fresh():
                return
            began = self._monotonic()
            lasting = select(RevokedToken.id).where(RevokedToken.expires_at > self._clock())
            with self._database.read() as session:
                self._ids = frozenset(session.scalars(lasting))
            self._read_at = began


def write_revoked(session: Session, token_id: str, *, until: datetime) -> None:
    """Take it back together with what else the session writes; once is enough."""
    insert_absent(session, RevokedToken, id=token_id, expires_at=until)
