"""Binance's stream of closed bars; no key needed.

Source: https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams (general
information, kline streams), read 2026-11-21. A combined stream wraps each event with its name. A
bar is sent every two seconds while it forms and once when it closes (`x`); its instants are
milliseconds UTC, its prices text. The server pings every 20 seconds, drops who does not answer
within a minute, ends every connection after 24 hours, and lets an address connect 300 times in
five minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import InputError
from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.utils.timeframe_utils import timeframe_us
from simutrador_data.services.data_providers.binance import INTERVALS, NAME, to_pair
from simutrador_data.services.data_providers.http import BadAnswerError, NotOfferedError
from simutrador_data.services.streaming.source import UNREADABLE

STREAM_URL: Final = "wss://stream.binance.com:9443"
MOST_SYMBOLS: Final = 200
"""Its bound is 1,024 streams; their names stand in the address, which must not grow too long."""

_DAY_MS: Final = 86_400_000
_LATEST_MS: Final = 1 << 43  # 2248: what is later is no instant in milliseconds


class LiveKline(msgspec.Struct):
    """One bar, forming or closed; `s` repeats the symbol."""

    t: int
    i: str
    o: float
    h: float
    l: float  # noqa: E741 - the vendor's word
    c: float
    v: float
    x: bool
    s: str = ""


class KlineEvent(msgspec.Struct):
    """What a kline stream sends."""

    s: str
    k: LiveKline


class Wrapped(msgspec.Struct):
    """An event of a combined stream."""

    stream: str = ""
    data: msgspec.Raw = msgspec.Raw()


class BinanceLive:
    """Closed bars of Binance; satisfies `LiveSource`."""

    def __init__(
        self, base_url: str = STREAM_URL, *, registry: AssetRegistry | None = None
    ) -> None:
        """Read a stream at `base_url`; `registry` knows how the vendor spells symbols."""
        self._base_url = base_url.rstrip("/")
        self._registry = registry or AssetRegistry.default()
        self._symbols: dict[str, str] = {}
        self._timeframe = Timeframe.MINUTE_1

    def url(self, symbols: Sequence[str], timeframe: Timeframe) -> str:
        """Return the address of a combined stream.

        Raises:
            NotOfferedError: a symbol is no pair of coins, or there are no such bars.
            InputError: these are more symbols than one connection takes.
        """
        if timeframe not in INTERVALS:
            raise NotOfferedError(f"streams no {timeframe} bars", provider=NAME)
        if len(symbols) > MOST_SYMBOLS:
            text = f"{len(symbols)} symbols are more than the {MOST_SYMBOLS} of one stream"
            raise InputError(f"{text}; follow the others in a second process", field="symbols")
        self._timeframe = timeframe
        self._symbols = {to_pair(self._registry.get(symbol)): symbol for symbol in symbols}
        names = (f"{pair.lower()}@kline_{INTERVALS[timeframe]}" for pair in self._symbols)
        return f"{self._base_url}/stream?streams={'/'.join(names)}"

    def parse(self, message: str | bytes) -> Bars | None:
        """Return the bar a message closes, None for any other message.

        Raises:
            BadAnswerError: it cannot be read.
        """
        try:
            wrapped = msgspec.json.decode(message, type=Wrapped)
            if "@kline_" not in wrapped.stream:
                return None
            event = msgspec.json.decode(wrapped.data, type=KlineEvent, strict=False)
        except UNREADABLE as e:
            raise BadAnswerError(f"streamed what cannot be read: {e}", provider=NAME) from e
        kline, interval = event.k, INTERVALS[self._timeframe]
        symbol = self._symbols.get(event.s)
        if symbol is None or not kline.x or kline.i != interval:
            return None
        if wrapped.stream != f"{event.s.lower()}@kline_{interval}" or kline.s not in {"", event.s}:
            text = f"streamed a bar of {event.s} as one of {wrapped.stream} {kline.s}"
            raise BadAnswerError(text, provider=NAME)
        step_ms = timeframe_us(self._timeframe) // 1_000
        if not 0 <= kline.t < _LATEST_MS or kline.t % step_ms:
            raise BadAnswerError(f"streamed a bar of the instant {kline.t}", provider=NAME)
        return _to_bars(symbol, self._timeframe, kline)


def _to_bars(symbol: str, timeframe: Timeframe, kline: LiveKline) -> Bars:
    day = np.array([kline.t // _DAY_MS]).astype("datetime64[D]")
    return Bars(
        symbol,
        timeframe,
        Adjustment.RAW,
        np.array([kline.t * 1_000], dtype=np.int64),
        np.array([kline.o]),
        np.array([kline.h]),
        np.array([kline.l]),
        np.array([kline.c]),
        np.array([kline.v]),
        None if timeframe.is_intraday else day,
    )
