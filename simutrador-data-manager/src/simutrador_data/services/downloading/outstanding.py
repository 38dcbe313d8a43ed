"""What a provider must still be asked for of one series, read from the store year by year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from simutrador_core.assets.registry import Asset
from simutrador_core.errors import UnknownSymbolError
from simutrador_core.interfaces.data_provider import Capabilities
from simutrador_core.interfaces.storage import BarStore, Coverage
from simutrador_core.models.bars import I64, BarQuery, Bars, SeriesKey, from_us, to_us
from simutrador_core.models.enums import Alignment, Timeframe
from simutrador_core.sessions.calendar import Calendar
from simutrador_data.services.downloading.hours import TradingHours
from simutrador_data.services.downloading.planning import missing_bars, settled_spans, to_asks
from simutrador_data.services.serving.ranges import day_start
from simutrador_data.services.validation.chunks import year_parts
from simutrador_data.services.validation.comparing import compare, find_alignment
from simutrador_data.services.validation.expected import (
    expected_bars,
    sessions_around,
    trading_time,
)
from simutrador_data.services.validation.spans import Spans
from simutrador_data.services.workflows.validate_store import find_info, known_range

_REACH: Final = timedelta(days=10)
_DAILY_REACH: Final = timedelta(days=100)
"""How far away a stored bar may be and still count as the next one: over any closure."""


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """One series over a range `[start, end)`, aware, and when its bars are due."""

    series: SeriesKey
    start: datetime
    end: datetime
    calendar: Calendar
    hours: TradingHours

    @property
    def query(self) -> BarQuery:
        """The query for the whole range."""
        series = self.series
        return BarQuery(series.symbol, series.timeframe, self.start, self.end, series.adjustment)


def to_wanted(
    series: SeriesKey,
    start: datetime,
    end: datetime,
    *,
    asset: Asset,
    calendar: Calendar,
    now: datetime,
) -> Wanted:
    """Return what can be asked for: no time to come, none before a listing or after a delisting.

    The range is also cut to what the calendar knows; it is empty where nothing is left.
    """
    known_from, known_until = known_range(calendar)
    start, end = max(start, known_from), min(end, now, known_until)
    if asset.listed is not None:
        start = max(start, day_start(asset.listed, calendar))
    if asset.delisted is not None:
        end = min(end, day_start(asset.delisted, calendar))
    hours = TradingHours.of(calendar, series.timeframe)
    return Wanted(series, start, max(start, end), calendar, hours)


def outstanding(
    store: BarStore, wanted: Wanted, *, provider: str, capabilities: Capabilities
) -> Spans:
    """Return the ranges to ask a provider for, int us UTC, oldest first.

    Raises:
        StoreError: the store cannot be read.
    """
    if wanted.start >= wanted.end:
        return Spans.range(0, 0)
    coverage = _coverage(store, wanted.query)
    own = settled_spans([one for one in coverage if one.provider == provider], wanted.hours)
    others = settled_spans(coverage, wanted.hours)
    found = [
        _part(store, wanted, part, own, others, capabilities.rows_per_request)
        for part in _parts(wanted)
    ]
    return Spans.joined(found)


def _part(
    store: BarStore,
    wanted: Wanted,
    part: tuple[datetime, datetime],
    own: Spans,
    others: Spans,
    rows_per_request: int,
) -> Spans:
    hours, (start, end) = wanted.hours, part
    schedule = sessions_around(wanted.calendar, start, end, hours.timeframe)
    bars = Bars.empty(wanted.series.symbol, hours.timeframe, wanted.series.adjustment)
    open_still = Spans.range(to_us(start), to_us(end)).without(own)
    if len(open_still.within(others)):
        bars = _read(store, wanted, part)  # to see which bars the others did not have
    alignment = find_alignment(bars, schedule) if len(bars) else Alignment.SESSION
    due = expected_bars(schedule, hours.timeframe, alignment, first_weekday=hours.weekday)
    due = due.between(to_us(start), to_us(end))
    present, _ = compare(due, bars, trading_time(schedule), hours.weekday)
    missing = missing_bars(due, present=present, own=own, others=others)
    return to_asks(
        due,
        missing,
        hours=hours,
        start=to_us(start),
        end=to_us(end),
        rows_per_request=rows_per_request,
    )


def _parts(wanted: Wanted) -> list[tuple[datetime, datetime]]:
    start, end = wanted.start, wanted.end
    if not wanted.hours.timeframe.is_intraday:
        return [(start, end)]
    schedule = sessions_around(wanted.calendar, start, end, Timeframe.DAILY)
    return year_parts(
        schedule, start, end, whole=Timeframe.DAILY, first_weekday=wanted.hours.weekday
    )


def _read(store: BarStore, wanted: Wanted, part: tuple[datetime, datetime]) -> Bars:
    series = wanted.series
    query = BarQuery(series.symbol, series.timeframe, *part, series.adjustment)
    try:
        return store.read(query)
    except UnknownSymbolError:
        return Bars.empty(series.symbol, series.timeframe, series.adjustment)


def _coverage(store: BarStore, query: BarQuery) -> list[Coverage]:
    try:
        return store.coverage(query)
    except UnknownSymbolError:
        return []


def neighbours(store: BarStore, series: SeriesKey, asks: Spans) -> list[int]:
    """Return when the stored bars open that stand next to each range, int us UTC, ascending."""
    found: set[int] = set()
    reach = _REACH if series.timeframe.is_intraday else _DAILY_REACH
    for start, end in asks.pairs():
        first, last = from_us(start), from_us(end)
        before = _opens(store, series, first - reach, first)
        after = _opens(store, series, last, last + reach)
        found.update([*before[-1:].tolist(), *after[:1].tolist()])
    return sorted(found)


def _opens(store: BarStore, series: SeriesKey, start: datetime, end: datetime) -> I64:
    try:
        query = BarQuery(series.symbol, series.timeframe, start, end, series.adjustment)
        return store.read(query).opened_at
    except UnknownSymbolError:
        return np.empty(0, dtype=np.int64)


def stored_since(store: BarStore, series: SeriesKey) -> datetime | None:
    """Return the instant the first stored bar opens, None where nothing is stored."""
    try:
        return find_info(store, series).first
    except UnknownSymbolError:
        return None


__all__ = ["Wanted", "neighbours", "outstanding", "stored_since", "to_wanted"]
