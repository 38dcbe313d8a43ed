"""What a running job sees: progress, cancellation, checkpoints and its fence."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import datetime
from enum import StrEnum
from threading import Event
from typing import Any, Final

from sqlalchemy.orm import Session

from simutrador_core.errors import SimutradorError
from simutrador_service.database.base import utc_now
from simutrador_service.database.json_values import to_json_value, to_text
from simutrador_service.jobs.claims import DATABASE_AWAY, Claim, Claims

PROGRESS_EVERY_S: Final = 0.25
MAX_STEP: Final = 200


class JobCancelled(SimutradorError):  # noqa: N818  (a request that was followed, not a failure)
    """Raise it, or let `ctx.stop_if_cancelled()` raise it, to end a run that is to stop."""

    code = "cancelled"


class Interruption(StrEnum):
    """Why a run is to stop."""

    CANCEL = "cancel"
    TIME_LIMIT = "time_limit"
    LOST = "lost"
    SHUTDOWN = "shutdown"


class JobContext:
    """Handed to the function of a job; its methods may be called from any thread."""

    def __init__(
        self, claim: Claim, claims: Claims, clock: Callable[[], datetime] = utc_now
    ) -> None:
        """Belong to one run."""
        self._claim = claim
        self._claims = claims
        self._clock = clock
        self._paced = claim.checkpoint is None
        self._stop = Event()
        self._told = 0.0
        self.interruption: Interruption | None = None
        self.saw_interruption = False

    @property
    def job_id(self) -> str:
        """The job's id."""
        return self._claim.job_id

    @property
    def attempt(self) -> int:
        """1 in the first run."""
        return self._claim.attempt

    @property
    def fence(self) -> int:
        """Grows with every run; hand it to a store that refuses older ones."""
        return self._claim.fence

    @property
    def saved(self) -> Any | None:
        """What the last `checkpoint` of an earlier run kept, or None."""
        return self._claim.checkpoint

    def progress(self, done: int, total: int | None = None, step: str = "") -> None:
        """Say how far the work is; written at most four times a second, the end always.

        While the database is away nothing is written; the work goes on.

        Raises:
            LostLeaseError: another worker has the job.
        """
        now = time.monotonic()
        if done != total and now - self._told < PROGRESS_EVERY_S:
            return
        self._told = now
        values: dict[str, Any] = {
            "done": done,
            "total": total,
            "step": to_text(step, most=MAX_STEP),
        }
        if not self._paced:  # what an earlier run did says nothing about the pace of this one
            values |= {"pace_at": self._clock(), "pace_done": done}
        with suppress(*DATABASE_AWAY):
            self._claims.write(self._claim, values)
            self._paced = True

    def checkpoint(self, data: object) -> None:
        """Keep what the next run needs to go on from here.

        Raises:
            LostLeaseError: another worker has the job.
            InputError: JSON cannot carry `data`.
        """
        self._claims.write(self._claim, {"checkpoint": to_json_value(data, what="the checkpoint")})

    @contextmanager
    def effect(self, checkpoint: object) -> Generator[Session]:
        """Give a session whose changes and this checkpoint become true together, once.

        Raises:
            LostLeaseError: another worker has the job; nothing was written.
            InputError: JSON cannot carry the checkpoint.
        """
        values = {"checkpoint": to_json_value(checkpoint, what="the checkpoint")}
        with self._claims.transaction(self._claim, values) as session:
            yield session

    def cancelled(self) -> bool:
        """Return whether the run is to stop: cancelled, out of time, or taken away."""
        self.saw_interruption = self._stop.is_set()
        return self.saw_interruption

    def stop_if_cancelled(self) -> None:
        """Raise `JobCancelled` when the run is to stop."""
        if self.cancelled():
            raise JobCancelled(f"job {self.job_id} was asked to stop: {self.interruption}")

    def wait(self, seconds: float) -> bool:
        """Wait in a blocking function; return early and True when the run is to stop."""
        self._stop.wait(seconds)
        return self.cancelled()

    def interrupt(self, reason: Interruption) -> None:
        """Ask the run to stop; called by the worker. The first reason counts."""
        if self.interruption is None:
            self.interruption = reason
        self._stop.set()
