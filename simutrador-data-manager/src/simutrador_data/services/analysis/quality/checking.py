"""Runs the checks over stored series, in memory bounded by a year of bars."""

from __future__ import annotations

from calendar import MONDAY
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Final

import numpy as np

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.bars import BarQuery, Bars, BoolArray, SeriesKey, concat
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.sessions.calendar import Calendar, Schedule
from simutrador_data.services.analysis.quality.cross_timeframe import find_timeframe_differences
from simutrador_data.services.analysis.quality.findings import Check, Finding
from simutrador_data.services.analysis.quality.outliers import find_outliers
from simutrador_data.services.analysis.quality.split_suspects import find_split_suspects
from simutrador_data.services.analysis.quality.stale_prices import find_stale_prices
from simutrador_data.services.analysis.quality.volumes import find_impossible, find_zero_volume
from simutrador_data.services.serving.ranges import Range, resolve
from simutrador_data.services.serving.reading import calendar_of, explain_unknown
from simutrador_data.services.validation.chunks import year_parts
from simutrador_data.services.validation.expected import sessions_around
from simutrador_data.services.workflows.validate_store import find_info, known_range, read_once

STORED_CHECKS: Final = tuple(check for check in Check if check is not Check.CROSS_VENDOR)
"""What can be checked with nothing but the store."""

_SESSION: Final = timedelta(days=1)
_OVERLAP: Final = 2
"""Bars of the part before that a part is judged with: a spike needs both its neighbours."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be checked.

    Attributes:
        checks: Which checks; all that need nothing but the store by default.
        timeframe: Only this one; None stands for all that are stored.
        adjustment: Which series of a symbol.
        range: From when until when; open ends stand at the first and last stored bar.
    """

    checks: Collection[Check] = STORED_CHECKS
    timeframe: Timeframe | None = None
    adjustment: Adjustment = Adjustment.RAW
    range: Range = field(default_factory=Range)


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """What the checks found in one series, `bars` bars of it."""

    series: SeriesKey
    bars: int
    checks: tuple[Check, ...]
    findings: tuple[Finding, ...]


def series_to_check(store: BarStore, symbols: Sequence[str], wish: Wish) -> list[SeriesKey]:
    """Return the stored series that are wanted, in the order of the symbols; none names all.

    Raises:
        UnknownSymbolError: nothing is stored of a symbol; the text says what is.
    """
    held = [
        info.series
        for info in store.symbols(wish.timeframe)
        if info.series.adjustment is wish.adjustment
    ]
    if not symbols:
        return held
    for symbol in symbols:
        if not any(series.symbol == symbol for series in held):
            wanted = SeriesKey(symbol, wish.timeframe or Timeframe.MINUTE_1, wish.adjustment)
            raise explain_unknown(store, wanted)
    return [series for symbol in symbols for series in held if series.symbol == symbol]


def check_series(
    store: BarStore,
    registry: AssetRegistry,
    series: SeriesKey,
    wish: Wish,
    *,
    splits: Collection[date] = (),
) -> Checked:
    """Return what the checks find in one stored series; daily bars meet the minutes here.

    Args:
        store: Where the bars are.
        registry: Calendar of the symbol.
        series: Which series.
        wish: Which checks, and the range.
        splits: Days on which recorded splits of the symbol take effect.

    Raises:
        UnknownSymbolError: the series is not stored.
        CalendarError: its calendar is unknown.
    """
    calendar = calendar_of(series.symbol, registry)
    query = query_of(store, registry, series, wish.range)
    known = splits if series.adjustment is Adjustment.RAW else ()
    minutes = replace(series, timeframe=Timeframe.MINUTE_1)
    done = tuple(check for check in wish.checks if check in STORED_CHECKS)
    if series.timeframe is not Timeframe.DAILY or not _is_stored(store, minutes):
        done = tuple(check for check in done if check is not Check.CROSS_TIMEFRAME)
    found: list[Finding] = []
    rows, before = 0, None
    for part, schedule in _parts(query, calendar):
        bars = read_once(store, part)
        rows += len(bars)
        if Check.CROSS_TIMEFRAME in done and len(bars):
            shorter = read_once(store, replace(part, timeframe=Timeframe.MINUTE_1))
            found += find_timeframe_differences(bars, shorter, calendar=calendar, schedule=schedule)
        bars = _in_sessions(bars, calendar)
        found += _find(bars, before, done, known)
        before = bars.take(slice(max(0, len(bars) - _OVERLAP), len(bars)))
    return Checked(series, rows, done, tuple(found))


def _find(
    bars: Bars, before: Bars | None, checks: Collection[Check], splits: Collection[date]
) -> Iterator[Finding]:
    if Check.PRICES in checks:
        yield from find_impossible(bars)
    if Check.ZERO_VOLUME in checks:
        yield from find_zero_volume(bars)
    if Check.STALE_PRICE in checks:
        yield from find_stale_prices(bars)
    whole = bars if before is None or not len(before) else concat([before, bars])
    sound = _kept(whole, np.minimum(whole.low, np.minimum(whole.open, whole.close)) > 0)
    if Check.OUTLIER in checks:
        yield from find_outliers(sound)
    if Check.SPLIT_SUSPECT in checks:
        yield from find_split_suspects(sound, splits)


def query_of(
    store: BarStore, registry: AssetRegistry, series: SeriesKey, wanted: Range
) -> BarQuery:
    """Return what of a range is stored of a series, and known to its calendar.

    Raises:
        UnknownSymbolError: the series is not stored.
        CalendarError: its calendar is unknown.
    """
    calendar = calendar_of(series.symbol, registry)
    info = find_info(store, series)
    start, end = resolve(wanted, lambda: calendar)
    first, last = known_range(calendar)
    if info.first is not None and info.last is not None:
        # A day on, so that the last daily bar meets all of its minutes.
        first, last = max(first, info.first), min(last, info.last + _SESSION)
    start = min(max(start, first), last)
    end = max(start, min(end, last))
    return BarQuery(series.symbol, series.timeframe, start, end, series.adjustment)


def _parts(query: BarQuery, calendar: Calendar) -> Iterator[tuple[BarQuery, Schedule]]:
    """Yield the query cut into years of sessions; longer than daily bars come at once."""
    schedule = sessions_around(calendar, query.start, query.end, Timeframe.DAILY)
    if not (query.timeframe.is_intraday or query.timeframe is Timeframe.DAILY):
        yield query, schedule
        return
    parts = year_parts(
        schedule, query.start, query.end, whole=Timeframe.DAILY, first_weekday=MONDAY
    )
    for start, end in parts:
        yield (
            replace(query, start=start, end=end),
            sessions_around(calendar, start, end, Timeframe.DAILY),
        )


def _in_sessions(bars: Bars, calendar: Calendar) -> Bars:
    """Return intraday bars inside of trading hours with the session of each; others as they are."""
    if not bars.timeframe.is_intraday:
        return bars
    sessions = calendar.session_of(bars.opened_at)
    inside = ~np.isnat(sessions)
    return replace(_kept(bars, inside), sessions=sessions[inside])


def _kept(bars: Bars, kept: BoolArray) -> Bars:
    return bars if kept.all() else bars.take(np.flatnonzero(kept))


def _is_stored(store: BarStore, series: SeriesKey) -> bool:
    return any(info.series == series for info in store.symbols(series.timeframe))
