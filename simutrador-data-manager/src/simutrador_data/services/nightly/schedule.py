"""When the nightly update runs by itself: so long after the close of every session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import numpy as np

from simutrador_core.models.bars import from_us, to_us
from simutrador_core.sessions.exchange import get_calendar
from simutrador_data.core.nightly_settings import NightlyUpdateSection
from simutrador_data.services.nightly.run import KIND, NightlyRun
from simutrador_service.errors import SettingsError
from simutrador_service.jobs import Jobs
from simutrador_service.scheduler import AtSession, Edge, Schedule, Schedules

NAME: Final = "nightly"
SCHEDULER: Final = "data-manager"
"""What the schedulers of this service are called: others may share its database."""


def nightly_schedules(jobs: Jobs, section: NightlyUpdateSection) -> Schedules:
    """Return the schedules of the service: one, or none while it is off.

    A half day ends early, so its update does; a holiday has none. Occurrences that nobody was
    there for are made up for by one run. While a scheduled run is at work the next one is dropped.

    Args:
        jobs: Where runs are asked for.
        section: Whether, after which exchange's sessions, how long after the close.

    Raises:
        SettingsError: there is no symbol to update.
        CalendarError: there is no calendar of that name.
    """
    if not section.enable_schedule:
        return Schedules(jobs, [])
    if not section.symbols:
        raise SettingsError(
            "NIGHTLY_UPDATE__ENABLE_SCHEDULE is true and no symbol is set; name some with "
            "NIGHTLY_UPDATE__LARGE_CAP_SYMBOLS, or switch the schedule off",
            field="large_cap_symbols",
        )
    run = NightlyRun(
        symbols=section.symbols,
        max_concurrent=section.max_concurrent_symbols,
        scheduled=True,
    )
    return Schedules(jobs, [Schedule(NAME, trigger_of(section), jobs.kinds[KIND], run)])


@dataclass(frozen=True, slots=True)
class Due:
    """One time the update is due; instants aware UTC."""

    due_at: datetime
    session: date
    closes_at: datetime
    half_day: bool


def due_times(section: NightlyUpdateSection, *, after: datetime, count: int) -> list[Due]:
    """Return when the update is due, soonest first, whether or not the schedule is on.

    Args:
        section: Which exchange, and how long after the close.
        after: Aware; only what is due later.
        count: At most so many; fewer where the calendar ends.

    Raises:
        CalendarError: there is no calendar of that name.
    """
    trigger = trigger_of(section)
    plan, early = trigger.calendar.schedule, trigger.calendar.early_closes
    first = int(np.searchsorted(plan.closes, to_us(after - trigger.offset), side="right"))
    sessions: list[date] = plan.sessions[first : first + count].tolist()
    closes = [from_us(int(close)) for close in plan.closes[first : first + count]]
    return [
        Due(close + trigger.offset, session, close, session in early)
        for session, close in zip(sessions, closes, strict=True)
    ]


def trigger_of(section: NightlyUpdateSection) -> AtSession:
    """Return when the update is due.

    Raises:
        CalendarError: there is no calendar of that name.
    """
    calendar = get_calendar(section.schedule_calendar)
    return AtSession(calendar, Edge.CLOSE, section.schedule_offset)
