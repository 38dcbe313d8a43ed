"""A budget kept in the service's database, for processes of several machines that have no Redis."""

from __future__ import annotations

import asyncio
import time

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from simutrador_service.database import Database
from simutrador_service.database.upsert import insert_absent
from simutrador_service.limits.rules import Rule
from simutrador_service.limits.spending import spend
from simutrador_service.limits.tables import SpentBudget


class DatabaseSpending:
    """Every process that shares a database."""

    def __init__(self, database: Database) -> None:
        """Use a migrated database."""
        self._database = database

    async def reserve(self, name: str, rule: Rule, *, longest_wait_s: float) -> float:
        """Return the seconds until this request may go out; a thread waits for the database."""
        return await asyncio.to_thread(self._reserve, name, rule, longest_wait_s)

    def _reserve(self, name: str, rule: Rule, longest_wait_s: float) -> float:
        with self._database.write() as session:
            insert_absent(session, SpentBudget, name=name, grants=[])
            row = session.scalars(
                select(SpentBudget).where(SpentBudget.name == name).with_for_update()
            ).one()
            now = self._now(session)  # after the lock: time passed while we waited for it
            wait, row.grants = spend(row.grants, rule, now=now, longest_wait_s=longest_wait_s)
        return wait

    def _now(self, session: Session) -> float:
        if self._database.is_sqlite:  # whoever shares a file shares a clock
            return time.time()
        return float(session.scalar(text("SELECT extract(epoch FROM clock_timestamp())")) or 0)
