"""The gap ledger of what a store holds, series by series, in memory bounded by a year of bars."""

from __future__ import annotations

from calendar import MONDAY
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Final, TypeAlias

import numpy as np

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import UnknownSymbolError
from simutrador_core.interfaces.storage import BarStore, Coverage, SeriesInfo
from simutrador_core.models.bars import I64, BarQuery, Bars, SeriesKey, concat, from_us, to_us
from simutrador_core.models.enums import Alignment, Timeframe
from simutrador_core.models.series import MICROSECOND
from simutrador_core.sessions.calendar import Calendar
from simutrador_core.sessions.exchange import get_calendar
from simutrador_data.services.validation.chunks import year_parts
from simutrador_data.services.validation.comparing import find_alignment
from simutrador_data.services.validation.expected import sessions_around, trading_time
from simutrador_data.services.validation.halts import halts_of
from simutrador_data.services.validation.ledger import (
    Explanation,
    Known,
    Ledger,
    build_ledger,
    join_ledgers,
)
from simutrador_data.services.validation.notes import noted, without_notes
from simutrador_data.services.validation.spans import asked_spans

Calendars: TypeAlias = Callable[[str], Calendar]
ReadBars: TypeAlias = Callable[[BarStore, BarQuery], Bars]

_EVER: Final = (datetime(1800, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))


def read_again(store: BarStore, query: BarQuery) -> Bars:
    """Return the bars of a query the way that makes the next read of them quick."""
    return store.read(query)


def read_once(store: BarStore, query: BarQuery) -> Bars:
    """Return the bars of a query and keep nothing of them: for work on whole stores.

    Kept ready for the next read, a year of minutes of 500 symbols would take 2 GB.
    """
    parts = list(store.stream(query))
    if not parts:
        return Bars.empty(query.symbol, query.timeframe, query.adjustment)
    return concat(parts)


def validate_store(
    store: BarStore,
    registry: AssetRegistry,
    *,
    symbols: Sequence[str] | None = None,
    timeframe: Timeframe | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    calendars: Calendars = get_calendar,
) -> Iterator[Ledger]:
    """Yield the ledger of each stored series in turn; see `validate_series`.

    Args:
        store: Where the bars are.
        registry: Listing dates and calendar of each symbol.
        symbols: Canonical symbols to judge; None stands for all stored.
        timeframe: Only this timeframe; None stands for all.
        start: From when; None stands for the open of each series' first session.
        end: Until when, exclusive; None stands for the close of each series' last session.
        calendars: Gives a calendar by its name.

    Raises:
        UnknownSymbolError: a symbol asked for is not stored (in that timeframe).
        CalendarError: the registry names a calendar that is unknown.
    """
    infos = store.symbols(timeframe)
    stored = {info.symbol for info in infos}
    for symbol in symbols or ():
        if symbol not in stored:
            raise UnknownSymbolError(symbol)
    for info in infos:
        if symbols is None or info.symbol in symbols:
            yield validate_series(
                store,
                registry,
                info.series,
                start=start,
                end=end,
                calendars=calendars,
                read=read_once,
            )


def validate_series(
    store: BarStore,
    registry: AssetRegistry,
    series: SeriesKey,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    explanations: Sequence[Explanation] = (),
    calendars: Calendars = get_calendar,
    read: ReadBars = read_again,
) -> Ledger:
    """Return the ledger of one stored series over `[start, end)`.

    The range is cut to the dates the calendar knows; `Ledger.query` tells what was judged.

    Args:
        store: Where the bars are.
        registry: Listing dates and calendar of the symbol.
        series: Which series.
        start: From when; None stands for the open of the first stored bar's session.
        end: Until when, exclusive; None stands for the close of the last stored bar's session.
        explanations: What is known beside the halts and notes of the store.
        calendars: Gives a calendar by its name.
        read: How bars are read; `read_once` where nobody will ask for them again soon.

    Raises:
        UnknownSymbolError: the series is not stored.
        CalendarError: the registry names a calendar that is unknown.
    """
    info = find_info(store, series)
    asset = registry.get(series.symbol)
    calendar = calendars(asset.calendar)
    query = _query(info, calendar, start, end)
    recorded = store.coverage(whole_query(info.series))
    coverage = without_notes(recorded)
    known = Known(
        listed=asset.listed,
        delisted=asset.delisted,
        coverage=coverage,
        explanations=[*explanations, *halts_of(store, asset), *noted(recorded)],
        unrecorded=_unrecorded(store, info, coverage, calendar),
    )
    alignment = _alignment(store, query, calendar)
    return join_ledgers(
        build_ledger(part, read(store, part), calendar=calendar, known=known, alignment=alignment)
        for part in _parts(query, calendar)
    )


