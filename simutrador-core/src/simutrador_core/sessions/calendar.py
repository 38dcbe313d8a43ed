"""`Calendar`: when one exchange trades, as columns of instants. Pure: no library, file or clock.

`sessions.exchange` builds one from an exchange's rules; tests build one by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from simutrador_core.errors import CalendarError
from simutrador_core.models.bars import D64, I64, from_us

MINUTE_US: Final = 60_000_000


@dataclass(frozen=True, slots=True)
class SessionHours:
    """The hours of one session, aware UTC; `break_start` and `break_end` are a lunch break."""

    session: date
    open: datetime
    close: datetime
    break_start: datetime | None = None
    break_end: datetime | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """Sessions as columns, ascending; instants int64 microseconds UTC.

    `breaks_start` and `breaks_end` equal the close where a session has no break, so that the
    trading time is always `[open, break_start) + [break_end, close)`.
    """

    sessions: D64
    opens: I64
    closes: I64
    breaks_start: I64
    breaks_end: I64

    def __len__(self) -> int:
        """Return the number of sessions."""
        return len(self.sessions)

    def take(self, index: slice) -> Schedule:
        """Return the sessions at `index`."""
        return Schedule(
            self.sessions[index],
            self.opens[index],
            self.closes[index],
            self.breaks_start[index],
            self.breaks_end[index],
        )

    def minutes(self) -> I64:
        """Return how many one-minute bars each session has, int64 (n,)."""
        return ((self.breaks_start - self.opens) + (self.closes - self.breaks_end)) // MINUTE_US


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """When one exchange trades, known for `[start, end)`.

    Attributes:
        name: `XNYS`, `24/5`, `24/7`, ...
        zone: The exchange's own time zone.
        schedule: Every session inside the known range.
        start: First date known.
        end: First date no longer known.
        closures: Weekdays without a session, by date, with the reason's name where one is known.
        early_closes: Sessions that end early, with the reason's name where one is known.
    """

    name: str
    zone: ZoneInfo
    schedule: Schedule
    start: date
    end: date
    closures: Mapping[date, str] = field(default_factory=dict[date, str])
    early_closes: Mapping[date, str] = field(default_factory=dict[date, str])

    def between(self, start: date, end: date) -> Schedule:
        """Return the sessions dated in `[start, end)`.

        Raises:
            CalendarError: the range reaches beyond what this calendar knows.
        """
        if start < self.start or end > self.end:
            raise CalendarError(
                f"calendar {self.name} is known from {self.start} to {self.end}, "
                f"not for {start} to {end}"
            )
        days = np.array([start, end], dtype="datetime64[D]")
        first, last = np.searchsorted(self.schedule.sessions, days)
        return self.schedule.take(slice(int(first), int(last)))

    def is_session(self, day: date) -> bool:
        """Return whether the exchange trades in a session of that date.

        Raises:
            CalendarError: the date lies outside what this calendar knows.
        """
        return self._row_of(day) is not None

    def hours(self, session: date) -> SessionHours:
        """Return the hours of a session.

        Raises:
            CalendarError: the exchange has no session on that date; the text says why.
        """
        row, plan = self._row(session), self.schedule
        has_break = plan.breaks_start[row] < plan.closes[row]
        return SessionHours(
            session,
            from_us(plan.opens[row]),
            from_us(plan.closes[row]),
            from_us(plan.breaks_start[row]) if has_break else None,
            from_us(plan.breaks_end[row]) if has_break else None,
        )

    def minutes(self, session: date) -> I64:
        """Return the opens of the session's one-minute bars, int64 microseconds UTC, ascending.

        Raises:
            CalendarError: the exchange has no session on that date; the text says why.
        """
        row, plan = self._row(session), self.schedule
        return np.concatenate(
            [
                np.arange(plan.opens[row], plan.breaks_start[row], MINUTE_US, dtype=np.int64),
                np.arange(plan.breaks_end[row], plan.closes[row], MINUTE_US, dtype=np.int64),
            ]
        )

    def session_of(self, opened_at: I64) -> D64:
        """Return the session each instant falls in, `[open, close)`, breaks included.

        Returns:
            datetime64[D] (n,), NaT where the exchange is closed or the calendar does not reach.
        """
        plan = self.schedule
        if not len(plan):
            return np.full(len(opened_at), np.datetime64("NaT", "D"), dtype="datetime64[D]")
        at = np.searchsorted(plan.opens, opened_at, side="right") - 1
        inside = (at >= 0) & (opened_at < plan.closes[np.maximum(at, 0)])
        found = plan.sessions[np.maximum(at, 0)].copy()
        found[~inside] = np.datetime64("NaT", "D")
        return found

    def _row(self, session: date) -> int:
        row = self._row_of(session)
        if row is None:
            reason = self.closures.get(session, "not a trading day")
            raise CalendarError(
                f"{self.name} has no session on {session}: {reason}{self._nearest(session)}"
            )
        return row

    def _nearest(self, day: date) -> str:
        """Return which sessions to ask for instead of a day without one."""
        sessions = self.schedule.sessions
        place = int(np.searchsorted(sessions, np.datetime64(day, "D")))
        near = [str(one) for one in sessions[max(0, place - 1) : place + 1]]
        return f"; use {' or '.join(near)}" if near else ""

    def _row_of(self, day: date) -> int | None:
        """Return where the session of that date stands in the schedule, or None."""
        if not self.start <= day < self.end:
            raise CalendarError(
                f"calendar {self.name} is known from {self.start} to {self.end}, not on {day}"
            )
        wanted = np.datetime64(day, "D")
        row = int(np.searchsorted(self.schedule.sessions, wanted))
        found = row < len(self.schedule) and self.schedule.sessions[row] == wanted
        return row if found else None
