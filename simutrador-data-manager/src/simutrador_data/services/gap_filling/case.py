"""`Case`: one series whose gaps are filled, and what of it is read from the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from simutrador_core.assets.registry import Asset
from simutrador_core.errors import UnknownSymbolError
from simutrador_core.interfaces.data_provider import DataProvider
from simutrador_core.interfaces.storage import BarStore, Coverage
from simutrador_core.models.bars import I64, BarQuery, Bars, SeriesKey, from_us, to_us
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.sessions.calendar import Calendar, Schedule
from simutrador_data.services.downloading.desk import Desk
from simutrador_data.services.downloading.hours import TradingHours
from simutrador_data.services.downloading.outstanding import outstanding, to_wanted
from simutrador_data.services.downloading.planning import split_by_history
from simutrador_data.services.gap_filling.periods import Periods
from simutrador_data.services.serving.ranges import Range, day_start, next_day, resolve
from simutrador_data.services.validation.ledger import Ledger
from simutrador_data.services.validation.spans import Spans
from simutrador_data.services.workflows.resample_store import SOURCE as RESAMPLED
from simutrador_data.services.workflows.validate_store import validate_series, whole_query


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One series, its calendar, and the instant up to which answers given now are final.

    Every method reads the store anew and may take a while: call it in a thread.
    """

    desk: Desk
    series: SeriesKey
    asset: Asset
    calendar: Calendar
    hours: TradingHours

    @classmethod
    def of(cls, desk: Desk, series: SeriesKey) -> Case:
        """Return the case of a series.

        Raises:
            CalendarError: the registry names a calendar that is unknown.
        """
        asset = desk.registry.get(series.symbol)
        calendar = desk.calendars(asset.calendar)
        return cls(desk, series, asset, calendar, TradingHours.of(calendar, series.timeframe))

    @property
    def store(self) -> BarStore:
        """Where the bars are."""
        return self.desk.store

    @property
    def final_until(self) -> int:
        """Up to when an answer given now is final, int us UTC."""
        return self.hours.final_until(to_us(self.desk.now()))

    def ledger(self, wanted: Range) -> Ledger:
        """Return the ledger of what is over by now.

        Raises:
            UnknownSymbolError: nothing is stored of the series.
        """
        now = self.desk.now()
        start, end = resolve(wanted, lambda: self.calendar)
        return validate_series(
            self.store,
            self.desk.registry,
            self.series,
            start=None if wanted.start is None else start,
            end=None if wanted.end is None else min(end, now),
            calendars=self.desk.calendars,
        )

    def asks(self, periods: Periods, provider: DataProvider) -> Spans:
        """Return what of the periods a provider has not answered for; nothing it cannot give."""
        can = provider.capabilities
        offered = self.series.timeframe in can.timeframes
        if not offered or self.series.adjustment not in can.adjustments or not len(periods):
            return Spans.range(0, 0)
        wanted = to_wanted(
            self.series,
            from_us(int(periods.starts[0])),
            from_us(int(periods.ends[-1])),
            asset=self.asset,
            calendar=self.calendar,
            now=self.desk.now(),
        )
        found = outstanding(self.store, wanted, provider=provider.name, capabilities=can)
        oldest = None if can.history is None else self.desk.now() - can.history
        return split_by_history(found, oldest)[0].within(periods.spans)

    def opens(self, periods: Periods) -> I64:
        """Return when the stored bars open that lie in the periods or between them."""
        if not len(periods):
            return np.empty(0, dtype=np.int64)
        first, last = from_us(int(periods.starts[0])), from_us(int(periods.ends[-1]))
        return self.read(self.series, first, last).opened_at

    def coverage(self) -> list[Coverage]:
        """Return who was asked for what, and what was found out besides."""
        return self.store.coverage(whole_query(self.series))

    def read(self, series: SeriesKey, start: datetime, end: datetime) -> Bars:
        """Return stored bars, none where the series is unknown."""
        query = BarQuery(series.symbol, series.timeframe, start, end, series.adjustment)
        try:
            return self.store.read(query)
        except UnknownSymbolError:
            return Bars.empty(series.symbol, series.timeframe, series.adjustment)

    def schedule(self, periods: Periods) -> Schedule:
        """Return the sessions in which the periods lie."""
        schedule = self.calendar.schedule
        touched = periods.touched_by(schedule.opens, schedule.closes)
        return schedule.take(slice(int(touched[0]), int(touched[-1]) + 1))

    def days(self, schedule: Schedule) -> tuple[I64, I64]:
        """Return when the local day of each session begins and ends, int us UTC."""
        sessions = schedule.sessions.tolist()
        starts = [to_us(day_start(day, self.calendar)) for day in sessions]
        ends = [to_us(day_start(next_day(day), self.calendar)) for day in sessions]
        return np.array(starts, dtype=np.int64), np.array(ends, dtype=np.int64)

    def daily(self, start: datetime, end: datetime) -> Bars:
        """Return stored raw daily bars that were not made of shorter ones."""
        series = SeriesKey(self.series.symbol, Timeframe.DAILY, Adjustment.RAW)
        bars = self.read(series, start, end)
        if not len(bars):
            return bars
        query = BarQuery(series.symbol, series.timeframe, start, end)
        kept = np.zeros(len(bars), dtype=np.bool_)
        for segment in self.store.segments(query):
            if not segment.source.startswith(RESAMPLED):
                first, last = to_us(segment.start), to_us(segment.end)
                kept |= (bars.opened_at >= first) & (bars.opened_at < last)
        return bars.take(kept)


__all__ = ["Case"]
