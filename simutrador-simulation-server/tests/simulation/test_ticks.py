"""Ticks are rendered ahead as text: it must be what the models would have written."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simutrador_core.models.enums import Timeframe
from simutrador_core.models.price_data import PriceCandle
from simutrador_core.sessions.exchange import get_calendar
from simutrador_core.testing.builders import make_bars
from simutrador_server.simulation import ticks
from simutrador_server.simulation.wire import price_text, volume_text
from venue_fixtures import Room, minute_bars


@pytest.mark.parametrize(
    ("price", "text"),
    [
        (185.5, "185.50"),
        (185.0, "185.00"),
        (1.08127, "1.08127"),
        (0.00001234, "0.00001234"),
        (97123.45678901, "97123.45678901"),
        (1e15, "1000000000000000.00"),
        (0.1, "0.10"),
        (3.14, "3.14"),
    ],
)
def test_price_text_has_every_digit_and_at_least_two_decimals(price: float, text: str) -> None:
    assert price_text(price) == text


@given(st.floats(min_value=1e-9, max_value=1e15))
def test_price_text_reads_back_exactly(price: float) -> None:
    assert float(price_text(price)) == price
    assert len(price_text(price).partition(".")[2]) >= 2


@pytest.mark.parametrize(
    ("volume", "text"),
    [(1000.0, "1000.00000000"), (0.0, "0.00000000"), (0.5, "0.50000000"), (1e16, "1" + "0" * 16)],
)
def test_volume_text_has_at_least_eight_decimals(volume: float, text: str) -> None:
    assert Decimal(volume_text(volume)) == Decimal(text)
    assert len(volume_text(volume).partition(".")[2]) >= 8


def test_candles_are_what_the_model_writes() -> None:
    bars = minute_bars()
    expected = [
        json.loads(PriceCandle.model_validate(candle.model_dump()).model_dump_json())
        for candle in bars.candles()
    ]
    assert [json.loads(text) for text in ticks.candle_texts(bars)] == expected


def test_instants_keep_their_microseconds() -> None:
    whole = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
    at = np.array([int(whole.timestamp() * 1e6), int(whole.timestamp() * 1e6) + 5], dtype=np.int64)
    assert ticks.instants_text(at[:1]) == ["2024-01-02T14:30:00Z"]
    assert ticks.instants_text(at) == ["2024-01-02T14:30:00Z", "2024-01-02T14:30:00.000005Z"]


def test_symbols_without_a_bar_are_not_trading() -> None:
    room = Room(minute_bars(), minute_bars("MSFT", skip=2))
    guest = room.enter()
    guest.start(symbols=["MSFT", "AAPL"], flow_control=False)
    said = [one.data for one in guest.ticks() if one.type == "tick"]
    assert [one.symbols_trading for one in said[:3]] == [["AAPL"], ["AAPL"], ["MSFT", "AAPL"]]
    assert [list(one.candles) for one in said[:3]] == [["AAPL"], ["AAPL"], ["MSFT", "AAPL"]]
    assert len(said) == 7


def test_long_runs_are_rendered_in_parts_without_a_seam() -> None:
    closes = [100 + n / 100 for n in range(ticks.CHUNK + 50)]
    guest = Room(make_bars(close=closes)).enter()
    guest.start(flow_control=False)
    said = [one.data for one in guest.ticks() if one.type == "tick"]
    assert [float(one.candles["AAPL"].close) for one in said] == closes
    minutes = {(b.sim_time - a.sim_time) for a, b in pairwise(said)}
    assert minutes == {timedelta(minutes=1)}


def test_last_bar_of_the_session_ends_the_day_also_on_a_half_day() -> None:
    # 3 July 2024 closed at 13:00 in New York, 17:00 UTC.
    last_minutes = datetime(2024, 7, 3, 16, 58, tzinfo=UTC)
    guest = Room(make_bars(start=last_minutes, n=2)).enter()
    guest.start(start_date="2024-07-03", end_date="2024-07-04", flow_control=False)
    said = [one.data for one in guest.ticks() if one.type == "tick"]
    assert [one.is_eod for one in said] == [False, True]


@pytest.mark.parametrize(
    ("at", "phase"),
    [
        ((14, 31), "regular"),
        ((21, 0), "regular"),
        ((13, 0), "pre_market"),
        ((22, 0), "after_hours"),
    ],
)
def test_phase_of_the_day_is_that_of_the_exchange(at: tuple[int, int], phase: str) -> None:
    closes = datetime(2024, 1, 3, *at, tzinfo=UTC)
    guest = Room(make_bars(start=closes - timedelta(minutes=1), n=1)).enter()
    guest.start(start_date="2024-01-03", end_date="2024-01-04")
    (tick,) = guest.ticks()
    assert tick.data.market_session == phase


def test_daily_bar_is_told_at_its_sessions_close() -> None:
    calendar = get_calendar("XNYS")
    days = [date(2024, 7, day) for day in (1, 2, 3)]
    opens = [calendar.hours(day).open for day in days]
    daily = make_bars("AAPL", Timeframe.DAILY, opened_at=opens, close=[1.0, 2.0, 3.0])
    guest = Room(daily).enter()
    guest.start(
        start_date="2024-07-01", end_date="2024-07-04", timeframe="daily", flow_control=False
    )
    said = [one.data for one in guest.ticks() if one.type == "tick"]
    assert [one.sim_time.hour for one in said] == [20, 20, 17]
    assert all(one.is_eod for one in said)
    assert [one.candles["AAPL"].date.hour for one in said] == [13, 13, 13]


def test_day_profit_starts_anew_with_each_session() -> None:
    first = datetime(2024, 1, 2, 20, 58, tzinfo=UTC)
    times = [first, first + timedelta(minutes=1), datetime(2024, 1, 3, 14, 30, tzinfo=UTC)]
    guest = Room(make_bars(opened_at=times, close=[100.0, 100.0, 103.0])).enter()
    guest.start(start_date="2024-01-02", end_date="2024-01-04", commission_per_share=0)
    guest.ticks()
    order = {"order_id": "a", "symbol": "AAPL", "side": "buy", "type": "market", "quantity": 10}
    guest.send("order_batch", {"batch_id": "b", "orders": [order]})
    guest.ack(1)
    guest.ticks()
    guest.ack(2)
    guest.ticks()
    (held,) = guest.send("query_positions")
    assert (held.data.day_pnl, held.data.equity) == (Decimal("30.00"), Decimal("100030.00"))


def test_without_an_exchange_the_session_is_the_utc_day() -> None:
    day = 86_400_000_000
    closes = np.array([day, day + 1, 2 * day], dtype=np.int64)
    assert ticks.session_of(closes, None).tolist() == [
        date(1970, 1, 1),
        date(1970, 1, 2),
        date(1970, 1, 2),
    ]
