"""When an exchange is closed although it might trade: holidays, and the tails of early closes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from simutrador_core.models.bars import from_us
from simutrador_core.sessions.calendar import Calendar, Schedule


@dataclass(frozen=True, slots=True)
class Closure:
    """A time `[start, end)`, aware UTC, in which no bar is expected, and the name of its reason."""

    session: date
    start: datetime
    end: datetime
    name: str


def closed_days(calendar: Calendar, start: datetime, end: datetime) -> list[Closure]:
    """Return the days without a session that begin (local midnight) in `[start, end)`, in order."""
    found = [
        Closure(day, _midnight(day, calendar), _midnight(day + timedelta(days=1), calendar), name)
        for day, name in sorted(calendar.closures.items())
        if start.date() - timedelta(days=1) <= day <= end.date() + timedelta(days=1)
    ]
    return [closure for closure in found if start <= closure.start < end]


def early_tails(
    calendar: Calendar, schedule: Schedule, start: datetime, end: datetime
) -> list[Closure]:
    """Return the hours that early closes cut off, where the early close lies in `[start, end)`.

    A tail reaches to the usual close: that of the nearest session before it (or else after it) in
    the schedule that does not close early.
    """
    days: list[date] = schedule.sessions.tolist()
    found: list[Closure] = []
    for at, day in enumerate(days):
        close = from_us(schedule.closes[at])
        if day not in calendar.early_closes or not start <= close < end:
            continue
        usual = _usual_close(calendar, schedule, days, at)
        if usual is not None and usual > close:
            found.append(Closure(day, close, usual, calendar.early_closes[day]))
    return found


def _usual_close(
    calendar: Calendar, schedule: Schedule, days: list[date], at: int
) -> datetime | None:
    for other in (*range(at - 1, -1, -1), *range(at + 1, len(days))):
        if days[other] in calendar.early_closes:
            continue
        wall = from_us(schedule.closes[other]).astimezone(calendar.zone).replace(tzinfo=None)
        # Wall time, so that a clock change between the two sessions does not move the close.
        moved = wall + (days[at] - days[other])
        return moved.replace(tzinfo=calendar.zone).astimezone(UTC)
    return None


def _midnight(day: date, calendar: Calendar) -> datetime:
    return datetime.combine(day, time(), tzinfo=calendar.zone).astimezone(UTC)
