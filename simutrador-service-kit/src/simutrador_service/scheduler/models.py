"""Schedules on the wire."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from simutrador_service.scheduler.schedule import Missed, Overlap
from simutrador_service.scheduler.service import Standing
from simutrador_service.scheduler.settling import trigger_text
from simutrador_service.scheduler.table import Outcome


class LastOccurrence(BaseModel):
    """The last occurrence that was dealt with."""

    model_config = ConfigDict(frozen=True)

    due_at: datetime
    outcome: Outcome
    job_id: str | None


class ScheduleView(BaseModel):
    """Where a schedule stands; `next_at` is null while it is paused."""

    model_config = ConfigDict(frozen=True)

    name: str
    trigger: str = Field(examples=["cron 0 22 * * MON-FRI America/New_York"])
    kind: str
    overlap: Overlap
    missed: Missed
    grace_s: float
    paused: bool
    next_at: datetime | None
    last: LastOccurrence | None

    @classmethod
    def of(cls, standing: Standing) -> ScheduleView:
        """Return what a client sees."""
        schedule, last = standing.schedule, standing.last
        return cls(
            name=schedule.name,
            trigger=trigger_text(schedule),
            kind=schedule.kind.name,
            overlap=schedule.overlap,
            missed=schedule.missed,
            grace_s=schedule.grace.total_seconds(),
            paused=standing.paused,
            next_at=standing.next_at,
            last=None
            if last is None
            else LastOccurrence(
                due_at=last.due_at, outcome=Outcome(last.outcome), job_id=last.job_id
            ),
        )
