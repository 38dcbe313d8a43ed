"""What a stream says when a minute is over: its closed bars and those that form, right or wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Timeframe
from simutrador_data.testing.asking import Rows
from simutrador_data.testing.live_faults import LiveFault
from simutrador_data.testing.stock import plain
from simutrador_data.testing.tampering import half_formed
from simutrador_data.testing.vendors.binance_stream import Kline, Stream
from simutrador_data.testing.vendors.vendor import STEPS_US

Message = str | bytes

_HOUR_US: Final = 3_600_000_000
_MINUTE_US: Final = 60_000_000


@dataclass(frozen=True, slots=True)
class Minute:
    """What there is to say at the end of a minute.

    Attributes:
        at: The instant, microseconds UTC.
        closed: Bars that close now.
        before: The bars that closed one step earlier.
        forming: Bars that are open, as they look now.
    """

    at: int
    closed: tuple[Kline, ...]
    before: tuple[Kline, ...]
    forming: tuple[Kline, ...]


class LiveBars:
    """All bars of the market, by the streams that tell of them."""

    def __init__(self, bars: Iterable[Bars]) -> None:
        """Keep bars."""
        self._rows: Mapping[tuple[str, Timeframe], Rows] = {
            (plain(one.symbol), one.timeframe): Rows.of(one) for one in bars
        }

    def minute(self, streams: Sequence[Stream], at: int) -> Minute:
        """Return what these streams have to say at an instant."""
        closed, before, forming = (tuple(self._klines(streams, at, steps)) for steps in (1, 2, 0))
        return Minute(at, closed, before, forming)

    def _klines(self, streams: Sequence[Stream], at: int, steps: int) -> Iterable[Kline]:
        """Yield the bars that opened so many steps before `at`; 0 are those open at it."""
        for stream in streams:
            rows = self._rows.get((plain(stream.symbol), stream.timeframe))
            step = STEPS_US[stream.timeframe]
            opened = at - at % step if steps == 0 else at - steps * step
            if rows is None:
                continue
            found = int(np.searchsorted(rows.at, opened))
            if found < len(rows) and rows.at[found] == opened:
                bar = rows.take(slice(found, found + 1))
                yield _kline(stream, half_formed(bar) if steps == 0 else bar, closed=steps > 0)


def messages(minute: Minute, fault: LiveFault | None, *, huge_bytes: int) -> list[Message]:
    """Return the messages of a minute, as the fault makes them."""
    closed: Sequence[Message] = _texts(minute, minute.closed)
    if fault is LiveFault.HUGE:
        closed = [" " * huge_bytes + text for text in _texts(minute, minute.closed)]
    elif fault is not None:
        closed = _SPOILERS[fault](minute)
    return [*closed, *_texts(minute, minute.forming)]


def _kline(stream: Stream, bar: Rows, *, closed: bool) -> Kline:
    numbers = (bar.open, bar.high, bar.low, bar.close, bar.volume)
    o, h, low, c, v = (f"{float(column[0]):.8f}" for column in numbers)
    opened_at = int(bar.at[0])
    return Kline(stream.name, stream.symbol, stream.interval, opened_at, o, h, low, c, v, closed)


def _texts(minute: Minute, klines: Iterable[Kline]) -> list[str]:
    return [one.text(minute.at) for one in klines]


def _nothing(_: Minute) -> Sequence[Message]:
    return []


def _again(minute: Minute) -> Sequence[Message]:
    return _texts(minute, (*minute.closed, *minute.closed, *minute.before, *minute.closed))


def _of_others(minute: Minute) -> Sequence[Message]:
    """Add bars of another symbol, by its own name and under ours, and of another timeframe."""
    wrong = [replace(one, symbol="OTHERUSDT", close=one.open) for one in minute.closed]
    named = [replace(one, stream=f"otherusdt@kline_{one.interval}") for one in wrong]
    longer = [
        replace(one, interval="5m", high="99999999.00000000")
        for one in minute.closed
        if one.interval != "5m"
    ]
    return _texts(minute, (*wrong, *named, *longer, *minute.closed))


def _shifted(minute: Minute) -> Sequence[Message]:
    """Say that the bar opened in an hour, an hour ago, five minutes ago, and half a minute off."""
    moved = (
        replace(one, opened_at=one.opened_at + by)
        for one in minute.closed
        for by in (_HOUR_US, -_HOUR_US, -5 * _MINUTE_US, _MINUTE_US // 2)
    )
    return _texts(minute, moved)


def _impossible(minute: Minute) -> Sequence[Message]:
    """Send a high below the low, a price below zero and one that is no number."""
    wrong: list[Kline] = []
    for one in minute.closed:
        wrong += [
            replace(one, high="0.00000001"),
            replace(one, low="-1.00000000"),
            replace(one, close="NaN"),
        ]
    return _texts(minute, wrong)


def _garbage(minute: Minute) -> Sequence[Message]:
    """Send what is no JSON, JSON of other shapes, half a message, and bytes."""
    halves = [text[: len(text) // 2] for text in _texts(minute, minute.closed)]
    shapes: Sequence[object] = [
        [],
        None,
        {"stream": 1},
        {"stream": "a", "data": {"e": "kline"}},
        {"e": "kline"},
    ]
    return ["<html>", *halves, *map(json.dumps, shapes), b"\x00\xff\xfe"]


_SPOILERS: Final[Mapping[LiveFault, Callable[[Minute], Sequence[Message]]]] = {
    LiveFault.SKIPPED: _nothing,
    LiveFault.REPEATED: _again,
    LiveFault.WRONG_SERIES: _of_others,
    LiveFault.SHIFTED: _shifted,
    LiveFault.BROKEN_BAR: _impossible,
    LiveFault.GARBAGE: _garbage,
}
