"""The bars a strategy has seen: the history it was given, then each tick's, never one ahead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from simutrador_core.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    import pandas as pd

FIELDS: Final = ("open", "high", "low", "close", "volume")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_FIRST_ROOM: Final = 512

Row = tuple[float, float, float, float, float]
T = TypeVar("T", bound=np.generic)


class Store:
    """Bars by symbol, each instant once, oldest first.

    Args:
        max_bars: Keep at least this many of the latest bars of each symbol and drop older ones
            (at the latest when twice as many have come); None keeps all.
    """

    def __init__(self, *, max_bars: int | None = None) -> None:
        if max_bars is not None and max_bars < 1:
            raise InputError(f"max_bars {max_bars} is below 1", field="max_bars")
        self._max_bars = max_bars
        self._series: dict[str, _Series] = {}

    @property
    def symbols(self) -> list[str]:
        """The symbols that bars have come for, in the order they came."""
        return list(self._series)

    def load(self, candles: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
        """Add many bars of each symbol; an instant that is there already is replaced."""
        for symbol, bars in candles.items():
            series = self._of(symbol)
            for bar in bars:
                series.add(bar)

    def append(self, candles: Mapping[str, Mapping[str, Any]]) -> None:
        """Add one bar of each symbol; an instant that is there already is replaced."""
        for symbol, bar in candles.items():
            self._of(symbol).add(bar)

    def trim(self, keep: int) -> None:
        """Drop all but the latest `keep` bars of each symbol."""
        for series in self._series.values():
            series.keep_last(keep)

    def count(self, symbol: str) -> int:
        """Return how many bars of a symbol are held.

        Raises:
            KeyError: no bar of the symbol has come.
        """
        return len(self._find(symbol))

    def as_numpy(
        self, symbol: str, fields: Sequence[str] = ("close",), window: int | None = None
    ) -> dict[str, NDArray[np.float64]]:
        """Return columns, float64 (n,), oldest first; `window` gives the latest n bars.

        The arrays are read-only views and stay as they are when more bars come.

        Raises:
            KeyError: no bar of the symbol has come.
            ValueError: a field is not one of open, high, low, close, volume.
        """
        rows = [_row_of(field) for field in fields]
        series = self._find(symbol)
        return {field: series.column(row, window) for field, row in zip(fields, rows, strict=True)}

    def opened_at(self, symbol: str, window: int | None = None) -> NDArray[np.int64]:
        """Return when each bar opens, int64 (n,), microseconds since the epoch, UTC.

        Raises:
            KeyError: no bar of the symbol has come.
        """
        return self._find(symbol).instants(window)

    def as_pandas(
        self, symbol: str, fields: Sequence[str] = FIELDS, window: int | None = None
    ) -> pd.DataFrame:
        """Return a frame: index `date` datetime64[us, UTC] when each bar opens, float64 columns.

        Raises:
            KeyError: no bar of the symbol has come.
            ValueError: a field is not one of open, high, low, close, volume.
            MissingExtraError: pandas is not installed (extra `pandas`).
        """
        columns = self.as_numpy(symbol, fields, window)
        try:
            import pandas as pd
        except ImportError as e:
            raise MissingExtraError("pandas", extra="pandas", package="simutrador-client") from e
        times = self.opened_at(symbol, window).astype("datetime64[us]")
        return pd.DataFrame(columns, index=pd.DatetimeIndex(times, tz="UTC", name="date"))

    def _of(self, symbol: str) -> _Series:
        series = self._series.get(symbol)
        if series is None:
            series = self._series[symbol] = _Series(self._max_bars)
        return series

    def _find(self, symbol: str) -> _Series:
        if symbol not in self._series:
            raise KeyError(f"no bars of {symbol!r}, only of {', '.join(self._series) or 'nothing'}")
        return self._series[symbol]


class _Series:
    """Growing columns of one symbol. Rows handed out as views are never written again."""

    __slots__ = ("_columns", "_first", "_last", "_max_bars", "_next", "_times")

    def __init__(self, max_bars: int | None) -> None:
        self._max_bars = max_bars
        self._times = np.empty(_FIRST_ROOM, dtype=np.int64)
        self._columns = np.empty((len(FIELDS), _FIRST_ROOM))
        self._first = 0
        self._next = 0
        self._last = np.iinfo(np.int64).min  # instant of the newest bar

    def __len__(self) -> int:
        return self._next - self._first

    def add(self, bar: Mapping[str, Any]) -> None:
        instant = to_microseconds(bar["date"])
        row: Row = (
            float(bar["open"]),
            float(bar["high"]),
            float(bar["low"]),
            float(bar["close"]),
            float(bar["volume"]),
        )
        if instant > self._last:
            self._append(instant, row)
        else:
            self._place(instant, row)

    def _append(self, instant: int, row: Row) -> None:
        if self._next == len(self._times):
            self._make_room()
        self._times[self._next] = instant
        self._columns[:, self._next] = row
        self._next += 1
        self._last = instant
        if self._max_bars is not None and len(self) >= 2 * self._max_bars:
            self.keep_last(self._max_bars)

    def _place(self, instant: int, row: Row) -> None:
        """Replace or insert a bar that is not the newest, in a copy."""
        times = self._times[self._first : self._next]
        columns = self._columns[:, self._first : self._next]
        at = int(np.searchsorted(times, instant))
        if at < len(times) and times[at] == instant:
            if np.array_equal(columns[:, at], row):
                return
            times, columns = times.copy(), columns.copy()
        else:
            times = np.insert(times, at, instant)
            columns = np.insert(columns, at, 0.0, axis=1)
        columns[:, at] = row
        self._take(times, columns)

    def keep_last(self, count: int) -> None:
        if len(self) > count:
            self._first = self._next - count

    def _make_room(self) -> None:
        self._take(
            self._times[self._first : self._next], self._columns[:, self._first : self._next]
        )

    def _take(self, times: NDArray[np.int64], columns: NDArray[np.float64]) -> None:
        held = len(times)
        room = max(_FIRST_ROOM, 2 * held)
        self._times = np.empty(room, dtype=np.int64)
        self._times[:held] = times
        self._columns = np.empty((len(FIELDS), room))
        self._columns[:, :held] = columns
        self._first, self._next = 0, held

    def column(self, row: int, window: int | None) -> NDArray[np.float64]:
        return _frozen(self._columns[row, self._start(window) : self._next])

    def instants(self, window: int | None) -> NDArray[np.int64]:
        return _frozen(self._times[self._start(window) : self._next])

    def _start(self, window: int | None) -> int:
        return self._first if window is None else max(self._first, self._next - max(window, 0))


def to_microseconds(date: str | datetime) -> int:
    """Return an instant as microseconds since the epoch; without a zone it is UTC."""
    instant = datetime.fromisoformat(date) if isinstance(date, str) else date
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return (instant - _EPOCH) // _MICROSECOND


def _row_of(field: str) -> int:
    if field not in FIELDS:
        raise ValueError(f"unknown field {field!r}; there are {', '.join(FIELDS)}")
    return FIELDS.index(field)


def _frozen(view: NDArray[T]) -> NDArray[T]:
    view.flags.writeable = False
    return view
