"""From what people write for a time range to `[start, end)` in UTC.

A date means a trading day of the symbol's exchange: it begins at local midnight, or with its
session where that opens the evening before (FX, futures). An instant needs a time zone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from simutrador_core.errors import InvalidRangeError
from simutrador_core.sessions.calendar import Calendar

EARLIEST: Final = date(1800, 1, 1)
LATEST: Final = date(2200, 1, 1)

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_LOST_PLUS: Final = re.compile(r"(T[0-9:.]+) (\d{2}:?\d{2})")
_SHOWN: Final = 40


class DateBoundError(InvalidRangeError):
    """A date lies outside of what is accepted; `bound` says what is."""

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message, field=field)
        self.bound = f"{EARLIEST} to {LATEST}"


@dataclass(frozen=True, slots=True)
class Range:
    """A range as written: a date, an aware instant, or None for "as far as there are bars"."""

    start: date | datetime | None = None
    end: date | datetime | None = None


def parse_range(
    start: str | None, end: str | None, *, names: tuple[str, str] = ("start", "end")
) -> Range:
    """Return the range two texts name; `end` is exclusive.

    Args:
        start: `2013-01-02`, `2013-01-02T14:30:00Z`; None or nothing where it is open.
        end: Likewise.
        names: What the caller calls them, for messages.

    Raises:
        InvalidRangeError: a text is no date, a time has no zone, or the two are reversed.
    """
    found = Range(
        parse_bound(start, field=names[0]) if start else None,
        parse_bound(end, field=names[1]) if end else None,
    )
    if found.start is not None and found.end is not None and _is_reversed(found.start, found.end):
        raise InvalidRangeError(f"{names[0]} {start} is after {names[1]} {end}", field=names[0])
    return found


def parse_bound(text: str, *, field: str) -> date | datetime:
    """Return the date or the aware UTC instant a text names.

    Raises:
        InvalidRangeError: it names none, has a time without a zone, or lies outside 1800 to 2200.
    """
    try:
        if _DATE.fullmatch(text):
            return _bounded(date.fromisoformat(text), text, field)
        # A plus sign that was not escaped in a query arrives as a blank.
        instant = datetime.fromisoformat(_LOST_PLUS.sub(r"\1+\2", text))
    except (ValueError, OverflowError) as e:
        if isinstance(e, InvalidRangeError):
            raise
        raise InvalidRangeError(
            f"{field} {text[:_SHOWN]!r} is not a date; write 2013-01-02 or 2013-01-02T14:30:00Z",
            field=field,
        ) from e
    _bounded(instant.date(), text, field)
    if instant.utcoffset() is None:
        raise InvalidRangeError(
            f"{field} {text} has no time zone; add one, for instance {text}Z", field=field
        )
    return instant.astimezone(UTC)


def resolve(
    wanted: Range, calendar: Callable[[], Calendar] | None = None
) -> tuple[datetime, datetime]:
    """Return `[start, end)` as instants.

    Args:
        wanted: The range as written.
        calendar: Gives the exchange's calendar; called only when a date stands in the range. None
            takes dates as UTC days.
    """
    ends = (wanted.start, wanted.end)
    dated = any(isinstance(one, date) and not isinstance(one, datetime) for one in ends)
    hours = calendar() if calendar is not None and dated else None
    return (
        _instant(EARLIEST, None) if wanted.start is None else _instant(wanted.start, hours),
        _instant(LATEST, None) if wanted.end is None else _instant(wanted.end, hours),
    )


def day_start(day: date, calendar: Calendar) -> datetime:
    """Return when a trading day begins: at local midnight, or with a session that opens before."""
    midnight = datetime.combine(day, time(), tzinfo=calendar.zone).astimezone(UTC)
    if calendar.start <= day < calendar.end and calendar.is_session(day):
        return min(midnight, calendar.hours(day).open)
    return midnight


def next_day(day: date) -> date:
    """Return the date after `day`: the exclusive end of a range that includes it."""
    return day + timedelta(days=1)


def _instant(bound: date | datetime, calendar: Calendar | None) -> datetime:
    if isinstance(bound, datetime):
        return bound
    if calendar is None:
        return datetime.combine(bound, time(), tzinfo=UTC)
    return day_start(bound, calendar)


def _bounded(day: date, text: str, field: str) -> date:
    if not EARLIEST <= day <= LATEST:
        raise DateBoundError(
            f"{field} {text[:_SHOWN]} is outside of {EARLIEST} to {LATEST}", field=field
        )
    return day


def _is_reversed(start: date | datetime, end: date | datetime) -> bool:
    if isinstance(start, datetime) != isinstance(end, datetime):
        start = start.date() if isinstance(start, datetime) else start
        end = end.date() if isinstance(end, datetime) else end
        return start - end > timedelta(days=1)  # a date begins up to a day off in UTC
    return start > end
