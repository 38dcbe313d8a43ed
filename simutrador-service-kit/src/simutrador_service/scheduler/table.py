"""Tables of the scheduler: what was done for each schedule, and who may do it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from simutrador_service.database import Base, UtcDateTime


class Outcome(StrEnum):
    """What became of an occurrence.

    ASKED: its job was asked for. WAITING: it waits for the end of an earlier job. OVERLAP: an
    earlier job was active. MISSED: nobody was there in time, and the schedule does not make up.
    """

    ASKED = "asked"
    WAITING = "waiting"
    OVERLAP = "overlap"
    MISSED = "missed"


class ScheduleState(Base):
    """What is known about one schedule.

    Attributes:
        trigger: Text of the trigger; when it changes, the past of the new one counts as done.
        done_until: Occurrences up to here, inclusive, were dealt with.
        paused: Occurrences are dropped.
    """

    __tablename__ = "schedule_state"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    trigger: Mapped[str] = mapped_column(String(300))
    done_until: Mapped[datetime] = mapped_column(UtcDateTime)
    paused: Mapped[bool] = mapped_column(default=False)


class Occurrence(Base):
    """One occurrence of a schedule; its key is what makes it happen once.

    Attributes:
        due_at: When it was due; of one asked for by hand, when it was asked for.
        decided_at: When the outcome was written.
        job_id: Its job, once there is one; jobs are forgotten sooner than occurrences.
    """

    __tablename__ = "schedule_occurrence"
    __table_args__ = (Index("ix_schedule_occurrence_due_at", "due_at"),)

    schedule: Mapped[str] = mapped_column(String(100), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    outcome: Mapped[str] = mapped_column(String(20))
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime)
    job_id: Mapped[str | None] = mapped_column(String(32))


class Lease(Base):
    """Who leads.

    Attributes:
        holder: The process that leads; None once it gave up.
        fence: Grows with every change of hands; a write under an older one is refused.
        beat: Grows while the holder lives. Others watch it by their own monotonic clock, so no two
            wall clocks are ever compared.
    """

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    holder: Mapped[str | None] = mapped_column(String(100))
    fence: Mapped[int] = mapped_column(default=0)
    beat: Mapped[int] = mapped_column(default=0)
