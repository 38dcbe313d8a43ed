"""`SyntheticMarket`: against the provider contract, and that it tells the truth it promises."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import ClassVar
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from simutrador_core.dataset import dataset_id
from simutrador_core.errors import DataProviderError
from simutrador_core.interfaces.data_provider import ActionRequest, BarRequest, DataProvider
from simutrador_core.models.bars import OHLCV, Bars, to_us
from simutrador_core.models.enums import Adjustment, GapReason, Timeframe
from simutrador_core.sessions.calendar import Calendar, Schedule
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_core.testing.provider_contract import DataProviderContract
from simutrador_core.testing.synthetic_market import Hole, Listing, Split, SyntheticMarket

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
FIRST = date(2024, 1, 1)
LAST = date(2025, 1, 1)
GOLDEN = "d5f1019160e07118cbaa33970d8446de4328fb96ad64ebb2ab8dee5e06c92b92"


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), tzinfo=UTC)


def make_calendar(*, lunch: bool = False) -> Calendar:
    """Weekdays of 2024, 14:30 to 21:00 UTC; with a break from 17:00 to 18:00 when asked."""
    days = [FIRST + i * DAY for i in range((LAST - FIRST).days)]
    days = [day for day in days if day.weekday() < 5]
    closes = np.array([to_us(at(day, 21)) for day in days])
    return Calendar(
        "TEST",
        ZoneInfo("UTC"),
        Schedule(
            np.array(days, dtype="M8[D]"),
            np.array([to_us(at(day, 14, 30)) for day in days]),
            closes,
            np.array([to_us(at(day, 17)) for day in days]) if lunch else closes,
            np.array([to_us(at(day, 18)) for day in days]) if lunch else closes,
        ),
        FIRST,
        LAST,
    )


def market(*listings: Listing, seed: int = 7, rows: int = 1_000) -> SyntheticMarket:
    return SyntheticMarket(make_calendar(), listings or [Listing("ACME")], seed=seed, rows=rows)


def january(source: SyntheticMarket, timeframe: Timeframe = Timeframe.MINUTE_1) -> Bars:
    return source.bars("ACME", timeframe, at(FIRST, 0), at(date(2024, 2, 1), 0))


class TestSyntheticMarket(DataProviderContract):
    request: ClassVar = BarRequest(
        "ACME", Timeframe.MINUTE_1, at(date(2024, 3, 1), 0), at(date(2024, 3, 6), 15)
    )
    empty_request: ClassVar = replace(
        request, start=at(date(2024, 3, 2), 0), end=at(date(2024, 3, 4), 0)
    )
    unknown_request: ClassVar = replace(request, symbol="NOPE")

    @asynccontextmanager
    async def open_provider(self) -> AsyncIterator[DataProvider]:
        yield market(Listing("ACME", splits=(Split(date(2024, 3, 4), 2),)), rows=300)


def test_the_same_seed_gives_the_same_bytes_on_every_machine() -> None:
    # Recorded once; raw PCG64 bits and IEEE arithmetic make it hold anywhere.
    assert dataset_id([january(market())]) == GOLDEN


def test_another_seed_or_symbol_gives_other_prices() -> None:
    ours = january(market())
    assert not np.array_equal(ours.close, january(market(seed=8)).close)
    pair = market(Listing("ACME"), Listing("OTHER"))
    theirs = pair.bars("OTHER", Timeframe.MINUTE_1, at(FIRST, 0), at(date(2024, 2, 1), 0))
    assert_same_bars(january(pair), ours)
    assert not np.array_equal(ours.close, theirs.close)


def test_bars_do_not_depend_on_the_range_asked_for() -> None:
    source = market()
    start, end = at(date(2024, 1, 9), 16, 3), at(date(2024, 1, 11), 15, 17)
    part = source.bars("ACME", Timeframe.MINUTE_1, start, end)
    assert_same_bars(part, january(source).between(to_us(start), to_us(end)))
    assert len(part) == (21 * 60 - 16 * 60 - 3) + 390 + 47


def test_every_minute_of_every_session_is_there_and_labelled_synthetic() -> None:
    bars = january(market())
    assert len(bars) == 23 * 390  # weekdays of January 2024
    assert bars.synthetic is not None
    assert bars.synthetic.all()


def test_bars_are_whole_ticks_with_high_and_low_around_the_rest() -> None:
    bars = january(market())
    for name in OHLCV[:4]:
        assert np.array_equal(getattr(bars, name), np.round(getattr(bars, name), 2))
    assert np.all(bars.low > 0)
    assert np.all(bars.high >= np.maximum(bars.open, bars.close))
    assert np.all(bars.low <= np.minimum(bars.open, bars.close))
    assert np.all(bars.volume >= 1)


def test_other_tick_sizes_give_exact_prices() -> None:
    source = market(Listing("ACME", first_ticks=108_127, ticks_per_unit=100_000))
    bars = january(source)
    assert np.array_equal(bars.close, np.round(bars.close, 5))
    assert 0.5 < bars.close[0] < 2.0


def test_volume_smiles_over_the_session() -> None:
    volume = january(market()).volume.reshape(-1, 390).mean(axis=0)
    middle = volume[150:240].mean()
    assert volume[:30].mean() > 1.5 * middle
    assert volume[-30:].mean() > 1.5 * middle


def test_wild_days_follow_wild_days() -> None:
    source = market(seed=3)
    bars = source.bars("ACME", Timeframe.DAILY, at(FIRST, 0), at(LAST, 0))
    moves = np.abs(np.diff(bars.close) / bars.close[:-1])
    calm = np.median(moves)
    after_wild = moves[1:][moves[:-1] > 1.5 * calm].mean()
    after_calm = moves[1:][moves[:-1] <= 1.5 * calm].mean()
    assert after_wild > after_calm


@pytest.mark.parametrize(
    ("timeframe", "minutes"),
    [(Timeframe.MINUTE_5, 5), (Timeframe.HOUR_1, 60), (Timeframe.HOUR_4, 240)],
)
def test_longer_bars_are_made_of_the_minutes(timeframe: Timeframe, minutes: int) -> None:
    source = market()
    day = date(2024, 1, 3)
    fine = source.bars("ACME", Timeframe.MINUTE_1, at(day, 0), at(day + DAY, 0))
    coarse = source.bars("ACME", timeframe, at(day, 0), at(day + DAY, 0))
    starts = range(0, 390, minutes)
    assert coarse.opened_at.tolist() == [int(fine.opened_at[i]) for i in starts]
    for bar, i in enumerate(starts):
        group = fine.take(slice(i, i + minutes))
        assert (coarse.open[bar], coarse.close[bar]) == (group.open[0], group.close[-1])
        assert (coarse.high[bar], coarse.low[bar]) == (max(group.high), min(group.low))
        assert coarse.volume[bar] == sum(group.volume)


def test_daily_bars_carry_their_session_and_open_with_it() -> None:
    bars = january(market(), Timeframe.DAILY)
    assert bars.sessions is not None
    assert bars.sessions[0] == np.datetime64("2024-01-01")
    assert bars.opened_at[0] == to_us(at(FIRST, 14, 30))
    assert len(bars) == 23


def test_a_lunch_break_has_no_minutes() -> None:
    source = SyntheticMarket(make_calendar(lunch=True), [Listing("ACME")], seed=1)
    day = date(2024, 1, 3)
    bars = source.bars("ACME", Timeframe.MINUTE_1, at(day, 0), at(day + DAY, 0))
    assert len(bars) == 150 + 180
    assert len(bars.between(to_us(at(day, 17)), to_us(at(day, 18)))) == 0


def test_a_split_divides_the_raw_price_and_leaves_the_adjusted_one() -> None:
    day = date(2024, 1, 17)
    span = (at(FIRST, 0), at(date(2024, 2, 1), 0))
    plain = market()
    split = market(Listing("ACME", splits=(Split(day, 4),)))
    adjusted = split.bars("ACME", Timeframe.DAILY, *span, adjustment=Adjustment.SPLIT)
    assert np.array_equal(adjusted.close, january(plain, Timeframe.DAILY).close)
    raw = january(split, Timeframe.DAILY)
    assert raw.sessions is not None
    before = raw.sessions < np.datetime64(day)
    np.testing.assert_allclose(raw.close[before], 4 * adjusted.close[before], rtol=1e-12)
    assert np.array_equal(raw.close[~before], adjusted.close[~before])


async def test_splits_and_the_delisting_are_told_as_actions() -> None:
    listing = Listing("ACME", delisted=date(2024, 6, 3), splits=(Split(date(2024, 1, 17), 4),))
    asked = ActionRequest("ACME", FIRST, LAST)
    found = [action async for action in market(listing).fetch_actions(asked)]
    assert [(a.kind, a.effective, a.ratio) for a in found] == [
        ("split", date(2024, 1, 17), Decimal(4)),
        ("delisting", date(2024, 6, 3), None),
    ]


def test_holes_are_absent_for_the_reason_planted() -> None:
    day = date(2024, 1, 10)
    halt = Hole(at(day, 15), at(day, 15, 20), GapReason.HALTED)
    vendor = Hole(at(day, 16), at(day, 16, 45), GapReason.VENDOR_HOLE)
    source = market(Listing("ACME", holes=(halt, vendor)))
    given, traded = (
        january(source),
        source.traded("ACME", Timeframe.MINUTE_1, at(FIRST, 0), at(date(2024, 2, 1), 0)),
    )
    whole = january(market())
    lost_by_all = np.setdiff1d(whole.opened_at, traded.opened_at)
    lost_by_vendor = np.setdiff1d(traded.opened_at, given.opened_at)
    assert lost_by_all.tolist() == [to_us(halt.start + i * MINUTE) for i in range(20)]
    assert lost_by_vendor.tolist() == [to_us(vendor.start + i * MINUTE) for i in range(45)]
    assert source.holes("ACME") == (halt, vendor)


def test_a_symbol_trades_only_while_it_is_listed() -> None:
    listing = Listing("ACME", listed=date(2024, 1, 10), delisted=date(2024, 1, 12))
    bars = january(market(listing), Timeframe.DAILY)
    assert bars.sessions is not None
    assert bars.sessions.tolist() == [date(2024, 1, 10), date(2024, 1, 11)]


@pytest.mark.parametrize(
    ("symbol", "timeframe", "start"),
    [
        ("NOPE", Timeframe.MINUTE_1, FIRST),
        ("ACME", Timeframe.WEEKLY, FIRST),
        ("ACME", Timeframe.MINUTE_1, date(2023, 12, 1)),
    ],
)
def test_what_it_does_not_have_is_an_error(symbol: str, timeframe: Timeframe, start: date) -> None:
    with pytest.raises(DataProviderError):
        market().bars(symbol, timeframe, at(start, 0), at(date(2024, 2, 1), 0))


def test_it_imports_no_rule_that_checks_bars() -> None:
    code = (
        "import sys, simutrador_core.testing.synthetic_market;"
        "print([m for m in sys.modules if 'validation' in m or m == 'pandas'])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
