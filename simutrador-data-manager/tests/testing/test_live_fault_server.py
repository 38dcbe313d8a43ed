"""The stream that fails on purpose, heard by a plain WebSocket client."""

from __future__ import annotations

import json
import socket
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from simutrador_core.models.enums import Timeframe
from simutrador_core.testing.builders import make_bars
from simutrador_data.testing import (
    FaultServer,
    HouseRules,
    LiveFault,
    LiveFaultServer,
    MarketClock,
)

OPEN: Final = datetime(2024, 2, 1, 14, 30, tzinfo=UTC)
OPEN_MS: Final = 1_706_797_800_000
BARS: Final = [
    make_bars("BTC-USDT", start=OPEN, n=60),
    make_bars("ETH-USDT", start=OPEN, n=60, price=50.0),
    make_bars("BTC-USDT", Timeframe.MINUTE_5, start=OPEN, n=12),
]
SOON_S: Final = 5.0
SILENCE_S: Final = 0.05


def still(**rules: Any) -> LiveFaultServer:
    """Return a server whose time stands still until it is advanced."""
    return LiveFaultServer(BARS, start=OPEN, minute_s=None, rules=HouseRules(**rules))


def line(
    server: LiveFaultServer, streams: str = "btcusdt@kline_1m", **how: Any
) -> ClientConnection:
    address = f"{server.url}/stream?streams={streams}"
    return connect(
        address, proxy=None, ping_interval=None, max_queue=None, close_timeout=0.1, **how
    )


def heard(client: ClientConnection) -> list[str | bytes]:
    """Return all that came so far: the answer to a ping comes behind it."""
    assert client.ping().wait(SOON_S)
    found: list[str | bytes] = []
    while True:
        try:
            found.append(client.recv(timeout=0))
        except TimeoutError:
            return found


def klines(client: ClientConnection) -> list[dict[str, Any]]:
    return [json.loads(one) for one in heard(client)]


