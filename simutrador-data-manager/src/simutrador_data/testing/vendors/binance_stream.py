"""Binance spot, live: klines over a combined stream.

Source: https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams (kline streams,
general information), read 2026-11-21; forms as in recorded messages. A kline is sent every second
or two while it forms (`x` false) and once when it has closed. The server pings every 20 seconds and
ends every connection after 24 hours. `CONNECTION_LIMIT` is Alpaca's: Binance has no such words.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlsplit

from simutrador_core.models.enums import Timeframe
from simutrador_data.testing.vendors.binance import INTERVALS
from simutrador_data.testing.vendors.vendor import STEPS_US

CONNECTION_LIMIT: Final = json.dumps(
    [{"T": "error", "code": 406, "msg": "connection limit exceeded"}]
)


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream that a client asked for, such as `btcusdt@kline_1m`."""

    name: str
    symbol: str
    interval: str

    @property
    def timeframe(self) -> Timeframe:
        """Of its bars."""
        return INTERVALS[self.interval]


@dataclass(frozen=True, slots=True)
class Kline:
    """A bar as it is sent; `opened_at` in microseconds UTC, prices as text."""

    stream: str
    symbol: str
    interval: str
    opened_at: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    closed: bool

    def text(self, at: int) -> str:
        """Return the message, sent at an instant in microseconds."""
        step = STEPS_US[INTERVALS[self.interval]]
        kline = {
            "t": self.opened_at // 1_000,
            "T": (self.opened_at + step) // 1_000 - 1,
            "s": self.symbol,
            "i": self.interval,
            "f": 1,
            "L": 4,
            "o": self.open,
            "c": self.close,
            "h": self.high,
            "l": self.low,
            "v": self.volume,
            "n": 4,
            "x": self.closed,
            "q": "0.00000000",
            "V": "0.00000000",
            "Q": "0.00000000",
            "B": "0",
        }
        event = {"e": "kline", "E": at // 1_000, "s": self.symbol, "k": kline}
        return json.dumps({"stream": self.stream, "data": event})


def streams_of(target: str) -> tuple[Stream, ...] | None:
    """Return the streams of klines that a request asks for; None of a request for anything else."""
    asked = urlsplit(target)
    if asked.path != "/stream":
        return None
    names = parse_qs(asked.query).get("streams", [""])[-1].split("/")
    found = [(name, *name.partition("@kline_")[::2]) for name in names]
    return tuple(
        Stream(name, symbol.upper(), interval)
        for name, symbol, interval in found
        if interval in INTERVALS
    )
