"""The tour: import, validate, find splits, resample; what each step found, for whoever shows it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.interfaces.data_provider import CorporateAction
from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.bars import BarQuery, SeriesKey
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_data.demo.files import write_demo_files
from simutrador_data.services.progress.progress import Progress
from simutrador_data.services.serving.ledgers import ledger_of
from simutrador_data.services.serving.ranges import Range, resolve
from simutrador_data.services.serving.reading import read_bars
from simutrador_data.services.validation.ledger import Ledger
from simutrador_data.services.validation.splits import find_splits
from simutrador_data.services.workflows.import_files import import_files
from simutrador_data.services.workflows.import_report import ImportReport
from simutrador_data.services.workflows.resample_store import (
    ResampleReport,
    resample_and_store,
)

STOCKS: Final = ("AAPL", "FB", "GOOG", "IBM", "MSFT")
EURUSD: Final = SeriesKey("EUR/USD", Timeframe.HOUR_1)

# The first and the day after the last session of the shipped daily bars.
STOCK_DAYS: Final = Range(date(2000, 3, 1), date(2013, 3, 2))

TARGETS: Final[Mapping[str, tuple[Timeframe, ...]]] = {
    EURUSD.symbol: (Timeframe.HOUR_2, Timeframe.HOUR_4, Timeframe.DAILY),
    **dict.fromkeys(STOCKS, (Timeframe.WEEKLY, Timeframe.MONTHLY)),
}


@dataclass(frozen=True, slots=True)
class Tour:
    """What the tour found.

    Attributes:
        imported: What became of the files.
        ledgers: Of the raw series, the stocks over the same 13 years, then EUR/USD.
        splits: By symbol, in time order.
        resampled: The longer bars made, by symbol.
    """

    imported: ImportReport
    ledgers: list[Ledger]
    splits: list[CorporateAction]
    resampled: dict[str, ResampleReport]


def run_tour(
    store: BarStore, registry: AssetRegistry, *, now: datetime, progress: Progress
) -> Tour:
    """Bring the shipped bars into a store, judge them and make longer bars of them.

    Running it again changes nothing.

    Args:
        store: Where the bars go.
        registry: Listing dates and calendars.
        now: The present instant, aware.
        progress: Told about the import.
    """
    with tempfile.TemporaryDirectory(prefix="simutrador-demo-") as folder:
        imported = import_files(
            write_demo_files(Path(folder)),
            store=store,
            registry=registry,
            now=now,
            progress=progress,
        )
    keys = [SeriesKey(symbol, Timeframe.DAILY) for symbol in STOCKS]
    judged = [ledger_of(store, key, STOCK_DAYS, registry=registry) for key in keys]
    judged.append(ledger_of(store, EURUSD, Range(), registry=registry))
    return Tour(
        imported=imported,
        ledgers=judged,
        splits=[split for key in keys for split in _splits(store, key)],
        resampled=_resample(store, registry, now),
    )


def _splits(store: BarStore, key: SeriesKey) -> list[CorporateAction]:
    start, end = resolve(Range())
    raw = BarQuery(key.symbol, key.timeframe, start, end)
    adjusted = BarQuery(key.symbol, key.timeframe, start, end, Adjustment.TOTAL)
    return find_splits(read_bars(store, raw), read_bars(store, adjusted))


def _resample(store: BarStore, registry: AssetRegistry, now: datetime) -> dict[str, ResampleReport]:
    return {
        symbol: resample_and_store(store, registry, symbol, now=now, to=targets)
        for symbol, targets in TARGETS.items()
    }
