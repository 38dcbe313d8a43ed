"""Alpaca: historical bars of stocks and crypto with `next_page_token`.

Source: https://docs.alpaca.markets/reference/stockbars and .../cryptobars-1, read 2026-11-21; forms
as in recorded answers. `start` and `end` are RFC 3339 or dates, both included; at most 10,000 rows,
1,000 when no limit is given. A daily bar is labelled by midnight in New York (stocks) or UTC.
"""

from __future__ import annotations

import base64
import re
from typing import Final
from zoneinfo import ZoneInfo

import orjson

from simutrador_core.models.columns import I64
from simutrador_core.models.enums import Timeframe
from simutrador_data.testing.asking import Lookup, Page, Question, Reply, Request, Rows
from simutrador_data.testing.vendors.vendor import NEW_YORK, Vendor, instant, iso, midnight

_MANY: Final = re.compile(r"/(v2/stocks|v1beta3/crypto/us)/bars$")
_ONE: Final = re.compile(r"/v2/stocks/([^/]+)/bars$")
_LATEST: Final = re.compile(r"/(v2/stocks/trades/latest|v1beta3/crypto/us/latest/trades)$")
_INTERVALS: Final = {
    "1Min": Timeframe.MINUTE_1,
    "5Min": Timeframe.MINUTE_5,
    "15Min": Timeframe.MINUTE_15,
    "30Min": Timeframe.MINUTE_30,
    "1Hour": Timeframe.HOUR_1,
    "2Hour": Timeframe.HOUR_2,
    "4Hour": Timeframe.HOUR_4,
    "1Day": Timeframe.DAILY,
}


def read(request: Request) -> Question | Lookup | Reply | None:
    """Return the question of a request for the bars of one symbol."""
    one = _ONE.search(request.path)
    if one is None and _MANY.search(request.path) is None:
        return _latest_trade(request)
    query = request.query
    timeframe = _INTERVALS.get(query.get("timeframe", ""))
    if timeframe is None:
        return Reply.of({"message": "invalid timeframe"}, 400)
    symbol = one[1] if one else query.get("symbols", "")
    start = instant(query.get("start", "1990-01-01"))
    if "page_token" in query:
        start = int(base64.b64decode(query["page_token"]).split(b"|")[2])
    end = instant(query.get("end", "2100-01-01")) + 1
    limit = min(int(query.get("limit", 1_000)), 10_000)
    return Question("alpaca", symbol, timeframe, start, end, limit, request)


def _latest_trade(request: Request) -> Lookup | None:
    if _LATEST.search(request.path) is None:
        return None
    symbol = request.query.get("symbols", "")
    trade = {"t": "2024-05-01T20:00:00Z", "p": 100.0, "s": 1, "x": "V", "i": 1}
    return Lookup(symbol, Reply.of({"trades": {symbol: trade}}), Reply.of({"trades": {}}))


def write(question: Question, page: Page) -> Reply:
    """Return a page of bars under their symbol."""
    rows = page.rows
    columns = (rows.open, rows.high, rows.low, rows.close, rows.volume)
    bars = [
        {"t": f"{at}Z", "o": o, "h": h, "l": low, "c": c, "v": v, "n": 1, "vw": c}
        for at, o, h, low, c, v in zip(iso(rows.at), *(c.tolist() for c in columns), strict=True)
    ]
    token = None
    if page.next_start is not None:
        text = f"{page.symbol}|M|{page.next_start}"
        token = base64.b64encode(text.encode()).decode()
    document: dict[str, object] = {"bars": {page.symbol: bars} if bars else {}}
    if _ONE.search(question.request.path):
        document = {"bars": bars, "symbol": page.symbol}
    return Reply(orjson.dumps(document | {"next_page_token": token}))


def refuse(status: int, words: str) -> Reply:
    """Return an error as Alpaca words it."""
    said = {401: "unauthorized.", 403: "forbidden.", 429: "too many requests."}
    return Reply.of({"message": f"{said.get(status, 'internal server error')}{words}"}, status)


def unknown(_: Question) -> Reply:
    """Return no bars: Alpaca does not tell an unknown symbol from a quiet one here."""
    return Reply.of({"bars": {}, "next_page_token": None})


def label(question: Question, rows: Rows) -> I64:
    """Return the instants that Alpaca labels bars with."""
    if question.timeframe.is_intraday:
        return rows.at
    return midnight(rows.sessions, ZoneInfo("UTC") if "/" in question.symbol else NEW_YORK)


ALPACA: Final = Vendor(
    "alpaca", read, write, refuse, unknown, label, pages_by_cursor=True, names_symbol=True
)
