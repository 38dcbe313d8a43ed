"""Time texts of any usual shape to microseconds, in columns.

Rows of one shape (`2011-03-01 09:31:00` and all texts with digits in the same places) are parsed
together, so a million rows cost a few matrix operations, and a file may mix shapes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simutrador_core.models.bars import I64, BoolArray
from simutrador_data.services.data_providers.files._arrow import (
    Strings,
    byte_lengths,
    byte_matrix,
    pick,
)
from simutrador_data.services.data_providers.files.model import DateOrder
from simutrador_data.services.data_providers.files.shapes import Shape, find_shape

SECOND_US: Final = 1_000_000
DAY_US: Final = 86_400 * SECOND_US
FIRST_YEAR: Final = 1800
LAST_YEAR: Final = 2199
FIRST_US: Final = (date(FIRST_YEAR, 1, 1) - date(1970, 1, 1)).days * DAY_US
AFTER_US: Final = (date(LAST_YEAR + 1, 1, 1) - date(1970, 1, 1)).days * DAY_US
"""Times from 1800 to 2199 are read, others are not."""

_MAX_SHAPES: Final = 200
_MONTHS: Final = (
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
)


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Parsed times as columns.

    Attributes:
        local_us: int64 (n,), the wall clock as written, in microseconds as if it were UTC.
        offset_us: int64 (n,), how far east of UTC the text says it is; 0 where it says nothing.
        aware: bool (n,), whether the text names its offset, or is a Unix time.
        ok: bool (n,), False where the text is no time.
    """

    local_us: I64
    offset_us: I64
    aware: BoolArray
    ok: BoolArray

    @classmethod
    def unread(cls, n: int) -> Moments:
        """Return `n` times of which none is read yet."""
        zeros = np.zeros(n, dtype=np.int64)
        flags = np.zeros(n, dtype=np.bool_)
        return cls(zeros, zeros.copy(), flags, flags.copy())

    @property
    def has_clock(self) -> BoolArray:
        """Whether a time of day other than midnight is written."""
        return self.local_us % DAY_US != 0


def parse_moments(texts: Strings, *, order: DateOrder = DateOrder.MONTH_FIRST) -> Moments:
    """Return the times of texts; `order` decides `03/04/2017`, every other shape is plain."""
    found = Moments.unread(len(texts))
    lengths = byte_lengths(texts)
    for length in np.unique(lengths).tolist():
        if not 4 <= length <= 48:
            continue
        rows = np.flatnonzero(lengths == length)
        same = texts if len(rows) == len(lengths) else pick(texts, rows)
        _parse_width(found, rows, byte_matrix(same, length), order)
    return found


def _parse_width(found: Moments, rows: I64, matrix: NDArray[np.uint8], order: DateOrder) -> None:
    for _ in range(_MAX_SHAPES):
        if not len(rows):
            return
        example = bytes(matrix[0])
        alike = _is_alike(matrix, example)
        shape = find_shape(example.decode("ascii", "replace"), order)
        if shape is not None:
            everything = bool(alike.all())
            part = matrix if everything else matrix[alike]
            _store(found, rows if everything else rows[alike], part, shape)
        if alike.all():
            return
        rows, matrix = rows[~alike], matrix[~alike]


def _classes() -> NDArray[np.uint8]:
    table = np.arange(256, dtype=np.uint8)
    table[ord("0") : ord("9") + 1] = ord("0")
    return table


_CLASS: Final = _classes()


def _is_alike(matrix: NDArray[np.uint8], example: bytes) -> BoolArray:
    want = _CLASS[np.frombuffer(example, dtype=np.uint8)]
    alike = np.ones(len(matrix), dtype=np.bool_)
    for at, kind in enumerate(want):
        alike &= _CLASS[matrix[:, at]] == kind
    return alike


