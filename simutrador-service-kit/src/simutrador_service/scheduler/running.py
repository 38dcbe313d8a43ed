"""`Scheduler`: the thread that asks for the jobs of schedules while its process leads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Final, TypeVar

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from simutrador_service.logging.loggers import get_logger
from simutrador_service.scheduler.leader import Leadership
from simutrador_service.scheduler.rules import Due, find_due, is_in_vain
from simutrador_service.scheduler.schedule import Schedule
from simutrador_service.scheduler.service import Schedules
from simutrador_service.scheduler.settling import (
    forget,
    settle,
    settle_waiting,
    start_from,
    state_of,
    trigger_text,
)
from simutrador_service.scheduler.table import Occurrence, Outcome, ScheduleState

T = TypeVar("T")

_log = get_logger(__name__)
_FORGET_EVERY_S: Final = 3600.0


def _awake_clock() -> float:
    """Return seconds by a clock that nobody sets and that goes on while the machine sleeps."""
    source = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(source)


class Scheduler:
    """Asks for the jobs of schedules; any number may run, one of them leads."""

    def __init__(
        self,
        schedules: Schedules,
        *,
        name: str = "scheduler",
        lease: timedelta = timedelta(seconds=15),
        poll: timedelta = timedelta(seconds=1),
        monotonic: Callable[[], float] = _awake_clock,
    ) -> None:
        """Prepare to lead or to wait.

        Args:
            schedules: What to do when.
            name: Schedulers of one name share one leader; services that share a database differ.
            lease: A leader silent for this long is replaced.
            poll: How often to look; an occurrence is noticed at most this late.
            monotonic: Seconds by a clock that nobody sets.
        """
        self._schedules = schedules
        self._database = schedules.jobs.database
        self._leadership = Leadership(self._database, name, lease=lease, monotonic=monotonic)
        self._poll_s = poll.total_seconds()
        self._monotonic = monotonic
        self._looked_at: dict[str, float] = {}
        self._next_forget = 0.0
        self._stopping = Event()
        self._thread = Thread(target=self._work, name="scheduler", daemon=True)

    def start(self) -> None:
        """Begin to look, in a thread of its own."""
        self._thread.start()

    def stop(self, *, timeout_s: float = 10.0) -> None:
        """End the thread and give up the lead, so that another process goes on at once."""
        self._stopping.set()
        self._thread.join(timeout_s)

    def look(self) -> bool:
        """Do once what the thread does at every turn; return whether this process leads."""
        if not self._leadership.lead():
            self._looked_at.clear()
            return False
        now = self._schedules.clock()
        with self._database.read() as session:
            states = {state.name: state for state in session.scalars(select(ScheduleState))}
            waiting = select(Occurrence.schedule).where(Occurrence.outcome == Outcome.WAITING)
            waits = set(session.scalars(waiting))
        for schedule in self._schedules.schedules:
            self._look_at(schedule, states.get(schedule.name), now, waits=schedule.name in waits)
        self._forget(now)
        return True

    def _work(self) -> None:
        while not self._stopping.wait(self._poll_s):
            self._survive(self.look)
        self._survive(self._leadership.resign)

    def _survive(self, act: Callable[[], object]) -> None:
        try:
            act()
        except Exception:  # noqa: BLE001  (the outermost loop must survive a database that is away)
            _log.exception("scheduler_trouble")

    def _look_at(
        self, schedule: Schedule, state: ScheduleState | None, now: datetime, *, waits: bool
    ) -> None:
        """Deal with one schedule; its trouble does not keep others from theirs."""
        began = self._monotonic()
        start = self._schedules.jobs.clock()  # when jobs may begin: by the clock of the workers
        try:
            if waits:
                self._tell(
                    schedule, self._as_leader(lambda s: settle_waiting(s, schedule, now=start))
                )
            due = self._find(schedule, state, now)
            if due is not None:
                self._tell(schedule, self._as_leader(lambda s: settle(s, schedule, due, now=start)))
        except IntegrityError:
            return  # somebody asked for a job with its key at this moment; look again
        except Exception:  # noqa: BLE001  (as above)
            _log.exception("schedule_trouble", schedule=schedule.name)
            return
        self._looked_at[schedule.name] = began

    def _find(self, schedule: Schedule, state: ScheduleState | None, now: datetime) -> Due | None:
        if state is None or state.trigger != trigger_text(schedule):
            self._as_leader(lambda s: state_of(s, schedule, now=now))
            return None
        if state.paused:
            return None
        if is_in_vain(state.done_until, now=now):
            _log.warning("schedule_clock_was_wrong", schedule=schedule.name)
            self._as_leader(lambda s: start_from(s, schedule, now=now))
            return None
        return find_due(schedule, done_until=state.done_until, now=now, awake=self._awake(schedule))

    def _awake(self, schedule: Schedule) -> timedelta | None:
        looked_at = self._looked_at.get(schedule.name)
        return None if looked_at is None else timedelta(seconds=self._monotonic() - looked_at)

    def _as_leader(self, act: Callable[[Session], T]) -> T | None:
        """Act in a transaction in which this process leads, or not at all."""
        with self._database.write() as session:
            return act(session) if self._leadership.guard(session) else None

    def _tell(self, schedule: Schedule, settled: Occurrence | None) -> None:
        if settled is None:
            return
        _log.info("schedule_due", schedule=schedule.name, outcome=settled.outcome)
        if settled.job_id is not None:
            self._schedules.jobs.ring(settled.job_id)

    def _forget(self, now: datetime) -> None:
        if self._monotonic() >= self._next_forget:
            with self._database.write() as session:
                forget(session, now=now)
            self._next_forget = self._monotonic() + _FORGET_EVERY_S


@asynccontextmanager
async def run_scheduler(scheduler: Scheduler) -> AsyncGenerator[Scheduler]:
    """Run a scheduler while the block is entered; for the lifespan of an application."""
    scheduler.start()
    try:
        yield scheduler
    finally:
        await asyncio.to_thread(scheduler.stop)
