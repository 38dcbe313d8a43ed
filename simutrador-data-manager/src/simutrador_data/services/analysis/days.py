"""The trading days a report is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from simutrador_core.errors import InvalidRangeError
from simutrador_core.sessions.calendar import Calendar
from simutrador_data.services.serving.ranges import day_start, next_day


@dataclass(frozen=True, slots=True)
class Days:
    """Trading days from `first` to `last`, both included, as far as they are over at `now`.

    Raises:
        InvalidRangeError: they are reversed, or none has begun.
    """

    first: date
    last: date
    now: datetime

    def __post_init__(self) -> None:
        """Refuse days that cannot be judged."""
        if self.first > self.last:
            raise InvalidRangeError(
                f"start_date {self.first} is after end_date {self.last}", field="start_date"
            )
        if self.first > self.now.date() + timedelta(days=1):
            raise InvalidRangeError(
                f"start_date {self.first} lies in the future: nothing can be complete yet",
                field="start_date",
            )

    def instants(self, calendar: Calendar) -> tuple[datetime, datetime]:
        """Return `[start, end)`; minutes that are not over lie behind it.

        Raises:
            CalendarError: the days reach beyond what the calendar knows.
        """
        minute = self.now.replace(second=0, microsecond=0)
        last = min(self.last, self.now.date() + timedelta(days=1))
        calendar.between(self.first, next_day(last))
        start = day_start(self.first, calendar)
        return start, max(start, min(day_start(next_day(last), calendar), minute))
