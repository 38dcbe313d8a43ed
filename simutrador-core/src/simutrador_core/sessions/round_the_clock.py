"""The two calendars of our own that never sleep long: `24/7` and the FX week `24/5`. Pure.

`24/7`: a session is a UTC day, `[00:00, 24:00)`.

`24/5`: spot FX. Session D runs from 17:00 New York of the day before D to 17:00 New York of D,
Monday to Friday, so the week opens on Sunday at 17:00 and Monday's session is its first. 17:00 New
York is when the interbank market rolls the value date (and follows US daylight saving). Two days
are closed: 25 December and 1 January, as literal dates. That is the core on which vendors agree:

- Dukascopy EURUSD hours of 2017 (gym-anytrading 2.0.0) hold all 24 hours of each of the year's
  Monday to Friday sessions, among them 26 December; of 25 December only a thin tail of 9 hours.
- FXCM EURUSD 2007-2018 (QuantConnect/Lean) has no bar in any session of 25 December or 1 January.
  FXCM alone also stops at about noon on 24 and 31 December, skips 26 December and 2 January (or the
  Mondays after a weekend holiday), and reopens at midnight. Other vendors trade then, so here these
  are sessions, and with FXCM they come out as holes of that vendor.
"""

from __future__ import annotations

from datetime import UTC, date, time
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from simutrador_core.sessions.draft import (
    MONDAY_TO_FRIDAY,
    ONE_DAY,
    Draft,
    days_between,
    local_us,
    name_closures,
    without_breaks,
)

NEW_YORK: Final = "America/New_York"
VALUE_DATE_ROLL: Final = time(17, 0)
FX_HOLIDAYS: Final = {(1, 1): "New Year's Day", (12, 25): "Christmas Day"}


def every_day(start: date, end: date) -> Draft:
    """Return the `24/7` sessions dated in `[start, end)`."""
    days = days_between(start, end)
    opens = days.astype("datetime64[us]").astype(np.int64)
    closes = (days + ONE_DAY).astype("datetime64[us]").astype(np.int64)
    return Draft(ZoneInfo(str(UTC)), without_breaks(days, opens, closes))


def fx_week(start: date, end: date) -> Draft:
    """Return the `24/5` sessions dated in `[start, end)`."""
    zone = ZoneInfo(NEW_YORK)
    days = days_between(start, end)
    weekdays = days[np.is_busday(days, weekmask=MONDAY_TO_FRIDAY)]
    named: dict[date, str] = {
        day: FX_HOLIDAYS[day.month, day.day]
        for day in weekdays.tolist()
        if (day.month, day.day) in FX_HOLIDAYS
    }
    closed = np.array(sorted(named), dtype="datetime64[D]")
    sessions = np.setdiff1d(weekdays, closed)
    opens = local_us(sessions - ONE_DAY, VALUE_DATE_ROLL, zone)
    closes = local_us(sessions, VALUE_DATE_ROLL, zone)
    return Draft(
        zone, without_breaks(sessions, opens, closes), name_closures(weekdays, sessions, named)
    )
