"""The table of jobs: the only truth about what is to do, who does it and how it ended."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import JSON, BigInteger, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from simutrador_service.database import Base, UtcDateTime


class JobState(StrEnum):
    """Where a job stands; the last four are final."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIVE: Final = frozenset({JobState.PENDING, JobState.RUNNING})


class Job(Base):
    """One job.

    Attributes:
        key: What the job is about, for instance a symbol; at most one active job of a kind has it.
        active_key: Kind and key while the job is active, else None: unique.
        request_key: Owner and idempotency key of the request that made the job: unique.
        attempt: Runs begun, crashed ones included; `crashes` counts those whose worker vanished.
        fence: Grows with every change of hands; a write under an older one changes nothing.
        due_at: Not to be run before.
        lease_until: Until then the worker is believed to live.
        deadline: End of the run's time limit.
        dead: True for a failed job that used up its attempts: the dead letter.
        pace_at: From here on the time left is reckoned, `pace_done` being done then; None while a
            run that goes on from a checkpoint has not said where it stands.
        revision: Grows with every change a watcher may want to see.
    """

    __tablename__ = "job"
    __table_args__ = (
        Index("ix_job_state_due_at", "state", "due_at"),
        Index("ix_job_created_at", "created_at"),
        Index("ix_job_owner_created_at", "owner", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(100))
    version: Mapped[int]
    queue: Mapped[str] = mapped_column(String(50))
    owner: Mapped[str | None] = mapped_column(String(100))
    key: Mapped[str | None] = mapped_column(String(200))
    active_key: Mapped[str | None] = mapped_column(String(301), unique=True)
    request_key: Mapped[str | None] = mapped_column(String(301), unique=True)
    params: Mapped[Any] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(20), default=JobState.PENDING)
    attempt: Mapped[int] = mapped_column(default=0)
    crashes: Mapped[int] = mapped_column(default=0)
    fence: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str | None] = mapped_column(String(100))
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deadline: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    dead: Mapped[bool] = mapped_column(default=False)
    done: Mapped[int] = mapped_column(BigInteger, default=0)
    total: Mapped[int | None] = mapped_column(BigInteger)
    pace_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    pace_done: Mapped[int] = mapped_column(BigInteger, default=0)
    step: Mapped[str] = mapped_column(String(200), default="")
    checkpoint: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    result: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    error_code: Mapped[str | None] = mapped_column(String(100))
    error: Mapped[str | None] = mapped_column(Text)
    revision: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
