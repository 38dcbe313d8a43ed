"""`Draft`: the sessions of one exchange while they are put together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from simutrador_core.models.bars import D64, I64, to_us
from simutrador_core.sessions.calendar import Schedule

ONE_DAY: Final = np.timedelta64(1, "D")
MONDAY_TO_FRIDAY: Final = "1111100"


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """What a calendar is made from; the attributes mean what they mean in `Calendar`."""

    zone: ZoneInfo
    schedule: Schedule
    closures: Mapping[date, str] = field(default_factory=dict[date, str])
    early_closes: Mapping[date, str] = field(default_factory=dict[date, str])


def days_between(start: date, end: date) -> D64:
    """Return every date of `[start, end)`, datetime64[D]."""
    return np.arange(np.datetime64(start, "D"), np.datetime64(end, "D"), ONE_DAY)


def instants(walls: Iterable[tuple[date, time]], zone: ZoneInfo) -> I64:
    """Return wall times as int64 microseconds UTC, (n,)."""
    return np.array([to_us(datetime.combine(day, at, zone)) for day, at in walls], dtype=np.int64)


def local_us(days: D64, at: time, zone: ZoneInfo) -> I64:
    """Return one wall time on each date as int64 microseconds UTC, (n,)."""
    return instants(((day, at) for day in days.tolist()), zone)


def without_breaks(sessions: D64, opens: I64, closes: I64) -> Schedule:
    """Return the schedule of sessions that trade through."""
    return Schedule(sessions, opens, closes, closes.copy(), closes.copy())


def name_closures(
    expected: D64, sessions: D64, names: Mapping[date, str], *, default: str = "holiday"
) -> dict[date, str]:
    """Return each expected day without a session, with its name or `default`."""
    closed: Iterable[date] = np.setdiff1d(expected, sessions).tolist()
    return {day: names.get(day, default) for day in closed}
