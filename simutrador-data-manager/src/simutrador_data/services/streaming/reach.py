"""How far a series is settled without a hole, by what the store holds and sources were asked.

A minute is settled when a source was asked for it, whether it gave a bar or not; a bar of the
stream settles its own. The ledger alone says so: a follower that was killed goes on from there.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from simutrador_core.errors import UnknownSymbolError
from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.bars import BarQuery, SeriesKey, from_us, to_us
from simutrador_core.utils.timeframe_utils import timeframe_us
from simutrador_data.services.downloading.hours import TradingHours
from simutrador_data.services.downloading.planning import joined_over_closed
from simutrador_data.services.validation.expected import trading_time
from simutrador_data.services.validation.spans import Spans, asked_spans
from simutrador_data.services.workflows.validate_store import find_info

_LOOK_BACK: Final = timedelta(days=2)
"""So far before the newest bar a hole counts as left by a follower; `update` closes older ones."""


def reach(
    store: BarStore, series: SeriesKey, hours: TradingHours, start: int, end: int
) -> tuple[int, int]:
    """Return up to where `[start, end)` is settled from its start, and where its last part ends.

    Both int us UTC, `start` where nothing is.

    Raises:
        StoreError: the store cannot be read.
    """
    if end <= start:
        return start, start
    settled = known = start
    for first, last in _asked(store, _query(series, start, end), hours).clipped(start, end).pairs():
        # An answer may end within a bar, the one that was forming when the vendor was asked.
        if known == settled and not hours.expects_bars(settled, first):
            settled = last
        known = last
    return settled, known


def begin_at(store: BarStore, series: SeriesKey, hours: TradingHours, now: int) -> int:
    """Return where following goes on without a start given, int us UTC.

    That is the newest stored bar, or the first hole close behind it, left by a follower that was
    killed; where nothing is stored, the bar that is forming now.

    Raises:
        StoreError: the store cannot be read.
    """
    try:
        last = find_info(store, series).last
    except UnknownSymbolError:
        last = None
    if last is None:
        return now - now % timeframe_us(series.timeframe)
    newest = to_us(last)
    query = _query(series, to_us(last - _LOOK_BACK), newest + 1)
    stored = store.read(query)
    bars = Spans.of(stored.opened_at, hours.ends_of(stored))
    spans = joined_over_closed(
        Spans.joined([bars, _asked(store, query, hours)]), trading_time(hours.schedule)
    )
    return min(newest, int(spans.ends[0]))


def _asked(store: BarStore, query: BarQuery, hours: TradingHours) -> Spans:
    try:
        return asked_spans(store.coverage(query), trading_time(hours.schedule))
    except UnknownSymbolError:
        return Spans.range(0, 0)


def _query(series: SeriesKey, start: int, end: int) -> BarQuery:
    return BarQuery(
        series.symbol, series.timeframe, from_us(start), from_us(end), series.adjustment
    )
