"""`Bars`: the one in-memory form of many bars, and `BarQuery`: what to read.

No pydantic and no pandas here. Times are int64 microseconds since the Unix epoch, UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simutrador_core.errors import InvalidBarsError, InvalidRangeError
from simutrador_core.models.enums import Adjustment, Timeframe

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from simutrador_core.models.price_data import PriceCandle

I64: TypeAlias = NDArray[np.int64]
F64: TypeAlias = NDArray[np.float64]
D64: TypeAlias = NDArray[np.datetime64]
BoolArray: TypeAlias = NDArray[np.bool_]

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
PRICE_FIELDS: Final = ("open", "high", "low", "close")
OHLCV: Final = (*PRICE_FIELDS, "volume")


def to_us(instant: datetime) -> int:
    """Return microseconds since the epoch of an aware instant.

    Raises:
        InvalidRangeError: the instant is naive.
    """
    if instant.tzinfo is None:
        raise InvalidRangeError(f"{instant.isoformat()} has no time zone; add one, for instance Z")
    return (instant - EPOCH) // MICROSECOND


def from_us(microseconds: int) -> datetime:
    """Return the aware UTC instant of microseconds since the epoch."""
    return EPOCH + timedelta(microseconds=int(microseconds))


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """What identifies one stored series of bars."""

    symbol: str
    timeframe: Timeframe
    adjustment: Adjustment = Adjustment.RAW

    def __str__(self) -> str:
        """Return the key as shown to people: `AAPL daily raw`."""
        return f"{self.symbol} {self.timeframe} {self.adjustment}"


@dataclass(frozen=True, slots=True)
class BarQuery:
    """Bars of one series that open in `[start, end)`, both aware."""

    symbol: str
    timeframe: Timeframe
    start: datetime
    end: datetime
    adjustment: Adjustment = Adjustment.RAW
    actions_as_of: date | None = None
    as_of: int | None = None

    def __post_init__(self) -> None:
        """Refuse a naive or reversed range."""
        if to_us(self.start) > to_us(self.end):
            raise InvalidRangeError(
                f"start {self.start.isoformat()} is after end {self.end.isoformat()}", field="start"
            )

    @property
    def series(self) -> SeriesKey:
        """The series asked for."""
        return SeriesKey(self.symbol, self.timeframe, self.adjustment)


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Many bars of one symbol and timeframe, as columns; frozen, sorted, unique.

    Attributes:
        symbol: Canonical symbol, `AAPL`, `BRK.B`, `BTC-USD`, `EUR/USD`.
        timeframe: How long each bar lasts.
        adjustment: What the prices were corrected for.
        opened_at: int64 (n,), microseconds since the epoch, UTC; strictly increasing.
        open: float64 (n,), quote currency; likewise `high`, `low`, `close`.
        volume: float64 (n,), units of the asset; 0.0 where the source has none.
        sessions: datetime64[D] (n,), the exchange's session of each bar; required for daily and longer.
        complete: False when the last bar is still forming; stores refuse such bars.
        synthetic: bool (n,), True where a bar was generated or filled; None means none was.

    An empty `Bars` is legal. Arrays are made read-only. Equality is `equals`, exact to the bit.

    Raises:
        InvalidBarsError: lengths differ, times do not strictly increase, or sessions are absent.
    """

    symbol: str
    timeframe: Timeframe
    adjustment: Adjustment
    opened_at: I64
    open: F64
    high: F64
    low: F64
    close: F64
    volume: F64
    sessions: D64 | None = None
    complete: bool = True
    synthetic: BoolArray | None = None

    def __post_init__(self) -> None:
        """Take the columns as read-only arrays of the right type and check the invariants."""
        self._take("opened_at", np.int64)
        for name in OHLCV:
            self._take(name, np.float64)
        if self.sessions is not None:
            self._take("sessions", np.dtype("datetime64[D]"))
        elif len(self.opened_at) and not self.timeframe.is_intraday:
            raise InvalidBarsError(
                f"{self.timeframe} bars of {self.symbol} need a session date each"
            )
        if self.synthetic is not None:
            self._take("synthetic", np.bool_)
        if len(self.opened_at) > 1 and not bool(np.all(self.opened_at[1:] > self.opened_at[:-1])):
            raise InvalidBarsError(
                f"bars of {self.symbol} do not strictly increase in time; sort and deduplicate first"
            )

    def _take(self, name: str, dtype: np.dtype[np.generic] | type[np.generic]) -> None:
        column = np.ascontiguousarray(getattr(self, name), dtype=dtype).view()
        if column.shape != (len(self.opened_at),):
            raise InvalidBarsError(
                f"column {name} of {self.symbol} has shape {column.shape}, "
                f"expected ({len(self.opened_at)},)"
            )
        column.flags.writeable = False
        object.__setattr__(self, name, column)

    def __len__(self) -> int:
        """Return the number of bars."""
        return len(self.opened_at)

    @classmethod
    def empty(
        cls, symbol: str, timeframe: Timeframe, adjustment: Adjustment = Adjustment.RAW
    ) -> Bars:
        """Return no bars of a series."""
        none = np.empty(0)
        days = None if timeframe.is_intraday else np.empty(0, dtype="datetime64[D]")
        times = np.empty(0, dtype=np.int64)
        return cls(symbol, timeframe, adjustment, times, none, none, none, none, none, days)

    @property
    def series(self) -> SeriesKey:
        """The series these bars belong to."""
        return SeriesKey(self.symbol, self.timeframe, self.adjustment)

    @property
    def first(self) -> datetime | None:
        """The instant the first bar opens, or None when empty."""
        return from_us(self.opened_at[0]) if len(self) else None

    @property
    def last(self) -> datetime | None:
        """The instant the last bar opens, or None when empty."""
        return from_us(self.opened_at[-1]) if len(self) else None

    def take(self, index: slice | I64 | BoolArray) -> Bars:
        """Return the bars at `index`, which must keep their order."""
        return replace(
            self,
            opened_at=self.opened_at[index],
            open=self.open[index],
            high=self.high[index],
            low=self.low[index],
            close=self.close[index],
            volume=self.volume[index],
            sessions=None if self.sessions is None else self.sessions[index],
            synthetic=None if self.synthetic is None else self.synthetic[index],
        )

    def between(self, start_us: int, end_us: int) -> Bars:
        """Return the bars that open in `[start_us, end_us)`, without copying a column."""
        first, last = np.searchsorted(self.opened_at, [start_us, end_us])
        return self.take(slice(int(first), int(last)))

    def equals(self, other: Bars) -> bool:
        """Return whether key, columns and flags are equal, prices to the bit (0.0 equals -0.0)."""
        return (
            self.series == other.series
            and self.complete == other.complete
            and np.array_equal(self.opened_at, other.opened_at)
            and all(np.array_equal(getattr(self, name), getattr(other, name)) for name in OHLCV)
            and _same(self.sessions, other.sessions)
            and _same(self.synthetic, other.synthetic)
        )

    def to_pandas(self) -> pd.DataFrame:
        """Return a frame: index `opened_at` datetime64[us, UTC], columns open to volume.

        `session` (datetime64[s]) and `synthetic` (bool) are added where the bars have them.

        Raises:
            MissingExtraError: pandas is not installed (extra `pandas`).
        """
        from simutrador_core.models._frames import to_pandas

        return to_pandas(self)

    def to_arrow(self) -> pa.Table:
        """Return a table: opened_at timestamp[us, UTC], open high low close volume double.

        `session` (date32) and `synthetic` (bool) are added where the bars have them; the series
        key and `complete` stand in the schema's metadata.

        Raises:
            MissingExtraError: pyarrow is not installed (extra `arrow`).
        """
        from simutrador_core.models._frames import to_arrow

        return to_arrow(self)

    def candles(self) -> list[PriceCandle]:
        """Return one `PriceCandle` a bar; for a page at the border, never for bulk work."""
        from simutrador_core.models._frames import to_candles

        return to_candles(self)


