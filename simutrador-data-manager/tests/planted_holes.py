"""Holes of every kind, planted in an invented market where the tests know them.

The market's hours are worked out by hand here; the ledger judges by the exchange's calendar.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import numpy as np

from simutrador_core.assets.registry import AssetRegistry, assume_asset
from simutrador_core.interfaces.storage import Change, Covered
from simutrador_core.models.bars import Bars, SeriesKey, concat, from_us, to_us
from simutrador_core.models.enums import Adjustment, AssetType, GapReason, Timeframe
from simutrador_core.testing.calendars import make_calendar
from simutrador_core.testing.synthetic_market import Hole, Listing, SyntheticMarket
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.validation.ledger import Ledger

MINUTE: Final = timedelta(minutes=1)
LISTED, DELISTED = date(2024, 6, 13), date(2024, 7, 11)
START, END = datetime(2024, 6, 10, 4, tzinfo=UTC), datetime(2024, 7, 15, 4, tzinfo=UTC)

# NYSE, Holidays & Trading Hours 2024: Juneteenth, Independence Day, early close on 3 July.
HOURS: Final = make_calendar(
    date(2024, 6, 1),
    date(2024, 8, 1),
    holidays={date(2024, 6, 19): "Juneteenth", date(2024, 7, 4): "Independence Day"},
    early_closes={date(2024, 7, 3): time(13)},
)
SERIES: Final = SeriesKey("ACME", Timeframe.MINUTE_1, Adjustment.RAW)
KINDS: Final = (
    GapReason.HALTED,
    GapReason.NO_TRADE,
    GapReason.VENDOR_HOLE,
    GapReason.NOT_FETCHED,
)

Truth = dict[int, GapReason]
"""Why each absent minute is absent, by its open in microseconds."""


def every_minute() -> list[tuple[date, int]]:
    days = [day for day in HOURS.schedule.sessions.tolist() if START.date() <= day < END.date()]
    return [(day, at) for day in days for at in HOURS.minutes(day).tolist()]


def planted(seed: int) -> list[Hole]:
    """Return holes of one to ninety minutes that do not touch each other, of every kind."""
    rng = np.random.default_rng(seed)
    listed = [at for day, at in every_minute() if LISTED <= day < DELISTED]
    starts = np.sort(rng.choice(len(listed) // 100, 40, replace=False)) * 100
    found: list[Hole] = []
    for number, start in enumerate(starts.tolist()):
        minutes = listed[start : start + int(rng.integers(1, 91))]
        last = next((k for k, a in enumerate(minutes) if a - minutes[0] != k * 60_000_000), None)
        minutes = minutes[:last]
        reason = KINDS[number % len(KINDS)]
        found.append(Hole(from_us(minutes[0]), from_us(minutes[-1]) + MINUTE, reason))
    return found


def truth_of(holes: list[Hole]) -> Truth:
    found: Truth = {}
    for day, at in every_minute():
        if day < LISTED:
            found[at] = GapReason.NOT_LISTED
        elif day >= DELISTED:
            found[at] = GapReason.DELISTED
    for hole in holes:
        for at in range(to_us(hole.start), to_us(hole.end), 60_000_000):
            found[at] = hole.reason
    return found


def fetched(holes: list[Hole]) -> list[tuple[datetime, datetime]]:
    """Return the ranges that were asked for: all but the holes nobody fetched."""
    left = [hole for hole in holes if hole.reason is GapReason.NOT_FETCHED]
    edges = [START, *(edge for hole in left for edge in (hole.start, hole.end)), END]
    return list(zip(edges[::2], edges[1::2], strict=True))


def market_of(holes: list[Hole]) -> SyntheticMarket:
    """Return the vendor: it knows of every hole but those that nobody fetched."""
    told = tuple(hole for hole in holes if hole.reason is not GapReason.NOT_FETCHED)
    listing = Listing("ACME", listed=LISTED, delisted=DELISTED, holes=told)
    return SyntheticMarket(HOURS, [listing], seed=7)


def download(store: ParquetStore, holes: list[Hole]) -> Bars:
    """Store what the vendor gives of the ranges asked for, one commit a range."""
    market = market_of(holes)
    parts: list[Bars] = []
    for start, end in fetched(holes):
        bars = replace(market.bars("ACME", Timeframe.MINUTE_1, start, end), synthetic=None)
        pages = [bars] if len(bars) else []
        store.commit(Change(pages, [Covered(SERIES, start, end)], "synthetic", "asked", END))
        parts.append(bars)
    return concat(parts)


def registry() -> AssetRegistry:
    """Return the assets, with the dates of ACME."""
    acme = replace(assume_asset("ACME", AssetType.US_EQUITY), listed=LISTED, delisted=DELISTED)
    return AssetRegistry.default().with_assets(acme)


def found_by(ledger: Ledger) -> Truth:
    """Return why each absent minute is absent, as the ledger says; closed hours left out."""
    found: Truth = {}
    for gap in ledger.gaps:
        if gap.reason is not GapReason.CLOSED:
            minutes = range(to_us(gap.start), to_us(gap.end), 60_000_000)
            assert len(minutes) == gap.expected
            assert not set(minutes) & found.keys()
            found.update(dict.fromkeys(minutes, gap.reason))
    return found
