"""The client's side of the table: ask for jobs, look at them, cancel, revive and forget them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from pydantic import ValidationError
from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from simutrador_core.errors import InputError
from simutrador_service.database import Database
from simutrador_service.database.base import utc_now
from simutrador_service.errors import JobConflictError, UnknownJobError
from simutrador_service.jobs.asked import Asked, same_key, scoped
from simutrador_service.jobs.claims import ENDED
from simutrador_service.jobs.kinds import AnyKind, JobKind
from simutrador_service.jobs.table import Job, JobState
from simutrador_service.logging.loggers import get_logger

P = TypeVar("P")
MAX_PAGE: Final = 1000
Doorbell = Callable[[str], None]
"""Told the id of a job that is due; may fail or forget, since workers look by themselves too."""

_log = get_logger(__name__)


class Jobs:
    """The jobs of one service."""

    def __init__(
        self,
        database: Database,
        kinds: Iterable[AnyKind],
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Serve these kinds from this database, which its owner closes."""
        self.database: Final = database
        self.kinds: Final = {kind.name: kind for kind in kinds}
        self.clock: Final = clock
        self._doorbells: list[Doorbell] = []

    def on_due(self, doorbell: Doorbell) -> Callable[[], None]:
        """Let this be called with the id of every job that became due through this object.

        Returns:
            A function that ends this.
        """
        self._doorbells.append(doorbell)

        def end() -> None:
            with suppress(ValueError):
                self._doorbells.remove(doorbell)

        return end

    def ring(self, job_id: str) -> None:
        """Tell workers that a job is due; whoever writes job rows by other ways calls this."""
        for doorbell in list(self._doorbells):
            try:
                doorbell(job_id)
            except Exception as e:  # noqa: BLE001  (the job is safe in the table; workers look there)
                _log.warning("doorbell_failed", job_id=job_id, reason=type(e).__name__)

    def submit(
        self,
        kind: JobKind[P, Any],
        params: P,
        *,
        key: str | None = None,
        request_key: str | None = None,
        owner: str | None = None,
    ) -> Job:
        """Ask for a job; when this returns, the job survives every crash.

        Args:
            kind: What to do.
            params: With these values.
            key: What it is about. While a job of the kind with the same key is active there is no
                second one: the kind decides whether that job is returned or the request refused.
            request_key: Names the request itself (`Idempotency-Key`): repeated by the same owner it
                returns the same job, also after its end, as long as the row is kept.
            owner: Who asks.

        Raises:
            JobConflictError: the key is taken and the kind refuses, or the request key was used for
                other parameters; `job_id` says by which job.
            InputError: a key, or a value, cannot be kept.
        """
        return self._submit(kind, Asked(kind.to_json(params), key, request_key, owner))

    def submit_named(
        self,
        kind_name: str,
        params: object,
        *,
        key: str | None = None,
        request_key: str | None = None,
        owner: str | None = None,
    ) -> Job:
        """Ask for a job by the kind's name, with parameters as JSON gives them; see `submit`.

        Raises:
            InputError: there is no such kind, or the parameters do not fit it.
        """
        kind = self.kinds.get(kind_name)
        if kind is None:
            known = ", ".join(sorted(self.kinds))
            raise InputError(f"there is no kind {kind_name[:100]!r}; known: {known}", field="kind")
        try:
            values = kind.params.validate_python(params)
        except ValidationError as e:
            first = e.errors(include_url=False, include_input=False)[0]
            place = ".".join(["params", *(str(part)[:100] for part in first["loc"])])[:200]
            raise InputError(
                f"{place}: {first['msg']}; correct the parameters of kind {kind_name}", field=place
            ) from None
        return self._submit(kind, Asked(kind.to_json(values), key, request_key, owner))

    def get(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            UnknownJobError: there is none.
        """
        with self.database.read() as session:
            return _get(session, job_id)

    def list_jobs(
        self,
        *,
        states: Iterable[JobState] = (),
        kind: str | None = None,
        owner: str | None = None,
        dead: bool | None = None,
        after: tuple[datetime, str] | None = None,
        limit: int = 100,
    ) -> Sequence[Job]:
        """Return jobs, newest first; `after` (created_at, id of the last one) gives the next page.

        `dead=True` gives the dead letters.
        """
        newest = (Job.created_at.desc(), Job.id.desc())
        wanted = select(Job).order_by(*newest).limit(min(limit, MAX_PAGE))
        if chosen := list(states):
            wanted = wanted.where(Job.state.in_(chosen))
        given = {Job.kind: kind, Job.owner: owner, Job.dead: dead}
        for column, value in given.items():
            if value is not None:
                wanted = wanted.where(column == value)
        if after is not None:
            at, job_id = after
            same_moment = and_(Job.created_at == at, Job.id < job_id)
            wanted = wanted.where(or_(Job.created_at < at, same_moment))
        with self.database.read() as session:
            return session.scalars(wanted).all()

    def cancel(self, job_id: str) -> Job:
        """End a waiting job at once, ask a running one to stop, leave an ended one as it is.

        Raises:
            UnknownJobError: there is none.
        """
        with self.database.write() as session:
            ended = {**ENDED, "state": JobState.CANCELLED, "ended_at": self.clock()}
            if not _change(session, job_id, JobState.PENDING, {**ended, "fence": Job.fence + 1}):
                _change(session, job_id, JobState.RUNNING, {"cancel_requested": True})
            return _get(session, job_id)

    def retry(self, job_id: str) -> Job:
        """Run a failed or cancelled job again, from its last checkpoint, with all its attempts.

        Raises:
            UnknownJobError: there is none.
            JobConflictError: it has not failed, or an active job has its key by now.
        """
        while not self._revive(self.get(job_id)):
            pass  # whoever had its key has just ended
        self.ring(job_id)
        return self.get(job_id)

    def purge(self, *, keep: timedelta, keep_dead: timedelta) -> int:
        """Forget jobs that ended longer ago than `keep`, dead ones than `keep_dead`; count them.

        At most 1,000 of each go at once, so that nobody waits long for the write lock.
        """
        now = self.clock()
        forgotten = 0
        for dead, age in ((False, keep), (True, keep_dead)):
            old = select(Job.id).where(Job.ended_at < now - age, Job.dead == dead).limit(MAX_PAGE)
            with self.database.read() as session:
                ids = session.scalars(old).all()
            if ids:
                with self.database.write() as session:
                    # Asked again under the lock: a job may have been revived meanwhile.
                    wanted = delete(Job).where(Job.id.in_(ids), Job.ended_at < now - age)
                    forgotten += len(session.scalars(wanted.returning(Job.id)).all())
        return forgotten

    def _submit(self, kind: AnyKind, asked: Asked) -> Job:
        while True:
            request, active = asked.scoped_request, asked.scoped_key(kind)
            if request is not None and (earlier := self._first(Job.request_key == request)):
                return asked.same_request(earlier, kind)
            if active is not None and (holder := self._first(Job.active_key == active)):
                return same_key(holder, kind)
            made = asked.row(kind, now=self.clock())
            with suppress(IntegrityError), self.database.write() as session:
                session.add(made)
            if self._first(Job.id == made.id):
                break
        self.ring(made.id)
        return self.get(made.id)

    def _revive(self, found: Job) -> bool:
        """Let an ended job wait again; return False when its key was taken a moment ago."""
        if found.state not in {JobState.FAILED, JobState.CANCELLED}:
            raise JobConflictError(
                f"job {found.id} is {found.state}; only a failed or cancelled one is retried: "
                "wait, or cancel it",
                job_id=found.id,
            )
        with suppress(IntegrityError), self.database.write() as session:
            _change(session, found.id, found.state, self._revived(found))
            return True
        if other := self._first(Job.active_key == scoped(found.kind, found.key)):
            raise JobConflictError(
                f"job {other.id} is {other.state} with the same key; wait for it or cancel it",
                job_id=other.id,
            )
        return False

    def _revived(self, found: Job) -> dict[str, Any]:
        now = self.clock()
        return {
            "state": JobState.PENDING,
            "active_key": scoped(found.kind, found.key),
            "attempt": 0,
            "crashes": 0,
            "dead": False,
            "cancel_requested": False,
            "due_at": now,
            "ended_at": None,
            "error": None,
            "error_code": None,
            "fence": Job.fence + 1,
        }

    def _first(self, condition: Any) -> Job | None:
        with self.database.read() as session:
            return session.scalars(select(Job).where(condition)).first()


def _get(session: Session, job_id: str) -> Job:
    found = session.get(Job, job_id, populate_existing=True)
    if found is None:
        raise UnknownJobError(job_id)
    return found


def _change(session: Session, job_id: str, state: str, values: dict[str, Any]) -> bool:
    """Write columns of a job in this state; return whether there was one."""
    changed = session.scalars(
        update(Job)
        .where(Job.id == job_id, Job.state == state)
        .values(**values, revision=Job.revision + 1)
        .returning(Job.id)
        .execution_options(synchronize_session=False)
    )
    return changed.first() is not None
