"""The gap ledger of stored series, over the range people ask about."""

from __future__ import annotations

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.interfaces.storage import BarStore, SeriesInfo
from simutrador_core.models.bars import SeriesKey
from simutrador_data.services.serving.ranges import Range, next_day
from simutrador_data.services.serving.reading import calendar_of, find_series, read_bars, to_query
from simutrador_data.services.validation.ledger import Known, Ledger, build_ledger


def ledger_of(store: BarStore, key: SeriesKey, wanted: Range, *, registry: AssetRegistry) -> Ledger:
    """Return the ledger of one stored series.

    Args:
        store: Where the series is.
        key: Which series.
        wanted: The range to judge; an open end stands at the first, or after the last stored day.
        registry: Listing dates and calendars.

    Raises:
        UnknownSymbolError: no such series; the text says what is stored instead.
        CalendarError: the calendar does not reach over the range.
    """
    stored = stored_days(find_series(store, key))
    start = stored.start if wanted.start is None else wanted.start
    end = stored.end if wanted.end is None else wanted.end
    query = to_query(key, Range(start, end), registry=registry)
    asset = registry.get(key.symbol)
    known = Known(listed=asset.listed, delisted=asset.delisted, coverage=store.coverage(query))
    calendar = calendar_of(key.symbol, registry)
    return build_ledger(query, read_bars(store, query), calendar=calendar, known=known)


def stored_days(info: SeriesInfo) -> Range:
    """Return the range from the first stored bar to the end of the last one's day."""
    if info.first is None or info.last is None:
        return Range()
    if info.first_session is not None and info.last_session is not None:
        return Range(info.first_session, next_day(info.last_session))
    return Range(info.first, next_day(info.last.date()))
