"""The gap ledger of stored series, over the range people write."""

from __future__ import annotations

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import UnknownSymbolError
from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.bars import SeriesKey
from simutrador_data.services.serving.ranges import Range, resolve
from simutrador_data.services.serving.reading import calendar_of, explain_unknown
from simutrador_data.services.validation.ledger import Ledger
from simutrador_data.services.workflows.validate_store import (
    ReadBars,
    read_again,
    validate_series,
)


def ledger_of(
    store: BarStore,
    key: SeriesKey,
    wanted: Range,
    *,
    registry: AssetRegistry,
    read: ReadBars = read_again,
) -> Ledger:
    """Return the ledger of one stored series.

    Args:
        store: Where the series is.
        key: Which series.
        wanted: The range to judge, cut to what the calendar knows; an open end stands at the first
            or last stored session.
        registry: Listing dates and calendars.
        read: How bars are read; see `validate_series`.

    Raises:
        UnknownSymbolError: no such series; the text says what is stored instead.
        CalendarError: the registry names a calendar that is unknown.
    """
    start, end = resolve(wanted, lambda: calendar_of(key.symbol, registry))
    try:
        return validate_series(
            store,
            registry,
            key,
            start=None if wanted.start is None else start,
            end=None if wanted.end is None else end,
            read=read,
        )
    except UnknownSymbolError as e:
        raise explain_unknown(store, key) from e
