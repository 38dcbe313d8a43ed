"""The gap ledger of a symbol's minutes over trading days, whether it is stored or not."""

from __future__ import annotations

from calendar import MONDAY
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial

from simutrador_core.assets.registry import Asset, AssetRegistry
from simutrador_core.errors import UnknownSymbolError
from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.bars import BarQuery, Bars, SeriesKey
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.sessions.calendar import Calendar
from simutrador_data.models.analysis import CompletenessResponse, SymbolCompleteness
from simutrador_data.services.analysis.completeness import Address, completeness_of
from simutrador_data.services.analysis.days import Days
from simutrador_data.services.analysis.filling import with_fill
from simutrador_data.services.analysis.overall import completeness_report
from simutrador_data.services.data_providers.http import NotOfferedError
from simutrador_data.services.data_providers.polygon.links import minutes_url
from simutrador_data.services.data_providers.polygon.provider import to_ticker
from simutrador_data.services.gap_filling import SymbolFill
from simutrador_data.services.serving.reading import calendar_of
from simutrador_data.services.validation.chunks import year_parts
from simutrador_data.services.validation.expected import sessions_around
from simutrador_data.services.validation.ledger import (
    Known,
    Ledger,
    build_ledger,
    join_ledgers,
)
from simutrador_data.services.validation.notes import noted, without_notes
from simutrador_data.services.workflows.validate_store import (
    read_once,
    validate_series,
    whole_query,
)


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
        recorded = store.coverage(whole_query(series))
        known = Known(asset.listed, asset.delisted, without_notes(recorded), noted(recorded))
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
    fills: Mapping[str, SymbolFill] | None = None,
) -> CompletenessResponse:
    """Return how complete the minutes of symbols are, each by its own calendar.

    Args:
        store: Where the bars are.
        registry: Listing dates and calendars.
        symbols: Canonical symbols.
        days: The trading days.
        details: Whether to list every session.
        fills: What was tried just before to fill gaps, by symbol.

    Raises:
        CalendarError: a calendar is unknown, or does not reach over the days.
    """
    found: dict[str, SymbolCompleteness] = {}
    for symbol in symbols:
        calendar = calendar_of(symbol, registry)
        one = completeness_of(
            judge(store, registry, symbol, days),
            half_days=calendar.early_closes,
            details=details,
            address=_address(registry.get(symbol)),
        )
        if fills is not None and symbol in fills:
            one = with_fill(one, fills[symbol], calendar)
        found[symbol] = one
    return completeness_report(days.first, days.last, found)


def _address(asset: Asset) -> Address | None:
    """Return what gives Polygon's address of a period; None where it has no such asset."""
    try:
        to_ticker(asset)
    except NotOfferedError:
        return None
    return partial(minutes_url, asset)


__all__ = ["judge", "judge_symbols"]
