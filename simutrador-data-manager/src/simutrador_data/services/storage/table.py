"""`Table`: bars inside the store, one int64 matrix, so that compare, cut and join are one call.

Rows of the matrix: 0 `opened_at` in microseconds; 1 to 5 open, high, low, close, volume, the bits
of float64; 6 the session in days since the epoch (`NO_SESSION` where there is none); 7 one where
the bar is synthetic. A table has 6, 7 or 8 of them: what is absent is `NO_SESSION` and 0. Equal
rows have equal bits, because -0.0 is written as 0.0 and NaN is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, TypeAlias

import numpy as np

from simutrador_core.errors import InvalidBarsError
from simutrador_core.models.bars import I64, OHLCV, Bars, SeriesKey, from_us, to_us

Table: TypeAlias = I64
"""int64 (6..8, n), columns ascending in row 0."""

OPENED, SESSION, SYNTHETIC = 0, 6, 7
NARROW, WIDE = 6, 8
NO_SESSION: Final = int(np.iinfo(np.int64).min)
EARLIEST_US: Final = to_us(datetime(1, 1, 2, tzinfo=UTC))
LATEST_US: Final = to_us(datetime(9999, 12, 30, tzinfo=UTC))
_DAY_US: Final = 86_400_000_000


def from_bars(bars: Bars) -> Table:
    """Return the table of some bars.

    Raises:
        InvalidBarsError: the last bar is forming, a number is NaN or infinite, or a time lies
            outside the years 1 to 9999.
    """
    if not bars.complete:
        raise InvalidBarsError(f"the last bar of {bars.series} is still forming; drop it first")
    table = np.empty((_width(bars), len(bars)), dtype=np.int64)
    table[OPENED] = bars.opened_at
    numbers = table[1:NARROW].view(np.float64)
    numbers[0], numbers[1], numbers[2], numbers[3], numbers[4] = (getattr(bars, n) for n in OHLCV)
    numbers += 0.0  # -0.0 + 0.0 is 0.0
    if not np.isfinite(numbers).all():
        raise _not_finite(bars)
    if len(table) > SESSION:
        table[SESSION] = NO_SESSION if bars.sessions is None else bars.sessions.view(np.int64)
    if len(table) > SYNTHETIC and bars.synthetic is not None:
        table[SYNTHETIC] = bars.synthetic
    _check_times(table, bars.series)
    _check_sessions(table, bars)
    return table


def _not_finite(bars: Bars) -> InvalidBarsError:
    wrong = [(name, ~np.isfinite(getattr(bars, name))) for name in OHLCV]
    name, where = next(found for found in wrong if found[1].any())
    at = from_us(bars.opened_at[int(np.argmax(where))])
    return InvalidBarsError(
        f"{name} of {bars.series} at {at.isoformat()} is NaN or infinite; "
        "drop or correct the bar first"
    )


def _width(bars: Bars) -> int:
    if bars.synthetic is not None and bool(bars.synthetic.any()):
        return WIDE
    return NARROW if bars.sessions is None else SESSION + 1


def _check_times(table: Table, series: SeriesKey) -> None:
    times = table[OPENED]
    if len(times) and (times[0] < EARLIEST_US or times[-1] > LATEST_US):
        raise InvalidBarsError(
            f"{series} has bars outside the years 1 to 9999; are the times in microseconds?"
        )


def _check_sessions(table: Table, bars: Bars) -> None:
    if len(table) <= SESSION:
        return
    days = table[SESSION]
    unknown = days == NO_SESSION
    if unknown.any() and not bars.timeframe.is_intraday:
        raise InvalidBarsError(f"{bars.timeframe} bars of {bars.symbol} need a session date each")
    if bool(np.any(~unknown & ((days < EARLIEST_US // _DAY_US) | (days > LATEST_US // _DAY_US)))):
        raise InvalidBarsError(f"{bars.series} has sessions outside the years 1 to 9999")


def to_bars(table: Table, series: SeriesKey) -> Bars:
    """Return the bars of a table; columns are views where the table is contiguous by row.

    `sessions` is None unless every bar has one, `synthetic` is None unless some bar is, so what a
    read returns never depends on how the rows are stored.
    """
    if not table.shape[1]:
        return Bars.empty(series.symbol, series.timeframe, series.adjustment)
    table = _read_only(table)
    numbers = table.view(np.float64)
    dated = len(table) > SESSION and not bool(np.any(table[SESSION] == NO_SESSION))
    sessions = table[SESSION].view("datetime64[D]") if dated else None
    bars = Bars.unchecked(series, [table[OPENED], *numbers[1:NARROW]], sessions)
    if len(table) > SYNTHETIC and bool(table[SYNTHETIC].any()):
        return replace(bars, synthetic=table[SYNTHETIC].astype(np.bool_))
    return bars


def _read_only(table: Table) -> Table:
    if table.strides[1] != table.itemsize:  # columns of `Bars` are contiguous
        table = np.ascontiguousarray(table)
    table = table.view()
    table.flags.writeable = False
    return table


def widen(table: Table, width: int) -> Table:
    """Return the table with at least `width` rows; what was absent is filled in."""
    if len(table) >= width:
        return table
    wide = np.zeros((width, table.shape[1]), dtype=np.int64)
    wide[: len(table)] = table
    if len(table) <= SESSION < width:
        wide[SESSION] = NO_SESSION
    return wide


def join(tables: Sequence[Table]) -> Table:
    """Return tables side by side, in the order given; none give an empty one."""
    if len(tables) == 1:
        return tables[0]
    if not tables:
        return np.empty((NARROW, 0), dtype=np.int64)
    width = max(len(table) for table in tables)
    return np.concatenate([widen(table, width) for table in tables], axis=1)


def narrow(table: Table) -> Table:
    """Return the table without the last rows that say nothing."""
    if len(table) > SYNTHETIC and not table[SYNTHETIC].any():
        table = table[:SYNTHETIC]
    if len(table) == SYNTHETIC and bool(np.all(table[SESSION] == NO_SESSION)):
        table = table[:SESSION]
    return table


def between(table: Table, start_us: int, end_us: int) -> Table:
    """Return the rows that open in `[start_us, end_us)`, as a view."""
    first, last = np.searchsorted(table[OPENED], [start_us, end_us])
    return table[:, int(first) : int(last)]


def session_at(table: Table, index: int) -> int | None:
    """Return the session of one row in days since the epoch, or None."""
    if len(table) <= SESSION:
        return None
    day = int(table[SESSION, index])
    return None if day == NO_SESSION else day


__all__ = ["Table", "from_bars", "to_bars", "widen", "narrow", "join", "between", "session_at"]
