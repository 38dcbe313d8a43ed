"""Jobs on the wire: what a client sends and what it gets back."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from simutrador_core.errors import InputError
from simutrador_service.jobs.rules import time_left
from simutrador_service.jobs.table import Job, JobState

Position = tuple[datetime, str]
"""Where a page of jobs ended: creation and id of its last one."""


class JobRequest(BaseModel):
    """Ask for a job."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str = Field(description="What to do", examples=["nightly"])
    params: Any = Field(default_factory=dict[str, Any], description="With these values")
    key: str | None = Field(
        default=None,
        description="What it is about; at most one active job of a kind has a key",
        examples=["AAPL"],
    )


class JobSummary(BaseModel):
    """One line of a list of jobs.

    Attributes:
        attempt: Runs begun; 0 while it waits for the first.
        done, total: Units of work; `total` where it is known.
        eta_s: Seconds until the end at the pace of this run, where that can be told.
        cancel_requested: Whether a running job was asked to stop.
        dead: Whether it failed for good with all its attempts used up.
        error_code: Stable word for why it failed, or why the last run did.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    kind: str
    key: str | None
    owner: str | None
    state: JobState
    attempt: int
    done: int
    total: int | None
    step: str
    eta_s: float | None
    cancel_requested: bool
    dead: bool
    error_code: str | None
    error: str | None
    created_at: datetime
    due_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, job: Job, *, now: datetime) -> Self:
        """Return what a client sees of a row at this moment."""
        facts = {name: getattr(job, name) for name in cls.model_fields if name != "eta_s"}
        return cls(**facts, eta_s=_eta_s(job, now))


class JobView(JobSummary):
    """One job, with what was asked and what came of it."""

    params: Any
    result: Any


class JobPage(BaseModel):
    """Some jobs, newest first; `next_cursor` is null on the last page."""

    model_config = ConfigDict(frozen=True)

    jobs: list[JobSummary]
    next_cursor: str | None


def to_cursor(position: Position) -> str:
    """Return a position as opaque text."""
    at, job_id = position
    return base64.urlsafe_b64encode(f"{at.isoformat()} {job_id}".encode()).decode()


def parse_cursor(text: str) -> Position:
    """Return the position that `to_cursor` wrote.

    Raises:
        InputError: the text is no cursor of ours.
    """
    try:
        at, job_id = base64.urlsafe_b64decode(text.encode("ascii")).decode("ascii").split(" ")
        instant = datetime.fromisoformat(at)
        if instant.tzinfo is None or not job_id.isalnum():
            raise ValueError(text)
        return instant.astimezone(UTC), job_id
    except (ValueError, OverflowError):
        raise InputError(
            "cursor is not one that a page of jobs gave as next_cursor", field="cursor"
        ) from None


def _eta_s(job: Job, now: datetime) -> float | None:
    if job.state != JobState.RUNNING:
        return None
    left = time_left(job.done, job.total, since=job.pace_at, done_then=job.pace_done, now=now)
    return None if left is None else left.total_seconds()
