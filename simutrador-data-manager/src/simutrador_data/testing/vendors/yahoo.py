"""Yahoo: the chart service, columns under `chart.result`.

No public documentation; forms as in recorded answers of 2020 to 2025 and in the notes of clients,
read 2026-11-21. `period1` and `period2` are seconds, the second left out; minutes are given for at
most eight days a request. A daily bar is labelled by its session's open.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import orjson

from simutrador_core.models.enums import Timeframe
from simutrador_data.testing.asking import Lookup, Page, Question, Reply, Request
from simutrador_data.testing.vendors.vendor import DAY_US, SECOND_US, Vendor, opening

_CHART: Final = re.compile(r"/v8/finance/chart/([^/]+)$")
_INTERVALS: Final = {
    "1m": Timeframe.MINUTE_1,
    "5m": Timeframe.MINUTE_5,
    "15m": Timeframe.MINUTE_15,
    "30m": Timeframe.MINUTE_30,
    "60m": Timeframe.HOUR_1,
    "1h": Timeframe.HOUR_1,
    "1d": Timeframe.DAILY,
}
_NAMES: Final = {timeframe: name for name, timeframe in _INTERVALS.items()}


def read(request: Request) -> Question | Lookup | Reply | None:
    """Return the question of a request for a chart."""
    found = _CHART.search(request.path)
    if found is None:
        return None
    query = request.query
    timeframe = _INTERVALS.get(query.get("interval", "1d"))
    if timeframe is None:
        return _error(422, "Unprocessable Entity", "Invalid input - interval is not supported.")
    start, end = (int(query.get(name, 0)) * SECOND_US for name in ("period1", "period2"))
    if timeframe is Timeframe.MINUTE_1 and end - start > 8 * DAY_US:
        said = "Only 8 days worth of 1m granularity data are allowed to be fetched per request."
        return _error(422, "Unprocessable Entity", f"1m data not available. {said}")
    return Question("yahoo", found[1], timeframe, start, end, 1_000_000, request)


def write(question: Question, page: Page) -> Reply:
    """Return a chart; without bars it has neither timestamps nor columns."""
    rows = page.rows
    times = rows.at // SECOND_US
    result: dict[str, object] = {"meta": _meta(question, page)}
    quote: dict[str, object] = {}
    if len(rows):
        result["timestamp"] = times.tolist()
        names = ("open", "high", "low", "close")
        quote = {name: getattr(rows, name).tolist() for name in names}
        quote["volume"] = rows.volume.astype(np.int64).tolist()
    result["indicators"] = {"quote": [quote]}
    if not question.timeframe.is_intraday and len(rows):
        result["indicators"] = {
            "quote": [quote],
            "adjclose": [{"adjclose": rows.close.tolist()}],
        }
    return Reply(orjson.dumps({"chart": {"result": [result], "error": None}}))


def _meta(question: Question, page: Page) -> dict[str, object]:
    crypto = page.symbol.endswith("-USD")
    return {
        "currency": "USD",
        "symbol": page.symbol,
        "exchangeName": "CCC" if crypto else "NMS",
        "instrumentType": "CRYPTOCURRENCY" if crypto else "EQUITY",
        "firstTradeDate": 345479400,
        "regularMarketTime": int(page.rows.at[-1]) // SECOND_US if len(page.rows) else 345479400,
        "gmtoffset": 0 if crypto else -18_000,
        "timezone": "UTC" if crypto else "EST",
        "exchangeTimezoneName": "UTC" if crypto else "America/New_York",
        "regularMarketPrice": float(page.rows.close[-1]) if len(page.rows) else 1.0,
        "priceHint": 2,
        "dataGranularity": _NAMES[question.timeframe],
        "range": "",
        "validRanges": ["1d", "5d", "1mo", "max"],
    }


def refuse(status: int, words: str) -> Reply:
    """Return an error as Yahoo words it: too many requests is plain text."""
    if status == 429:
        return Reply(f"Too Many Requests{words}\r\n".encode(), 429, {"Content-Type": "text/plain"})
    return _error(status, "Unauthorized" if status in {401, 403} else "Internal", f"Invalid{words}")


def unknown(_: Question) -> Reply:
    """Return that there is no such symbol."""
    return _error(404, "Not Found", "No data found, symbol may be delisted")


def _error(status: int, code: str, description: str) -> Reply:
    error = {"code": code, "description": description}
    return Reply.of({"chart": {"result": None, "error": error}}, status)


YAHOO: Final = Vendor("yahoo", read, write, refuse, unknown, opening, names_symbol=True)
