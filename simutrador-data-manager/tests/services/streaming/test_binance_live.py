"""Binance's stream: recorded messages in our words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simutrador_core.errors import InputError
from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Timeframe
from simutrador_data.services.data_providers.http import BadAnswerError, NotOfferedError
from simutrador_data.services.streaming.binance import BinanceLive
from simutrador_data.services.streaming.source import refusal_in

CAPTURE = "providers/binance/binance_us/BINANCE_US.ws.1.0"
SAMPLE = "providers/binance/rest_ws_samples/websocket_service__TestWsCombinedKlineServe.json"
COINS = ("CRV-USDT", "COMP-USDT", "OMG-BUSD", "ZRX-USDT")


def test_the_address_names_every_stream_in_small_letters() -> None:
    url = BinanceLive().url(("BTC-USDT", "ETH-USDT"), Timeframe.MINUTE_1)
    assert url == ("wss://stream.binance.com:9443/stream?streams=btcusdt@kline_1m/ethusdt@kline_1m")
    assert BinanceLive("ws://127.0.0.1:1/").url(("BTC-USDT",), Timeframe.DAILY) == (
        "ws://127.0.0.1:1/stream?streams=btcusdt@kline_1d"
    )


def test_what_is_not_streamed_is_refused() -> None:
    with pytest.raises(NotOfferedError, match="AAPL"):
        BinanceLive().url(("AAPL",), Timeframe.MINUTE_1)
    with pytest.raises(NotOfferedError, match="1w"):
        BinanceLive().url(("BTC-USDT",), Timeframe.WEEKLY)
    many = tuple(f"C{at}-USDT" for at in range(201))
    with pytest.raises(InputError, match="201 symbols"):
        BinanceLive().url(many, Timeframe.MINUTE_1)


def test_a_recorded_half_minute_holds_one_closed_bar(test_data: Path) -> None:
    live = BinanceLive()
    live.url(COINS, Timeframe.MINUTE_1)
    lines = (test_data / CAPTURE).read_text().splitlines()[1:]
    messages = [line.partition(": ")[2] for line in lines if ": {" in line]
    assert len(messages) == 480
    (bar,) = [found for message in messages if (found := live.parse(message)) is not None]
    # The fourth of the five klines in the capture: "x":true.
    assert bar.symbol == "OMG-BUSD"
    assert bar.opened_at.tolist() == [1_633_998_240_000_000]
    assert values(bar) == [13.7212, 13.8076, 13.7212, 13.7664, 536.51]


def test_a_forming_bar_is_left_out(test_data: Path) -> None:
    live = BinanceLive()
    live.url(("ETH-BTC",), Timeframe.MINUTE_1)
    recorded = (test_data / SAMPLE).read_text()
    assert live.parse(recorded) is None
    closed = live.parse(recorded.replace('"x": false', '"x": true').encode())
    assert closed is not None
    assert closed.opened_at.tolist() == [1_499_404_860_000_000]
    assert values(closed) == [0.10278577, 0.10278712, 0.10278518, 0.10278645, 17.47929838]


def test_a_daily_bar_carries_its_utc_day() -> None:
    live = BinanceLive()
    live.url(("BTC-USDT",), Timeframe.DAILY)
    bar = live.parse(message(t=1_710_115_200_000, i="1d"))
    assert bar is not None
    assert bar.sessions is not None
    assert bar.sessions.astype(str).tolist() == ["2024-03-11"]


@pytest.mark.parametrize(
    "other",
    [
        {"i": "5m"},
        {"s": "ETHUSDT"},
    ],
)
def test_series_nobody_asked_for_are_left_out(other: dict[str, Any]) -> None:
    live = BinanceLive()
    live.url(("BTC-USDT",), Timeframe.MINUTE_1)
    assert live.parse(message()) is not None
    assert live.parse(message(**other)) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1, 2]",
        "{",
        '{"stream":"btcusdt@kline_1m","data":{"s":"BTCUSDT"}}',
        '{"stream":"btcusdt@kline_1m","data":' + "[" * 300_000,
        b'{"stream":"\xff\xfe@kline_1m","data":{}}',
    ],
    ids=["nothing", "a list", "half", "no bar", "nested", "no text"],
)
def test_what_cannot_be_read_is_said_so(text: str | bytes) -> None:
    live = BinanceLive()
    live.url(("BTC-USDT",), Timeframe.MINUTE_1)
    assert refusal_in(text) is None
    with pytest.raises(BadAnswerError):
        live.parse(text)


def test_a_bar_under_another_name_is_refused() -> None:
    live = BinanceLive()
    live.url(("BTC-USDT", "ETH-USDT"), Timeframe.MINUTE_1)
    text = message()
    for swapped in (
        text.replace("btcusdt@", "ethusdt@"),
        text.replace('"k": {', '"k": {"s": "ETHUSDT", '),
    ):
        with pytest.raises(BadAnswerError, match="BTCUSDT"):
            live.parse(swapped)


@pytest.mark.parametrize("t", [-60_000, 1 << 50, 1_710_158_430_000])
def test_an_instant_that_is_none_is_refused(t: int) -> None:
    live = BinanceLive()
    live.url(("BTC-USDT",), Timeframe.MINUTE_1)
    with pytest.raises(BadAnswerError):
        live.parse(message(t=t))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('[{"T":"error","code":406,"msg":"connection limit exceeded"}]', 406),
        (b'[{"T":"error","code":402,"msg":"auth failed"}]', 402),
        ('{"error":{"code":1003,"msg":"Too much request weight used."}}', 1003),
        ('[{"T":"success","msg":"connected"}]', None),
        ('[{"T":"b","S":"\\"error\\""}]', None),
        ('"error"', None),
        ('{"stream":"btcusdt@kline_1m","data":{}}', None),
    ],
)
def test_an_error_over_an_open_stream_is_a_refusal(text: str | bytes, code: int | None) -> None:
    assert refusal_in(text) == code


def message(*, t: int = 1_710_158_400_000, i: str = "1m", s: str = "BTCUSDT") -> str:
    k = {"t": t, "i": i, "o": "1", "h": "2", "l": "0.5", "c": "1.5", "v": "3", "x": True}
    name = f"{s.lower()}@kline_{i}"
    return json.dumps({"stream": name, "data": {"e": "kline", "s": s, "k": k}})


def values(bar: Bars) -> list[float]:
    return [float(getattr(bar, name)[0]) for name in ("open", "high", "low", "close", "volume")]
