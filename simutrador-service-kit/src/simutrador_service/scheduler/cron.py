"""Cron expressions: five fields, local time of a zone, and what happens when clocks change. Pure.

    minute   hour     day of month   month              day of week
    0-59     0-23     1-31           1-12 or JAN-DEC    0-7 or SUN-SAT

A field is `*`, a number, a range `1-5`, a step `*/15` or `8-18/2`, or several with commas; 0 and 7
are Sunday. When both days are restricted either of them suffices, as crontab(5) has it.

When clocks change: an expression whose hour starts with `*` follows the clock on the wall, so that
in a doubled hour it is due in both, and in a skipped one not at all. Any other is due once for each
wall time: in a doubled hour at the first, and for a skipped time at the instant the gap ends.

APScheduler's `CronTrigger` counts weekdays from Monday, joins the two days with "and", and is due
twice in a doubled hour; so this is our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from simutrador_core.errors import InputError

MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
ONE_DAY: Final = timedelta(days=1)
MINUTE: Final = timedelta(minutes=1)
LONGEST_WAIT: Final = timedelta(days=366 * 9)
"""29 February is never further away than this, not even around 2100."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name, bounds and words for its numbers."""

    name: str
    least: int
    most: int
    words: tuple[str, ...] = ()


FIELDS: Final = (
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day of month", 1, 31),
    Field("month", 1, 12, MONTHS),
    Field("day of week", 0, 7, WEEKDAYS),
)


@dataclass(frozen=True, slots=True)
class Cron:
    """Due whenever a local wall time matches; made by `cron`."""

    expression: str
    zone: ZoneInfo
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def __str__(self) -> str:
        """Return the expression and its zone."""
        return f"cron {self.expression} {self.zone.key}"

    def after(self, instant: datetime) -> datetime | None:
        """Return the first occurrence later than `instant`, aware UTC; None when there is none."""
        # A gap may move an occurrence to the next day, so the search begins a day early.
        day = instant.astimezone(self.zone).date() - ONE_DAY
        last = day + LONGEST_WAIT
        while day < last:
            found = [at for at in self.occurrences(day) if at > instant]
            if found:
                return found[0]
            day += ONE_DAY
        return None

    def latest(self, instant: datetime) -> datetime | None:
        """Return the last occurrence not later than `instant`, aware UTC; None without one."""
        day = instant.astimezone(self.zone).date()
        last = day - LONGEST_WAIT
        while day > last:
            found = [at for at in self.occurrences(day) if at <= instant]
            if found:
                return found[-1]
            day -= ONE_DAY
        return None

    def occurrences(self, day: date) -> list[datetime]:
        """Return the occurrences whose wall time lies on this local date, ascending, aware UTC."""
        if not self._is_on(day):
            return []
        found: set[datetime] = set()
        for hour in self.hours:
            for minute in self.minutes:
                found.update(self._instants(datetime(day.year, day.month, day.day, hour, minute)))  # noqa: DTZ001
        return sorted(found)

    def _is_on(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        _, _, of_month, _, of_week = self.expression.split()
        in_month, in_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        if of_month.startswith("*") or of_week.startswith("*"):
            return in_month and in_week
        return in_month or in_week

    def _instants(self, wall: datetime) -> list[datetime]:
        first, second = (
            wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1)
        )
        is_wild = self.expression.split()[1].startswith("*")
        if first == second:
            return [first]
        if first < second:  # a doubled wall time
            return [first, second] if is_wild else [first]
        return [] if is_wild else [_end_of_gap(second, first, self.zone)]


def cron(expression: str, zone: str = "UTC") -> Cron:
    """Return the trigger of a cron expression in the local time of `zone`.

    Raises:
        InputError: a field is wrong, the zone is unknown, or no date ever matches.
    """
    parts = expression.upper().split()
    if len(parts) != len(FIELDS):
        raise InputError(
            f"cron {expression!r} has {len(parts)} fields, not 5: "
            "minute, hour, day of month, month, day of week"
        )
    minutes, hours, days, months, weekdays = (
        _numbers(part, field) for part, field in zip(parts, FIELDS, strict=True)
    )
    made = Cron(
        expression=" ".join(parts),
        zone=_zone(zone),
        minutes=tuple(sorted(minutes)),
        hours=tuple(sorted(hours)),
        days=days,
        months=months,
        weekdays=frozenset(number % 7 for number in weekdays),
    )
    if made.after(datetime(2024, 1, 1, tzinfo=UTC)) is None:
        raise InputError(
            f"cron {expression!r} names a date that no year has; correct its day or month"
        )
    return made


def _numbers(part: str, field: Field) -> frozenset[int]:
    """Return every number a field stands for."""
    return frozenset(number for item in part.split(",") for number in _range(item, field))


def _range(item: str, field: Field) -> range:
    span, slash, step = item.partition("/")
    first, dash, last = span.partition("-")
    try:
        if span == "*":
            low, high = field.least, field.most
        else:
            low = _number(first, field)
            high = _number(last, field) if dash else field.most if slash else low
        width = int(step) if slash else 1
    except ValueError:
        raise _wrong(item, field) from None
    if not field.least <= low <= high <= field.most or width < 1:
        raise _wrong(item, field)
    return range(low, high + 1, width)


def _number(text: str, field: Field) -> int:
    if text in field.words:
        return field.words.index(text) + field.least
    return int(text) if text.isdecimal() else int("no number")


def _wrong(item: str, field: Field) -> InputError:
    words = f" or {field.words[0]} to {field.words[-1]}" if field.words else ""
    return InputError(
        f"{field.name} {item!r} is not within {field.least} to {field.most}{words}; "
        "write *, 5, 1-5, */15 or several with commas"
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as e:
        raise InputError(f"there is no time zone {name[:64]!r}; write America/New_York") from e


def _end_of_gap(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant whose wall time is past a gap that lies in `[before, after]`."""
    offset = after.astimezone(zone).utcoffset()
    low, high = before, after
    while high - low > MINUTE:
        middle = low + (high - low) // 2
        middle -= timedelta(seconds=middle.second, microseconds=middle.microsecond)
        if middle.astimezone(zone).utcoffset() == offset:
            high = middle
        else:
            low = middle
    return high
