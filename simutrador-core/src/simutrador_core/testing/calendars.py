"""`make_calendar`: an exchange calendar worked out session by session from local wall times.

The slow and obvious way, without any calendar library, so that tests of session rules do not prove
a library by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from simutrador_core.models.bars import I64, to_us
from simutrador_core.sessions.calendar import Calendar, Schedule

MONDAY_TO_FRIDAY: Final = frozenset(range(5))
EVERY_DAY: Final = frozenset(range(7))

_ONE_DAY: Final = timedelta(days=1)


def make_calendar(
    start: date,
    end: date,
    *,
    name: str = "XNYS",
    zone: str = "America/New_York",
    opens: time = time(9, 30),
    closes: time = time(16, 0),
    lunch: tuple[time, time] | None = None,
    weekdays: Collection[int] = MONDAY_TO_FRIDAY,
    holidays: Mapping[date, str] | None = None,
    early_closes: Mapping[date, time] | None = None,
) -> Calendar:
    """Return the calendar of `[start, end)`.

    Args:
        start: First date known.
        end: First date no longer known.
        name: What the calendar is called.
        zone: The exchange's time zone; the times below are its wall times.
        opens: When a session opens; on the evening before where it is not earlier than `closes`.
        closes: When a session closes; midnight means the end of the session's date.
        lunch: The break inside each session, if any.
        weekdays: The days that have sessions, Monday is 0.
        holidays: Days among these without a session, and why.
        early_closes: Sessions that close earlier, and when.
    """
    closed, early = holidays or {}, early_closes or {}
    tz = ZoneInfo(zone)
    days = [start + k * _ONE_DAY for k in range((end - start).days)]
    sessions = [day for day in days if day.weekday() in weekdays and day not in closed]
    shut = [_close(day, early.get(day, closes), tz) for day in sessions]
    breaks = [
        (_at(day, lunch[0], tz), _at(day, lunch[1], tz)) if lunch and day not in early else (c, c)
        for day, c in zip(sessions, shut, strict=True)
    ]
    evening = closes != time(0) and opens >= closes
    schedule = Schedule(
        np.array(sessions, dtype="datetime64[D]"),
        _column([_at(day - _ONE_DAY if evening else day, opens, tz) for day in sessions]),
        _column(shut),
        _column([first for first, _ in breaks]),
        _column([last for _, last in breaks]),
    )
    names = {day: f"early close at {when:%H:%M}" for day, when in early.items()}
    return Calendar(name, tz, schedule, start, end, dict(closed), names)


def _close(day: date, closes: time, zone: ZoneInfo) -> datetime:
    return _at(day + _ONE_DAY if closes == time(0) else day, closes, zone)


def _at(day: date, wall: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, wall, tzinfo=zone).astimezone(UTC)


def _column(instants: list[datetime]) -> I64:
    return np.array([to_us(instant) for instant in instants], dtype=np.int64)


__all__ = ["EVERY_DAY", "MONDAY_TO_FRIDAY", "make_calendar"]
