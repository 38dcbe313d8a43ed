"""When the nightly update runs by itself: so long after the close of every session."""

from __future__ import annotations

from typing import Final

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


def trigger_of(section: NightlyUpdateSection) -> AtSession:
    """Return when the update is due.

    Raises:
        CalendarError: there is no calendar of that name.
    """
    calendar = get_calendar(section.schedule_calendar)
    return AtSession(calendar, Edge.CLOSE, section.schedule_offset)
