"""Financial Modeling Prep: intraday charts and end of day, newest first, New York local time.

Source: https://site.financialmodelingprep.com/developer/docs/stable (intraday chart, end of day),
read 2026-11-21; forms as in recorded answers. `from` and `to` are dates, both included.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Final

import orjson

from simutrador_core.models.columns import I64
from simutrador_core.models.enums import Timeframe
from simutrador_data.testing.asking import Lookup, Page, Question, Reply, Request, Rows
from simutrador_data.testing.vendors.vendor import (
    NEW_YORK,
    SECOND_US,
    Vendor,
    day_after,
    day_start,
    midnight,
)

_CHART: Final = re.compile(r"/historical-chart/(\w+)$")
_DAYS: Final = re.compile(r"/historical-price-eod/(full|non-split-adjusted|dividend-adjusted)$")
_LISTED: Final = re.compile(r"/(profile|quote|quote-short|search-symbol)$")
_OTHER: Final = re.compile(r"/(splits|dividends)$")
_INTERVALS: Final = {
    "1min": Timeframe.MINUTE_1,
    "5min": Timeframe.MINUTE_5,
    "15min": Timeframe.MINUTE_15,
    "30min": Timeframe.MINUTE_30,
    "1hour": Timeframe.HOUR_1,
    "4hour": Timeframe.HOUR_4,
}
_FIRST_DAY: Final = "1990-01-01"
_LAST_DAY: Final = "2100-01-01"


def read(request: Request) -> Question | Lookup | Reply | None:
    """Return the question of a request for a chart or end-of-day prices."""
    chart = _CHART.search(request.path)
    if chart is None and _DAYS.search(request.path) is None:
        return _other(request)
    timeframe = _INTERVALS.get(chart[1]) if chart else Timeframe.DAILY
    if timeframe is None:
        return Reply.of([], 404)
    query = request.query
    start = day_start(date.fromisoformat(query.get("from", _FIRST_DAY)), NEW_YORK)
    end = day_start(day_after(query.get("to", _LAST_DAY)), NEW_YORK)
    return Question("fmp", query.get("symbol", ""), timeframe, start, end, 1_000_000, request)


def _other(request: Request) -> Lookup | Reply | None:
    if _LISTED.search(request.path):
        symbol = request.query.get("symbol", request.query.get("query", ""))
        known = Reply.of([{"symbol": symbol, "currency": "USD", "exchange": "NASDAQ"}])
        return Lookup(symbol, known, Reply.of([]))
    return Reply.of([]) if _OTHER.search(request.path) else None


def write(question: Question, page: Page) -> Reply:
    """Return bars, the newest first."""
    rows = page.rows
    local = [
        datetime.fromtimestamp(at / SECOND_US, UTC).astimezone(NEW_YORK) for at in rows.at.tolist()
    ]
    pattern = "%Y-%m-%d %H:%M:%S" if question.timeframe.is_intraday else "%Y-%m-%d"
    columns = (rows.open, rows.low, rows.high, rows.close, rows.volume)
    bars = [
        {
            "date": at.strftime(pattern),
            "open": o,
            "low": low,
            "high": h,
            "close": c,
            "volume": int(v),
        }
        for at, o, low, h, c, v in zip(local, *(c.tolist() for c in columns), strict=True)
    ]
    if not question.timeframe.is_intraday:
        bars = [{"symbol": page.symbol, **bar} for bar in bars]
    return Reply(orjson.dumps(bars[::-1]))


def refuse(status: int, words: str) -> Reply:
    """Return an error as FMP words it."""
    said = {
        401: "Invalid API KEY. Feel free to create a Free API Key.",
        403: "Exclusive Endpoint : This endpoint is not available under your current subscription.",
        429: "Limit Reach . Please upgrade your plan.",
    }.get(status, "Internal error")
    return Reply.of({"Error Message": f"{said}{words}"}, status)


def unknown(_: Question) -> Reply:
    """Return no bars: FMP does not tell an unknown symbol from a quiet one here."""
    return Reply.of([])


def label(question: Question, rows: Rows) -> I64:
    """Return the instants that stand for the vendor's local times and dates."""
    return rows.at if question.timeframe.is_intraday else midnight(rows.sessions, NEW_YORK)


FMP: Final = Vendor("fmp", read, write, refuse, unknown, label, base_path="/stable")
