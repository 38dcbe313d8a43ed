"""Candles written from columns are, byte for byte, what the models write."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simutrador_core.errors import InputError
from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Timeframe
from simutrador_core.models.price_data import PaginationInfo, PriceDataSeries
from simutrador_core.testing.builders import START, make_bars
from simutrador_data.services.serving.candle_text import candle_page

PAGE = PaginationInfo(
    page=1, page_size=10, total_items=3, total_pages=1, has_next=False, has_previous=False
)


def by_models(bars: Bars, *, newest_first: bool) -> bytes:
    """Return the same page the slow way."""
    candles = bars.candles()
    series = PriceDataSeries(
        symbol=bars.symbol,
        timeframe=bars.timeframe,
        candles=candles[::-1] if newest_first else candles,
        pagination=PAGE,
    )
    return series.model_dump_json().encode()


@given(
    st.lists(
        st.floats(1e-12, 1e15, allow_nan=False) | st.integers(1, 10**9).map(lambda n: n / 100),
        min_size=1,
        max_size=8,
    ),
    st.floats(1e-8, 1e15) | st.just(0.0),
    st.booleans(),
)
@settings(deadline=None)
def test_candles_are_written_as_the_models_write_them(
    close: list[float], volume: float, newest_first: bool
) -> None:
    bars = make_bars(close=close, volume=[volume] * len(close))
    page = candle_page(bars, PAGE, newest_first=newest_first)
    assert page == by_models(bars, newest_first=newest_first)


@pytest.mark.parametrize(
    "bars",
    [
        Bars.empty("AAPL", Timeframe.MINUTE_1),
        make_bars("BRK.B", Timeframe.DAILY, n=3),
        make_bars(close=[5e-5, 1e-9, 123456789012345.6]),
        make_bars(opened_at=[START, START + timedelta(microseconds=1)]),
    ],
    ids=["none", "daily", "small and large", "between seconds"],
)
def test_pages_of_any_kind_are_the_same(bars: Bars) -> None:
    assert candle_page(bars, PAGE, newest_first=True) == by_models(bars, newest_first=True)


def test_a_price_that_is_none_is_refused_as_the_models_refuse_it() -> None:
    with pytest.raises(InputError, match="bar 1 of AAPL"):
        candle_page(make_bars(close=[1.0, -1.0]), PAGE, newest_first=False)
