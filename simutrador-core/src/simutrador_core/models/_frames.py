"""`Bars` to pandas and to single candles; pandas is imported when asked for."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from simutrador_core.errors import InputError, MissingExtraError
from simutrador_core.models.bars import OHLCV, Bars, from_us

if TYPE_CHECKING:
    import pandas as pd

    from simutrador_core.models.price_data import PriceCandle


def library(name: str, *, extra: str) -> ModuleType:
    """Import an optional library.

    Raises:
        MissingExtraError: it is not installed; the text names the extra.
    """
    try:
        return import_module(name)
    except ImportError as e:
        raise MissingExtraError(name, extra=extra) from e


def to_pandas(bars: Bars) -> pd.DataFrame:
    """Return the bars as a frame indexed by `opened_at` (datetime64[us, UTC])."""
    pandas: Any = library("pandas", extra="pandas")
    index = pandas.DatetimeIndex(bars.opened_at.view("datetime64[us]"), name="opened_at")
    columns: dict[str, Any] = {name: getattr(bars, name) for name in OHLCV}
    if bars.sessions is not None:
        columns["session"] = bars.sessions.astype("datetime64[s]")
    if bars.synthetic is not None:
        columns["synthetic"] = bars.synthetic
    return pandas.DataFrame(columns, index=index.tz_localize("UTC"))


def to_candles(bars: Bars) -> list[PriceCandle]:
    """Return one wire model a bar; prices are the shortest decimal text of each float."""
    from pydantic import ValidationError

    from simutrador_core.models.price_data import PriceCandle
    from simutrador_core.utils.serialization import to_decimal

    columns = {name: getattr(bars, name).tolist() for name in OHLCV}
    candles: list[PriceCandle] = []
    for row, opened_at in enumerate(bars.opened_at.tolist()):
        numbers = {name: to_decimal(column[row]) for name, column in columns.items()}
        try:
            candles.append(PriceCandle(date=from_us(opened_at), **numbers))
        except ValidationError as e:
            text = f"bar {row} of {bars.series} at {from_us(opened_at)} is no candle: {e}"
            raise InputError(text) from e
    return candles
