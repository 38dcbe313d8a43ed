from __future__ import annotations

import pandas as pd
import pytest

from simutrador_core.errors import InvalidTimeframeError
from simutrador_core.models.enums import Timeframe
from simutrador_core.utils.timeframe_utils import (
    get_pandas_frequency,
    get_timeframe_minutes,
    parse_timeframe,
    timeframe_us,
    validate_timeframe_conversion,
)

SPELLINGS = {
    Timeframe.MINUTE_1: "1min 1m 1Min min minute 1T 1minute",
    Timeframe.MINUTE_5: "5min 5m 5T 5minutes",
    Timeframe.MINUTE_15: "15min 15m",
    Timeframe.MINUTE_30: "30min 30m 30mins",
    Timeframe.HOUR_1: "1h 1H 60min 60m hour hourly 1hour",
    Timeframe.HOUR_2: "2h 2H 120m",
    Timeframe.HOUR_4: "4h 4hours 240min",
    Timeframe.DAILY: "daily 1d 1D d D day 1day Daily",
    Timeframe.WEEKLY: "1w 1W week weekly 1wk",
    Timeframe.MONTHLY: "1mo 1M M month monthly 1MO 1month",
}


@pytest.mark.parametrize(
    ("text", "timeframe"),
    [(text, timeframe) for timeframe, texts in SPELLINGS.items() for text in texts.split()],
)
def test_usual_spellings_are_read(text: str, timeframe: Timeframe) -> None:
    assert parse_timeframe(text) is timeframe


@pytest.mark.parametrize("timeframe", Timeframe)
def test_every_wire_value_names_itself(timeframe: Timeframe) -> None:
    assert parse_timeframe(timeframe.value) is timeframe
    assert parse_timeframe(timeframe) is timeframe


@pytest.mark.parametrize(
    "text",
    ["", "3min", "0min", "-1min", "1", "1x", "2d", "24h", "1 min ", "1.5h", "\u0661min", "99999m"],
)
def test_other_texts_are_refused_with_the_list(text: str) -> None:
    with pytest.raises(InvalidTimeframeError, match="is no timeframe; use one of 1min, 5min") as e:
        parse_timeframe(text)
    assert e.value.field == "timeframe"


@pytest.mark.parametrize("timeframe", [tf for tf in Timeframe if tf is not Timeframe.MONTHLY])
def test_lengths_agree_with_pandas(timeframe: Timeframe) -> None:
    text = {"daily": "1D", "1w": "7D"}.get(timeframe.value, timeframe.value)
    length = pd.Timedelta(text)
    assert timeframe_us(timeframe) == length // pd.Timedelta(microseconds=1)
    assert get_timeframe_minutes(timeframe) == length // pd.Timedelta(minutes=1)


def test_month_has_no_fixed_length() -> None:
    assert get_timeframe_minutes("1mo") is None
    with pytest.raises(InvalidTimeframeError, match="1mo has no fixed length"):
        timeframe_us("1mo")


def test_length_of_an_alias() -> None:
    assert timeframe_us("60m") == 3_600_000_000


@pytest.mark.parametrize("timeframe", Timeframe)
def test_pandas_understands_every_frequency(timeframe: Timeframe) -> None:
    offset = pd.tseries.frequencies.to_offset(get_pandas_frequency(timeframe))
    assert offset is not None


def test_pandas_frequency_of_an_unknown_timeframe_is_refused() -> None:
    with pytest.raises(InvalidTimeframeError):
        get_pandas_frequency("3min")


CONVERSIONS = {
    # source: the targets it can be made into
    "1min": "5min 15min 30min 1h 2h 4h daily 1w 1mo",
    "5min": "15min 30min 1h 2h 4h daily 1w 1mo",
    "15min": "30min 1h 2h 4h daily 1w 1mo",
    "30min": "1h 2h 4h daily 1w 1mo",
    "1h": "2h 4h daily 1w 1mo",
    "2h": "4h daily 1w 1mo",
    "4h": "daily 1w 1mo",
    "daily": "1w 1mo",
    "1w": "",
    "1mo": "",
}


@pytest.mark.parametrize("source", Timeframe)
@pytest.mark.parametrize("target", Timeframe)
def test_only_longer_and_whole_targets_can_be_made(source: Timeframe, target: Timeframe) -> None:
    expected = target.value in CONVERSIONS[source.value].split()
    assert validate_timeframe_conversion(source, target) is expected
