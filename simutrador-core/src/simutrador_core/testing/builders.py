"""Builders of bars, candles and changes with sane defaults: a test names only what it is about.

    bars = make_bars("EUR/USD", close=[1.08127, 1.08131])
    store.commit(make_change(bars, source="file:eurusd.csv"))

Everything is a fixed function of its arguments: no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from simutrador_core.interfaces.storage import Change, Covered
from simutrador_core.models.bars import BarQuery, Bars, SeriesKey, from_us, to_us
from simutrador_core.models.enums import Adjustment, OnConflict, Timeframe
from simutrador_core.utils.timeframe_utils import timeframe_us

if TYPE_CHECKING:
    from simutrador_core.models.price_data import PriceCandle

START: Final = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
"""The default first bar: the open of the first New York session of 2024."""

FETCHED_AT: Final = datetime(2024, 2, 1, 12, 0, tzinfo=UTC)
"""The default instant at which a change's source answered."""

_DAY: Final = timedelta(days=1)

Floats = Sequence[float] | NDArray[np.float64]


def make_bars(
    symbol: str = "AAPL",
    timeframe: Timeframe = Timeframe.MINUTE_1,
    *,
    start: datetime = START,
    n: int = 5,
    opened_at: Sequence[datetime] | None = None,
    close: Floats | None = None,
    volume: Floats | None = None,
    adjustment: Adjustment = Adjustment.RAW,
    price: float = 100.0,
    complete: bool = True,
    synthetic: Sequence[bool] | None = None,
) -> Bars:
    """Return bars one timeframe apart; daily and longer carry the UTC date as session.

    Args:
        symbol: Canonical symbol.
        timeframe: How long each bar lasts.
        start: Open of the first bar, aware.
        n: How many bars; taken from `opened_at` or `close` when they are given.
        opened_at: Opens of the bars, aware and ascending, instead of `start` and `n`.
        close: Prices of the bars, taken as they are: open, high, low and close all equal them.
        volume: Units traded; 1000, 1001, ... by default.
        adjustment: What the prices were corrected for.
        price: Where the default prices begin: they rise by 0.01 a bar, with a range of 0.10.
        complete: False when the last bar is still forming.
        synthetic: True for each bar that was generated or filled.
    """
    times = _times(opened_at, start, _step(timeframe), n if close is None else len(close))
    count = len(times)
    steps = np.arange(count, dtype=np.float64)
    flat = None if close is None else np.asarray(close, dtype=np.float64)
    cents = round(price * 100) + steps
    return Bars(
        symbol,
        timeframe,
        adjustment,
        times,
        open=cents / 100 if flat is None else flat,
        high=(cents + 5) / 100 if flat is None else flat,
        low=(cents - 5) / 100 if flat is None else flat,
        close=(cents + 1) / 100 if flat is None else flat,
        volume=1000.0 + steps if volume is None else np.asarray(volume, dtype=np.float64),
        sessions=None if timeframe.is_intraday else times.view("datetime64[us]").astype("M8[D]"),
        complete=complete,
        synthetic=None if synthetic is None else np.asarray(synthetic, dtype=np.bool_),
    )


def make_candle(
    at: datetime = START,
    *,
    open: str = "100",  # noqa: A002 - the field's own name
    high: str = "101",
    low: str = "99",
    close: str = "100.5",
    volume: str = "1000",
) -> PriceCandle:
    """Return one candle that opens at `at`; prices and volume are decimal text, kept exactly."""
    from simutrador_core.models.price_data import PriceCandle

    return PriceCandle(
        date=at,
        open=Decimal(open),
        high=Decimal(high),
        low=Decimal(low),
        close=Decimal(close),
        volume=Decimal(volume),
    )


def make_change(
    *pages: Bars,
    covered: Sequence[Covered] = (),
    source: str = "test",
    request: str = "a test asked",
    fetched_at: datetime = FETCHED_AT,
    on_conflict: OnConflict = OnConflict.KEEP,
) -> Change:
    """Return a change that writes `pages`; `covered` is empty unless given."""
    return Change(pages, covered, source, request, fetched_at, on_conflict)


def make_covered(
    symbol: str = "AAPL",
    timeframe: Timeframe = Timeframe.MINUTE_1,
    *,
    start: datetime = START,
    end: datetime = START + _DAY,
    adjustment: Adjustment = Adjustment.RAW,
) -> Covered:
    """Return a range that a source was asked for: one day unless given."""
    return Covered(SeriesKey(symbol, timeframe, adjustment), start, end)


def covering(bars: Bars) -> Covered:
    """Return the range from the first bar's open to just after the last bar's open."""
    if not len(bars):
        return Covered(bars.series, START, START)
    return Covered(bars.series, from_us(bars.opened_at[0]), from_us(bars.opened_at[-1] + 1))


def query_all(
    symbol: str = "AAPL",
    timeframe: Timeframe = Timeframe.MINUTE_1,
    *,
    start: date = date(1900, 1, 1),
    end: date = date(2200, 1, 1),
    adjustment: Adjustment = Adjustment.RAW,
    as_of: int | None = None,
) -> BarQuery:
    """Return a query for a whole series, or for the UTC days `[start, end)`."""
    return BarQuery(
        symbol,
        timeframe,
        datetime(start.year, start.month, start.day, tzinfo=UTC),
        datetime(end.year, end.month, end.day, tzinfo=UTC),
        adjustment=adjustment,
        as_of=as_of,
    )


def _step(timeframe: Timeframe) -> timedelta:
    if timeframe is Timeframe.MONTHLY:
        return 31 * _DAY
    return timedelta(microseconds=timeframe_us(timeframe))


def _times(
    opened_at: Sequence[datetime] | None, start: datetime, step: timedelta, n: int
) -> NDArray[np.int64]:
    if opened_at is not None:
        return np.array([to_us(instant) for instant in opened_at], dtype=np.int64)
    step_us = step // timedelta(microseconds=1)
    return to_us(start) + np.arange(n, dtype=np.int64) * step_us
