"""Tiingo: IEX intraday bars and end of day.

Source: https://www.tiingo.com/documentation/iex and .../end-of-day, read 2026-11-21; forms as in
recorded answers. Times are ISO 8601 UTC; `startDate` and `endDate` are dates, both included; there
is no volume unless `columns` asks for it.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

import orjson

from simutrador_core.models.columns import I64
from simutrador_core.models.enums import Timeframe
from simutrador_data.testing.asking import Lookup, Page, Question, Reply, Request, Rows
from simutrador_data.testing.vendors.vendor import (
    Vendor,
    day_after,
    day_start,
    instant,
    iso,
    midnight,
)

_PRICES: Final = re.compile(r"/(iex|tiingo/daily)/([^/]+)/prices$")
_ABOUT: Final = re.compile(r"/tiingo/daily/([^/]+)$")
_INTERVALS: Final = {
    "1min": Timeframe.MINUTE_1,
    "5min": Timeframe.MINUTE_5,
    "15min": Timeframe.MINUTE_15,
    "30min": Timeframe.MINUTE_30,
    "1hour": Timeframe.HOUR_1,
    "2hour": Timeframe.HOUR_2,
    "4hour": Timeframe.HOUR_4,
}
_UTC: Final = ZoneInfo("UTC")
_NAMES: Final = ("open", "high", "low", "close", "volume")


def read(request: Request) -> Question | Lookup | Reply | None:
    """Return the question of a request for prices."""
    found = _PRICES.search(request.path)
    if found is None:
        about = _ABOUT.search(request.path)
        if about is None:
            return None
        known = Reply.of({"ticker": about[1].upper(), "startDate": "1990-01-02"})
        return Lookup(about[1], known, Reply.of({"detail": "Not found."}, 404))
    query = request.query
    daily = found[1] != "iex"
    timeframe = (
        Timeframe.DAILY if daily else _INTERVALS.get(query.get("resampleFreq", "5min").lower())
    )
    if timeframe is None:
        return Reply.of({"detail": "resampleFreq is not supported"}, 400)
    start = _edge(query.get("startDate", "1990-01-01"), last=False)
    end = _edge(query.get("endDate", "2100-01-01"), last=True)
    return Question("tiingo", found[2].upper(), timeframe, start, end, 1_000_000, request)


def _edge(text: str, *, last: bool) -> int:
    if len(text) > len("2024-05-01"):
        return instant(text) + (1 if last else 0)
    return day_start(day_after(text) if last else date.fromisoformat(text), _UTC)


def write(question: Question, page: Page) -> Reply:
    """Return bars, the oldest first."""
    rows = page.rows
    asked = question.request.query.get("columns", "open,high,low,close").split(",")
    names = _NAMES if not question.timeframe.is_intraday else [n for n in _NAMES if n in asked]
    columns = [getattr(rows, name).tolist() for name in names]
    bars: list[dict[str, object]] = [
        {"date": f"{at}.000Z", **dict(zip(names, values, strict=True))}
        for at, *values in zip(iso(rows.at), *columns, strict=True)
    ]
    if not question.timeframe.is_intraday:
        bars = [bar | _adjusted(bar) for bar in bars]
    return Reply(orjson.dumps(bars))


def _adjusted(bar: dict[str, object]) -> dict[str, object]:
    same = {f"adj{name.capitalize()}": bar[name] for name in _NAMES}
    return {**same, "divCash": 0.0, "splitFactor": 1.0}


def refuse(status: int, words: str) -> Reply:
    """Return an error as Tiingo words it."""
    said = {
        401: "Invalid token.",
        403: "You do not have permission to access the endpoint.",
        429: "Error: You have run over your hourly request allocation.",
    }.get(status, "Server error")
    return Reply.of({"detail": f"{said}{words}"}, status)


def unknown(question: Question) -> Reply:
    """Return that there is no such ticker."""
    return Reply.of({"detail": f"Error: Ticker '{question.symbol}' not found"}, 404)


def label(question: Question, rows: Rows) -> I64:
    """Return the instants that stand for the vendor's times and dates."""
    return rows.at if question.timeframe.is_intraday else midnight(rows.sessions, _UTC)


TIINGO: Final = Vendor("tiingo", read, write, refuse, unknown, label)
