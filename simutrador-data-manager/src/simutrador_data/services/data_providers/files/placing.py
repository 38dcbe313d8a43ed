"""Where in time each row's bar lies: its opening instant and, for daily and longer, its session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import numpy as np

from simutrador_core.models.bars import D64, I64, BoolArray
from simutrador_core.models.enums import Timeframe
from simutrador_core.sessions.calendar import Calendar
from simutrador_core.utils.timeframe_utils import timeframe_us
from simutrador_data.services.data_providers.files.inference import MINUTE_US
from simutrador_data.services.data_providers.files.instants import DAY_US, Moments
from simutrador_data.services.data_providers.files.model import Label
from simutrador_data.services.data_providers.files.verdicts import Verdicts
from simutrador_data.services.data_providers.files.zones import local_to_utc

_SUNDAY: Final = 6
_DAY: Final = np.timedelta64(1, "D")


class Rules(Protocol):
    """The parts of a plan that place rows in time."""

    @property
    def timeframe(self) -> Timeframe: ...  # noqa: D102
    @property
    def zone(self) -> ZoneInfo: ...  # noqa: D102
    @property
    def label(self) -> Label: ...  # noqa: D102
    @property
    def newest_first(self) -> bool: ...  # noqa: D102
    @property
    def now_us(self) -> int | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Rows that have a place: their numbers, opening instants and sessions, in file order."""

    rows: I64
    opened_at: I64
    sessions: D64 | None

    def where(self, keep: BoolArray) -> Placed:
        """Return the rows to keep."""
        sessions = None if self.sessions is None else self.sessions[keep]
        return Placed(self.rows[keep], self.opened_at[keep], sessions)


def place(
    moments: Moments,
    rows: I64,
    rules: Rules,
    calendar: Callable[[], Calendar],
    verdicts: Verdicts,
) -> Placed:
    """Return the place of rows that have one; the others get a verdict.

    Rejected are local times that do not exist, bars off the grid of their timeframe, dates without
    a session, and bars that end after `now_us`.
    """
    utc, exists = to_utc(moments, rows, rules.zone, newest_first=rules.newest_first)
    verdicts.reject(
        rows[~exists],
        "no such time",
        f"clocks in {rules.zone.key} skip that time when daylight time begins",
    )
    rows, utc = rows[exists], utc[exists]
    if rules.timeframe.is_intraday:
        return _place_intraday(rows, utc, rules, verdicts)
    days = _written_days(moments, rows, utc, calendar())
    return _place_sessions(rows, days, rules, calendar(), verdicts)


def to_utc(
    moments: Moments, rows: I64, zone: ZoneInfo, *, newest_first: bool = False
) -> tuple[I64, BoolArray]:
    """Return the UTC instants of rows, and whether each exists in the zone."""
    local = moments.local_us[rows]
    aware = moments.aware[rows]
    if aware.all():
        return local - moments.offset_us[rows], aware
    utc, exists = local_to_utc(local, zone, newest_first=newest_first)
    return np.where(aware, local - moments.offset_us[rows], utc), exists | aware


def _place_intraday(rows: I64, utc: I64, rules: Rules, verdicts: Verdicts) -> Placed:
    step = timeframe_us(rules.timeframe)
    opened = utc - step if rules.label is Label.CLOSE else utc
    grid = min(step, 30 * MINUTE_US) if step <= 30 * MINUTE_US else MINUTE_US
    off = opened % grid != 0
    verdicts.reject(rows[off], "off the grid", f"a {rules.timeframe} bar cannot open at that time")
    ahead = np.zeros(len(rows), dtype=np.bool_)
    if rules.now_us is not None:
        ahead = opened + step > rules.now_us
        _reject_unfinished(rows[ahead & ~off], verdicts)
    return Placed(rows, opened, None).where(~off & ~ahead)


def _reject_unfinished(rows: I64, verdicts: Verdicts) -> None:
    verdicts.reject(rows, "not finished", "the bar has not ended yet, or lies in the future")


def _written_days(moments: Moments, rows: I64, utc: I64, calendar: Calendar) -> D64:
    """Return the date of each row as written; with a time of day, the session that holds it.

    A vendor that writes daily bars as instants (`2022-01-03T05:00Z`, or Sunday 22:00 UTC for FX)
    means the session of that instant, or the exchange's date where no session holds it.
    """
    days = (moments.local_us[rows] // DAY_US).astype("datetime64[D]")
    timed = np.flatnonzero(moments.has_clock[rows])
    if len(timed):
        found = calendar.session_of(utc[timed])
        shift = moments.local_us[rows][timed] - utc[timed]
        at_home = (_home_clock(utc[timed], calendar.zone) // DAY_US).astype("datetime64[D]")
        as_written = np.where(shift == 0, at_home, days[timed])
        days[timed] = np.where(np.isnat(found), as_written, found)
    return days


def _home_clock(utc: I64, zone: ZoneInfo) -> I64:
    """Return the wall clock of instants in a zone, by the offset at each one's noon."""
    noons = (utc // DAY_US) * DAY_US + DAY_US // 2
    days, at = np.unique(noons, return_inverse=True)
    local, _ = local_to_utc(days, zone)
    return utc + (days - local)[at]


def _place_sessions(
    rows: I64, days: D64, rules: Rules, calendar: Calendar, verdicts: Verdicts
) -> Placed:
    schedule = calendar.schedule
    starts, ends = _periods(days, rules.timeframe)
    at = np.searchsorted(schedule.sessions, starts)
    inside = at < len(schedule)
    at = np.minimum(at, max(0, len(schedule) - 1))
    found = schedule.sessions[at] if len(schedule) else starts
    has = inside & (found < ends)
    for day in np.unique(days[~has]).tolist():
        same = ~has & (days == np.datetime64(day, "D"))
        verdicts.reject(rows[same], "no session", _why_closed(day, rules.timeframe, calendar))
    opened = schedule.opens[at] if len(schedule) else np.zeros(len(rows), dtype=np.int64)
    placed = Placed(rows, opened, found)
    if rules.now_us is None or not len(schedule):
        return placed.where(has)
    last = np.maximum(np.searchsorted(schedule.sessions, ends) - 1, 0)
    ahead = has & (schedule.closes[last] > rules.now_us)
    _reject_unfinished(rows[ahead], verdicts)
    return placed.where(has & ~ahead)


def _periods(days: D64, timeframe: Timeframe) -> tuple[D64, D64]:
    """Return the first date of each row's period, and the first date after it."""
    if timeframe is Timeframe.WEEKLY:
        weekday = (days.astype(np.int64) + 3) % 7
        ahead = np.where(weekday == _SUNDAY, 7, 0)  # Sunday opens the next week
        monday = days + (ahead - weekday).astype("timedelta64[D]")
        return monday, monday + 7 * _DAY
    if timeframe is Timeframe.MONTHLY:
        month = days.astype("datetime64[M]")
        following = month + np.timedelta64(1, "M")
        return month.astype("datetime64[D]"), following.astype("datetime64[D]")
    return days, days + _DAY


def _why_closed(day: date, timeframe: Timeframe, calendar: Calendar) -> str:
    if not calendar.start <= day < calendar.end:
        return (
            f"{day} is outside what calendar {calendar.name} knows, "
            f"{calendar.start} to {calendar.end}"
        )
    if timeframe is not Timeframe.DAILY:
        return f"{calendar.name} has no session in the period of {day}"
    reason = calendar.closures.get(day) or (day.strftime("%A") if day.weekday() > 4 else "closed")
    return f"{day} is not a session of {calendar.name}: {reason}"
