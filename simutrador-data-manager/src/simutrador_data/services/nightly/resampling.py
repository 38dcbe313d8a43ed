"""The longer timeframes of one symbol after its minutes were fetched; it blocks."""

from __future__ import annotations

from datetime import datetime

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import UnknownSymbolError
from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.bars import SeriesKey
from simutrador_core.models.enums import Timeframe
from simutrador_data.services.nightly.dates import Sessions
from simutrador_data.services.serving.ranges import day_start
from simutrador_data.services.serving.reading import calendar_of
from simutrador_data.services.workflows.resample_store import TimeframeResult, resample_and_store
from simutrador_data.services.workflows.validate_store import find_info


def resample_symbol(
    store: BarStore,
    registry: AssetRegistry,
    symbol: str,
    to: Timeframe,
    *,
    sessions: Sessions,
    now: datetime,
) -> TimeframeResult | None:
    """Make a timeframe from the first session updated on, or from where it ends if that is earlier.

    So what a run that was killed, or failed at this timeframe, has left out is made up for.

    Args:
        store: Where bars are, and go.
        registry: Names the symbol's calendar.
        symbol: Canonical symbol.
        to: The timeframe to make.
        sessions: Those that were updated.
        now: Aware; recorded with the commits.

    Returns:
        What became of it; None where no bars are stored of the symbol.
    """
    since: datetime | None = day_start(sessions.first, calendar_of(symbol, registry))
    try:
        last = find_info(store, SeriesKey(symbol, to)).last
        since = None if last is None else min(since, last)
    except UnknownSymbolError:
        since = None
    try:
        report = resample_and_store(store, registry, symbol, now=now, to=[to], since=since)
    except UnknownSymbolError:
        return None
    return report.results[0]
