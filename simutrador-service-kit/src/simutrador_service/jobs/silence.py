"""Which workers fell silent, by the watcher's own monotonic clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from threading import Lock

Sign = tuple[int, object]
"""What a worker that lives keeps changing: fence and lease of its job."""


class Silence:
    """Watches jobs whose lease has run out by the wall clock.

    That alone proves little: the clock may have been set, or the machine have slept, while the
    worker is well and about to renew. So a worker is taken for lost only when it shows no sign for
    some time after.
    """

    def __init__(
        self, patience: timedelta, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Wait for `patience`, which is longer than a worker takes to renew its leases."""
        self._patience_s = patience.total_seconds()
        self._monotonic = monotonic
        self._since: dict[str, tuple[Sign, float]] = {}
        self._lock = Lock()

    def lost(self, expired: Mapping[str, Sign]) -> list[str]:
        """Return the jobs that were silent for long enough.

        Args:
            expired: Every job whose lease has run out now, with its last sign.
        """
        now = self._monotonic()
        with self._lock:
            known = self._since
            self._since = {
                job_id: known[job_id]
                if job_id in known and known[job_id][0] == sign
                else (sign, now)
                for job_id, sign in expired.items()
            }
            return [
                job_id
                for job_id, (_, since) in self._since.items()
                if now - since >= self._patience_s
            ]
