"""Builders give what their docstrings say."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from simutrador_core.models.bars import Bars, to_us
from simutrador_core.models.enums import Timeframe
from simutrador_core.testing.builders import (
    START,
    covering,
    make_bars,
    make_candle,
    make_change,
    query_all,
)
from simutrador_core.testing.comparing import assert_same_bars, find_difference, joined


def test_default_bars_are_five_minutes_of_cents() -> None:
    bars = make_bars()
    assert (bars.symbol, bars.timeframe, len(bars)) == ("AAPL", Timeframe.MINUTE_1, 5)
    assert bars.first == START
    assert bars.last == START + timedelta(minutes=4)
    assert bars.open.tolist() == [100.0, 100.01, 100.02, 100.03, 100.04]
    assert bars.close.tolist() == [100.01, 100.02, 100.03, 100.04, 100.05]


def test_given_closes_are_taken_as_they_are() -> None:
    bars = make_bars("EUR/USD", close=[1.08127, 1.08131])
    assert bars.open.tolist() == bars.close.tolist() == [1.08127, 1.08131]


@pytest.mark.parametrize(
    ("timeframe", "step"),
    [
        (Timeframe.MINUTE_1, timedelta(minutes=1)),
        (Timeframe.HOUR_4, timedelta(hours=4)),
        (Timeframe.DAILY, timedelta(days=1)),
        (Timeframe.WEEKLY, timedelta(days=7)),
    ],
)
def test_bars_are_one_timeframe_apart(timeframe: Timeframe, step: timedelta) -> None:
    bars = make_bars(timeframe=timeframe, n=3)
    assert bars.last == START + 2 * step


def test_daily_bars_carry_the_utc_date_as_session() -> None:
    bars = make_bars(timeframe=Timeframe.DAILY, n=2)
    assert bars.sessions is not None
    assert bars.sessions.tolist() == [date(2024, 1, 2), date(2024, 1, 3)]


def test_times_can_be_given() -> None:
    instants = [datetime(2024, 1, 2, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC)]
    bars = make_bars(opened_at=instants)
    assert [bars.first, bars.last] == instants


def test_candle_keeps_decimal_text_exactly() -> None:
    assert make_candle(close="0.00001234", low="0.00001").close == Decimal("0.00001234")


def test_change_holds_pages_and_covered() -> None:
    bars = make_bars()
    change = make_change(bars, covered=[covering(bars)])
    assert list(change.pages) == [bars]
    assert change.covered[0].start == START
    assert change.covered[0].end == START + timedelta(minutes=4, microseconds=1)


def test_query_all_covers_any_bar() -> None:
    query = query_all("X")
    assert to_us(query.start) < 0 < to_us(query.end)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (make_bars("IBM"), "series IBM"),
        (make_bars(n=4), "4 bars, expected 5: 1 absent, 0 too many"),
        (make_bars(price=50), "open of AAPL"),
        (make_bars(synthetic=[True] + [False] * 4), "synthetic of AAPL"),
    ],
)
def test_differences_are_named(other: Bars, words: str) -> None:
    assert words in str(find_difference(other, make_bars()))
    with pytest.raises(AssertionError, match=r"AAPL|IBM"):
        assert_same_bars(other, make_bars())


def test_joined_parts_are_the_whole_and_no_parts_are_empty() -> None:
    bars = make_bars(n=6)
    assert_same_bars(
        joined([bars.take(slice(0, 2)), bars.take(slice(2, 6))], series=bars.series), bars
    )
    assert len(joined([], series=bars.series)) == 0
