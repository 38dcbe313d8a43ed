"""The helpers that earlier releases offered keep their names and answers."""

from __future__ import annotations

import pytest

from simutrador_core import (
    Timeframe,
    get_pandas_frequency,
    get_resampling_rules,
    get_supported_timeframes,
    get_timeframe_minutes,
    validate_timeframe_conversion,
)

PUBLISHED = {
    "1min": (1, "1min"),
    "5min": (5, "5min"),
    "15min": (15, "15min"),
    "30min": (30, "30min"),
    "1h": (60, "1h"),
    "2h": (120, "2h"),
    "4h": (240, "4h"),
    "daily": (1440, "1D"),
}


@pytest.mark.parametrize(("value", "expected"), PUBLISHED.items())
def test_published_timeframes_keep_minutes_and_frequency(
    value: str, expected: tuple[int, str]
) -> None:
    timeframe = Timeframe(value)
    assert (get_timeframe_minutes(timeframe), get_pandas_frequency(timeframe)) == expected


def test_unknown_timeframe_has_no_minutes_and_no_conversion() -> None:
    assert get_timeframe_minutes("3min") is None
    assert validate_timeframe_conversion("3min", "1h") is False
    assert validate_timeframe_conversion("1min", "fortnight") is False


def test_every_timeframe_is_supported_shortest_first() -> None:
    assert list(get_supported_timeframes()) == [*PUBLISHED, "1w", "1mo"]


def test_resampling_rules_are_those_of_ohlcv() -> None:
    assert get_resampling_rules() == {
        "open": "first",
        "high": "max",
        "low": "min",
        "close": "last",
        "volume": "sum",
    }
