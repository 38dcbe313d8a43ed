"""Fills the gaps of symbols for a completeness report, and says in it what was tried."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.bars import to_us
from simutrador_core.sessions.calendar import Calendar
from simutrador_data.core.settings import Settings
from simutrador_data.models.analysis import GapFillResult, SymbolCompleteness
from simutrador_data.services.analysis.days import Days
from simutrador_data.services.choosing_providers import chain_of
from simutrador_data.services.gap_filling import FillRequest, SymbolFill, fill_gaps
from simutrador_data.services.gap_filling.opening import opened_for_gaps
from simutrador_data.services.serving.ranges import Range, next_day


async def fill_symbols(
    symbols: Sequence[str],
    days: Days,
    *,
    most: int,
    settings: Settings,
    store: BarStore,
    registry: AssetRegistry,
) -> dict[str, SymbolFill]:
    """Ask the providers of the settings for what is missing; return what became of each symbol.

    Cancelled, it stops; what came before stays stored.

    Args:
        symbols: Canonical symbols.
        days: The trading days.
        most: Missing periods asked for at most, per symbol.
        settings: Name the providers and their keys.
        store: Where the bars are.
        registry: Calendars and vendors' spellings.

    Raises:
        AuthenticationError: no provider has its key; the text names the setting.
        StoreError: the store cannot be written.
    """
    names = chain_of(None, None, settings)
    async with opened_for_gaps(names, settings, registry=registry) as asked:
        report = await fill_gaps(
            FillRequest(
                tuple(symbols),
                range=Range(days.first, next_day(days.last)),
                max_attempts=most,
                at_once=asked.at_once,
            ),
            providers=asked.providers,
            trades_from=asked.trades_from,
            store=store,
            registry=registry,
            quarantine=settings.data_storage.root / "quarantine",
        )
    return {one.series.symbol: one for one in report.symbols}


def with_fill(
    found: SymbolCompleteness, fill: SymbolFill, calendar: Calendar
) -> SymbolCompleteness:
    """Return the completeness judged after a fill together with what the fill did.

    Args:
        found: Judged after it.
        fill: What became of each period.
        calendar: Says which session a period belongs to.
    """
    results = [GapFillResult.model_validate(one.to_document()) for one in fill.results]
    starts = np.array([to_us(one.start_time) for one in fill.results], dtype=np.int64)
    sessions: list[date] = calendar.session_of(starts).tolist()
    by_session: dict[date, list[GapFillResult]] = {}
    for session, result in zip(sessions, results, strict=True):
        by_session.setdefault(session, []).append(result)
    listed = None
    if found.validation_results is not None:
        listed = [
            day.model_copy(update={"gap_fill_results": by_session.get(day.validation_date, [])})
            for day in found.validation_results
        ]
    return found.model_copy(
        update={
            "validation_results": listed,
            "gap_fill_attempted": True,
            "total_gaps_found": fill.periods,
            "gaps_filled_successfully": fill.filled,
            "gaps_vendor_unavailable": fill.unavailable,
            "candles_recovered": fill.recovered,
            "gap_fill_status": str(fill.status),
            "gap_fill_message": fill.message or None,
            "gap_fill_results": results,
        }
    )
