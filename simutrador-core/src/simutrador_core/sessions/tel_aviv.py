"""Sessions of the Tel Aviv Stock Exchange (`XTAE`), by the rules it publishes. Pure.

The library's calendar is not used: with pandas 3 it closes on Easter instead of Passover (its
holiday offsets derive from pandas' Easter offset, which no longer asks them), and knows no election
before 2019. The rule was checked against the exchange's schedule of 2018, lists of its holidays of
2015 and 2019, and for 2020 to 2027 the list in pandas-market-calendars, which says it follows the
exchange. Against that list stand 4 May 2022 (Memorial Day, absent there), 27 February 2024 (local
elections) and, as sessions here, 25 March 2024 (index reports show one), 8 March 2023 (likewise the
day after Purim) and 31 October 2023 (elections, postponed); the last two are not verified. Other
years follow the rule alone. Election days stand in `data/overrides.toml`.

Hours are those of continuous trading in the shares of the main indices. Sources:
TASE, trading and vacation schedule, https://www.tase.co.il/en/content/knowledge_center/trading_vacation_schedule;
World Federation of Exchanges, "TASE announces new trading hours", February 2020 (open at 9:59-10:00
from 2020-02-02; Sundays 35 minutes shorter from 2020-03-08); TASE, trading days change, Monday to
Friday from 2026-01-05, and no trading on the Friday before a holiday that falls on a Sunday.
Hours before 2018 are taken to be those of 2018; only dates were checked there.
"""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from simutrador_core.models.bars import D64
from simutrador_core.sessions.draft import (
    MONDAY_TO_FRIDAY,
    Draft,
    days_between,
    instants,
    name_closures,
    without_breaks,
)
from simutrador_core.sessions.hebrew import closing_days, interim_days

ZONE: Final = "Asia/Jerusalem"
SUNDAY_TO_THURSDAY: Final = "1111001"

LATER_OPEN_FROM: Final = date(2020, 2, 2)
SHORT_SUNDAY_FROM: Final = date(2020, 3, 8)
OLD_WEEK_UNTIL: Final = date(2026, 1, 4)
NEW_WEEK_FROM: Final = date(2026, 1, 5)

_SUNDAY, _FRIDAY = 6, 4


def tel_aviv(start: date, end: date) -> Draft:
    """Return the sessions dated in `[start, end)`."""
    zone = ZoneInfo(ZONE)
    years = range(start.year, end.year + 1)
    holidays = {day: name for year in years for day, name in closing_days(year).items()}
    interim = {day: name for year in years for day, name in interim_days(year).items()}
    holidays |= _fridays_before(holidays)
    expected = _trading_weekdays(start, end)
    sessions = np.setdiff1d(expected, np.array(sorted(holidays), dtype="datetime64[D]"))
    days: list[date] = sessions.tolist()
    opens = instants(((day, _open(day)) for day in days), zone)
    closes = instants(((day, _close(day, shortened=day in interim)) for day in days), zone)
    early = {day: interim[day] for day in days if day in interim}
    return Draft(
        zone,
        without_breaks(sessions, opens, closes),
        name_closures(expected, sessions, holidays),
        early,
    )


def _trading_weekdays(start: date, end: date) -> D64:
    days = days_between(start, end)
    # newsru.co.il, 25 December 2025, quotes the exchange: no trading already on Sunday, 4 January
    # 2026. pandas-market-calendars has a session on it.
    old = days < np.datetime64(OLD_WEEK_UNTIL, "D")
    weekdays = np.where(
        old,
        np.is_busday(days, weekmask=SUNDAY_TO_THURSDAY),
        np.is_busday(days, weekmask=MONDAY_TO_FRIDAY),
    )
    return days[weekdays]


def _fridays_before(holidays: dict[date, str]) -> dict[date, str]:
    """Return the Fridays closed because the holiday falls on the Sunday after."""
    return {
        day - timedelta(days=2): f"Friday before {name}"
        for day, name in holidays.items()
        if day >= NEW_WEEK_FROM
        and day.weekday() == _SUNDAY
        and day - timedelta(days=2) not in holidays
    }


def _open(day: date) -> time:
    return time(9, 59) if day >= LATER_OPEN_FROM else time(9, 45)


def _close(day: date, *, shortened: bool) -> time:
    if day.weekday() == _FRIDAY:
        return time(13, 50)
    if shortened:
        return time(14, 15)
    if day.weekday() == _SUNDAY:
        return time(15, 40) if day >= SHORT_SUNDAY_FROM else time(16, 15)
    return time(17, 15)
