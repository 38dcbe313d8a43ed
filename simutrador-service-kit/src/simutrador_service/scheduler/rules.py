"""What a scheduler does about a schedule at one moment, as a function of values. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from simutrador_service.scheduler.schedule import Missed, Schedule

CLOCK_WAS_WRONG: Final = timedelta(days=1)
"""When the last occurrence lies further in the future than this, the clock was wrong then."""


class Verdict(StrEnum):
    """What to do with an occurrence."""

    RUN = "run"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Due:
    """An occurrence that is due, and what to do with it."""

    at: datetime
    verdict: Verdict


def find_due(
    schedule: Schedule, *, done_until: datetime, now: datetime, awake: timedelta | None
) -> Due | None:
    """Return the occurrence to deal with now, if there is one.

    Of several the latest stands for all. The answer depends on the wall clock only through which
    occurrences lie behind it and which of them are done, so a clock that jumps back repeats
    nothing. One that jumps ahead makes nothing late: an occurrence cannot have been missed for
    longer than the time that passed since this scheduler last looked.

    Args:
        schedule: Its trigger and policy.
        done_until: Occurrences up to here, inclusive, were dealt with.
        now: The wall clock.
        awake: Time passed since this scheduler last looked, by a clock that nobody sets; None when
            it looks for the first time.
    """
    latest = schedule.trigger.latest(now)
    if latest is None or latest <= done_until:
        return None
    late = now - latest
    if awake is not None:
        late = min(late, awake)
    missed = late > schedule.grace and schedule.missed is Missed.SKIP
    return Due(latest, Verdict.MISSED if missed else Verdict.RUN)


def is_in_vain(done_until: datetime, *, now: datetime) -> bool:
    """Return whether `done_until` was written by a clock far ahead and must not be waited for."""
    return done_until > now + CLOCK_WAS_WRONG