def closed(messages: list[dict[str, Any]]) -> list[int]:
    """Return which minutes of the market closed bars are of, in the order they came."""
    bars = [one["data"]["k"] for one in messages]
    return [(bar["t"] - OPEN_MS) // 60_000 for bar in bars if bar["x"]]


def test_a_minute_is_told_when_it_is_over_and_the_next_one_forms() -> None:
    with still() as server, line(server, "btcusdt@kline_1m/ethusdt@kline_1m") as client:
        server.advance()
        found = klines(client)
    assert [one["stream"] for one in found] == ["btcusdt@kline_1m", "ethusdt@kline_1m"] * 2
    event = found[0]["data"]
    assert (event["e"], event["E"], event["s"]) == ("kline", OPEN_MS + 60_000, "BTCUSDT")
    bar = event["k"]
    assert (bar["t"], bar["T"], bar["i"], bar["x"]) == (OPEN_MS, OPEN_MS + 59_999, "1m", True)
    prices = [bar[name] for name in "ohlcv"]
    assert prices == [
        "100.00000000",
        "100.05000000",
        "99.95000000",
        "100.01000000",
        "1000.00000000",
    ]
    forming = found[2]["data"]["k"]
    assert (forming["t"], forming["x"], forming["v"]) == (OPEN_MS + 60_000, False, "500.00000000")


def test_a_message_has_the_shape_of_a_recorded_one(test_data: Path) -> None:
    recorded = (
        test_data
        / "providers/binance/rest_ws_samples/websocket_service__TestWsCombinedKlineServe.json"
    )
    real = json.loads(recorded.read_text(encoding="utf-8"))
    with still() as server, line(server) as client:
        server.advance()
        ours = klines(client)[0]
    for mine, theirs in (
        (ours, real),
        (ours["data"], real["data"]),
        (ours["data"]["k"], real["data"]["k"]),
    ):
        assert {name: type(value) for name, value in mine.items()} == {
            name: type(value) for name, value in theirs.items()
        }


def test_a_longer_bar_closes_after_its_last_minute() -> None:
    with still() as server, line(server, "btcusdt@kline_5m") as client:
        server.advance(5)
        assert [one["data"]["k"]["x"] for one in klines(client)] == [False] * 4 + [True, False]


def test_bars_of_before_are_not_told_and_rest_has_them() -> None:
    with still() as server, FaultServer(BARS, now=server.clock.now) as vendor:
        server.advance(3)
        with line(server) as client:
            server.advance()
            assert closed(klines(client)) == [3]
        where = f"{vendor.url('binance')}/api/v3/klines?symbol=BTCUSDT&interval=1m"
        rows = httpx.get(where, trust_env=False).json()
    assert [(row[0] - OPEN_MS) // 60_000 for row in rows] == [0, 1, 2, 3]


def test_time_passes_by_itself() -> None:
    with LiveFaultServer(BARS, start=OPEN, minute_s=0.01) as server, line(server) as client:
        found = [json.loads(client.recv(timeout=SOON_S)) for _ in range(8)]
    minutes = closed(found)
    assert minutes == list(range(minutes[0], minutes[0] + len(minutes)))
    assert len(minutes) == 4


def test_two_clocks_show_the_same_time() -> None:
    clock = MarketClock(OPEN, 0.5)
    other = MarketClock(OPEN, 0.5, begun=clock.begun)
    first, second, third = clock.now(), other.now(), clock.now()
    assert first <= second <= third
    began = MarketClock(OPEN, 0.5, begun=time.monotonic() - 1.0)
    assert timedelta(minutes=2) <= began.now() - OPEN < timedelta(minutes=60)
    assert 0.0 < began.seconds_until(began.now() + timedelta(hours=1)) <= 30.0


@pytest.mark.parametrize(
    ("fault", "minutes"),
    [
        (LiveFault.SKIPPED, [0, 2]),
        (LiveFault.OUT_OF_ORDER, [0, 2, 1]),
        (LiveFault.REPEATED, [0, 1, 1, 0, 1, 2]),
        (LiveFault.SHIFTED, [0, 61, -59, -4, 1, 2]),
        (LiveFault.BROKEN_BAR, [0, 1, 1, 1, 2]),
        (LiveFault.HUGE, [0, 1, 2]),
    ],
)
def test_a_minute_meets_its_fault(fault: LiveFault, minutes: list[int]) -> None:
    with still(huge_bytes=1_000) as server, line(server) as client:
        server.inject(None, fault, None)
        server.advance(3)
        assert closed(klines(client)) == minutes
        assert [one.fault for one in server.strikes] == [fault]


def test_bars_that_cannot_be_are_each_wrong_in_one_way() -> None:
    with still() as server, line(server) as client:
        server.inject(LiveFault.BROKEN_BAR)
        server.advance()
        bars = [one["data"]["k"] for one in klines(client)[:3]]
    assert float(bars[0]["h"]) < float(bars[0]["l"])
    assert float(bars[1]["l"]) < 0
    assert bars[2]["c"] == "NaN"


def test_another_series_comes_under_its_name_and_under_ours() -> None:
    with still() as server, line(server) as client:
        server.inject(LiveFault.WRONG_SERIES)
        server.advance()
        found = [(one["stream"], one["data"]["s"], one["data"]["k"]["i"]) for one in klines(client)]
    assert found[:4] == [
        ("btcusdt@kline_1m", "OTHERUSDT", "1m"),
        ("otherusdt@kline_1m", "OTHERUSDT", "1m"),
        ("btcusdt@kline_1m", "BTCUSDT", "5m"),
        ("btcusdt@kline_1m", "BTCUSDT", "1m"),
    ]


def test_garbage_takes_the_place_of_a_bar() -> None:
    with still() as server, line(server) as client:
        server.inject(LiveFault.GARBAGE)
        server.advance()
        found = heard(client)
    assert found[0] == "<html>"
    assert json.loads(found[-1])["data"]["k"]["x"] is False
    assert b"\x00\xff\xfe" in found
    assert not any(
        b'"x": true' in (one if isinstance(one, bytes) else one.encode()) for one in found
    )


def test_a_huge_message_is_more_than_a_client_takes() -> None:
    with still(huge_bytes=2 << 20) as server, line(server, max_size=1 << 20) as client:
        server.inject(LiveFault.HUGE)
        server.advance()
        with pytest.raises(ConnectionClosedError) as caught:
            client.recv(timeout=SOON_S)
        assert caught.value.sent is not None
        assert caught.value.sent.code == 1009


@pytest.mark.parametrize("fault", [LiveFault.MUTE, LiveFault.HALF_OPEN])
def test_a_dead_line_says_nothing_answers_nothing_and_stays(fault: LiveFault) -> None:
    with still() as server, line(server) as client:
        server.inject(None, fault)
        server.advance(3)
        assert closed([json.loads(client.recv(timeout=SOON_S)) for _ in range(2)]) == [0]
        assert not client.ping().wait(SILENCE_S)
        with pytest.raises(TimeoutError):
            client.recv(timeout=SILENCE_S)
        with line(server) as other:
            server.advance()
            assert closed(klines(other)) == [3]
        strike = server.strikes[0]
        assert (strike.fault, strike.connections) == (fault, (1,))


def test_a_mute_line_reads_and_a_half_open_one_does_not() -> None:
    """What nobody reads fills the buffers on the way, and a client can send no more."""
    for fault, stuck in ((LiveFault.MUTE, False), (LiveFault.HALF_OPEN, True)):
        with still() as server, line(server) as client:
            server.inject(fault)
            server.advance()
            raw = client.socket
            raw.settimeout(SILENCE_S * 4)
            sent = sent_before_it_blocks(raw, most=64 << 20)
        assert (sent < 64 << 20) is stuck


def sent_before_it_blocks(raw: socket.socket, *, most: int) -> int:
    sent = 0
    with suppress(TimeoutError):
        while sent < most:
            sent += raw.send(bytes(1 << 20))
    return sent


def test_a_line_is_cut_with_a_word_and_reset_without() -> None:
    with still() as server:
        with line(server) as client:
            server.inject(LiveFault.CUT)
            server.advance()
            with pytest.raises(ConnectionClosedOK) as caught:
                client.recv(timeout=SOON_S)
            assert caught.value.rcvd is not None
            assert caught.value.rcvd.code == 1001
        with line(server) as client:
            server.inject(LiveFault.RESET)
            server.advance()
            with pytest.raises(ConnectionClosedError):
                client.recv(timeout=SOON_S)


def test_every_line_is_cut_after_so_many_minutes() -> None:
    with still(cut_after=2) as server, line(server) as client:
        server.advance(3)
        found = [json.loads(one) for one in client]
    assert closed(found) == [0, 1]


def test_faults_of_the_door_wait_for_the_next_clients() -> None:
    with still() as server:
        server.inject(LiveFault.REFUSED_406, LiveFault.REFUSED_429, LiveFault.ERROR_406)
        for status in (406, 429):
            with pytest.raises(InvalidStatus) as caught:
                line(server)
            assert caught.value.response.status_code == status
        with line(server) as client:
            error = json.loads(client.recv(timeout=SOON_S))
            assert error == [{"T": "error", "code": 406, "msg": "connection limit exceeded"}]
            server.advance()
            assert heard(client) == []
        with line(server) as client:
            server.advance()
            assert closed(klines(client)) == [1]
        assert [one.status for one in server.connects] == [406, 429, 101, 101]
        assert all(a.at < b.at for a, b in pairwise(server.connects))


def test_a_second_line_is_refused_while_the_first_is_thought_open() -> None:
    with still(most_open=1, forget_s=0.2) as server:
        with line(server) as first:
            assert heard(first) == []
            with pytest.raises(InvalidStatus, match="406"):
                line(server)
        # The first one has left, and says so; a half-open one is missed after a while.
        with patient_line(server):
            server.inject(LiveFault.HALF_OPEN)
            server.advance()
            with patient_line(server):
                assert server.connects[-1].at - server.strikes[0].at > 0.19


def patient_line(server: LiveFaultServer) -> ClientConnection:
    """Connect as soon as the server lets us."""
    given_up = time.monotonic() + SOON_S
    while True:
        try:
            return line(server)
        except InvalidStatus:
            assert time.monotonic() < given_up
            server.wait_for_connects(len(server.connects) + 1, 0.02)


def test_a_minute_nobody_hears_uses_no_fault_up() -> None:
    with still() as server:
        server.inject(LiveFault.SKIPPED)
        server.advance(2)
        assert server.strikes == ()
        with line(server) as client:
            server.advance(2)
            assert closed(klines(client)) == [3]


def test_the_server_pings() -> None:
    request = (
        "GET /stream?streams= HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    with still(ping_s=0.01) as server:
        where = httpx.URL(server.url)
        with socket.create_connection((where.host, where.port or 0), timeout=SOON_S) as raw:
            raw.sendall(request.encode())
            said = raw.recv(4_096)
            while b"\x89\x00" not in said:  # a ping without a payload
                said += raw.recv(4_096)
    assert said.startswith(b"HTTP/1.1 101 ")


def test_another_path_is_not_found() -> None:
    with still() as server, pytest.raises(InvalidStatus, match="404"):
        connect(f"{server.url}/ws/btcusdt@kline_1m", proxy=None)
