"""Daily bars: from the dates a vendor writes to the sessions of an exchange, and back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from simutrador_core.models.bars import D64, I64, to_us
from simutrador_core.models.series import EPOCH
from simutrador_core.sessions.calendar import Calendar


def dates_between(calendar: Calendar, start: datetime, end: datetime) -> tuple[date, date] | None:
    """Return the first and the last session that open in `[start, end)`, None without any.

    Where the calendar does not reach, the exchange's dates stand in for sessions.
    """
    if start >= end:
        return None
    first, last = (at.astimezone(calendar.zone).date() for at in (start, end))
    plan = calendar.schedule
    low, high = np.searchsorted(plan.opens, [to_us(start), to_us(end)])
    dates: list[date] = plan.sessions[int(low) : int(high)].tolist()
    if first < calendar.start:
        dates.insert(0, first)
    if last >= calendar.end:
        dates.append(last)
    return (dates[0], dates[-1]) if dates else None


def local_dates(instants: I64, zone: ZoneInfo) -> D64:
    """Return the date of each instant on the clocks of a zone, datetime64[D].

    Args:
        instants: int64 microseconds UTC; few, as daily bars are.
        zone: The vendor's or the exchange's.
    """
    dates = [
        (EPOCH + timedelta(microseconds=at)).astimezone(zone).date() for at in instants.tolist()
    ]
    return np.array(dates, dtype="datetime64[D]")


def opens_of(days: D64, calendar: Calendar) -> I64:
    """Return the instant each session opens, int64 microseconds UTC.

    A date without a session gets its midnight in the exchange's zone, so that the bar stays visible
    and can be rejected with its date.
    """
    plan = calendar.schedule
    midnights = np.array(
        [
            to_us(datetime(day.year, day.month, day.day, tzinfo=calendar.zone).astimezone(UTC))
            for day in days.tolist()
        ],
        dtype=np.int64,
    )
    if not len(plan) or not len(days):
        return midnights
    at = np.minimum(np.searchsorted(plan.sessions, days), len(plan) - 1)
    return np.where(plan.sessions[at] == days, plan.opens[at], midnights)
