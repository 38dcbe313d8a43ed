"""The schedules of a service for people: look at them, run one now, pause and resume."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from simutrador_core.errors import InputError
from simutrador_service.database import Database
from simutrador_service.database.base import utc_now
from simutrador_service.errors import JobConflictError, UnknownScheduleError
from simutrador_service.jobs import Job, Jobs
from simutrador_service.scheduler.schedule import Schedule
from simutrador_service.scheduler.settling import active_job, add_job, add_occurrence, state_of
from simutrador_service.scheduler.table import Occurrence, Outcome, ScheduleState

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a schedule stands.

    Attributes:
        next_at: Next occurrence; None while the schedule is paused, or when none is known.
        last: The last occurrence that was dealt with, until it is forgotten.
    """

    schedule: Schedule
    paused: bool
    next_at: datetime | None
    last: Occurrence | None


class Schedules:
    """The schedules of one service."""

    def __init__(
        self,
        jobs: Jobs,
        schedules: Iterable[Schedule],
        *,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        """Serve these schedules; their jobs go into `jobs`.

        Args:
            jobs: Where jobs are asked for; it serves their kinds.
            schedules: In the order they are listed.
            clock: The wall clock; that of the database unless it is given.

        Raises:
            InputError: two have one name, or `jobs` does not serve a kind.
        """
        self.jobs: Final = jobs
        self.clock: Final = clock or database_clock(jobs.database)
        self.schedules: Final = tuple(schedules)
        self._by_name = {schedule.name: schedule for schedule in self.schedules}
        if len(self._by_name) < len(self.schedules):
            raise InputError(
                "two schedules have the same name, and the database tells them apart by it; "
                f"rename one of: {', '.join(schedule.name for schedule in self.schedules)}"
            )
        for schedule in self.schedules:
            if jobs.kinds.get(schedule.kind.name) is not schedule.kind:
                raise InputError(
                    f"schedule {schedule.name}: these jobs do not serve kind "
                    f"{schedule.kind.name}; add it to the kinds of Jobs"
                )

    def list_schedules(self) -> list[Standing]:
        """Return where each schedule stands."""
        now = self.clock()
        newest = select(Occurrence.schedule, func.max(Occurrence.due_at)).group_by(
            Occurrence.schedule
        )
        with self.jobs.database.read() as session:
            states = {state.name: state for state in session.scalars(select(ScheduleState))}
            last = {
                name: session.get(Occurrence, (name, at)) for name, at in session.execute(newest)
            }
        return [
            _standing(schedule, states.get(schedule.name), last.get(schedule.name), now)
            for schedule in self.schedules
        ]

    def get(self, name: str) -> Standing:
        """Return where one schedule stands.

        Raises:
            UnknownScheduleError: there is none of that name.
        """
        self._named(name)
        return next(one for one in self.list_schedules() if one.schedule.name == name)

    def run_now(self, name: str) -> Job:
        """Ask for a job of the schedule, whether or not it is due or paused.

        Raises:
            UnknownScheduleError: there is none of that name.
            JobConflictError: an earlier job of it is active.
        """
        schedule = self._named(name)
        job_id = _twice(lambda: self._ask_now(schedule))
        self.jobs.ring(job_id)
        return self.jobs.get(job_id)

    def pause(self, name: str) -> None:
        """Drop occurrences until `resume`.

        Raises:
            UnknownScheduleError: there is none of that name.
        """
        schedule = self._named(name)
        _twice(lambda: self._set_paused(schedule, paused=True))

    def resume(self, name: str) -> None:
        """Go on with the next occurrence; those of the pause are not made up for.

        Raises:
            UnknownScheduleError: there is none of that name.
        """
        schedule = self._named(name)
        _twice(lambda: self._set_paused(schedule, paused=False))

    def _ask_now(self, schedule: Schedule) -> str:
        now = self.clock()
        with self.jobs.database.write() as session:
            state_of(session, schedule, now=now)
            active = active_job(session, schedule)
            if active is not None:
                raise JobConflictError(
                    f"job {active.id} of schedule {schedule.name} is {active.state}; "
                    "wait for it or cancel it",
                    job_id=active.id,
                )
            job = add_job(session, schedule, due_at=now, now=self.jobs.clock())
            add_occurrence(session, schedule, now, Outcome.ASKED, job=job, now=now)
        return job.id

    def _set_paused(self, schedule: Schedule, *, paused: bool) -> None:
        now = self.clock()
        with self.jobs.database.write() as session:
            state = state_of(session, schedule, now=now)
            if state.paused and not paused:
                state.done_until = max(state.done_until, now)
            state.paused = paused

    def _named(self, name: str) -> Schedule:
        schedule = self._by_name.get(name)
        if schedule is None:
            raise UnknownScheduleError(name, known=self._by_name)
        return schedule


def _twice(act: Callable[[], T]) -> T:
    """Act, and once more if somebody wrote the same row at the same moment: then it is there."""
    try:
        return act()
    except IntegrityError:
        return act()


def database_clock(database: Database) -> Callable[[], datetime]:
    """Return the clock of the database server, one for all processes; this machine's for a file."""
    if database.is_sqlite:
        return utc_now

    def now() -> datetime:
        with database.read() as session:
            told = session.scalar(select(func.clock_timestamp()))
        assert isinstance(told, datetime)
        return told.astimezone(UTC)

    return now


def _standing(
    schedule: Schedule, state: ScheduleState | None, last: Occurrence | None, now: datetime
) -> Standing:
    paused = state is not None and state.paused
    since = now if state is None else max(now, state.done_until)
    return Standing(schedule, paused, None if paused else schedule.trigger.after(since), last)
