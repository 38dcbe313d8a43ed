"""Make the longer timeframes of a stored symbol from its shortest one, and store them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import SimutradorError, UnknownSymbolError
from simutrador_core.interfaces.storage import BarStore, Change, Covered, SeriesInfo
from simutrador_core.models.bars import (
    I64,
    BarQuery,
    Bars,
    BoolArray,
    SeriesKey,
    concat,
    from_us,
    to_us,
)
from simutrador_core.models.enums import Adjustment, Alignment, OnConflict, Timeframe
from simutrador_core.sessions.calendar import Calendar
from simutrador_core.sessions.exchange import get_calendar
from simutrador_core.utils.timeframe_utils import timeframe_us, validate_timeframe_conversion
from simutrador_data.services.validation.chunks import year_parts
from simutrador_data.services.validation.expected import (
    MICROSECOND,
    expected_bars,
    first_weekday,
    period_of,
    sessions_around,
    trading_time,
)
from simutrador_data.services.validation.spans import Spans, asked_spans
from simutrador_data.services.workflows.resampling import Resampled, resample_counted
from simutrador_data.services.workflows.validate_store import Calendars, known_range, whole_query

SOURCE: Final = "resample:"
"""What the source of resampled bars begins with; the timeframe they were made of follows."""


@dataclass(frozen=True, slots=True)
class TimeframeResult:
    """What became of one timeframe.

    Attributes:
        timeframe: The timeframe made.
        bars: How many complete bars the source gives.
        added: Rows new in the store; `replaced` and `removed` likewise.
        kept: Bars not written because another source's bar stands there.
        outside: Source bars outside of trading hours.
        forming: Source bars of a bucket that is not over yet.
        error: Why nothing was written; empty when all went well.
    """

    timeframe: Timeframe
    bars: int = 0
    added: int = 0
    replaced: int = 0
    removed: int = 0
    kept: int = 0
    outside: int = 0
    forming: int = 0
    error: str = ""

    @property
    def no_op(self) -> bool:
        """Whether the store already held just these rows."""
        return not (self.error or self.added or self.replaced or self.removed)


@dataclass(frozen=True, slots=True)
class ResampleReport:
    """What resampling one symbol did; `results` in the order asked for."""

    symbol: str
    source: Timeframe
    results: tuple[TimeframeResult, ...]

    @property
    def failed(self) -> tuple[TimeframeResult, ...]:
        """The timeframes of which nothing was written because of an error."""
        return tuple(result for result in self.results if result.error)


@dataclass(frozen=True, slots=True)
class _Task:
    """One symbol to resample: where from, by which calendar, and what is known of the source."""

    store: BarStore
    info: SeriesInfo
    calendar: Calendar
    alignment: Alignment
    now: datetime
    asked: Spans
    since: datetime | None


def resample_and_store(
    store: BarStore,
    registry: AssetRegistry,
    symbol: str,
    *,
    now: datetime,
    to: Sequence[Timeframe] | None = None,
    adjustment: Adjustment = Adjustment.RAW,
    alignment: Alignment = Alignment.SESSION,
    since: datetime | None = None,
    calendars: Calendars = get_calendar,
) -> ResampleReport:
    """Make longer bars of a symbol's shortest stored ones; one commit for each timeframe.

    Bars made earlier are replaced, those of other sources stay. A second run changes nothing. A
    timeframe that fails does not stop the others; its result says why.

    Args:
        store: Where the bars are, and go.
        registry: Names the symbol's calendar.
        symbol: Canonical symbol.
        now: When this is done, aware; recorded with the commits.
        to: Timeframes to make; None stands for all the source can make.
        adjustment: Which of the symbol's series.
        alignment: Where intraday bars start.
        since: Aware; only sessions, weeks and months that end later are made. None makes all.
        calendars: Gives a calendar by its name.

    Raises:
        UnknownSymbolError: no such bars are stored.
        CalendarError: the registry names a calendar that is unknown.
    """
    info = _finest(store, symbol, adjustment)
    source = info.series.timeframe
    calendar = calendars(registry.get(symbol).calendar)
    coverage = store.coverage(whole_query(info.series))
    asked = asked_spans(coverage, trading_time(calendar.schedule))
    task = _Task(store, info, calendar, alignment, now, asked, since)
    wanted = [t for t in Timeframe if validate_timeframe_conversion(source, t)]
    results = tuple(_attempt(task, timeframe) for timeframe in (wanted if to is None else to))
    return ResampleReport(symbol, source, results)


def _finest(store: BarStore, symbol: str, adjustment: Adjustment) -> SeriesInfo:
    order = list(Timeframe)
    stored = [
        info
        for info in store.symbols()
        if info.symbol == symbol and info.series.adjustment is adjustment and info.rows
    ]
    if not stored:
        raise UnknownSymbolError(symbol)
    return min(stored, key=lambda info: order.index(info.series.timeframe))


def _attempt(task: _Task, to: Timeframe) -> TimeframeResult:
    try:
        return _make(task, to)
    except SimutradorError as e:
        return TimeframeResult(to, error=str(e))


def _make(task: _Task, to: Timeframe) -> TimeframeResult:
    parts = list(_resampled_parts(task, to))
    outside = sum(part.outside for part in parts)
    forming = sum(part.forming for part in parts)
    full = [part for part in parts if len(part.bars)]
    if not full:
        return TimeframeResult(to, outside=outside, forming=forming)
    made = concat([part.bars for part in full])
    ends = np.concatenate([part.ends for part in full])
    start, end = int(made.opened_at[0]), int(ends[-1])
    others, others_bars = _held_by_others(task, made.series, start, end)
    mine = made.take(_is_free(made, ends, others_bars, task.calendar))
    # Where nobody recorded what was asked, the source is taken as known from end to end.
    settled = task.asked.clipped(start, end) if len(task.asked) else Spans.range(start, end)
    series = task.info.series
    commit = task.store.commit(
        Change(
            pages=[mine] if len(mine) else [],
            covered=_covered(made.series, settled.without(others)),
            source=f"{SOURCE}{series.timeframe}",
            request=f"resample {series} to {to}, alignment {task.alignment}",
            fetched_at=task.now,
            on_conflict=OnConflict.REPLACE,
        )
    )
    return TimeframeResult(
        to,
        bars=len(made),
        added=commit.added,
        replaced=commit.replaced,
        removed=commit.removed,
        kept=len(made) - len(mine),
        outside=outside,
        forming=forming,
    )


def _resampled_parts(task: _Task, to: Timeframe) -> Iterator[Resampled]:
    """Yield about a year at a time, so that the source is never in memory whole."""
    info, calendar = task.info, task.calendar
    if info.first is None or info.last is None:
        return
    known_from, known_until = known_range(calendar)
    start = max(info.first, known_from)
    end = min(from_us(to_us(info.last) + 1), known_until)
    if task.since is not None:
        start = max(start, _begin_of_period(task.since, to, calendar))
    if start >= end:
        return
    whole = to if to is Timeframe.MONTHLY else Timeframe.WEEKLY
    schedule = sessions_around(calendar, start, end, whole)
    weekday = first_weekday(calendar)
    series = info.series
    for first, last in year_parts(schedule, start, end, whole=whole, first_weekday=weekday):
        query = BarQuery(series.symbol, series.timeframe, first, last, series.adjustment)
        known = to_us(last) if last < end else task.asked.end_after(to_us(info.last))
        yield resample_counted(
            task.store.read(query),
            to=to,
            calendar=calendar,
            alignment=task.alignment,
            source_end_us=known,
        )


def _begin_of_period(since: datetime, to: Timeframe, calendar: Calendar) -> datetime:
    """Return where the session, week or month begins that holds `since`: after the one before.

    Bars between two sessions belong to the later one: a half bar may be labelled before the open.
    """
    known_from, known_until = known_range(calendar)
    since = min(max(since, known_from), known_until - MICROSECOND)
    whole = to if to in {Timeframe.WEEKLY, Timeframe.MONTHLY} else Timeframe.DAILY
    # The margin of a month holds the period before, whatever holidays lie between.
    schedule = sessions_around(calendar, since, since + MICROSECOND, Timeframe.MONTHLY)
    periods = expected_bars(schedule, whole, first_weekday=first_weekday(calendar))
    over = int(np.searchsorted(periods.ends, to_us(since), side="right"))
    return from_us(int(periods.ends[over - 1])) if over else known_from


def _held_by_others(task: _Task, series: SeriesKey, start: int, end: int) -> tuple[Spans, Bars]:
    """Return where bars of other sources stand around `[start, end)`, and those bars."""
    margin = timedelta(days=31)
    query = BarQuery(
        series.symbol,
        series.timeframe,
        from_us(start) - margin,
        from_us(end) + margin,
        series.adjustment,
    )
    found = [s for s in task.store.segments(query) if not s.source.startswith(SOURCE)]
    starts = np.array([to_us(segment.start) for segment in found], dtype=np.int64)
    ends = np.array([to_us(segment.end) for segment in found], dtype=np.int64)
    others = Spans.of(starts, ends)
    if not len(others):
        return others, Bars.empty(series.symbol, series.timeframe, series.adjustment)
    stored = task.store.read(query)
    return others, stored.take(others.contain(stored.opened_at, stored.opened_at + 1))


def _is_free(made: Bars, ends: I64, others: Bars, calendar: Calendar) -> BoolArray:
    """Return which bars share no time with one of another source; its holes are free.

    So two grids never mix: hours cut on the clock are not joined by hours from the open.
    """
    if not len(others):
        return np.ones(len(made), dtype=np.bool_)
    if made.sessions is not None and others.sessions is not None:
        weekday = first_weekday(calendar)
        taken = period_of(others.sessions, made.timeframe, first_weekday=weekday)
        return ~np.isin(period_of(made.sessions, made.timeframe, first_weekday=weekday), taken)
    before = np.searchsorted(others.opened_at, ends) - 1
    reach = others.opened_at[np.maximum(before, 0)] + timeframe_us(made.timeframe)
    return (before < 0) | (reach <= made.opened_at)


def _covered(series: SeriesKey, spans: Spans) -> list[Covered]:
    pairs = zip(spans.starts.tolist(), spans.ends.tolist(), strict=True)
    return [Covered(series, from_us(start), from_us(end)) for start, end in pairs]
