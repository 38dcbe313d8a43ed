"""`Bars` to pandas and to single candles; pandas is imported when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

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


def to_frames(parts: Sequence[Bars]) -> list[pd.DataFrame]:
    """Return each of some bars as a frame indexed by `opened_at` (datetime64[us, UTC])."""
    pandas: Any = library("pandas", extra="pandas")
    utc, names = pandas.DatetimeTZDtype("us", "UTC"), pandas.Index(OHLCV)
    # All numbers in one piece of memory: getting many small ones costs twice what copying does.
    memory = np.empty(len(OHLCV) * sum(len(bars) for bars in parts))
    found: list[pd.DataFrame] = []
    at = 0
    for bars in parts:
        block = memory[at : at + len(OHLCV) * len(bars)].reshape(len(OHLCV), len(bars))
        at += block.size
        for row, name in enumerate(OHLCV):
            block[row] = getattr(bars, name)
        index = pandas.DatetimeIndex(bars.opened_at, dtype=utc, name="opened_at")
        frame = pandas.DataFrame(block.T, index=index, columns=names, copy=False)
        if bars.sessions is not None:
            frame["session"] = bars.sessions.astype("datetime64[s]")
        if bars.synthetic is not None:
            frame["synthetic"] = bars.synthetic
        found.append(frame)
    return found


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
