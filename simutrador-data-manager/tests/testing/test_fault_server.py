"""The vendor that fails on purpose: honest answers in each vendor's words, and every fault."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import numpy as np
import pytest

from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Timeframe
from simutrador_core.testing.builders import make_bars
from simutrador_data.testing import (
    P1_FAULTS,
    Fault,
    FaultServer,
    Pace,
    Reply,
    Schedule,
    ideal_requests,
    most_in_window,
)

# Thursday 2024-02-01, 09:30 in New York; a time in winter shows a fixed offset of summer.
OPEN: Final = datetime(2024, 2, 1, 14, 30, tzinfo=UTC)
OPEN_MS: Final = 1_706_797_800_000
QUICK: Final = Pace(drip_s=0.01, hang_s=5.0, bomb_bytes=8 << 20)


def minutes(symbol: str = "AAPL", n: int = 10, price: float = 100.0) -> Bars:
    return make_bars(symbol, start=OPEN, n=n, price=price)


def days() -> Bars:
    bars = make_bars("AAPL", Timeframe.DAILY, start=OPEN, n=2)
    return replace(bars, sessions=np.array(["2024-02-01", "2024-02-02"], dtype="datetime64[D]"))


@pytest.fixture
def server() -> Iterator[FaultServer]:
    bars = [
        minutes(),
        minutes("MSFT", price=400.0),
        minutes("BTC-USDT"),
        minutes("BTC-USD"),
        days(),
    ]
    with FaultServer(bars, page_rows=4, pace=QUICK) as started:
        yield started


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=httpx.Timeout(0.3), trust_env=False) as opened:
        yield opened


POLYGON: Final = "/v2/aggs/ticker/AAPL/range/1/minute/2024-02-01/2024-02-01?limit=50000"
EVERYWHERE: Final = {
    "polygon": POLYGON,
    "binance": f"/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime={OPEN_MS}&limit=4",
    "yahoo": "/v8/finance/chart/AAPL?interval=1m&period1=1706797800&period2=1706798400",
    "fmp": "/historical-chart/1min?symbol=AAPL&from=2024-02-01&to=2024-02-01",
    "tiingo": "/iex/AAPL/prices?resampleFreq=1min&columns=open,high,low,close,volume",
    "alpaca": "/v2/stocks/bars?symbols=AAPL&timeframe=1Min&start=2024-02-01&limit=4",
}


def ask(client: httpx.Client, server: FaultServer, vendor: str = "polygon", path: str = "") -> Any:
    answer = client.get(server.url(vendor) + (path or EVERYWHERE[vendor]))
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_polygon_gives_pages_and_says_where_the_next_is(
    server: FaultServer, client: httpx.Client
) -> None:
    page = ask(client, server)
    assert page["results"][0] == {
        "v": 1000.0,
        "vw": 100.01,
        "o": 100.0,
        "c": 100.01,
        "h": 100.05,
        "l": 99.95,
        "t": OPEN_MS,
        "n": 1,
    }
    times = []
    while True:
        times += [bar["t"] for bar in page["results"]]
        if "next_url" not in page:
            break
        page = client.get(page["next_url"]).json()
    assert times == [OPEN_MS + 60_000 * n for n in range(10)]
    assert len(server.calls) == ideal_requests(server.calls) == 3


def test_binance_gives_text_and_as_many_rows_as_are_asked(
    server: FaultServer, client: httpx.Client
) -> None:
    rows = ask(client, server, "binance")
    assert len(rows) == 4
    assert rows[1][:7] == [
        OPEN_MS + 60_000,
        "100.01000000",
        "100.06000000",
        "99.96000000",
        "100.02000000",
        "1001.00000000",
        OPEN_MS + 119_999,
    ]


def test_yahoo_gives_columns_of_seconds_and_no_columns_without_bars(
    server: FaultServer, client: httpx.Client
) -> None:
    result = ask(client, server, "yahoo")["chart"]["result"][0]
    assert result["timestamp"][0] == OPEN_MS // 1_000
    assert result["indicators"]["quote"][0]["close"][:2] == [100.01, 100.02]
    assert result["meta"]["symbol"] == "AAPL"
    path = "/v8/finance/chart/AAPL?interval=1m&period1=1706659200&period2=1706745600"
    empty = ask(client, server, "yahoo", path)["chart"]["result"][0]
    assert "timestamp" not in empty
    assert empty["indicators"] == {"quote": [{}]}


def test_fmp_gives_new_york_time_newest_first(server: FaultServer, client: httpx.Client) -> None:
    bars = ask(client, server, "fmp")
    assert [bars[0]["date"], bars[-1]["date"]] == ["2024-02-01 09:39:00", "2024-02-01 09:30:00"]
    assert bars[-1]["low"] == 99.95
    path = "/historical-price-eod/full?symbol=AAPL&from=2024-02-01&to=2024-02-01"
    assert [bar["date"] for bar in ask(client, server, "fmp", path)] == ["2024-02-01"]


def test_tiingo_gives_iso_times_and_only_the_columns_asked_for(
    server: FaultServer, client: httpx.Client
) -> None:
    bars = ask(client, server, "tiingo")
    assert bars[0]["date"] == "2024-02-01T14:30:00.000Z"
    assert bars[0]["volume"] == 1000.0
    assert "volume" not in ask(client, server, "tiingo", "/iex/AAPL/prices?resampleFreq=1min")[0]
    day = ask(client, server, "tiingo", "/tiingo/daily/AAPL/prices?startDate=2024-02-02")
    assert [(bar["date"], bar["adjClose"]) for bar in day] == [("2024-02-02T00:00:00.000Z", 100.02)]


def test_alpaca_gives_a_token_for_the_next_page(server: FaultServer, client: httpx.Client) -> None:
    page = ask(client, server, "alpaca")
    assert page["bars"]["AAPL"][3]["t"] == "2024-02-01T14:33:00Z"
    path = EVERYWHERE["alpaca"] + f"&page_token={page['next_page_token']}"
    assert ask(client, server, "alpaca", path)["bars"]["AAPL"][0]["t"] == "2024-02-01T14:34:00Z"


def test_a_day_is_labelled_by_new_yorks_midnight_at_polygon_and_alpaca(
    server: FaultServer, client: httpx.Client
) -> None:
    page = ask(client, server, "polygon", "/v2/aggs/ticker/AAPL/range/1/day/2024-02-01/2024-02-02")
    assert [bar["t"] for bar in page["results"]] == [1_706_763_600_000, 1_706_850_000_000]
    path = "/v2/stocks/bars?symbols=AAPL&timeframe=1Day&start=2024-02-01&end=2024-02-02T12:00:00Z"
    bars = ask(client, server, "alpaca", path)["bars"]["AAPL"]
    assert [bar["t"] for bar in bars] == ["2024-02-01T05:00:00Z", "2024-02-02T05:00:00Z"]


def test_vendors_spell_crypto_in_their_own_way(server: FaultServer, client: httpx.Client) -> None:
    path = "/v2/aggs/ticker/X:BTCUSD/range/1/minute/2024-02-01/2024-02-01"
    assert ask(client, server, "polygon", path)["ticker"] == "X:BTCUSD"
    path = "/v8/finance/chart/BTC-USD?interval=1m&period1=1706797800&period2=1706798400"
    meta = ask(client, server, "yahoo", path)["chart"]["result"][0]["meta"]
    assert (meta["symbol"], meta["exchangeTimezoneName"]) == ("BTC-USD", "UTC")


@pytest.mark.parametrize(
    ("vendor", "path", "status", "said"),
    [
        ("polygon", "/v2/aggs/ticker/NOPE/range/1/minute/2024-02-01/2024-02-01", 200, '"count": 0'),
        ("binance", "/api/v3/klines?symbol=NOPE&interval=1m", 400, "Invalid symbol."),
        ("yahoo", "/v8/finance/chart/NOPE?interval=1m", 404, "symbol may be delisted"),
        ("tiingo", "/iex/NOPE/prices", 404, "Ticker 'NOPE' not found"),
        ("alpaca", "/v2/stocks/bars?symbols=NOPE&timeframe=1Min", 200, '"bars": {}'),
    ],
)
def test_an_unknown_symbol_is_answered_as_the_vendor_does(
    server: FaultServer, client: httpx.Client, vendor: str, path: str, status: int, said: str
) -> None:
    answer = client.get(server.url(vendor) + path)
    assert answer.status_code == status
    assert said in answer.text


@pytest.mark.parametrize(("asked", "said"), [("false", False), ("true", True)])
def test_polygon_calls_no_bars_adjusted_when_raw_ones_were_asked(
    server: FaultServer, client: httpx.Client, asked: str, said: bool
) -> None:
    unknown = POLYGON.replace("AAPL", "NOPE")
    for path in (POLYGON, unknown):
        assert ask(client, server, "polygon", f"{path}&adjusted={asked}")["adjusted"] is said


@pytest.mark.parametrize(
    ("passed", "volumes"),
    [
        (timedelta(0), []),
        (timedelta(seconds=1), ["500.00000000"]),
        (timedelta(minutes=2), ["1000.00000000", "1001.00000000"]),
        (timedelta(minutes=2, seconds=30), ["1000.00000000", "1001.00000000", "501.00000000"]),
    ],
)
def test_a_vendor_with_a_clock_has_the_bars_opened_by_then_and_the_last_one_half(
    client: httpx.Client, passed: timedelta, volumes: list[str]
) -> None:
    with FaultServer([minutes("BTC-USDT")], now=lambda: OPEN + passed) as server:
        assert [row[5] for row in ask(client, server, "binance")] == volumes


@pytest.mark.parametrize(
    ("vendor", "path"),
    [
        ("polygon", "/v3/reference/tickers?ticker={}"),
        ("polygon", "/v3/reference/tickers/{}"),
        ("binance", "/api/v3/exchangeInfo?symbol={}"),
        ("fmp", "/profile?symbol={}"),
        ("alpaca", "/v2/stocks/trades/latest?symbols={}"),
        ("tiingo", "/tiingo/daily/{}"),
    ],
)
def test_a_symbol_can_be_looked_up(
    server: FaultServer, client: httpx.Client, vendor: str, path: str
) -> None:
    known, unknown = (client.get(server.url(vendor) + path.format(s)) for s in ("AAPL", "NOPE"))
    assert known.status_code == 200
    assert "AAPL" in known.text
    listed: Any = unknown.json() if unknown.status_code == 200 else []
    assert not listed or not (listed.get("results") or listed.get("trades"))


@pytest.mark.parametrize("vendor", EVERYWHERE)
@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault.RATE_LIMIT, 429),
        (Fault.SERVER_ERROR, 500),
        (Fault.BAD_GATEWAY, 502),
        (Fault.UNAVAILABLE, 503),
        (Fault.UNAUTHORIZED, 401),
        (Fault.FORBIDDEN, 403),
    ],
)
def test_a_status_is_served_once_and_then_the_bars(
    server: FaultServer, client: httpx.Client, vendor: str, fault: Fault, status: int
) -> None:
    server.inject(fault)
    assert client.get(server.url(vendor) + EVERYWHERE[vendor]).status_code == status
    assert ask(client, server, vendor)
    assert [call.fault for call in server.calls] == [fault, None]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.RESET, httpx.ReadError),
        (Fault.READ_TIMEOUT, httpx.ReadTimeout),
        (Fault.TLS_ERROR, httpx.RemoteProtocolError),
        (Fault.REFUSED, (httpx.ReadError, httpx.RemoteProtocolError)),
    ],
)
def test_a_broken_connection_breaks_where_it_should(
    server: FaultServer, client: httpx.Client, fault: Fault, error: Any
) -> None:
    server.inject(fault)
    with pytest.raises(error):
        client.get(server.url("polygon") + POLYGON)


def test_a_vendor_that_is_gone_refuses_until_it_is_back(
    server: FaultServer, client: httpx.Client
) -> None:
    ask(client, server)
    server.always(Fault.REFUSED)
    with pytest.raises(httpx.ConnectError):
        client.get(server.url("polygon") + POLYGON)
    server.always(Fault.CONNECT_TIMEOUT)
    with pytest.raises(httpx.ConnectTimeout):
        client.get(server.url("polygon") + POLYGON)
    server.always(None)
    assert ask(client, server)["resultsCount"] == 4


def test_a_secure_address_fails_in_the_handshake(server: FaultServer, client: httpx.Client) -> None:
    with pytest.raises(httpx.ConnectError, match="SSL"):
        client.get(server.url("polygon", secure=True) + POLYGON)
    assert [call.fault for call in server.calls] == [Fault.TLS_ERROR]


@pytest.mark.parametrize("fault", [Fault.TOTAL_TIMEOUT, Fault.SLOW_DRIP])
def test_a_trickle_outlasts_every_timeout_of_a_read(server: FaultServer, fault: Fault) -> None:
    server.inject(fault)
    where = httpx.URL(server.url("polygon"))
    with socket.create_connection((where.host, where.port or 0), timeout=2.0) as raw:
        raw.sendall(f"GET {POLYGON} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        pieces = [raw.recv(4_096) for _ in range(6)]
    assert all(pieces)
    ended = b"\r\n\r\n" in b"".join(pieces)
    assert ended == (fault is Fault.SLOW_DRIP)


def test_the_bomb_is_a_page_behind_white_space(server: FaultServer, client: httpx.Client) -> None:
    server.inject(Fault.GZIP_BOMB)
    with client.stream("GET", server.url("polygon") + POLYGON) as answer:
        packed = b"".join(answer.iter_raw())
    whole = gzip.decompress(packed)
    assert json.loads(whole)["resultsCount"] == 4
    assert len(whole) > QUICK.bomb_bytes > 500 * len(packed)


@pytest.mark.parametrize(
    ("fault", "kind", "body"),
    [
        (Fault.HTML, "text/html; charset=utf-8", b"<!DOCTYPE html>"),
        (Fault.WRONG_CONTENT_TYPE, "image/png", b'{"ticker":"AAPL"'),
        (Fault.TRUNCATED_JSON, "application/json; charset=utf-8", b'{"ticker":"AAPL"'),
        (Fault.NO_BODY, "application/json; charset=utf-8", b""),
    ],
)
def test_a_wrong_body_comes_with_status_200(
    server: FaultServer, client: httpx.Client, fault: Fault, kind: str, body: bytes
) -> None:
    server.inject(fault)
    answer = client.get(server.url("polygon") + POLYGON)
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    assert answer.content.startswith(body)
    if fault is Fault.TRUNCATED_JSON:
        with pytest.raises(json.JSONDecodeError):
            answer.json()


def test_redirects_never_end(server: FaultServer, client: httpx.Client) -> None:
    server.inject(Fault.REDIRECT_LOOP)
    with pytest.raises(httpx.TooManyRedirects):
        client.get(server.url("polygon") + POLYGON, follow_redirects=True)
    assert len(server.calls) > 20


def test_the_wait_of_a_rate_limit_is_told(server: FaultServer, client: httpx.Client) -> None:
    server.inject(Fault.RATE_LIMIT_WITH_WAIT)
    answer = client.get(server.url("polygon") + POLYGON)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")


def second_page(client: httpx.Client, server: FaultServer, fault: Fault) -> Any:
    first = ask(client, server)
    server.inject(fault)
    return client.get(first["next_url"]).json()


def at(page: Any) -> list[int]:
    """Return which minutes of the session a page holds."""
    return [(bar["t"] - OPEN_MS) // 60_000 for bar in page.get("results", [])]


def test_faults_of_the_bars_spoil_a_page_as_told(server: FaultServer, client: httpx.Client) -> None:
    assert at(second_page(client, server, Fault.EMPTY)) == []
    assert at(second_page(client, server, Fault.DUPLICATE_PAGE)) == [0, 1, 2, 3]
    missing = second_page(client, server, Fault.MISSING_PAGE)
    assert (at(missing), "next_url" in missing) == ([8, 9], False)
    still = second_page(client, server, Fault.NEVER_ADVANCES)
    assert at(client.get(still["next_url"]).json()) == at(still) == [4, 5, 6, 7]
    other = second_page(client, server, Fault.WRONG_SYMBOL)
    assert (other["ticker"], other["results"][0]["o"]) == ("MSFT", 400.04)
    assert at(second_page(client, server, Fault.OVERLAP)) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert at(second_page(client, server, Fault.OUT_OF_ORDER)) == [6, 7, 4, 5]
    assert at(second_page(client, server, Fault.OFF_BY_ONE)) == [5, 6, 7]


def test_future_bars_open_after_now(server: FaultServer, client: httpx.Client) -> None:
    page = second_page(client, server, Fault.FUTURE_BARS)
    assert at(page)[:4] == [4, 5, 6, 7]
    assert [bar["t"] > time.time() * 1_000 for bar in page["results"]] == [False] * 4 + [True] * 3


def test_an_unfinished_bar_differs_from_the_whole_one(
    server: FaultServer, client: httpx.Client
) -> None:
    page = second_page(client, server, Fault.UNFINISHED)
    assert [bar["v"] for bar in page["results"]] == [1004.0, 1005.0, 1006.0, 503.0]


def test_a_key_is_demanded_and_never_kept(client: httpx.Client) -> None:
    with FaultServer([minutes()], keys={"polygon": "kEy9secret"}) as server:
        where = server.url("polygon") + POLYGON
        assert client.get(where).status_code == 401
        good = {"Authorization": "Bearer kEy9secret"}
        assert client.get(where, headers=good).status_code == 200
        assert client.get(f"{where}&apiKey=kEy9secret").status_code == 200
        server.inject(Fault.KEY_IN_ERROR)
        assert "kEy9secret" in client.get(where, headers=good).text
    shown = [(call.key_shown, call.key_in_url) for call in server.calls]
    assert shown == [(False, False), (True, False), (True, True), (True, False)]
    assert "kEy9secret" not in repr(server.calls)


def test_another_host_is_named_in_the_next_page_or_a_redirect(
    server: FaultServer, client: httpx.Client
) -> None:
    server.inject(Fault.HOST_SWITCH, Fault.REDIRECT_AWAY)
    assert ask(client, server)["next_url"].startswith("http://localhost:")
    answer = client.get(server.url("polygon") + POLYGON)
    assert answer.headers["location"].startswith("http://localhost:")


def test_a_reply_of_ones_own_is_served_as_it_is(server: FaultServer, client: httpx.Client) -> None:
    server.inject(Reply(b'{"status":"OK","results":[{"t":NaN}]}'), symbol="MSFT")
    assert ask(client, server)["resultsCount"] == 4
    answer = client.get(server.url("polygon") + POLYGON.replace("AAPL", "MSFT"))
    assert answer.content == b'{"status":"OK","results":[{"t":NaN}]}'
    server.always(Reply.of({"status": "OK"}))
    assert [ask(client, server) for _ in range(2)] == [{"status": "OK"}] * 2


def test_a_schedule_is_the_same_in_any_order_and_has_its_share() -> None:
    schedule = Schedule(0.3, seed=7, in_a_row=2)
    fates = {(q, n): schedule.draw(f"question {q}", n) for q in range(400) for n in range(5)}
    again = Schedule(0.3, seed=7, in_a_row=2)
    assert all(again.draw(f"question {q}", n) == fates[q, n] for q, n in reversed(fates))
    share = sum(fate is not None for fate in fates.values()) / len(fates)
    assert 0.25 < share < 0.33
    assert set(fates.values()) == {None, *P1_FAULTS}
    rows = [[fates[q, n] for n in range(5)] for q in range(400)]
    assert not any(all(row[n : n + 3]) for row in rows for n in range(3))


def test_the_busiest_window_is_counted(server: FaultServer, client: httpx.Client) -> None:
    for _ in range(3):
        ask(client, server)
    first, second, third = server.calls
    apart = [replace(first, at=0.0), replace(second, at=0.9), replace(third, at=1.0)]
    assert most_in_window(apart, 1.0) == 2
    assert most_in_window(apart, 1.01) == 3
    assert server.wait_for_calls(3, 0.0)
    assert not server.wait_for_calls(4, 0.0)
