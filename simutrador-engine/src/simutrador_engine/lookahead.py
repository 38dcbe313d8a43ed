"""Which bar can matter next, so that the engine need not step through those that cannot.

An order fills in a bar only if the bar's range touches its price. So per symbol two numbers are
enough: no bar that stays between them can fill or trigger anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf
from typing import NamedTuple

import numpy as np

from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import TimeInForce, WSOrderType
from simutrador_engine.book import OrderState, WorkingOrder
from simutrador_engine.timeline import Timeline

_FIRST_CHUNK = 64
_LARGEST_CHUNK = 65_536


class Quiet(NamedTuple):
    """Prices strictly between `low` and `high` touch none of a symbol's orders."""

    low: float
    high: float


class Watch(NamedTuple):
    """What open orders wait for: prices by symbol, and the first expiry (microseconds UTC)."""

    prices: Mapping[str, Quiet]
    expires_at: float


def watch(orders: Iterable[WorkingOrder]) -> Watch:
    """Return what a set of open orders waits for; held ones wait for their entry."""
    prices: dict[str, Quiet] = {}
    expires_at = inf
    for order in orders:
        if order.expires_at is not None:
            expires_at = min(expires_at, order.expires_at)
        if order.is_resting:
            own, others = _quiet(order), prices.get(order.symbol, Quiet(-inf, inf))
            prices[order.symbol] = Quiet(max(own.low, others.low), min(own.high, others.high))
    return Watch(prices, expires_at)


def _quiet(order: WorkingOrder) -> Quiet:
    if order.kind is WSOrderType.MARKET or order.time_in_force is TimeInForce.IOC:
        return Quiet(inf, -inf)  # any bar acts on it
    waits_for_stop = (
        order.kind in {WSOrderType.STOP, WSOrderType.STOP_LIMIT}
        and order.state is not OrderState.TRIGGERED
    )
    price = order.stop if waits_for_stop else order.limit
    return Quiet(-inf, price) if order.buy == waits_for_stop else Quiet(price, inf)


def next_step(
    waiting: Watch, bars: Mapping[str, Bars], timeline: Timeline, *, first: int, last: int
) -> int:
    """Return the first step of `[first, last)` at which something can happen, else `last`."""
    if last - first == 1:
        return first if _matters(waiting, bars, timeline, first) else last
    found = last
    if waiting.expires_at < inf:
        found = min(found, max(first, int(np.searchsorted(timeline.instants, waiting.expires_at))))
    for symbol, quiet in waiting.prices.items():
        if found == first:
            break
        closes = timeline.closes[symbol]
        start = int(np.searchsorted(closes, timeline.instants.item(first)))
        end = int(np.searchsorted(closes, timeline.instants.item(found - 1), side="right"))
        row = _first_touch(bars[symbol], quiet, start, end)
        if row < end:
            found = int(np.searchsorted(timeline.instants, closes.item(row)))
    return found


def _matters(waiting: Watch, bars: Mapping[str, Bars], timeline: Timeline, step: int) -> bool:
    for symbol, quiet in waiting.prices.items():
        row = timeline.rows[symbol].item(step)
        own = bars[symbol]
        if row >= 0 and (own.low.item(row) <= quiet.low or own.high.item(row) >= quiet.high):
            return True
    return waiting.expires_at <= timeline.instants.item(step)


def _first_touch(bars: Bars, quiet: Quiet, start: int, end: int) -> int:
    """Return the first row of `[start, end)` whose range leaves the quiet one, else `end`."""
    size = _FIRST_CHUNK
    while start < end:
        stop = min(start + size, end)
        touched = (bars.low[start:stop] <= quiet.low) | (bars.high[start:stop] >= quiet.high)
        at = int(touched.argmax())
        if touched[at]:
            return start + at
        start, size = stop, min(4 * size, _LARGEST_CHUNK)
    return end