def _same(left: NDArray[np.generic] | None, right: NDArray[np.generic] | None) -> bool:
    if left is None or right is None:
        return left is right
    return bool(np.array_equal(left, right))


def concat(parts: Sequence[Bars]) -> Bars:
    """Return parts of one series, given in time order and not overlapping, as one `Bars`.

    Raises:
        InvalidBarsError: no part is given, the series differ, or the parts overlap.
    """
    if not parts:
        raise InvalidBarsError("nothing to join: give at least one Bars")
    if len(parts) == 1:
        return parts[0]
    head = parts[0]
    if any(part.series != head.series for part in parts):
        raise InvalidBarsError(f"only bars of one series can be joined; the first is {head.series}")
    columns = {name: np.concatenate([getattr(p, name) for p in parts]) for name in OHLCV}
    marked = any(p.synthetic is not None for p in parts)
    dated = [p.sessions for p in parts if p.sessions is not None]
    return Bars(
        head.symbol,
        head.timeframe,
        head.adjustment,
        np.concatenate([p.opened_at for p in parts]),
        **columns,
        sessions=np.concatenate(dated) if len(dated) == len(parts) else None,
        complete=parts[-1].complete,
        synthetic=np.concatenate([_marks(p) for p in parts]) if marked else None,
    )


def _marks(bars: Bars) -> BoolArray:
    return np.zeros(len(bars), dtype=np.bool_) if bars.synthetic is None else bars.synthetic


__all__ = [
    "Bars",
    "BarQuery",
    "SeriesKey",
    "concat",
    "to_us",
    "from_us",
    "I64",
    "F64",
    "D64",
    "BoolArray",
    "OHLCV",
    "PRICE_FIELDS",
]
