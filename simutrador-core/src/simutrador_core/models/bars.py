"""`Bars`: the one in-memory form of many bars, as columns. No pydantic and no pandas here.

`SeriesKey`, `BarQuery`, `to_us` and `from_us` of `models.series` and the column types of
`models.columns` can be imported from here too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from simutrador_core.errors import InvalidBarsError
from simutrador_core.models.columns import (
    D64,
    F64,
    I64,
    OHLCV,
    PRICE_FIELDS,
    BoolArray,
    increases,
    read_only,
    same,
)
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.models.series import BarQuery, SeriesKey, from_us, to_us

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from simutrador_core.models.price_data import PriceCandle


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Bars:
    """Many bars of one symbol and timeframe, as columns; frozen, sorted, unique.

    Attributes:
        symbol: Canonical symbol, `AAPL`, `BRK.B`, `BTC-USD`, `EUR/USD`.
        timeframe: How long each bar lasts.
        adjustment: What the prices were corrected for.
        opened_at: int64 (n,), microseconds since the epoch, UTC; strictly increasing.
        open: float64 (n,), quote currency; likewise `high`, `low`, `close`.
        volume: float64 (n,), units of the asset; 0.0 where the source has none.
        sessions: datetime64[D] (n,), the exchange's session of each bar, NaT outside sessions;
            required, strictly increasing and without NaT for daily and longer.
        complete: False when the last bar is still forming; stores refuse such bars.
        synthetic: bool (n,), True where a bar was generated or filled; None means none was.

    An empty `Bars` is legal. Arrays are made read-only but not copied: who hands one over must not
    write to it again. Equality is `equals`, exact to the bit. `take` and `between` give views.

    Raises:
        InvalidBarsError: lengths or types are wrong, times or sessions do not strictly increase,
            or sessions are absent.
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
        self._take("opened_at", "int64", rows=None)
        for name in OHLCV:
            self._take(name, "float64", rows=len(self))
        if self.sessions is not None:
            self._take("sessions", "datetime64[D]", rows=len(self))
        if self.synthetic is not None:
            self._take("synthetic", "bool", rows=len(self))
        if not increases(self.opened_at):
            raise InvalidBarsError(
                f"bars of {self.symbol} do not strictly increase in time; sort and deduplicate"
            )
        if len(self) and not self.timeframe.is_intraday:
            self._check_sessions()

    def _take(self, name: str, dtype: str, *, rows: int | None) -> None:
        label = f"{name} of {self.symbol}"
        object.__setattr__(
            self, name, read_only(getattr(self, name), dtype, rows=rows, label=label)
        )

    def _check_sessions(self) -> None:
        # A comparison with NaT is False, so an increasing column of several rows holds none.
        if self.sessions is None or np.isnat(self.sessions[0]):
            raise InvalidBarsError(
                f"{self.timeframe} bars of {self.symbol} need a session date each"
            )
        if not increases(self.sessions):
            raise InvalidBarsError(
                f"session dates of {self.symbol} {self.timeframe} do not strictly increase"
            )

    def __len__(self) -> int:
        """Return the number of bars."""
        return len(self.opened_at)

    def __repr__(self) -> str:
        """Return key, length and range; the columns would fill the screen."""
        return f"<Bars {self.series}: {len(self)} from {self.first} to {self.last}>"

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle through the constructor, so that a copy's columns are read-only too."""
        return Bars, tuple(getattr(self, field.name) for field in fields(self))

    @classmethod
    def empty(
        cls, symbol: str, timeframe: Timeframe, adjustment: Adjustment = Adjustment.RAW
    ) -> Bars:
        """Return no bars of a series."""
        none = np.empty(0)
        days = None if timeframe.is_intraday else np.empty(0, dtype="datetime64[D]")
        times = np.empty(0, dtype=np.int64)
        return cls(symbol, timeframe, adjustment, times, none, none, none, none, none, days)

    @classmethod
    def unchecked(
        cls, series: SeriesKey, columns: Sequence[I64 | F64], sessions: D64 | None = None
    ) -> Bars:
        """Return complete bars of columns that are known to be right; nothing is checked.

        For a source that checked the rows when it took them in: a small read costs a fifth.

        Args:
            series: Whose bars they are.
            columns: `opened_at` and open to volume: read-only, contiguous, of the right types.
            sessions: Their sessions, where every bar has one.
        """
        bars = object.__new__(cls)
        values = (series.symbol, series.timeframe, series.adjustment, *columns)
        for name, value in zip(cls.__slots__, (*values, sessions, True, None), strict=True):
            object.__setattr__(bars, name, value)
        return bars

    @classmethod
    def from_arrow(cls, table: pa.Table) -> Bars:
        """Return the bars of a table that `to_arrow` made, also when read back from IPC or Parquet.

        Raises:
            InvalidBarsError: the series metadata or a column is absent, of a wrong type, or null.
            MissingExtraError: pyarrow is not installed (extra `arrow`).
        """
        from simutrador_core.models._arrow import from_arrow

        return from_arrow(table)

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
        """Return the bars at `index`, which must keep their order.

        Without the forming last bar the result is complete. Nothing is copied for a slice, or for
        flags that are all set.
        """
        if not isinstance(index, slice) and index.dtype == np.bool_:
            index = slice(None) if len(index) == len(self) and bool(index.all()) else index
        opened_at = self.opened_at[index]
        whole = not len(opened_at) or bool(opened_at[-1] < self.opened_at[-1])
        columns: dict[str, object] = {
            "opened_at": opened_at,
            "open": self.open[index],
            "high": self.high[index],
            "low": self.low[index],
            "close": self.close[index],
            "volume": self.volume[index],
            "sessions": None if self.sessions is None else self.sessions[index],
            "complete": self.complete or whole,
            "synthetic": None if self.synthetic is None else self.synthetic[index],
        }
        if isinstance(index, slice) and index.step in {None, 1}:
            return self._with(columns)
        return Bars(self.symbol, self.timeframe, self.adjustment, **columns)  # pyright: ignore[reportArgumentType] - checked by the constructor

    def _with(self, columns: dict[str, object]) -> Bars:
        # A run of checked rows needs no second look, which would cost a pass over all of them:
        # strategies take such a view at every bar.
        view = object.__new__(Bars)
        for name in ("symbol", "timeframe", "adjustment"):
            object.__setattr__(view, name, getattr(self, name))
        for name, column in columns.items():
            object.__setattr__(view, name, column)
        return view

    def between(self, start_us: int, end_us: int) -> Bars:
        """Return the bars that open in `[start_us, end_us)`, without copying a column."""
        first, last = np.searchsorted(self.opened_at, [start_us, end_us])
        return self.take(slice(int(first), int(last)))

    def equals(self, other: Bars) -> bool:
        """Return whether key, columns and flags are equal, prices to the bit.

        0.0 equals -0.0, NaN equals NaN, and no `synthetic` column equals one without a mark.
        """
        return (
            self.series == other.series
            and self.complete == other.complete
            and np.array_equal(self.opened_at, other.opened_at)
            and all(same(getattr(self, name), getattr(other, name)) for name in OHLCV)
            and same(self.sessions, other.sessions)
            and np.array_equal(_marks(self), _marks(other))
        )

    def to_pandas(self) -> pd.DataFrame:
        """Return a frame: index `opened_at` datetime64[us, UTC], columns open to volume.

        `session` (datetime64[s]) and `synthetic` (bool) are added where the bars have them.

        Raises:
            MissingExtraError: pandas is not installed (extra `pandas`).
        """
        return to_frames([self])[0]

    def to_arrow(self) -> pa.Table:
        """Return a table: opened_at timestamp[us, UTC], open high low close volume double.

        `session` (date32) and `synthetic` (bool) are added where the bars have them; the series
        key and `complete` stand in the schema's metadata. Columns share memory with the bars.

        Raises:
            MissingExtraError: pyarrow is not installed (extra `arrow`).
        """
        from simutrador_core.models._arrow import to_arrow

        return to_arrow(self)

    def candles(self) -> list[PriceCandle]:
        """Return one `PriceCandle` a bar; for a page at the border, never for bulk work.

        Raises:
            InputError: a price is NaN, infinite or not above zero, or stands outside high and low.
        """
        from simutrador_core.models._frames import to_candles

        return to_candles(self)


