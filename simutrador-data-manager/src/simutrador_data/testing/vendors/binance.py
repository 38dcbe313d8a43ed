"""Binance spot: klines, prices as text, pages by `startTime`.

Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api (market data endpoints,
errors), read 2026-11-21; forms as in recorded answers. `startTime` and `endTime` bound the open of
a bar, both included; at most 1,000 rows, 500 when no limit is given.
"""

from __future__ import annotations

from typing import Final

import orjson

from simutrador_core.models.enums import Timeframe
from simutrador_data.testing.asking import Lookup, Page, Question, Reply, Request
from simutrador_data.testing.vendors.vendor import STEPS_US, Vendor, opening

INTERVALS: Final = {
    "1m": Timeframe.MINUTE_1,
    "5m": Timeframe.MINUTE_5,
    "15m": Timeframe.MINUTE_15,
    "30m": Timeframe.MINUTE_30,
    "1h": Timeframe.HOUR_1,
    "2h": Timeframe.HOUR_2,
    "4h": Timeframe.HOUR_4,
    "1d": Timeframe.DAILY,
}
_INVALID_SYMBOL: Final = {"code": -1121, "msg": "Invalid symbol."}
_NO_END: Final = 1 << 62


def read(request: Request) -> Question | Lookup | Reply | None:
    """Return the question of a request for klines."""
    if not request.path.endswith("/api/v3/klines"):
        return _other(request)
    query = request.query
    timeframe = INTERVALS.get(query.get("interval", ""))
    if timeframe is None:
        return Reply.of({"code": -1120, "msg": "Invalid interval."}, 400)
    start = int(query.get("startTime", 0)) * 1_000
    end = (int(query["endTime"]) + 1) * 1_000 if "endTime" in query else _NO_END
    limit = min(int(query.get("limit", 500)), 1_000)
    return Question("binance", query.get("symbol", ""), timeframe, start, end, limit, request)


def _other(request: Request) -> Lookup | Reply | None:
    if request.path.endswith("/api/v3/ping"):
        return Reply.of({})
    if request.path.endswith("/api/v3/exchangeInfo"):
        symbol = request.query.get("symbol", "")
        listed = {"timezone": "UTC", "symbols": [{"symbol": symbol, "status": "TRADING"}]}
        return Lookup(symbol, Reply.of(listed), Reply.of(_INVALID_SYMBOL, 400))
    return None


def write(question: Question, page: Page) -> Reply:
    """Return a page of klines."""
    rows, step = page.rows, STEPS_US[question.timeframe]
    columns = (rows.at, rows.open, rows.high, rows.low, rows.close, rows.volume)
    klines = [
        [
            at // 1_000,
            f"{o:.8f}",
            f"{h:.8f}",
            f"{low:.8f}",
            f"{c:.8f}",
            f"{v:.8f}",
            (at + step) // 1_000 - 1,
            f"{c * v:.8f}",
            1,
            "0.00000000",
            "0.00000000",
            "0",
        ]
        for at, o, h, low, c, v in zip(*(column.tolist() for column in columns), strict=True)
    ]
    return Reply(orjson.dumps(klines))


def refuse(status: int, words: str) -> Reply:
    """Return an error as Binance words it."""
    code, said = {
        401: (-2015, "Invalid API-key, IP, or permissions for action."),
        403: (-1002, "You are not authorized to execute this request."),
        429: (-1003, "Too much request weight used; current limit is 6000 per 1 MINUTE."),
    }.get(status, (-1000, "An unknown error occurred while processing the request."))
    return Reply.of({"code": code, "msg": f"{said}{words}"}, status)


def unknown(_: Question) -> Reply:
    """Return that there is no such symbol."""
    return Reply.of(_INVALID_SYMBOL, 400)


BINANCE: Final = Vendor("binance", read, write, refuse, unknown, opening)
