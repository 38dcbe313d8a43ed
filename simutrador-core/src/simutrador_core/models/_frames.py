"""`Bars` to and from pandas, Arrow and single candles; each library is imported when asked for."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from simutrador_core.errors import InvalidBarsError, MissingExtraError
from simutrador_core.models.bars import OHLCV, Bars, from_us
from simutrador_core.models.enums import Adjustment, Timeframe

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from simutrador_core.models.price_data import PriceCandle


def _library(name: str, *, extra: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as e:
        raise MissingExtraError(name, extra=extra) from e


def to_pandas(bars: Bars) -> pd.DataFrame:
    """Return the bars as a frame indexed by `opened_at` (datetime64[us, UTC])."""
    pandas: Any = _library("pandas", extra="pandas")
    index = pandas.DatetimeIndex(bars.opened_at.view("datetime64[us]"), name="opened_at")
    columns: dict[str, Any] = {name: getattr(bars, name) for name in OHLCV}
    if bars.sessions is not None:
        columns["session"] = bars.sessions.astype("datetime64[s]")
    if bars.synthetic is not None:
        columns["synthetic"] = bars.synthetic
    return pandas.DataFrame(columns, index=index.tz_localize("UTC"))


def to_arrow(bars: Bars) -> pa.Table:
    """Return the bars as an Arrow table whose metadata holds the series key."""
    arrow: Any = _library("pyarrow", extra="arrow")
    instants = arrow.array(bars.opened_at.view("datetime64[us]")).cast(
        arrow.timestamp("us", tz="UTC")
    )
    columns: dict[str, Any] = {"opened_at": instants}
    columns |= {name: arrow.array(getattr(bars, name)) for name in OHLCV}
    if bars.sessions is not None:
        columns["session"] = arrow.array(bars.sessions)
    if bars.synthetic is not None:
        columns["synthetic"] = arrow.array(bars.synthetic)
    metadata = {
        "symbol": bars.symbol,
        "timeframe": str(bars.timeframe),
        "adjustment": str(bars.adjustment),
        "complete": str(bars.complete).lower(),
    }
    return arrow.table(columns, metadata=metadata)


def from_arrow(table: pa.Table) -> Bars:
    """Return the bars of a table that `to_arrow` made (or one read back from IPC or Parquet).

    Raises:
        InvalidBarsError: the metadata or a column is absent.
    """
    metadata = {k.decode(): v.decode() for k, v in (table.schema.metadata or {}).items()}
    names = set(table.column_names)
    if (
        not {"symbol", "timeframe", "adjustment"} <= metadata.keys()
        or not {"opened_at", *OHLCV} <= names
    ):
        raise InvalidBarsError("not a table of bars: series metadata or an OHLCV column is absent")
    return Bars(
        metadata["symbol"],
        Timeframe(metadata["timeframe"]),
        Adjustment(metadata["adjustment"]),
        _column(table, "opened_at").view(np.int64),
        **{name: _column(table, name) for name in OHLCV},
        sessions=_column(table, "session") if "session" in names else None,
        complete=metadata.get("complete", "true") == "true",
        synthetic=_column(table, "synthetic") if "synthetic" in names else None,
    )


def _column(table: pa.Table, name: str) -> Any:
    # np.asarray goes through the buffer protocol's __array__ and so imports no pandas.
    chunks = [np.asarray(chunk) for chunk in table.column(name).chunks]
    if not chunks:
        return np.asarray(table.schema.field(name).type.to_pandas_dtype()([]))
    return np.concatenate(chunks)


def to_candles(bars: Bars) -> list[PriceCandle]:
    """Return one wire model a bar; prices are the shortest decimal text of each float."""
    from simutrador_core.models.price_data import PriceCandle
    from simutrador_core.utils.serialization import to_decimal

    return [
        PriceCandle(
            date=from_us(bars.opened_at[i]),
            open=to_decimal(bars.open[i]),
            high=to_decimal(bars.high[i]),
            low=to_decimal(bars.low[i]),
            close=to_decimal(bars.close[i]),
            volume=to_decimal(bars.volume[i]),
        )
        for i in range(len(bars))
    ]
