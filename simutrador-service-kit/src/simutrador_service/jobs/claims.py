"""The worker's side of the table: take a job, keep it, write under its fence, give it up.

Every write says `WHERE id = ? AND fence = ?`: a worker that lost its job changes nothing any more.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from simutrador_service.database import Database
from simutrador_service.errors import LostLeaseError
from simutrador_service.jobs.kinds import AnyKind
from simutrador_service.jobs.table import Job, JobState

FREE: Final[Mapping[str, Any]] = {"lease_until": None, "worker": None, "deadline": None}
ENDED: Final[Mapping[str, Any]] = {**FREE, "active_key": None}


@dataclass(frozen=True, slots=True)
class Claim:
    """One run of one job by one worker."""

    job_id: str
    kind: AnyKind
    fence: int
    attempt: int
    params: Any
    checkpoint: Any | None
    deadline: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the table says about a running job: still held, and whether somebody wants it ended."""

    held: bool
    cancel_requested: bool


class Claims:
    """What workers write."""

    def __init__(self, database: Database, kinds: Iterable[AnyKind], *, lease: timedelta) -> None:
        """Serve these kinds; a worker silent for longer than `lease` loses its jobs."""
        self.database = database
        self.lease = lease
        self._kinds = {kind.name: kind for kind in kinds}

    def claim(
        self, worker: str, *, queues: Iterable[str], now: datetime, job_id: str | None = None
    ) -> Claim | None:
        """Take a job that lost its worker, else the one due longest; None when there is none.

        With `job_id` only that one, if it is due.
        """
        wanted = self._wanted(queues, job_id)
        # Two statements, each served by an index: with OR, every claim would sort all that wait.
        for due in (_lost(now), _waiting(now)):
            claim = self._claim_first(due.where(*wanted), worker, now)
            if claim is not None:
                return claim
        return None

    def renew(self, claim: Claim, *, now: datetime) -> bool:
        """Extend the lease, never beyond the run's deadline; return whether it was still held."""
        until = min(now + self.lease, claim.deadline)
        with self.database.write() as session:
            return _touch(session, claim, {"lease_until": until})

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
        if found.state == JobState.RUNNING:
            ended = _end_of_lost(found, kind, now)
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
            deadline=deadline,
        )


def _waiting(now: datetime) -> Select[Job]:
    """Return the query of the job that waits longest."""
    due = select(Job).where(Job.state == JobState.PENDING, Job.due_at <= now)
    return due.order_by(Job.due_at, Job.created_at).limit(1)


def _lost(now: datetime) -> Select[Job]:
    """Return the query of a job whose worker fell silent."""
    lost = select(Job).where(Job.state == JobState.RUNNING, Job.lease_until < now)
    return lost.order_by(Job.due_at).limit(1)


def _end_of_lost(found: Job, kind: AnyKind, now: datetime) -> dict[str, Any] | None:
    """Return how a job ends whose worker vanished, or None when it runs again."""
    if found.cancel_requested:
        return {"state": JobState.CANCELLED}
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
