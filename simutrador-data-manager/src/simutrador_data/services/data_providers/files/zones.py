"""Wall-clock times of a zone to UTC, in columns, with the two hours a year that are special."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from simutrador_core.errors import InputError
from simutrador_core.models.bars import I64, BoolArray, from_us, to_us
from simutrador_data.services.data_providers.files.instants import DAY_US, SECOND_US


def find_zone(name: str) -> ZoneInfo:
    """Return the zone of an IANA name.

    Raises:
        InputError: there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as e:
        raise InputError(
            f"{name!r} is no time zone; give an IANA name such as America/New_York or UTC",
            field="zone",
        ) from e


def local_to_utc(
    local_us: I64, zone: ZoneInfo, *, newest_first: bool = False
) -> tuple[I64, BoolArray]:
    """Return the UTC instants of wall-clock times, and whether each exists in the zone.

    When clocks go back an hour is written twice. The rows' order tells the two apart: once the
    wall clock steps back inside that hour, the rest belongs to the second pass. Rows with a single
    pass are taken as the first (daylight time). Times in the hour that clocks skip do not exist.

    Args:
        local_us: int64 (n,), wall clock in microseconds as if it were UTC, in file order.
        zone: The zone of the clock.
        newest_first: Whether the file runs backwards in time.

    Returns:
        int64 (n,) microseconds UTC, and bool (n,), False where the time does not exist.
    """
    exists = np.ones(len(local_us), dtype=np.bool_)
    if not len(local_us):
        return local_us.copy(), exists
    days, place = np.unique(local_us // DAY_US, return_inverse=True)
    starts = np.array([_offset_us(day, zone) for day in days.tolist()], dtype=np.int64)
    ends = np.array([_offset_us(day + 1, zone) for day in days.tolist()], dtype=np.int64)
    utc = local_us - starts[place]
    for at in np.flatnonzero(starts != ends).tolist():
        rows = np.flatnonzero(place == at)
        if newest_first:
            rows = rows[::-1]
        utc[rows], exists[rows] = _on_change_day(local_us[rows], zone)
    return utc, exists


def _wall(us: int) -> datetime:
    return from_us(us).replace(tzinfo=None)


def _offset_us(day: int, zone: ZoneInfo) -> int:
    offset = _wall(day * DAY_US).replace(tzinfo=zone).utcoffset() or timedelta()
    return int(offset.total_seconds()) * SECOND_US


def _on_change_day(local_us: I64, zone: ZoneInfo) -> tuple[I64, BoolArray]:
    utc = np.empty(len(local_us), dtype=np.int64)
    exists = np.ones(len(local_us), dtype=np.bool_)
    last, second_pass = -1, False
    for at, us in enumerate(local_us.tolist()):
        wall = _wall(us)
        first = wall.replace(tzinfo=zone)
        late = first.replace(fold=1)
        twice = (first.utcoffset() or timedelta()) > (late.utcoffset() or timedelta())
        exists[at] = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == wall
        second_pass = twice and (second_pass or 0 <= us <= last)
        last = us if twice else -1
        chosen = late if second_pass else first
        utc[at] = to_us(chosen)
    return utc, exists
