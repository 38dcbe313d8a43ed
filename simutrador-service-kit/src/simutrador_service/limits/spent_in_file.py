"""A budget kept in a small SQLite file: for the processes of one machine.

It is a file of its own, read with the standard library alone, so that a command which asks a vendor
needs neither the service's database nor what that takes to import (40 MB, a second).
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from simutrador_service.errors import UnavailableError
from simutrador_service.limits.rules import Rule
from simutrador_service.limits.spending import spend

BUSY_TIMEOUT_S: Final = 30.0
_TABLE: Final = "CREATE TABLE IF NOT EXISTS spent_budget (name TEXT PRIMARY KEY, grants TEXT)"
_READ: Final = "SELECT grants FROM spent_budget WHERE name = ?"
_WRITE: Final = "INSERT OR REPLACE INTO spent_budget (name, grants) VALUES (?, ?)"


class FileSpending:
    """Every process that shares a file, and so a clock."""

    def __init__(self, path: Path) -> None:
        """Keep budgets in this file; it is made when first needed, its folder must be there."""
        self._path = path

    async def reserve(self, name: str, rule: Rule, *, longest_wait_s: float) -> float:
        """Return the seconds until this request may go out; a thread waits for the file.

        Raises:
            UnavailableError: the file cannot be written, or is no such file.
        """
        return await asyncio.to_thread(self._reserve, name, rule, longest_wait_s)

    def _reserve(self, name: str, rule: Rule, longest_wait_s: float) -> float:
        with self._explained(), closing(self._connected()) as file:
            # A budget that a power cut takes back by a few requests harms nobody.
            file.execute("PRAGMA synchronous=OFF")
            file.execute("BEGIN IMMEDIATE")
            file.execute(_TABLE)
            found = file.execute(_READ, (name,)).fetchone()
            grants: list[float] = json.loads(found[0]) if found else []
            now = time.time()  # after the lock: time passed while we waited for it
            wait, kept = spend(grants, rule, now=now, longest_wait_s=longest_wait_s)
            file.execute(_WRITE, (name, json.dumps(kept)))
            file.execute("COMMIT")
        return wait

    def _connected(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None)

    @contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except (sqlite3.Error, ValueError) as e:
            raise UnavailableError(
                f"the budget file {self._path} cannot be used ({e}); check its folder, or remove "
                "the file: only the requests of the last minutes are forgotten"
            ) from e
