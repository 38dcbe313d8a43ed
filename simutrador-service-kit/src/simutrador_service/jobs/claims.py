"""The worker's side of the table: take a job, keep it, write under its fence, give it up.

Every write says `WHERE id = ? AND fence = ?`: a worker that lost its job changes nothing any more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionLeftError
from sqlalchemy.orm import Session

from simutrador_service.database import Database
from simutrador_service.errors import LostLeaseError
from simutrador_service.jobs.kinds import AnyKind
from simutrador_service.jobs.silence import Sign, Silence
from simutrador_service.jobs.table import Job, JobState

FREE: Final[Mapping[str, Any]] = {"lease_until": None, "worker": None, "deadline": None}
ENDED: Final[Mapping[str, Any]] = {**FREE, "active_key": None}
DATABASE_AWAY: Final = (OperationalError, InterfaceError, NoConnectionLeftError)
"""What a write fails with that may succeed later."""
LONGEST_LEASE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Claim:
    """One run of one job by one worker."""

    job_id: str
    kind: AnyKind
    fence: int
    attempt: int
    params: Any
    checkpoint: Any | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the table says about a running job: still held, and whether somebody wants it ended."""

    held: bool
    cancel_requested: bool


class Claims:
    """What workers write."""

    def __init__(
        self,
        database: Database,
        kinds: Iterable[AnyKind],
        *,
        lease: timedelta,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Serve these kinds; a worker silent for longer than `lease` loses its jobs.

        A lease that has run out is watched for half its length before it is believed, so that no
        running job is taken away because a clock was set. So is one that ends later than any can:
        the clock was ahead when it was given.

        Raises:
            ValueError: the lease is longer than an hour.
        """
        if lease > LONGEST_LEASE:
            raise ValueError(f"a lease of {lease} is too long; give at most {LONGEST_LEASE}")
        self.database = database
        self.lease = lease
        self._kinds = {kind.name: kind for kind in kinds}
        self._silence = Silence(lease / 2, monotonic=monotonic)
        self._astray = Silence(LONGEST_LEASE / 2, monotonic=monotonic)

    def claim(
        self, worker: str, *, queues: Iterable[str], now: datetime, job_id: str | None = None
    ) -> Claim | None:
        """Take a job that lost its worker, else the one due longest; None when there is none.

        With `job_id` only that one, if it is due.
        """
        wanted = self._wanted(queues, job_id)
        # Two statements, each served by an index: with OR, every claim would sort all that wait.
        lost = self._silent(now)
        if lost and (claim := self._claim_first(_lost(lost, now).where(*wanted), worker, now)):
            return claim
        return self._claim_first(_waiting(now).where(*wanted), worker, now)

    def renew(self, claim: Claim, *, left: timedelta, now: datetime) -> bool:
        """Extend the lease, never beyond the time `left` to the run; return whether it was held."""
        values = {"lease_until": now + min(self.lease, left), "deadline": now + left}
        with self.database.write() as session:
            return _touch(session, claim, values)

    def verdict(self, claim: Claim) -> Verdict:
        """Return what the table says about a run."""
        with self.database.read() as session:
            row = session.execute(select(Job.cancel_requested).where(*_held(claim))).one_or_none()
        return Verdict(held=row is not None, cancel_requested=row is not None and row[0])

    def write(self, claim: Claim, values: Mapping[str, Any]) -> None:
        """Write columns of the job.

        Raises:
            LostLeaseError: the job is no longer held.
        """
        with self.transaction(claim, values):
            pass

    @contextmanager
    def transaction(self, claim: Claim, values: Mapping[str, Any]) -> Generator[Session]:
        """Give a session that commits together with these columns, or not at all.

        Raises:
            LostLeaseError: the job is no longer held; nothing was written.
        """
        with self.database.write() as session:
            changed = {**values, "revision": Job.revision + 1}
            if not _touch(session, claim, changed):
                raise LostLeaseError(claim.job_id, claim.fence)
            yield session

    def _silent(self, now: datetime) -> list[str]:
        """Return the running jobs whose workers have shown no sign for long enough."""
        running = Job.state == JobState.RUNNING
        found = select(Job.id, Job.fence, Job.lease_until).where(running, _is_no_sign(now))
        expired: dict[str, Sign] = {}
        astray: dict[str, Sign] = {}
        with self.database.read() as session:
            for row in session.execute(found):
                kept = expired if row.lease_until < now else astray
                kept[row.id] = (row.fence, row.lease_until)
        return self._silence.lost(expired) + self._astray.lost(astray)

    def _claim_first(self, due: Select[Job], worker: str, now: datetime) -> Claim | None:
        with self.database.read() as session:
            if session.execute(due).first() is None:
                return None  # looking costs no write lock
        while True:
            with self.database.write() as session:
                found = session.scalars(due.with_for_update(skip_locked=True)).first()
                if found is None:
                    return None
                claim = self._take(session, found, worker, now)
            if claim is not None:
                return claim

    def _wanted(self, queues: Iterable[str], job_id: str | None) -> list[ColumnElement[bool]]:
        return [
            or_(false(), *(self._runs(kind) for kind in self._kinds.values())),
            Job.queue.in_(list(queues)) if job_id is None else Job.id == job_id,
        ]

    def _runs(self, kind: AnyKind) -> ColumnElement[bool]:
        return and_(Job.kind == kind.name, Job.version.in_(kind.accepts))

    def _take(self, session: Session, found: Job, worker: str, now: datetime) -> Claim | None:
        """Claim the row, or end it when its last worker vanished for good."""
        kind = self._kinds[found.kind]
        ended = _end_without_run(found, kind, now)
        if ended is not None:
            _bump(session, found, {**ended, **ENDED, "ended_at": now})
            return None
        deadline = now + kind.time_limit
        values = {
            "state": JobState.RUNNING,
            "attempt": found.attempt + 1,
            "crashes": found.crashes + (found.state == JobState.RUNNING),
            "worker": worker,
            "lease_until": min(now + self.lease, deadline),
            "deadline": deadline,
            "started_at": found.started_at or now,
            "pace_at": now if found.checkpoint is None else None,
            "pace_done": 0,
        }
        if not _bump(session, found, values):
            return None
        return Claim(
            job_id=found.id,
            kind=kind,
            fence=found.fence + 1,
            attempt=found.attempt + 1,
            params=found.params,
            checkpoint=found.checkpoint,
        )


def _waiting(now: datetime) -> Select[Job]:
    """Return the query of the job that waits longest."""
    due = select(Job).where(Job.state == JobState.PENDING, Job.due_at <= now)
    return due.order_by(Job.due_at, Job.created_at).limit(1)


def _is_no_sign(now: datetime) -> ColumnElement[bool]:
    return or_(Job.lease_until < now, Job.lease_until > now + LONGEST_LEASE)


def _lost(job_ids: Iterable[str], now: datetime) -> Select[Job]:
    """Return the query of one of these jobs whose worker still shows no sign."""
    running = Job.state == JobState.RUNNING
    lost = select(Job).where(Job.id.in_(job_ids), running, _is_no_sign(now))
    return lost.order_by(Job.due_at).limit(1)


def _end_without_run(found: Job, kind: AnyKind, now: datetime) -> dict[str, Any] | None:
    """Return how a job ends that is not to run again, or None when it is to run."""
    if found.cancel_requested:  # while a run was under way that failed, was given back or lost
        return {"state": JobState.CANCELLED}
    if found.state == JobState.PENDING:
        return None
    if found.deadline is not None and found.deadline <= now:
        return {
            "state": JobState.FAILED,
            "error_code": "time_limit",
            "error": f"the run took longer than its limit of {kind.time_limit}",
        }
    if found.attempt >= kind.retry.attempts:
        return {
            "state": JobState.FAILED,
            "dead": True,
            "error_code": "worker_lost",
            "error": f"{found.crashes + 1} of {found.attempt} runs ended with their worker",
        }
    return None


def _bump(session: Session, found: Job, values: Mapping[str, Any]) -> bool:
    """Change hands: write under the row's fence and raise it."""
    changed = session.execute(
        update(Job)
        .where(Job.id == found.id, Job.fence == found.fence)
        .values(**values, fence=found.fence + 1, revision=Job.revision + 1)
        .execution_options(synchronize_session=False)
    )
    return _rows(changed) == 1


def _held(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    return Job.id == claim.job_id, Job.fence == claim.fence, Job.state == JobState.RUNNING


def _touch(session: Session, claim: Claim, values: Mapping[str, Any]) -> bool:
    changed = session.execute(
        update(Job)
        .where(*_held(claim))
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return _rows(changed) == 1


def _rows(result: Any) -> int:
    assert isinstance(result, CursorResult)
    return result.rowcount
