"""One run of one job, from its claim to the line in the table that says how it ended."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from pydantic import ValidationError

from simutrador_core.errors import InputError
from simutrador_service.database.json_values import to_json_value
from simutrador_service.errors import LostLeaseError
from simutrador_service.jobs.claims import DATABASE_AWAY, ENDED, FREE, Claim, Claims
from simutrador_service.jobs.context import Interruption, JobCancelled, JobContext
from simutrador_service.jobs.kinds import Partly
from simutrador_service.jobs.rules import (
    error_code,
    error_text,
    is_retryable,
    wait_before,
)
from simutrador_service.jobs.table import JobState
from simutrador_service.logging.loggers import get_logger

_PATIENCE_S: Final = 120.0
_TRY_AGAIN_S: Final = 0.5

_log = get_logger(__name__)


class Run:
    """A claimed job in the hands of one thread; others may interrupt it."""

    def __init__(self, claim: Claim, claims: Claims, clock: Callable[[], datetime]) -> None:
        """Prepare to run the claimed job."""
        self.claim: Final = claim
        self.context: Final = JobContext(claim, claims, clock)
        self._claims = claims
        self._clock = clock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._ends_at = time.monotonic() + claim.kind.time_limit.total_seconds()
        self.renewed_at = time.monotonic()
        self.interrupted_at: float | None = None

    def execute(self) -> None:
        """Run the function and write how it ended; a lost lease ends quietly."""
        with structlog.contextvars.bound_contextvars(
            job_id=self.claim.job_id, kind=self.claim.kind.name, attempt=self.claim.attempt
        ):
            try:
                self._write(self._outcome())
            except LostLeaseError:
                _log.warning("job_lost", fence=self.claim.fence)

    @property
    def left(self) -> timedelta:
        """How much of its time limit is left, whatever happens to the wall clock."""
        return timedelta(seconds=self._ends_at - time.monotonic())

    def interrupt(self, reason: Interruption) -> None:
        """Ask the run to stop."""
        self.interrupted_at = self.interrupted_at or time.monotonic()
        self.context.interrupt(reason)

    def abandon(self) -> None:
        """Cancel the coroutine at its next await; a blocking function is not reached by this."""
        if self._loop is not None and self._task is not None:
            with suppress(RuntimeError):  # the run ended at this moment, and its loop with it
                self._loop.call_soon_threadsafe(self._task.cancel)

    def _write(self, ended: dict[str, Any]) -> None:
        """Write how the run ended, if need be again: a database restarts, but work is not undone.

        Meanwhile the worker renews the lease, as far as it can.
        """
        until = time.monotonic() + _PATIENCE_S
        while True:
            try:
                self._claims.write(self.claim, ended)
                return
            except DATABASE_AWAY as e:
                if time.monotonic() > until or self.context.interruption is Interruption.SHUTDOWN:
                    raise
                _log.warning("job_end_not_written", reason=type(e).__name__)
                time.sleep(_TRY_AGAIN_S)

    def _outcome(self) -> dict[str, Any]:
        """Run the function; return the columns to write."""
        try:
            return self._succeeded(asyncio.run(self._call()))
        except LostLeaseError:
            raise
        except (JobCancelled, asyncio.CancelledError) as e:
            return self._stopped(e)
        except Exception as e:  # noqa: BLE001  (the outermost loop of a worker must survive)
            return self._failed(e)

    async def _call(self) -> Any:
        try:
            params = self.claim.kind.params.validate_python(self.claim.params)
        except ValidationError as e:
            raise InputError(
                f"the stored parameters do not fit: {e.error_count()} errors"
            ) from None
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        return await self.claim.kind.run(params, self.context)

    def _succeeded(self, result: Any) -> dict[str, Any]:
        is_partial = isinstance(result, Partly)
        stored = to_json_value(result.result if is_partial else result, what="the result")  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        if self.context.saw_interruption:
            return {**self._stopped(None), "result": stored}
        return self._ended(JobState.PARTIAL if is_partial else JobState.COMPLETED, result=stored)

    def _stopped(self, error: BaseException | None) -> dict[str, Any]:
        """Return the columns of a run that followed a request to stop."""
        match self.context.interruption:
            case Interruption.LOST:
                raise LostLeaseError(self.claim.job_id, self.claim.fence)
            case Interruption.SHUTDOWN:  # not the job's fault: the attempt does not count
                return {
                    **FREE,
                    "state": JobState.PENDING,
                    "attempt": self.claim.attempt - 1,
                    "due_at": self._clock(),
                }
            case Interruption.TIME_LIMIT:
                limit = self.claim.kind.time_limit
                return self._ended(
                    JobState.FAILED,
                    error_code="time_limit",
                    error=f"the run took longer than its limit of {limit}",
                )
            case Interruption.CANCEL | None:
                code = None if error is None or isinstance(error, JobCancelled) else "cancelled"
                return self._ended(JobState.CANCELLED, error_code=code)

    def _failed(self, error: Exception) -> dict[str, Any]:
        if self.context.interruption is not None:  # it was to stop, and it has
            _log.warning("job_stopped", reason=self.context.interruption, exc_info=error)
            return self._stopped(error)
        retry = self.claim.kind.retry
        again = is_retryable(error) and self.claim.attempt < retry.attempts
        _log.error("job_failed", again=again, exc_info=error)
        said = {"error_code": error_code(error), "error": error_text(error)}
        if not again:
            return self._ended(JobState.FAILED, **said, dead=is_retryable(error))
        wait = wait_before(self.claim.attempt, retry, chance=random.random())  # noqa: S311
        return {**FREE, **said, "state": JobState.PENDING, "due_at": self._clock() + wait}

    def _ended(self, state: JobState, **values: Any) -> dict[str, Any]:
        cleared = {"error": None, "error_code": None}
        return {**ENDED, **cleared, "state": state, "ended_at": self._clock(), **values}