def to_frames(parts: Sequence[Bars]) -> list[pd.DataFrame]:
    """Return what `to_pandas` gives for each of some bars, a third of the time of one by one.

    The frames can be changed independently, but share one piece of memory: it stays as long as
    any of them does.

    Raises:
        MissingExtraError: pandas is not installed (extra `pandas`).
    """
    from simutrador_core.models._frames import to_frames

    return to_frames(parts)


def concat(parts: Sequence[Bars]) -> Bars:
    """Return parts of one series, given in time order and not overlapping, as one `Bars`.

    Empty parts add nothing. Session dates are kept when every part with bars has them.

    Raises:
        InvalidBarsError: no part is given, the series differ, or the parts overlap.
    """
    if not parts:
        raise InvalidBarsError("nothing to join: give at least one Bars")
    if any(part.series != parts[0].series for part in parts):
        raise InvalidBarsError(f"only bars of one series can be joined, here {parts[0].series}")
    filled = [part for part in parts if len(part)] or [parts[0]]
    if len(filled) == 1:
        return filled[0]
    if not all(part.complete for part in filled[:-1]):
        raise InvalidBarsError(f"only the last part of {parts[0].series} may end in a forming bar")
    columns = {name: np.concatenate([getattr(p, name) for p in filled]) for name in OHLCV}
    dated = [p.sessions for p in filled if p.sessions is not None]
    marked = any(p.synthetic is not None for p in filled)
    return replace(
        filled[-1],
        opened_at=np.concatenate([p.opened_at for p in filled]),
        **columns,
        sessions=np.concatenate(dated) if len(dated) == len(filled) else None,
        synthetic=np.concatenate([_marks(p) for p in filled]) if marked else None,
    )


def _marks(bars: Bars) -> BoolArray:
    return np.zeros(len(bars), dtype=np.bool_) if bars.synthetic is None else bars.synthetic


__all__ = [
    "Bars",
    "BarQuery",
    "SeriesKey",
    "concat",
    "to_frames",
    "to_us",
    "from_us",
    "I64",
    "F64",
    "D64",
    "BoolArray",
    "OHLCV",
    "PRICE_FIELDS",
]
