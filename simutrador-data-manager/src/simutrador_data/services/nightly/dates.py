"""Which sessions of a symbol a run updates. Pure rules.

It begins with the session of the last stored minute, which is asked for again as long as its answer
is not final, or 30 days back where nothing is stored; it ends with the last session that is over by
the calendar of the symbol. Dates that are given win, cut to the sessions there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np

from simutrador_core.assets.registry import Asset
from simutrador_core.errors import InvalidRangeError
from simutrador_core.models.bars import to_us
from simutrador_core.sessions.calendar import Calendar

FIRST_DAYS: Final = timedelta(days=30)
"""So far back a symbol goes of which nothing is stored."""


@dataclass(frozen=True, slots=True)
class Dates:
    """The sessions that were asked for, both included; None leaves an end to the rule."""

    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sessions to update, both included."""

    first: date
    last: date


def sessions_to_update(
    dates: Dates,
    *,
    asset: Asset,
    calendar: Calendar,
    stored: datetime | None,
    now: datetime,
) -> Sessions | None:
    """Return the sessions to update, None when there is nothing to do.

    Args:
        dates: What was asked for.
        asset: Its listing and delisting cut the range.
        calendar: Of the symbol's exchange.
        stored: When the last stored minute opens, aware; None where nothing is stored.
        now: Aware; a session that is not over is left for later unless it was asked for.
    """
    today = local_date(now, calendar)
    first = dates.first or _first(calendar, stored, today)
    last = dates.last or _last_over(calendar, now)
    if last is None:
        return None
    if asset.listed is not None:
        first = max(first, asset.listed)
    if asset.delisted is not None:
        last = min(last, asset.delisted - timedelta(days=1))
    return _trimmed(calendar, first, last)


def check_dates(dates: Dates, *, calendar: Calendar, now: datetime) -> None:
    """Refuse dates that no run can mean.

    Raises:
        InvalidRangeError: they are reversed, or lie in the exchange's future.
    """
    if dates.first is not None and dates.last is not None and dates.first > dates.last:
        raise InvalidRangeError(
            f"start_date {dates.first} is after end_date {dates.last}; exchange them",
            field="start_date",
        )
    today = local_date(now, calendar)
    for field, day in (("start_date", dates.first), ("end_date", dates.last)):
        if day is not None and day > today:
            raise InvalidRangeError(
                f"{field} {day} lies in the future: at {calendar.name} it is {today}; name that "
                "day or an earlier one",
                field=field,
            )


def local_date(now: datetime, calendar: Calendar) -> date:
    """Return the date at the exchange."""
    return now.astimezone(calendar.zone).date()


def _first(calendar: Calendar, stored: datetime | None, today: date) -> date:
    if stored is None:
        return today - FIRST_DAYS
    [session] = calendar.session_of(np.array([to_us(stored)], dtype=np.int64)).tolist()
    # Bars before the open or after the close belong to no session; their date does.
    return session or local_date(stored, calendar)


def _last_over(calendar: Calendar, now: datetime) -> date | None:
    over = int(np.searchsorted(calendar.schedule.closes, to_us(now), side="right"))
    if not over:
        return None
    last: date = calendar.schedule.sessions[over - 1].item()
    return last


def _trimmed(calendar: Calendar, first: date, last: date) -> Sessions | None:
    """Return the first and last session between two dates, as far as the calendar knows them."""
    days = calendar.schedule.sessions
    begin = int(np.searchsorted(days, np.datetime64(first, "D")))
    end = int(np.searchsorted(days, np.datetime64(last, "D"), side="right"))
    if begin >= end:
        return None
    found: list[date] = days[[begin, end - 1]].tolist()
    return Sessions(found[0], found[1])
