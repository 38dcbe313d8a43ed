"""The gap ledger of a symbol's minutes over trading days, whether it is stored or not."""

from __future__ import annotations

from calendar import MONDAY
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import InvalidRangeError, UnknownSymbolError
from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.bars import BarQuery, Bars, SeriesKey
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.sessions.calendar import Calendar
from simutrador_data.models.analysis import CompletenessResponse, SymbolCompleteness
from simutrador_data.services.analysis.completeness import completeness_of
from simutrador_data.services.analysis.overall import completeness_report
from simutrador_data.services.serving.ranges import day_start, next_day
from simutrador_data.services.serving.reading import calendar_of
from simutrador_data.services.validation.chunks import year_parts
from simutrador_data.services.validation.expected import sessions_around
from simutrador_data.services.validation.ledger import (
    Known,
    Ledger,
    build_ledger,
    join_ledgers,
)
from simutrador_data.services.workflows.validate_store import (
    read_once,
    validate_series,
    whole_query,
)


@dataclass(frozen=True, slots=True)
class Days:
    """Trading days from `first` to `last`, both included, as far as they are over at `now`.

    Raises:
        InvalidRangeError: they are reversed, or none has begun.
    """

    first: date
    last: date
    now: datetime

    def __post_init__(self) -> None:
        """Refuse days that cannot be judged."""
        if self.first > self.last:
            raise InvalidRangeError(
                f"start_date {self.first} is after end_date {self.last}", field="start_date"
            )
        if self.first > self.now.date() + timedelta(days=1):
            raise InvalidRangeError(
                f"start_date {self.first} lies in the future: nothing can be complete yet",
                field="start_date",
            )

    def instants(self, calendar: Calendar) -> tuple[datetime, datetime]:
        """Return `[start, end)`; minutes that are not over lie behind it.

        Raises:
            CalendarError: the days reach beyond what the calendar knows.
        """
        minute = self.now.replace(second=0, microsecond=0)
        last = min(self.last, self.now.date() + timedelta(days=1))
        calendar.between(self.first, next_day(last))
        start = day_start(self.first, calendar)
        return start, max(start, min(day_start(next_day(last), calendar), minute))


def judge(store: BarStore, registry: AssetRegistry, symbol: str, days: Days) -> Ledger:
    """Return the ledger of a symbol's raw minutes; of one that is not stored all are missing.

    Raises:
        CalendarError: its calendar is unknown, or does not reach over the days.
    """
    calendar = calendar_of(symbol, registry)
    start, end = days.instants(calendar)
    series = SeriesKey(symbol, Timeframe.MINUTE_1, Adjustment.RAW)
    try:
        return validate_series(store, registry, series, start=start, end=end, read=read_once)
    except UnknownSymbolError:
        asset = registry.get(symbol)
        known = Known(asset.listed, asset.delisted, store.coverage(whole_query(series)))
        return join_ledgers(
            build_ledger(part, _nothing(series), calendar=calendar, known=known)
            for part in _years(series, start, end, calendar)
        )


def _years(
    series: SeriesKey, start: datetime, end: datetime, calendar: Calendar
) -> Iterator[BarQuery]:
    schedule = sessions_around(calendar, start, end, Timeframe.DAILY)
    parts = year_parts(schedule, start, end, whole=Timeframe.DAILY, first_weekday=MONDAY)
    for one, other in parts:
        yield BarQuery(series.symbol, series.timeframe, one, other, series.adjustment)


def _nothing(series: SeriesKey) -> Bars:
    return Bars.empty(series.symbol, series.timeframe, series.adjustment)


def judge_symbols(
    store: BarStore,
    registry: AssetRegistry,
    symbols: Sequence[str],
    days: Days,
    *,
    details: bool = False,
) -> CompletenessResponse:
    """Return how complete the minutes of symbols are, each by its own calendar.

    Raises:
        CalendarError: a calendar is unknown, or does not reach over the days.
    """
    found: dict[str, SymbolCompleteness] = {}
    for symbol in symbols:
        half_days = calendar_of(symbol, registry).early_closes
        ledger = judge(store, registry, symbol, days)
        found[symbol] = completeness_of(ledger, half_days=half_days, details=details)
    return completeness_report(days.first, days.last, found)


__all__ = ["Days", "judge", "judge_symbols"]
