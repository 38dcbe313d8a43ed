"""What the price models promise their users, and that a price survives every form it takes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from simutrador_core.models import (
    Adjustment,
    Bars,
    DataUpdateStatus,
    PriceCandle,
    PriceDataSeries,
    PriceQuote,
    Timeframe,
)
from simutrador_core.models.bars import OHLCV
from simutrador_core.utils import format_decimal, to_decimal

EXACT = ["1.08127", "0.00001234", "97123.45678901"]


def make_candle(**changes: Any) -> PriceCandle:
    values = {
        "date": "2024-01-02T14:30:00Z",
        "open": "185.00",
        "high": "186.50",
        "low": "184.25",
        "close": "185.50",
        "volume": "1250",
    }
    return PriceCandle.model_validate(values | changes)


def test_valid_candle_holds_its_prices() -> None:
    candle = make_candle()
    assert candle.close == Decimal("185.50")
    assert candle.date == datetime(2024, 1, 2, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"high": "184.00"}, "high 184.00 is below low 184.25"),
        ({"open": "187"}, "open 187 is outside"),
        ({"open": "184"}, "open 184 is outside"),
        ({"close": "186.51"}, "close 186.51 is outside"),
        ({"close": "184.24"}, "close 184.24 is outside"),
        ({"low": "-1"}, "greater than 0"),
        ({"low": "0"}, "greater than 0"),
        ({"volume": "-0.5"}, "greater than or equal to 0"),
        ({"open": "NaN"}, "finite"),
        ({"high": "Infinity"}, "finite"),
        ({"volume": float("nan")}, "finite"),
        ({"high": 1e308}, "less than or equal to 1000000000000000"),
        ({"volume": 2**63}, "less than or equal to 1000000000000000"),
    ],
)
def test_impossible_candle_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        make_candle(**changes)


@pytest.mark.parametrize("price", EXACT)
def test_candle_price_survives_json_exactly(price: str) -> None:
    candle = make_candle(open=price, high=price, low=price, close=price)
    text = candle.model_dump_json()
    assert json.loads(text)["close"] == price
    assert PriceCandle.model_validate_json(text) == candle


@pytest.mark.parametrize("price", EXACT)
def test_price_survives_bars_and_back(price: str) -> None:
    columns = dict.fromkeys(OHLCV, np.array([float(price)]))
    bars = Bars("EUR/USD", Timeframe.MINUTE_1, Adjustment.RAW, np.array([0]), **columns)
    (candle,) = Bars.from_arrow(bars.to_arrow()).candles()
    assert candle.close == Decimal(price)
    assert format_decimal(to_decimal(float(price))) == price


def test_candle_json_has_two_decimals_in_prices_and_eight_in_volume() -> None:
    data = json.loads(make_candle(high="186.5", volume="12.5").model_dump_json())
    assert data["high"] == "186.50"
    assert data["volume"] == "12.50000000"
    assert data["date"] == "2024-01-02T14:30:00Z"


def test_volume_keeps_more_than_eight_decimals() -> None:
    data = json.loads(make_candle(volume="0.0000000012").model_dump_json())
    assert data["volume"] == "0.0000000012"


def test_candle_date_without_zone_is_taken_as_utc() -> None:
    assert make_candle(date="2024-01-02T14:30:00") == make_candle()


def test_candle_date_of_another_zone_becomes_utc() -> None:
    assert make_candle(date="2024-01-02T09:30:00-05:00") == make_candle()


def test_date_that_utc_cannot_hold_is_a_validation_error() -> None:
    with pytest.raises(ValidationError, match="outside the years"):
        make_candle(date="0001-01-01T00:00:00+05:00")


def test_candle_is_frozen() -> None:
    candle = make_candle()
    with pytest.raises(ValidationError, match="frozen"):
        candle.close = Decimal(1)


def test_unknown_field_is_ignored_unless_forbidden() -> None:
    data = make_candle().model_dump() | {"vwap": "185.1"}
    assert PriceCandle.model_validate(data) == make_candle()
    with pytest.raises(ValidationError, match="vwap"):
        PriceCandle.model_validate(data, extra="forbid")


def test_series_takes_its_range_from_the_candles() -> None:
    early, late = make_candle(), make_candle(date="2024-01-02T14:31:00Z")
    series = PriceDataSeries(symbol="AAPL", timeframe=Timeframe.MINUTE_1, candles=[late, early])
    assert (series.start_date, series.end_date) == (early.date, late.date)


def test_series_keeps_the_range_it_is_given() -> None:
    start, end = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC)
    series = PriceDataSeries(
        symbol="AAPL",
        timeframe=Timeframe.MINUTE_1,
        candles=[make_candle()],
        start_date=start,
        end_date=end,
    )
    assert (series.start_date, series.end_date) == (start, end)


def test_series_may_mix_dates_with_and_without_zone() -> None:
    candles = [make_candle(date="2024-01-02T14:31:00"), make_candle()]
    series = PriceDataSeries(symbol="AAPL", timeframe=Timeframe.MINUTE_1, candles=candles)
    assert series.end_date == datetime(2024, 1, 2, 14, 31, tzinfo=UTC)


def test_series_without_candles_has_no_range() -> None:
    series = PriceDataSeries(symbol="AAPL", timeframe=Timeframe.DAILY, candles=[])
    assert (series.start_date, series.end_date, series.pagination) == (None, None, None)


def test_series_without_symbol_is_refused() -> None:
    with pytest.raises(ValidationError, match="at least 1 character"):
        PriceDataSeries(symbol="", timeframe=Timeframe.DAILY, candles=[])


def test_series_with_a_bad_candle_names_only_that() -> None:
    with pytest.raises(ValidationError) as caught:
        PriceDataSeries.model_validate({"symbol": "A", "timeframe": "1m", "candles": [{}]})
    assert {error["loc"][0] for error in caught.value.errors()} == {"candles"}


@pytest.mark.parametrize("text", ["1min", "1m", "1M", "5min", "1D", "daily"])
def test_series_accepts_spellings_of_timeframes(text: str) -> None:
    data = {"symbol": "AAPL", "timeframe": text, "candles": []}
    expected = {"1m": "1min", "1M": "1mo", "1D": "daily"}.get(text, text)
    assert (
        json.loads(PriceDataSeries.model_validate(data).model_dump_json())["timeframe"] == expected
    )


@pytest.mark.parametrize(
    ("page", "page_size", "fine"),
    [(1, 1, True), (1, 10_000, True), (0, 10, False), (1, 0, False), (1, 10_001, False)],
)
def test_page_bounds(page: int, page_size: int, fine: bool) -> None:
    data = {
        "symbol": "AAPL",
        "timeframe": "daily",
        "candles": [],
        "pagination": {
            "page": page,
            "page_size": page_size,
            "total_items": 0,
            "total_pages": 0,
            "has_next": False,
            "has_previous": False,
        },
    }
    if fine:
        assert PriceDataSeries.model_validate(data).pagination is not None
    else:
        with pytest.raises(ValidationError, match="pagination"):
            PriceDataSeries.model_validate(data)


def test_quote_needs_only_symbol_price_and_time() -> None:
    quote = PriceQuote.model_validate(
        {"symbol": "EUR/USD", "price": "1.08127", "timestamp": "2024-01-02T14:30:00"}
    )
    assert json.loads(quote.model_dump_json()) == {
        "symbol": "EUR/USD",
        "price": "1.08127",
        "timestamp": "2024-01-02T14:30:00Z",
        "bid": None,
        "ask": None,
        "volume": None,
    }


@pytest.mark.parametrize("field", ["price", "bid", "ask"])
@pytest.mark.parametrize("value", ["0", "-1", "Infinity"])
def test_quote_with_a_bad_price_is_refused(field: str, value: str) -> None:
    data = {"symbol": "A", "price": "1", "timestamp": "2024-01-02T14:30:00Z", field: value}
    with pytest.raises(ValidationError, match=field):
        PriceQuote.model_validate(data)


def test_update_status_may_have_no_last_update() -> None:
    status = DataUpdateStatus(
        symbol="AAPL", timeframe="1min", last_update=None, records_updated=0, success=True
    )
    assert status.error_message is None


def test_update_status_needs_last_update_to_be_said() -> None:
    data = {"symbol": "AAPL", "timeframe": "1min", "records_updated": 0, "success": True}
    with pytest.raises(ValidationError, match="last_update"):
        DataUpdateStatus.model_validate(data)


def test_negative_records_updated_is_refused() -> None:
    data = {
        "symbol": "AAPL",
        "timeframe": "1min",
        "last_update": None,
        "records_updated": -1,
        "success": True,
    }
    with pytest.raises(ValidationError, match="records_updated"):
        DataUpdateStatus.model_validate(data)
