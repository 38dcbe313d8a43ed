"""Gap filling: symbols side by side, each asked of every provider in turn, then explained.

Only periods that the ledger lists as `vendor_hole`, `not_fetched` or `unexplained` are asked for,
and of each provider only once: its empty answer is on record in the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import InputError
from simutrador_core.interfaces.data_provider import DataProvider
from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.bars import SeriesKey
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.sessions.calendar import Calendar
from simutrador_core.sessions.exchange import get_calendar
from simutrador_data.services.downloading.asks import Patience
from simutrador_data.services.downloading.desk import Desk
from simutrador_data.services.downloading.engine import AT_ONCE, side_by_side, utc_now
from simutrador_data.services.downloading.watching import NobodyWatches, Watch
from simutrador_data.services.gap_filling.filling import SymbolFilling
from simutrador_data.services.gap_filling.report import FillReport
from simutrador_data.services.serving.ranges import Range

MAX_ATTEMPTS: Final = 50


@dataclass(frozen=True, slots=True)
class FillRequest:
    """Whose gaps to fill.

    Attributes:
        symbols: Canonical symbols; each is worked on once.
        timeframe: Of the bars.
        range: Dates are trading days of each symbol's exchange; without a start, from the first
            stored bar; without an end, to the last one.
        adjustment: Of the series.
        max_attempts: How many periods of absent bars are asked for, per symbol.
        at_once: How many symbols are worked on side by side.
    """

    symbols: tuple[str, ...]
    timeframe: Timeframe = Timeframe.MINUTE_1
    range: Range = field(default_factory=Range)
    adjustment: Adjustment = Adjustment.RAW
    max_attempts: int = MAX_ATTEMPTS
    at_once: int = AT_ONCE

    def __post_init__(self) -> None:
        """Refuse a request for nothing.

        Raises:
            InputError: no symbol is named, or nothing may be asked for.
        """
        if not self.symbols:
            raise InputError("name at least one symbol", field="symbols")
        for name in ("max_attempts", "at_once"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} {getattr(self, name)} is below 1", field=name)


async def fill_gaps(
    request: FillRequest,
    *,
    providers: Sequence[DataProvider],
    store: BarStore,
    registry: AssetRegistry,
    trades_from: Sequence[DataProvider] = (),
    calendars: Callable[[str], Calendar] = get_calendar,
    watch: Watch | None = None,
    cancel: asyncio.Event | None = None,
    quarantine: Path | None = None,
    now: Callable[[], datetime] = utc_now,
    patience: Patience | None = None,
) -> FillReport:
    """Ask for absent bars, store what comes, and learn why the rest is absent.

    Args:
        request: Whose gaps.
        providers: Whom to ask, in this order; each is asked for what the ones before it lack.
        store: Where the bars are.
        registry: Calendar, listing and delisting of each symbol.
        trades_from: Whom to ask whether anything traded where no bar came.
        calendars: Gives a calendar by its name.
        watch: Told how far each symbol has come.
        cancel: Set it to stop: what is stored stays, and the next run goes on there.
        quarantine: Folder for the lists of rejected rows; None writes none.
        now: The clock, aware.
        patience: How often a range is asked for again; None takes the usual.

    Returns:
        What became of every period. Vendors' failures are in it, never raised.

    Raises:
        InputError: there is no provider to ask.
        StoreError: the store cannot be read or written; what was committed before stays.
    """
    if not providers:
        raise InputError("name at least one provider", field="provider")
    desk = Desk(
        providers=tuple(providers),
        store=store,
        registry=registry,
        calendars=calendars,
        watch=watch or NobodyWatches(),
        quarantine=quarantine,
        now=now,
        patience=patience or Patience(),
    )
    queue = [
        SymbolFilling(
            desk,
            SeriesKey(symbol, request.timeframe, request.adjustment),
            request.range,
            max_attempts=request.max_attempts,
            trades_from=trades_from,
        )
        for symbol in dict.fromkeys(request.symbols)
    ]
    reports = await side_by_side(queue, request.at_once, cancel or asyncio.Event())
    return FillReport(tuple(reports))
