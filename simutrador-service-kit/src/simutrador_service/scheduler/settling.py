"""The rows behind a schedule, each written in the transaction of its caller."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from simutrador_service.jobs import Job
from simutrador_service.jobs.asked import Asked, scoped
from simutrador_service.scheduler.rules import Due, Verdict
from simutrador_service.scheduler.schedule import Overlap, Schedule
from simutrador_service.scheduler.table import Occurrence, Outcome, ScheduleState

KEPT: Final = timedelta(days=90)
"""How long occurrences stay in the table."""


def state_of(session: Session, schedule: Schedule, *, now: datetime) -> ScheduleState:
    """Return the schedule's row, locked; of a new one, or a new trigger, the past is done."""
    wanted = select(ScheduleState).where(ScheduleState.name == schedule.name).with_for_update()
    state = session.scalars(wanted).first()
    text = trigger_text(schedule)
    if state is None:
        state = ScheduleState(name=schedule.name, trigger=text, done_until=now, paused=False)
        session.add(state)
        session.flush()
    elif state.trigger != text:
        state.trigger, state.done_until = text, now
    return state


def start_from(session: Session, schedule: Schedule, *, now: datetime) -> None:
    """Count everything up to now as done, and nothing later."""
    state_of(session, schedule, now=now).done_until = now


def trigger_text(schedule: Schedule) -> str:
    """Return the text by which a changed trigger is noticed."""
    return str(schedule.trigger)[:300]


def settle(session: Session, schedule: Schedule, due: Due, *, now: datetime) -> Occurrence | None:
    """Write what becomes of an occurrence, its job included; None when that was done before.

    Args:
        session: A transaction in which this process may decide.
        schedule: Whose occurrence.
        due: The occurrence.
        now: When its job may begin.
    """
    state = state_of(session, schedule, now=due.at)
    if state.paused or state.done_until >= due.at:
        return None
    state.done_until = due.at
    if session.get(Occurrence, (schedule.name, due.at)) is not None:
        return None  # by a clock that was ahead then
    outcome = _outcome(session, schedule, due)
    job = add_job(session, schedule, due_at=due.at, now=now) if outcome is Outcome.ASKED else None
    return add_occurrence(session, schedule, due.at, outcome, job=job, now=now)


def settle_waiting(session: Session, schedule: Schedule, *, now: datetime) -> Occurrence | None:
    """Ask for the job of the occurrence that waits, if nothing stands in its way any more."""
    wanted = select(Occurrence).where(
        Occurrence.schedule == schedule.name, Occurrence.outcome == Outcome.WAITING
    )
    waiting = session.scalars(wanted.order_by(Occurrence.due_at).with_for_update()).first()
    if waiting is None or active_job(session, schedule) is not None:
        return None
    job = add_job(session, schedule, due_at=waiting.due_at, now=now)
    waiting.outcome, waiting.job_id, waiting.decided_at = Outcome.ASKED, job.id, now
    return waiting


def add_job(session: Session, schedule: Schedule, *, due_at: datetime, now: datetime) -> Job:
    """Add the row of a job; its request key names the occurrence, so there is no second one."""
    stored = schedule.kind.params.dump_python(schedule.params, mode="json")
    request_key = f"{schedule.name}@{due_at.isoformat()}"
    job = Asked(stored, schedule.job_key, request_key, None).row(schedule.kind, now=now)
    session.add(job)
    return job


def add_occurrence(
    session: Session,
    schedule: Schedule,
    due_at: datetime,
    outcome: Outcome,
    *,
    job: Job | None,
    now: datetime,
) -> Occurrence:
    """Add the row of an occurrence."""
    made = Occurrence(
        schedule=schedule.name,
        due_at=due_at,
        outcome=outcome,
        decided_at=now,
        job_id=None if job is None else job.id,
    )
    session.add(made)
    return made


def active_job(session: Session, schedule: Schedule) -> Job | None:
    """Return the active job that has the key of the schedule."""
    key = scoped(schedule.kind.name, schedule.job_key)
    return session.scalars(select(Job).where(Job.active_key == key)).first()


def forget(session: Session, *, now: datetime) -> None:
    """Delete occurrences of long ago."""
    old = (Occurrence.due_at < now - KEPT, Occurrence.outcome != Outcome.WAITING)
    session.execute(delete(Occurrence).where(*old))


def _outcome(session: Session, schedule: Schedule, due: Due) -> Outcome:
    if due.verdict is Verdict.MISSED:
        return Outcome.MISSED
    if active_job(session, schedule) is None and not _waits(session, schedule):
        return Outcome.ASKED
    if schedule.overlap is Overlap.QUEUE and not _waits(session, schedule):
        return Outcome.WAITING
    return Outcome.OVERLAP


def _waits(session: Session, schedule: Schedule) -> bool:
    wanted = select(Occurrence.due_at).where(
        Occurrence.schedule == schedule.name, Occurrence.outcome == Outcome.WAITING
    )
    return session.scalars(wanted.limit(1)).first() is not None
