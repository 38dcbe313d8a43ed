"""`Schedule`: which job is asked for when, and what happens when that cannot be kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol

from simutrador_core.errors import InputError
from simutrador_service.jobs.kinds import AnyKind

MAX_NAME: Final = 100


class Trigger(Protocol):
    """Instants, aware UTC, ascending; its text changes when they do."""

    def after(self, instant: datetime, /) -> datetime | None:
        """Return the first occurrence later than `instant`; None when none is known."""
        ...

    def latest(self, instant: datetime, /) -> datetime | None:
        """Return the last occurrence not later than `instant`; None without one."""
        ...


class Overlap(StrEnum):
    """What becomes of an occurrence while the job of an earlier one is active.

    SKIP drops it. QUEUE lets it wait for the end of that job; at most one waits.
    """

    SKIP = "skip"
    QUEUE = "queue"


class Missed(StrEnum):
    """What becomes of occurrences while no scheduler was running.

    RUN_ONCE makes up for all of them by one job. SKIP waits for the next.
    """

    RUN_ONCE = "run_once"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Schedule:
    """One schedule.

    Attributes:
        name: Stable: the database remembers by it what was done; at most 100 characters.
        trigger: `cron("0 22 * * MON-FRI", "America/New_York")`, `AtSession(...)`, or one's own.
        kind: The kind of job.
        params: Its parameters, valid for the kind.
        overlap: What happens while an earlier job of the schedule is active.
        missed: What happens to occurrences that nobody was there for.
        grace: An occurrence that is late by no more than this is not missed.
        key: The jobs' key, which decides what overlaps; the schedule's name unless it is given.
            Give the key that clients use too, and jobs asked for by hand count as well.
    """

    name: str
    trigger: Trigger
    kind: AnyKind
    params: Any
    overlap: Overlap = Overlap.SKIP
    missed: Missed = Missed.RUN_ONCE
    grace: timedelta = timedelta(minutes=1)
    key: str | None = None

    def __post_init__(self) -> None:
        """Check the name."""
        if not 0 < len(self.name) <= MAX_NAME:
            raise InputError(
                f"a schedule's name has 1 to {MAX_NAME} characters, not {len(self.name)}"
            )

    @property
    def job_key(self) -> str:
        """The key of its jobs."""
        return self.key or self.name
