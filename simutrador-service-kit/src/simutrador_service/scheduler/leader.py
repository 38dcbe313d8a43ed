"""Leadership: of several processes one leads, by a row that it keeps changing.

A process that wants to lead watches the row's `beat`. When it has not changed for a whole lease,
measured by the watcher's own monotonic clock, the holder is taken for dead. Wall clocks play no
part, so neither skew between machines nor a clock that is set can make two leaders; and should an
old leader wake up, its fence is behind, and `guard` refuses its transactions.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from simutrador_service.database import Database
from simutrador_service.scheduler.table import Lease


class Leadership:
    """One process's part in the election; used by one thread."""

    def __init__(
        self,
        database: Database,
        name: str,
        *,
        lease: timedelta = timedelta(seconds=15),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Stand for election under `name`; a leader silent for `lease` is replaced."""
        self.holder: Final = f"{socket.gethostname()[:50]}:{os.getpid()}:{uuid4().hex[:8]}"
        self._database = database
        self._name = name
        self._lease_s = lease.total_seconds()
        self._monotonic = monotonic
        self._fence: int | None = None
        self._beaten_at = 0.0
        self._seen: tuple[int, int] | None = None
        self._seen_at = 0.0

    def lead(self) -> bool:
        """Return whether this process leads now; keeps or takes the lead as far as it can."""
        now = self._monotonic()
        if self._fence is None:
            self._stand(now)
        elif now - self._beaten_at >= self._lease_s / 4:
            self._beat(now)
        return self._fence is not None

    def guard(self, session: Session) -> bool:
        """Return whether this process still leads, and keep it so until the transaction ends."""
        if self._fence is None:
            return False
        mine = self._row(session)
        if mine is None or (mine.holder, mine.fence) != (self.holder, self._fence):
            self._fence = None
        return self._fence is not None

    def resign(self) -> None:
        """Give up the lead, so that another process takes over at once."""
        if self._fence is not None:
            with self._database.write() as session:
                self._change(session, self._fence, holder=None)
            self._fence = None

    def _beat(self, now: float) -> None:
        with self._database.write() as session:
            kept = self._fence is not None and self._change(
                session, self._fence, beat=Lease.beat + 1
            )
        if kept:
            self._beaten_at = now
        else:
            self._fence = None
            self._seen = None

    def _stand(self, now: float) -> None:
        """Take the lead if nobody has it, or its holder was silent for long enough."""
        with self._database.read() as session:
            row = session.get(Lease, self._name)
        if row is None:
            self._create()
            return
        if (row.fence, row.beat) != self._seen:
            self._seen, self._seen_at = (row.fence, row.beat), now
        if row.holder is not None and now - self._seen_at < self._lease_s:
            return
        with self._database.write() as session:
            found = self._row(session)
            if found is None or (found.fence, found.beat) != self._seen:
                return
            found.holder, found.fence = self.holder, found.fence + 1
            fence = found.fence
        self._fence, self._beaten_at = fence, now

    def _create(self) -> None:
        try:
            with self._database.write() as session:
                session.add(Lease(name=self._name))
        except IntegrityError:
            return  # somebody else did; both stand for it at their next look

    def _row(self, session: Session) -> Lease | None:
        wanted = select(Lease).where(Lease.name == self._name).with_for_update()
        return session.scalars(wanted).first()

    def _change(self, session: Session, fence: int, **values: Any) -> bool:
        changed = session.execute(
            update(Lease)
            .where(Lease.name == self._name, Lease.fence == fence, Lease.holder == self.holder)
            .values(**values)
            .execution_options(synchronize_session=False)
        )
        assert isinstance(changed, CursorResult)
        return changed.rowcount == 1
