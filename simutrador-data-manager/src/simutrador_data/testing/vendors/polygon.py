"""Polygon, also called Massive: custom bars with `next_url`.

Source: https://massive.com/docs/rest/stocks/aggregates/custom-bars and its knowledge base on
`limit`, read 2026-11-21; forms as in recorded answers. `limit` counts the minutes (or days) that
bars are made of. A daily bar is labelled by midnight in New York.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from datetime import date
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

import orjson

from simutrador_core.models.columns import I64
from simutrador_core.models.enums import Timeframe
from simutrador_data.testing.asking import Lookup, Page, Question, Reply, Request, Rows
from simutrador_data.testing.vendors.vendor import (
    NEW_YORK,
    STEPS_US,
    Vendor,
    day_after,
    day_start,
    midnight,
)

_BARS: Final = re.compile(r"/v2/aggs/ticker/([^/]+)/range/(\d+)/(\w+)/([\d-]+)/([\d-]+)$")
_OTHER: Final = re.compile(
    r"/(v3/reference/(splits|dividends)|v3/trades/[^/]+|v1/marketstatus/.*)$"
)
_TICKER: Final = re.compile(r"/v3/reference/tickers/([^/]+)$")
_SPANS: Final = {
    ("1", "minute"): Timeframe.MINUTE_1,
    ("5", "minute"): Timeframe.MINUTE_5,
    ("15", "minute"): Timeframe.MINUTE_15,
    ("30", "minute"): Timeframe.MINUTE_30,
    ("1", "hour"): Timeframe.HOUR_1,
    ("2", "hour"): Timeframe.HOUR_2,
    ("4", "hour"): Timeframe.HOUR_4,
    ("1", "day"): Timeframe.DAILY,
}
_MOST: Final = 50_000
_ID: Final = "0123456789abcdef0123456789abcdef"


def read(request: Request) -> Question | Lookup | Reply | None:
    """Return the question of a request for bars."""
    found = _BARS.search(request.path)
    if found is None:
        return _other(request)
    symbol, count, span, first, last = found.groups()
    timeframe = _SPANS.get((count, span))
    if timeframe is None:
        return refuse(400, f"{count} {span} is not served here")
    zone = ZoneInfo("UTC") if ":" in symbol else NEW_YORK
    limit = min(int(request.query.get("limit", 5_000)), _MOST)
    start = _cursor(request) or _edge(first, zone, last=False)
    rows = limit * STEPS_US[Timeframe.MINUTE_1] // STEPS_US[timeframe]
    if timeframe is Timeframe.DAILY:
        rows = limit
    end = _edge(last, zone, last=True)
    return Question("polygon", symbol, timeframe, start, end, max(rows, 1), request)


def _other(request: Request) -> Lookup | Reply | None:
    if _OTHER.search(request.path):
        return Reply.of({"results": [], "status": "OK", "request_id": _ID})
    if request.path.endswith("/v3/reference/tickers"):
        ticker = request.query.get("ticker", "")
        return Lookup(ticker, _results([_listed(ticker)]), _results([]))
    found = _TICKER.search(request.path)
    if found is None:
        return None
    missing = {"status": "NOT_FOUND", "request_id": _ID, "message": "Ticker not found."}
    known = Reply.of({"results": _listed(found[1]), "status": "OK", "request_id": _ID})
    return Lookup(found[1], known, Reply.of(missing, 404))


def _listed(ticker: str) -> dict[str, object]:
    return {"ticker": ticker, "market": "stocks", "locale": "us", "active": True}


def _results(results: Sequence[object]) -> Reply:
    return Reply.of({"results": results, "status": "OK", "request_id": _ID, "count": len(results)})


def _edge(text: str, zone: ZoneInfo, *, last: bool) -> int:
    if "-" not in text:
        return int(text) * 1_000 + (1_000 if last else 0)
    return day_start(day_after(text) if last else date.fromisoformat(text), zone)


def _cursor(request: Request) -> int | None:
    cursor = request.query.get("cursor")
    return None if cursor is None else int(base64.urlsafe_b64decode(cursor)) * 1_000


def write(question: Question, page: Page) -> Reply:
    """Return a page of bars."""
    rows = page.rows
    columns = (rows.volume, rows.open, rows.close, rows.high, rows.low, rows.at // 1_000)
    results = [
        {"v": v, "vw": c, "o": o, "c": c, "h": h, "l": low, "t": t, "n": 1}
        for v, o, c, h, low, t in zip(*(column.tolist() for column in columns), strict=True)
    ]
    document: dict[str, object] = {
        "ticker": page.symbol,
        "queryCount": len(rows),
        "resultsCount": len(rows),
        "adjusted": _adjusted(question),
        "status": "OK",
        "request_id": _ID,
        "count": len(rows),
    }
    if results:
        document["results"] = results
    if page.next_start is not None:
        document["next_url"] = _next_url(question, page.next_start, elsewhere=page.elsewhere)
    return Reply(orjson.dumps(document))


def _adjusted(question: Question) -> bool:
    return question.request.query.get("adjusted", "true") == "true"


def _next_url(question: Question, start: int, *, elsewhere: bool) -> str:
    origin = urlsplit(question.request.origin)
    port = f":{origin.port}" if origin.port else ""
    host = f"localhost{port}" if elsewhere else origin.netloc
    cursor = base64.urlsafe_b64encode(str(start // 1_000).encode()).decode()
    kept = {k: v for k, v in question.request.query.items() if "key" not in k.lower()}
    query = "&".join(f"{k}={quote(v)}" for k, v in (kept | {"cursor": cursor}).items())
    return urlunsplit((origin.scheme, host, question.request.path, query, ""))


def refuse(status: int, words: str) -> Reply:
    """Return an error as Polygon words it."""
    said = {
        401: {"status": "ERROR", "error": "Unknown API Key"},
        403: {"status": "NOT_AUTHORIZED", "message": "You are not entitled to this data."},
        429: {
            "status": "ERROR",
            "error": "You've exceeded the maximum requests per minute, please wait or upgrade.",
        },
    }.get(status, {"status": "ERROR", "error": "internal error"})
    key = "message" if "message" in said else "error"
    return Reply.of({**said, "request_id": _ID, key: f"{said[key]}{words}"}, status)


def unknown(question: Question) -> Reply:
    """Return no bars: Polygon does not tell an unknown ticker from a quiet one here."""
    return Reply.of(
        {
            "ticker": question.symbol,
            "queryCount": 0,
            "resultsCount": 0,
            "adjusted": _adjusted(question),
            "status": "OK",
            "request_id": _ID,
            "count": 0,
        }
    )


def label(question: Question, rows: Rows) -> I64:
    """Return the instants that Polygon labels bars with."""
    if question.timeframe.is_intraday:
        return rows.at
    return midnight(rows.sessions, ZoneInfo("UTC") if ":" in question.symbol else NEW_YORK)


POLYGON: Final = Vendor(
    "polygon", read, write, refuse, unknown, label, pages_by_cursor=True, names_symbol=True
)
