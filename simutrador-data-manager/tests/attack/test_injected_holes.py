"""Eight kinds of holes, planted where the test knows them, found by store, calendar and ledger.

The market's hours are worked out by hand here; the ledger judges by the exchange's calendar.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from simutrador_core.assets.registry import AssetRegistry, assume_asset
from simutrador_core.interfaces.storage import Change, Covered
from simutrador_core.models.bars import Bars, SeriesKey, concat, from_us, to_us
from simutrador_core.models.enums import Adjustment, AssetType, GapReason, Timeframe
from simutrador_core.testing.acceptance import at_scale
from simutrador_core.testing.calendars import make_calendar
from simutrador_core.testing.synthetic_market import Hole, Listing, SyntheticMarket
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.validation.ledger import Explanation, Ledger
from simutrador_data.services.workflows.validate_store import validate_series

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


def download(store: ParquetStore, holes: list[Hole]) -> Bars:
    """Store what the vendor gives of the ranges asked for, one commit a range."""
    told = tuple(hole for hole in holes if hole.reason is not GapReason.NOT_FETCHED)
    listing = Listing("ACME", listed=LISTED, delisted=DELISTED, holes=told)
    market = SyntheticMarket(HOURS, [listing], seed=7)
    parts: list[Bars] = []
    for start, end in fetched(holes):
        bars = replace(market.bars("ACME", Timeframe.MINUTE_1, start, end), synthetic=None)
        pages = [bars] if len(bars) else []
        store.commit(Change(pages, [Covered(SERIES, start, end)], "synthetic", "asked", END))
        parts.append(bars)
    return concat(parts)


def judged(store: ParquetStore, holes: list[Hole]) -> Ledger:
    acme = replace(assume_asset("ACME", AssetType.US_EQUITY), listed=LISTED, delisted=DELISTED)
    known = [
        Explanation(hole.start, hole.end, hole.reason, "told by the exchange")
        for hole in holes
        if hole.reason in {GapReason.HALTED, GapReason.NO_TRADE}
    ]
    registry = AssetRegistry.default().with_assets(acme)
    return validate_series(store, registry, SERIES, start=START, end=END, explanations=known)


@pytest.mark.parametrize("seed", range(at_scale(6, 100)))
def test_every_planted_hole_is_found_with_its_reason_and_nothing_else(
    fast_path: Path, seed: int
) -> None:
    holes = planted(seed)
    with ParquetStore(fast_path / "store") as store:
        bars = download(store, holes)
        ledger = judged(store, holes)
    found: Truth = {}
    for gap in ledger.gaps:
        if gap.reason is not GapReason.CLOSED:
            minutes = range(to_us(gap.start), to_us(gap.end), 60_000_000)
            assert len(minutes) == gap.expected
            assert not set(minutes) & found.keys()
            found.update(dict.fromkeys(minutes, gap.reason))
    truth = truth_of(holes)
    assert set(truth) | set(bars.opened_at.tolist()) == {at for _, at in every_minute()}
    assert found == truth
    assert set(truth.values()) == {*KINDS, GapReason.NOT_LISTED, GapReason.DELISTED}


def test_holidays_and_the_tail_of_a_half_day_are_closed(fast_path: Path) -> None:
    with ParquetStore(fast_path / "store") as store:
        download(store, [])
        ledger = judged(store, [])
    closed = [(g.start, g.end, g.expected) for g in ledger.gaps if g.reason is GapReason.CLOSED]
    assert closed == [
        (datetime(2024, 6, 19, 4, tzinfo=UTC), datetime(2024, 6, 20, 4, tzinfo=UTC), 0),
        (datetime(2024, 7, 3, 17, tzinfo=UTC), datetime(2024, 7, 3, 20, tzinfo=UTC), 0),
        (datetime(2024, 7, 4, 4, tzinfo=UTC), datetime(2024, 7, 5, 4, tzinfo=UTC), 0),
    ]
    assert ledger.completeness == 1.0
    assert ledger.is_explained