def find_info(store: BarStore, series: SeriesKey) -> SeriesInfo:
    """Return what is stored of a series, without listing the others; session dates are left out.

    Raises:
        UnknownSymbolError: nothing is.
    """
    query = whole_query(series)
    try:
        store.read(replace(query, end=query.start))
    except UnknownSymbolError as e:
        hint = f"as {series.timeframe} {series.adjustment}; import or fetch it first"
        raise UnknownSymbolError(series.symbol, hint=hint) from e
    segments = store.segments(query)
    if not segments:
        return SeriesInfo(series, None, None, 0)
    # A segment ends just after its last bar opens.
    last = segments[-1].end - MICROSECOND
    return SeriesInfo(series, segments[0].start, last, sum(segment.rows for segment in segments))


def whole_query(series: SeriesKey) -> BarQuery:
    """Return the query for all that may ever have been asked or stored of a series."""
    return BarQuery(series.symbol, series.timeframe, *_EVER, series.adjustment)


def known_range(calendar: Calendar) -> tuple[datetime, datetime]:
    """Return the instants between which a calendar knows its sessions, aware."""
    first = datetime.combine(calendar.start, time(), tzinfo=calendar.zone)
    return first, datetime.combine(calendar.end, time(), tzinfo=calendar.zone)


def _query(
    info: SeriesInfo, calendar: Calendar, start: datetime | None, end: datetime | None
) -> BarQuery:
    first, last = _stored_range(info, calendar)
    known_from, known_until = known_range(calendar)
    start = min(max(start or first, known_from), known_until)
    end = max(start, min(end or last, known_until))
    series = info.series
    return BarQuery(series.symbol, series.timeframe, start, end, series.adjustment)


def _stored_range(info: SeriesInfo, calendar: Calendar) -> tuple[datetime, datetime]:
    """Return from the first bar or its session's open to the last bar's session's close."""
    known_from, known_until = known_range(calendar)
    if info.first is None or info.last is None:
        return known_from, known_from
    edges = np.array([to_us(info.first), to_us(info.last)], dtype=np.int64)
    if not known_from <= info.first <= info.last < known_until:
        return info.first, from_us(int(edges[1]) + 1)
    schedule = sessions_around(calendar, info.first, info.last, Timeframe.DAILY)
    first, last = _sessions_of(edges, schedule.opens, schedule.closes)
    start = min(int(schedule.opens[first]), int(edges[0])) if first >= 0 else int(edges[0])
    end = int(schedule.closes[last]) if last >= 0 else int(edges[1]) + 1
    return from_us(start), from_us(end)


def _sessions_of(instants: I64, opens: I64, closes: I64) -> tuple[int, int]:
    at = np.searchsorted(opens, instants, side="right") - 1
    held = (at >= 0) & (instants < closes[np.maximum(at, 0)])
    first, last = np.where(held, at, -1).tolist()
    return first, last


def _parts(query: BarQuery, calendar: Calendar) -> list[BarQuery]:
    if not query.timeframe.is_intraday:
        return [query]
    schedule = sessions_around(calendar, query.start, query.end, Timeframe.DAILY)
    parts = year_parts(
        schedule, query.start, query.end, whole=Timeframe.DAILY, first_weekday=MONDAY
    )
    return [
        BarQuery(query.symbol, query.timeframe, start, end, query.adjustment)
        for start, end in parts
    ]


def _alignment(store: BarStore, query: BarQuery, calendar: Calendar) -> Alignment:
    if not query.timeframe.is_intraday or query.timeframe is Timeframe.MINUTE_1:
        return Alignment.SESSION
    for bars in store.stream(query):
        first, last = from_us(int(bars.opened_at[0])), from_us(int(bars.opened_at[-1]) + 1)
        return find_alignment(bars, sessions_around(calendar, first, last, Timeframe.DAILY))
    return Alignment.SESSION


def _unrecorded(
    store: BarStore, info: SeriesInfo, coverage: Sequence[Coverage], calendar: Calendar
) -> tuple[int, int] | None:
    """Return the first and last stored bar that no record of a question covers."""
    if info.first is None or info.last is None:
        return None
    first, last = to_us(info.first), to_us(info.last)
    if not coverage:
        return first, last
    asked = asked_spans(coverage, trading_time(calendar.schedule))
    edges = np.array([first], dtype=np.int64)
    if bool(asked.contain(edges, np.array([last + 1], dtype=np.int64))[0]):
        return None
    found: list[int] = []
    for bars in store.stream(whole_query(info.series)):
        alone = bars.opened_at[~asked.contain(bars.opened_at, bars.opened_at + 1)]
        found += [int(alone[0]), int(alone[-1])] if len(alone) else []
    return (found[0], found[-1]) if found else None
