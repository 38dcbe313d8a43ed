"""Following a stream that says wrong things, and a vendor of which both sides fail."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest

from live_market import MINUTE, OPENS, Noted, every_minute, followed, holes, market, strays
from simutrador_core.testing.acceptance import at_scale
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.streaming import FollowStatus, LivePatience
from simutrador_data.testing import BAR_FAULTS, Fault, LiveFault

BTC: Final = every_minute("BTC-USDT", 2_000)
ETH: Final = every_minute("ETH-USDT", 2_000)
QUICK: Final = LivePatience(
    interval_s=1.0, first_backoff_s=0.05, most_backoff_s=0.2, least_between_connects_s=0.02
)
MINUTE_S: Final = 0.02
ENOUGH_S: Final = 60.0


async def test_a_minute_of_every_wrong_kind_leaves_no_hole_and_no_stray(fast_path: Path) -> None:
    """All kinds at once, each with a market and a store of its own: most of it is waiting."""

    async def wrong_minutes(fault: LiveFault) -> str:
        with (
            ParquetStore(fast_path / fault.name) as store,
            market([BTC, ETH], minute_s=MINUTE_S, huge_bytes=2 << 20) as there,
        ):
            there.live.inject(*[None] * 4, fault, None, fault, fault)
            until = there.end(100)
            report = await followed(there, store, patience=QUICK, until=until)
            met = {strike.fault for strike in there.live.strikes}
            absent = [len(holes(store, bars, until)) for bars in there.truth]
            wrong = [strays(store, bars) for bars in there.truth]
        found = (report.status, met, absent, wrong)
        return "" if found == (FollowStatus.COMPLETED, {fault}, [0, 0], [0, 0]) else f"{found}"

    assert await tried(wrong_minutes) == dict.fromkeys(sorted(BAR_FAULTS), "")


async def tried(attempt: Callable[[LiveFault], Awaitable[str]]) -> dict[LiveFault, str]:
    kinds = sorted(BAR_FAULTS)
    async with asyncio.timeout(ENOUGH_S):
        return dict(zip(kinds, await asyncio.gather(*map(attempt, kinds)), strict=True))


@pytest.mark.parametrize("seed", range(at_scale(1, 20)))
async def test_minutes_wrong_by_chance_and_outages_among_them_leave_no_hole(
    fast_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    kinds = [*sorted(BAR_FAULTS), LiveFault.CUT, LiveFault.RESET]
    mixed = [chance.choice(kinds) if chance.random() < 0.3 else None for _ in range(40)]
    with (
        ParquetStore(fast_path) as store,
        market([BTC, ETH], minute_s=MINUTE_S, huge_bytes=2 << 20) as there,
    ):
        there.live.inject(*mixed)
        until = there.end(120)
        async with asyncio.timeout(ENOUGH_S):
            report = await followed(there, store, patience=QUICK, until=until)
        assert [holes(store, bars, until) for bars in there.truth] == [[], []]
        assert [strays(store, bars) for bars in there.truth] == [0, 0]
    assert report.status is FollowStatus.COMPLETED
    assert report.owing == ()


async def test_bars_come_once_rest_is_back_too(fast_path: Path) -> None:
    """The vendor is gone altogether: no stream, and errors where one asks for what was missed."""
    noted = Noted()
    with ParquetStore(fast_path) as store, market([BTC], minute_s=MINUTE_S) as there:
        there.live.inject(None, None, None, LiveFault.RESET)
        there.rest.inject(*[Fault.UNAVAILABLE] * 6, Fault.TRUNCATED_JSON, Fault.RESET)
        until = there.end(60)
        async with asyncio.timeout(ENOUGH_S):
            report = await followed(there, store, patience=QUICK, until=until, watch=noted)
        faults = {call.fault for call in there.rest.calls}
        assert holes(store, BTC, until) == []
    assert {Fault.UNAVAILABLE, Fault.TRUNCATED_JSON, Fault.RESET} <= faults
    assert report.status is FollowStatus.COMPLETED


async def test_a_vendor_that_accepts_and_drops_at_once_is_not_hammered(fast_path: Path) -> None:
    """What lives for a minute of the market only, 20 ms, is no recovery: waits go on growing."""
    drops = 8
    stop, noted = asyncio.Event(), Noted()
    noted.on_bar = lambda: stop.set() if len(noted.waits) >= drops else None
    bounds = LivePatience(first_backoff_s=0.1, most_backoff_s=0.4, least_between_connects_s=0.02)
    with ParquetStore(fast_path) as store, market([BTC], minute_s=0.002) as there:
        there.live.inject(*[LiveFault.RESET] * drops)
        async with asyncio.timeout(ENOUGH_S):
            await followed(there, store, patience=bounds, watch=noted, cancel=stop)
    assert len(noted.waits) == drops
    # Seven waits drawn from [0, 0.4) are all this short once in two million tests.
    assert max(noted.waits[1:]) > 0.05
    assert max(noted.waits) <= 0.4


def test_minutes_here_are_those_of_the_truth() -> None:
    assert BTC.first == OPENS
    assert BTC.last == OPENS + 1_999 * MINUTE
