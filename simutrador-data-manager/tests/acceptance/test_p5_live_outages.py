"""P5: a stream falls mute, half open, is cut and refused; no bar is missing, nobody is hammered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

from live_market import MINUTE, Noted, every_minute, followed, holes, market, strays
from simutrador_core.testing.acceptance import Figure, at_scale, patience
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.streaming import FollowStatus, LivePatience
from simutrador_data.services.streaming.backoff import Backoff
from simutrador_data.services.streaming.keeping import Keeper
from simutrador_data.services.streaming.silence import Silence, Step
from simutrador_data.testing import Connect, LiveFault

SYMBOLS: Final = at_scale(
    ("BTC-USDT", "ETH-USDT"), ("BTC-USDT", "ETH-USDT", "LTC-USDT", "SOL-USDT")
)
MINUTE_S: Final = 0.03
DAY: Final = at_scale(25, 1_440)
"""Minutes after which the vendor cuts a connection."""

ROUNDS: Final = at_scale(1, 3)
QUIET: Final = at_scale(5, 50)
"""Right minutes between two faults."""

LEAST_GAP_S: Final = at_scale(0.2, 1.0)
INTERVAL_S: Final = at_scale(0.4, 4.0)
LATE_S: Final = 0.3
"""What a machine that does other things too may be late by."""

TIMER_S: Final = 0.005
BOUNDS: Final = LivePatience(
    interval_s=INTERVAL_S,
    first_backoff_s=at_scale(0.2, 1.0),
    most_backoff_s=at_scale(0.6, 60.0),
    least_between_connects_s=LEAST_GAP_S,
)
ENOUGH_S: Final = at_scale(60.0, 1_200.0)


@contextmanager
def what_was_missed_is_not_asked_for() -> Iterator[None]:
    """Fault: a follower is content with what the stream brings once it is connected again."""

    async def settled(self: Keeper, start: int, group: Any) -> None:
        for one in group:
            one.settled = max(one.settled, one.known)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Keeper, "_backfill", settled)
        yield


@pytest.mark.acceptance("P5", package="data-manager", breaks=what_was_missed_is_not_asked_for)
async def test_no_bar_is_missing_after_outages_of_every_kind(
    fast_path: Path, figure: Figure
) -> None:
    truth = [every_minute(symbol, at_scale(2_000, 40_000)) for symbol in SYMBOLS]
    quiet = [None] * QUIET
    outages = [*quiet, LiveFault.MUTE, *quiet, LiveFault.HALF_OPEN, *quiet, LiveFault.RESET]
    stop, noted = asyncio.Event(), Noted()
    rules = {"cut_after": DAY, "most_open": 1, "forget_s": 4 * INTERVAL_S}
    with ParquetStore(fast_path) as store, market(truth, minute_s=MINUTE_S, **rules) as there:
        there.live.inject(LiveFault.ERROR_406, *outages * ROUNDS)

        def stop_after_the_last_outage() -> None:
            """The last one is the cut; bars of both sides of it are there."""
            if cuts(there) >= ROUNDS and there.live.connects[-1].at > there.live.strikes[-1].at:
                stop.set()

        noted.on_bar = stop_after_the_last_outage
        async with asyncio.timeout(patience(ENOUGH_S, planted_s=15.0)):
            first = await followed(there, store, patience=BOUNDS, watch=noted, cancel=stop)
            connects, strikes = there.live.connects, there.live.strikes
            newest = max(opened_at for _, opened_at in noted.bars)
            assert [holes(store, bars, newest) for bars in truth] == [[]] * len(truth)
            until = newest + 60 * MINUTE
            last = await followed(there, store, patience=BOUNDS, start=None, until=until)
        assert [holes(store, bars, until) for bars in truth] == [[]] * len(truth)
        assert [strays(store, bars) for bars in truth] == [0] * len(truth)
    assert (first.status, last.status) == (FollowStatus.CANCELLED, FollowStatus.COMPLETED)
    met = [strike.fault for strike in strikes]
    assert set(met) == {LiveFault.ERROR_406, LiveFault.CUT, *outages} - {None}
    assert first.stale == 2 * ROUNDS
    assert first.cut >= 2 * ROUNDS
    # A half-open connection is thought open; the one in its place is refused meanwhile.
    assert 406 in {connect.status for connect in connects}
    assert first.refused == len(noted.refusals) > ROUNDS
    gap = least_gap(connects)
    assert gap >= LEAST_GAP_S - TIMER_S
    bars = sum(sum(written) for written in first.symbols.values())
    asked_for = sum(written.backfilled for written in first.symbols.values())
    figure(
        f"{len(connects)} connects over {len(met)} outages of {len(set(met))} kinds, at least "
        f"{gap:.2f} s apart; 0 of {bars} bars missing, {asked_for} of them backfilled"
    )


def cuts(there: Any) -> int:
    return sum(strike.fault is LiveFault.CUT for strike in there.live.strikes)


def least_gap(connects: tuple[Connect, ...]) -> float:
    return min(b.at - a.at for a, b in pairwise(connects))


@contextmanager
def silence_is_health() -> Iterator[None]:
    """Fault: a connection that says nothing is left as it is."""

    def wait(self: Silence, at: float) -> tuple[Step, float]:
        return Step.WAIT, self.interval_s

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Silence, "step", wait)
        yield


@pytest.mark.acceptance("P5", package="data-manager", breaks=silence_is_health)
async def test_a_dead_connection_is_found_within_two_intervals(
    fast_path: Path, figure: Figure
) -> None:
    async def silence_of(fault: LiveFault, folder: Path) -> list[float]:
        """Return how long each of the dead connections was believed in."""
        truth = [every_minute("BTC-USDT", 2_000)]
        stop, noted = asyncio.Event(), Noted()
        with ParquetStore(folder) as store, market(truth, minute_s=MINUTE_S) as there:
            there.live.inject(*[None, None, fault] * ROUNDS, None)
            noted.on_bar = lambda: stop.set() if len(noted.connects) > ROUNDS else None
            async with asyncio.timeout(patience(ENOUGH_S)):
                await followed(there, store, patience=BOUNDS, watch=noted, cancel=stop)
            struck = [strike.at for strike in there.live.strikes]
        assert len(struck) == len(noted.silences) == ROUNDS
        assert all(after_s > INTERVAL_S for _, after_s in noted.silences), "it was never asked"
        return [at - since for since, (at, _) in zip(struck, noted.silences, strict=True)]

    dead = (LiveFault.MUTE, LiveFault.HALF_OPEN)
    mute, half_open = await asyncio.gather(*(silence_of(one, fast_path / one) for one in dead))
    longest = max(*mute, *half_open)
    assert longest <= 2 * INTERVAL_S + LATE_S
    figure(f"stale after {longest / INTERVAL_S:.2f} intervals at most, mute and half open")


@contextmanager
def nobody_waits() -> Iterator[None]:
    """Fault: what was refused is tried again at once."""

    def at_once(self: Backoff, **_: object) -> float:
        return 0.0

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Backoff, "next_wait", at_once)
        yield


@pytest.mark.acceptance("P5", package="data-manager", breaks=nobody_waits)
async def test_a_vendor_that_refuses_is_asked_more_and_more_rarely(
    fast_path: Path, figure: Figure
) -> None:
    bounds = at_scale(
        LivePatience(first_backoff_s=0.05, most_backoff_s=0.4, least_between_connects_s=0.02),
        LivePatience(),
    )
    refusals = [LiveFault.REFUSED_406, LiveFault.REFUSED_429, LiveFault.ERROR_406] * 4
    truth = [every_minute("BTC-USDT", 100_000)]
    stop = asyncio.Event()
    noted = Noted(on_bar=stop.set)
    with ParquetStore(fast_path) as store, market(truth, minute_s=MINUTE_S) as there:
        there.live.inject(*refusals)
        async with asyncio.timeout(patience(ENOUGH_S)):
            report = await followed(there, store, patience=bounds, watch=noted, cancel=stop)
        connects = there.live.connects
    assert noted.refusals == [406, 429, 406] * 4
    assert (report.refused, len(connects)) == (12, 13)
    most = [min(bounds.most_backoff_s, bounds.first_backoff_s * 2**n) for n in range(12)]
    least = bounds.least_between_connects_s
    for wait, bound in zip(noted.waits, most, strict=True):
        assert least / 2 <= wait <= max(bound, least)
    for (a, b), wait in zip(pairwise(connects), noted.waits, strict=True):
        assert b.at - a.at >= max(wait, least) - TIMER_S
    # By chance one test in ten million fails here: five waits drawn from [0, 60), say, all tiny.
    shares = [wait / bound for wait, bound in zip(noted.waits, most, strict=True)]
    assert max(noted.waits) > 2 * bounds.first_backoff_s
    assert max(shares) - min(shares) > 0.1, "every wait is the same share of its bound: no jitter"
    figure(
        f"12 refusals, waits of {min(noted.waits):.2f} to {max(noted.waits):.2f} s under bounds of "
        f"{most[0]:g} to {most[-1]:g} s, connects at least {least_gap(connects):.2f} s apart"
    )
