"""The shapes in which files write a time, and where its parts stand in the text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from simutrador_data.services.data_providers.files.model import DateOrder

_YEAR_FIRST: Final = r"(?P<year>\d{4})(?P<sep>[-/. ])(?P<month>\d{1,2})(?P=sep)(?P<day>\d{1,2})"
_COMPACT: Final = r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})"
_NUMERIC: Final = {
    DateOrder.MONTH_FIRST: r"(?P<month>\d{1,2})(?P<sep>[-/. ])(?P<day>\d{1,2})(?P=sep)",
    DateOrder.DAY_FIRST: r"(?P<day>\d{1,2})(?P<sep>[-/. ])(?P<month>\d{1,2})(?P=sep)",
}
_YEAR: Final = r"(?P<year>\d{4}|\d{2})"
_DAY_NAME: Final = (
    rf"(?P<day>\d{{1,2}})[-/. ]?(?P<name>[A-Za-z]{{3}})[A-Za-z]{{0,6}}[-/., ]*{_YEAR}"
)
_NAME_DAY: Final = rf"(?P<name>[A-Za-z]{{3}})[A-Za-z]{{0,6}} (?P<day>\d{{1,2}}),? {_YEAR}"
_CLOCK: Final = (
    r"(?:(?:T|t|[ ,;_-]\s?)"
    r"(?:(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"|(?P<hour_>\d{1,2})(?P<minute_>\d{2})(?P<second_>\d{2})?)"
    r"(?:\s?(?P<half>[AaPp])[Mm])?"
    r"(?:\s?(?P<utc>Z|z|(?:UTC|GMT)(?![+-]))"
    r"|\s?(?:UTC|GMT)?(?P<sign>[+-])(?P<off_hour>\d{2}):?(?P<off_minute>\d{2})?)?)?"
)
_JOINED: Final = r"(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?"
_COMPACT_DATETIME: Final = re.compile(_COMPACT + _JOINED)
_UNIX: Final = re.compile(r"(?P<unix>\d{9,19})(?:\.(?P<fraction>\d{1,9}))?")
_UNIX_UNITS: Final = {
    9: 1_000_000,
    10: 1_000_000,
    12: 1_000,
    13: 1_000,
    15: 1,
    16: 1,
    18: -1,
    19: -1,
}
_ALWAYS: Final = [
    re.compile(date + _CLOCK) for date in (_YEAR_FIRST, _COMPACT, _DAY_NAME, _NAME_DAY)
]
_BY_ORDER: Final = {order: re.compile(date + _YEAR + _CLOCK) for order, date in _NUMERIC.items()}


@dataclass(frozen=True, slots=True)
class Shape:
    """Where the parts of a time stand in texts of one shape, `[start, end)` each.

    `unix_unit_us` is 0 for calendar dates, else how many microseconds one unit counts; -1 stands
    for nanoseconds.
    """

    spans: Mapping[str, tuple[int, int]]
    is_aware: bool
    unix_unit_us: int = 0

    def width(self, part: str) -> int:
        """Return how many characters a part has; 0 where it is absent."""
        start, end = self.spans.get(part, (0, 0))
        return end - start


def find_shape(text: str, order: DateOrder) -> Shape | None:
    """Return the shape of a time text without blanks around it, or None when it is none.

    Digits alone are read as `YYYYMMDD` (8), `YYYYMMDDHHMM` (12, beginning with 19 or 20),
    `YYYYMMDDHHMMSS` (14) or Unix time in seconds, milliseconds, microseconds or nanoseconds.
    """
    if text.replace(".", "", 1).isdigit() and text.isascii():
        digits = _digits(text)
        if digits is not None:
            return digits
    for pattern in (*_ALWAYS, _BY_ORDER[order]):
        found = pattern.fullmatch(text)
        if found is not None:
            spans = _spans(found)
            return Shape(spans, is_aware=bool(found["utc"]) or "sign" in spans)
    return None


def is_numeric_date(text: str) -> bool:
    """Return whether the order of day and month in this text is a matter of custom."""
    return _BY_ORDER[DateOrder.MONTH_FIRST].fullmatch(text.strip()) is not None


def _digits(text: str) -> Shape | None:
    whole = text.split(".", maxsplit=1)[0]
    if len(whole) == 14 or (len(whole) == 12 and whole[:2] in ("19", "20")):
        found = _COMPACT_DATETIME.fullmatch(text)
        return None if found is None else Shape(_spans(found), is_aware=False)
    found = _UNIX.fullmatch(text)
    unit = _UNIX_UNITS.get(len(whole))
    if found is None or unit is None:
        return None
    return Shape(_spans(found), is_aware=True, unix_unit_us=unit)


def _spans(found: re.Match[str]) -> dict[str, tuple[int, int]]:
    return {
        name.rstrip("_"): found.span(name)
        for name, text in found.groupdict().items()
        if text is not None and name not in ("sep", "utc")
    }