def _store(found: Moments, rows: I64, matrix: NDArray[np.uint8], shape: Shape) -> None:
    if shape.unix_unit_us:
        local, ok = _unix(matrix, shape)
        offset = np.zeros(len(rows), dtype=np.int64)
    else:
        local, ok = _calendar(matrix, shape)
        offset = _offset(matrix, shape)
        ok &= np.abs(offset) <= 15 * 3600 * SECOND_US
    found.local_us[rows] = np.where(ok, local, 0)
    found.offset_us[rows] = np.where(ok, offset, 0)
    found.aware[rows] = ok & shape.is_aware
    found.ok[rows] = ok


def _number(matrix: NDArray[np.uint8], span: tuple[int, int] | None, default: int = 0) -> I64:
    value = np.full(len(matrix), default if span is None else 0, dtype=np.int64)
    for at in range(*(span or (0, 0))):
        value *= 10
        value += matrix[:, at] - np.uint8(ord("0"))
    return value


def _unix(matrix: NDArray[np.uint8], shape: Shape) -> tuple[I64, BoolArray]:
    whole = _number(matrix, shape.spans["unix"])
    if shape.unix_unit_us > 0:
        us = whole * shape.unix_unit_us + _fraction(matrix, shape)
    else:  # nanoseconds
        us = whole // 1000
    return us, us < AFTER_US


def _fraction(matrix: NDArray[np.uint8], shape: Shape) -> I64:
    span = shape.spans.get("fraction")
    if span is None:
        return np.zeros(len(matrix), dtype=np.int64)
    digits = min(span[1] - span[0], 6)
    return _number(matrix, (span[0], span[0] + digits)) * 10 ** (6 - digits)


def _calendar(matrix: NDArray[np.uint8], shape: Shape) -> tuple[I64, BoolArray]:
    get = shape.spans.get
    year = _number(matrix, get("year"))
    if shape.width("year") == 2:
        year += np.where(year >= 70, 1900, 2000)
    month, known = _month(matrix, shape)
    day = _number(matrix, get("day"))
    ok = known & (year >= FIRST_YEAR) & (year <= LAST_YEAR) & (month >= 1) & (month <= 12)
    months = np.where(ok, (year - 1970) * 12 + month - 1, 0)
    first = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    after = (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    ok &= (day >= 1) & (day <= after - first)
    clock, fits = _clock(matrix, shape)
    return (first + day - 1) * DAY_US + clock, ok & fits


def _clock(matrix: NDArray[np.uint8], shape: Shape) -> tuple[I64, BoolArray]:
    get = shape.spans.get
    hour = _number(matrix, get("hour"))
    minute, second = _number(matrix, get("minute")), _number(matrix, get("second"))
    fits = (hour < 24) & (minute < 60) & (second < 60)
    half = get("half")
    if half is not None:
        fits &= (hour >= 1) & (hour <= 12)
        hour = hour % 12 + np.where(matrix[:, half[0]] | 32 == ord("p"), 12, 0)
    seconds = hour * 3600 + minute * 60 + second
    return seconds * SECOND_US + _fraction(matrix, shape), fits


def _month(matrix: NDArray[np.uint8], shape: Shape) -> tuple[I64, BoolArray]:
    span = shape.spans.get("name")
    if span is None:
        month = _number(matrix, shape.spans.get("month"))
        return month, np.ones(len(matrix), dtype=np.bool_)
    letters = matrix[:, span[0] : span[0] + 3].astype(np.int64) | 32
    codes = (letters[:, 0] << 16) | (letters[:, 1] << 8) | letters[:, 2]
    month = np.zeros(len(matrix), dtype=np.int64)
    for number, name in enumerate(_MONTHS, start=1):
        month[codes == int.from_bytes(name.encode(), "big")] = number
    return month, month > 0


def _offset(matrix: NDArray[np.uint8], shape: Shape) -> I64:
    sign = shape.spans.get("sign")
    if sign is None:
        return np.zeros(len(matrix), dtype=np.int64)
    hours = _number(matrix, shape.spans.get("off_hour"))
    minutes = _number(matrix, shape.spans.get("off_minute"))
    east = np.where(matrix[:, sign[0]] == ord("-"), -1, 1)
    return east * (hours * 60 + minutes) * 60 * SECOND_US
