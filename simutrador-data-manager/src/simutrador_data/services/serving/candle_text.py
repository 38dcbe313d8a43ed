"""A page of candles in the documented shape, written from columns: no model a candle."""

from __future__ import annotations

from typing import Any, Final

import orjson

from simutrador_core.models.bars import Bars
from simutrador_core.models.price_data import PaginationInfo
from simutrador_core.utils.serialization import format_decimal, to_decimal
from simutrador_core.utils.validation import check_bars
from simutrador_data.services.serving.text_formats import instants

_PRICES: Final = ("open", "high", "low", "close")
_PRICE_PLACES: Final = 2
_VOLUME_PLACES: Final = 8


def candle_page(bars: Bars, pagination: PaginationInfo, *, newest_first: bool) -> bytes:
    """Return a `PriceDataSeries` as JSON: what the model writes, byte for byte.

    Raises:
        InputError: a price is not above zero, or stands outside high and low.
    """
    if check_bars(bars.open, bars.high, bars.low, bars.close, bars.volume).any():
        bars.candles()  # says which bar is none, and why; some it does take
    dates = instants(bars.opened_at)
    columns = [[_text(price, _PRICE_PLACES) for price in _numbers(bars, name)] for name in _PRICES]
    columns.append([_text(volume, _VOLUME_PLACES) for volume in _numbers(bars, "volume")])
    names = ("date", *_PRICES, "volume")
    candles = [dict(zip(names, row, strict=True)) for row in zip(dates, *columns, strict=True)]
    document: dict[str, Any] = {
        "symbol": bars.symbol,
        "timeframe": bars.timeframe,
        "candles": candles[::-1] if newest_first else candles,
        "start_date": dates[0] if dates else None,
        "end_date": dates[-1] if dates else None,
        "pagination": pagination.model_dump(),
    }
    return orjson.dumps(document)


def _numbers(bars: Bars, name: str) -> list[float]:
    column: list[float] = getattr(bars, name).tolist()
    return column


def _text(number: float, places: int) -> str:
    """Return `format_decimal(to_decimal(number), places=places)`, most of the time at once."""
    text = repr(number)
    if "e" in text or number <= 0.0:
        return format_decimal(to_decimal(number), places=places)
    if text.endswith(".0"):
        return text + "0" * (places - 1)
    missing = places - (len(text) - text.index(".") - 1)
    return text + "0" * missing if missing > 0 else text
