"""`follow` against a real stream on this machine, REST for what it misses, and a real store."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import InputError
from simutrador_core.interfaces.data_provider import DataProvider
from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.bars import BarQuery, Bars, to_us
from simutrador_core.models.enums import Timeframe
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.binance import open_binance
from simutrador_data.services.data_providers.http import NotOfferedError
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.streaming import (
    BinanceLive,
    FollowReport,
    FollowRequest,
    FollowStatus,
    LivePatience,
    follow,
)
from simutrador_data.testing import FaultServer

from .venue import START, Seen, Venue, kline, minute, minutes_of

BTC, ETH = minutes_of("BTC-USDT"), minutes_of("ETH-USDT")
QUICK = LivePatience(
    interval_s=5.0, first_backoff_s=0.02, most_backoff_s=0.1, least_between_connects_s=0.02
)
REGISTRY = AssetRegistry.default()


@pytest.fixture(scope="module")
def rest() -> Iterator[FaultServer]:
    """The vendor's REST side, with every minute."""
    with FaultServer([BTC, ETH]) as server:
        yield server


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BarStore]:
    with ParquetStore(tmp_path / "bars") as made:
        yield made


@pytest.fixture
async def provider(rest: FaultServer) -> AsyncIterator[DataProvider]:
    async with open_binance(ProviderAccess(rest.url("binance"))) as made:
        yield made


@pytest.fixture
async def venue() -> AsyncIterator[Venue]:
    async with Venue([BTC]) as made:
        yield made


@asynccontextmanager
async def following(
    venue: Venue,
    provider: DataProvider,
    store: BarStore,
    request: FollowRequest,
    *,
    patience: LivePatience = QUICK,
    cancel: asyncio.Event | None = None,
) -> AsyncIterator[tuple[Seen, asyncio.Task[FollowReport]]]:
    seen = Seen()
    task = asyncio.create_task(
        follow(
            request,
            provider=provider,
            live=BinanceLive(venue.url),
            store=store,
            registry=REGISTRY,
            patience=patience,
            now=venue.now,
            watch=seen,
            cancel=cancel,
        )
    )
    try:
        yield seen, task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def live(venue: Venue, seen: Seen, count: int) -> None:
    """Let minutes pass, each once the bar of the one before is stored."""
    for _ in range(count):
        before = len(seen.all("bar"))
        await venue.pass_minutes()
        await seen.until(lambda before=before: len(seen.all("bar")) >= before + len(venue.bars))


async def connected(venue: Venue, seen: Seen, times: int = 1) -> None:
    """Wait until both sides know of so many connections."""
    await venue.until_connected(times)
    await seen.until(lambda: len(seen.all("connected")) >= times)


async def ended(task: asyncio.Task[FollowReport]) -> FollowReport:
    async with asyncio.timeout(30):
        return await task


def stored(store: BarStore, symbol: str = "BTC-USDT") -> Bars:
    query = BarQuery(symbol, Timeframe.MINUTE_1, START, START + timedelta(hours=5))
    return store.read(query)


def until(at: int, *symbols: str, start: int | None = None) -> FollowRequest:
    begun = None if start is None else minute(start)
    return FollowRequest(symbols or ("BTC-USDT",), start=begun, until=minute(at))


async def test_bars_are_stored_as_they_close(
    venue: Venue, provider: DataProvider, store: BarStore
) -> None:
    async with following(venue, provider, store, until(3)) as (seen, task):
        await connected(venue, seen)
        await venue.say(kline(BTC, 0, closed=False))
        await live(venue, seen, 3)
        report = await ended(task)
    assert venue.paths == ["/stream?streams=btcusdt@kline_1m"]
    assert_same_bars(stored(store), BTC.take(slice(0, 3)))
    assert report == FollowReport({"BTC-USDT": (3, 0)}, 1, 0, 0, 0, FollowStatus.COMPLETED)  # pyright: ignore[reportArgumentType] - a plain pair equals
    assert report.exit_code == 0


async def test_a_bar_that_closes_later_than_the_end_is_left_alone(
    venue: Venue, provider: DataProvider, store: BarStore
) -> None:
    async with following(venue, provider, store, until(2)) as (seen, task):
        await connected(venue, seen)
        venue.minute = 4
        await venue.say(kline(BTC, 3), kline(BTC, 0), kline(BTC, 1))
        await ended(task)
    assert_same_bars(stored(store), BTC.take(slice(0, 2)))


async def test_what_an_outage_lost_is_asked_for(
    venue: Venue, provider: DataProvider, store: BarStore
) -> None:
    async with following(venue, provider, store, until(8)) as (seen, task):
        await connected(venue, seen)
        await live(venue, seen, 2)
        await venue.cut()
        await venue.pass_minutes(4, say=False)
        await connected(venue, seen, 2)
        await seen.until(lambda: ("BTC-USDT", 4) in seen.all("backfilled"))
        await live(venue, seen, 2)
        report = await ended(task)
    assert_same_bars(stored(store), BTC.take(slice(0, 8)))
    assert report.symbols == {"BTC-USDT": (4, 4)}
    assert (report.connections, report.cut, report.stale, report.refused) == (2, 1, 0, 0)


async def test_a_start_in_the_past_is_filled_up_behind_the_stream(
    provider: DataProvider, store: BarStore
) -> None:
    async with Venue([BTC, ETH]) as venue:
        venue.minute = 100
        request = until(101, "BTC-USDT", "ETH-USDT", start=0)
        async with following(venue, provider, store, request) as (seen, task):
            await connected(venue, seen)
            await seen.until(lambda: len(seen.all("backfilled")) == 2)
            await live(venue, seen, 1)
            report = await ended(task)
    assert venue.paths == ["/stream?streams=btcusdt@kline_1m/ethusdt@kline_1m"]
    assert report.symbols == {"BTC-USDT": (1, 100), "ETH-USDT": (1, 100)}
    for bars in (BTC, ETH):
        assert_same_bars(stored(store, bars.symbol), bars.take(slice(0, 101)))


async def test_minutes_that_the_stream_skips_are_asked_for(
    venue: Venue, provider: DataProvider, store: BarStore
) -> None:
    async with following(venue, provider, store, until(5)) as (seen, task):
        await connected(venue, seen)
        await live(venue, seen, 1)
        await venue.pass_minutes(3, say=False)
        await live(venue, seen, 1)
        report = await ended(task)
    assert_same_bars(stored(store), BTC.take(slice(0, 5)))
    assert report.symbols["BTC-USDT"].backfilled >= 3
    assert sum(report.symbols["BTC-USDT"]) == 5
    assert report.connections == 1


async def test_a_stream_that_forgets_a_symbol_does_not_leave_it_behind(
    venue: Venue, provider: DataProvider, store: BarStore
) -> None:
    async with following(venue, provider, store, until(2)) as (seen, task):
        await connected(venue, seen)
        await venue.pass_minutes(5, say=False)
        report = await ended(task)
    assert report.symbols == {"BTC-USDT": (0, 2)}
    assert report.status is FollowStatus.COMPLETED


async def test_a_bar_that_breaks_a_rule_is_asked_for_instead(
    venue: Venue, provider: DataProvider, store: BarStore
) -> None:
    bad = kline(BTC, 0).replace('"c": "', '"c": "9')  # the close stands above the high
    async with following(venue, provider, store, until(2)) as (seen, task):
        await connected(venue, seen)
        venue.minute = 2
        await venue.say(bad, "no JSON at all", '{"result": null, "id": 1}', kline(BTC, 1))
        report = await ended(task)
    assert_same_bars(stored(store), BTC.take(slice(0, 2)))
    assert sum(report.symbols["BTC-USDT"]) == 2


async def test_the_same_bar_again_writes_nothing(
    venue: Venue, provider: DataProvider, store: BarStore
) -> None:
    async with following(venue, provider, store, until(3)) as (seen, task):
        await connected(venue, seen)
        await live(venue, seen, 2)
        before = store.history("BTC-USDT", Timeframe.MINUTE_1)
        await venue.say(kline(BTC, 0), kline(BTC, 1))
        await live(venue, seen, 1)
        report = await ended(task)
    assert len(store.history("BTC-USDT", Timeframe.MINUTE_1)) == len(before) + 1
    assert report.symbols == {"BTC-USDT": (3, 0)}


async def test_where_the_stream_contradicts_itself_rest_has_the_last_word(
    venue: Venue, provider: DataProvider, store: BarStore
) -> None:
    other = json.loads(kline(BTC, 9))
    other["data"]["k"]["t"] = to_us(minute(0)) // 1_000
    async with following(venue, provider, store, until(3)) as (seen, task):
        await connected(venue, seen)
        await live(venue, seen, 1)
        await venue.say(json.dumps(other))
        await seen.until(lambda: ("BTC-USDT", 0) in seen.all("backfilled"))
        await venue.pass_minutes(2)
        report = await ended(task)
    assert_same_bars(stored(store), BTC.take(slice(0, 3)))
    assert sum(report.symbols["BTC-USDT"]) == 3


async def test_only_bars_that_came_are_on_record_as_asked_for(
    venue: Venue, provider: DataProvider, store: BarStore, rest: FaultServer
) -> None:
    cancel = asyncio.Event()
    async with following(venue, provider, store, until(9), cancel=cancel) as (seen, task):
        await connected(venue, seen)
        await live(venue, seen, 1)
        rest.forget()
        cancel.set()
        report = await ended(task)
    asked = store.coverage(BarQuery("BTC-USDT", Timeframe.MINUTE_1, START, minute(9)))
    assert [(one.start, one.end, one.provider, one.rows) for one in asked] == [
        (minute(0), minute(1), "binance", 1)
    ]
    assert report.status is FollowStatus.CANCELLED
    assert report.owing == ("BTC-USDT",)  # until minute 9 was asked for
    assert report.exit_code == 3
    assert rest.calls == ()


async def test_a_follower_without_an_end_that_is_stopped_owes_nothing(
    venue: Venue, provider: DataProvider, store: BarStore
) -> None:
    cancel = asyncio.Event()
    request = FollowRequest(("BTC-USDT",))
    async with following(venue, provider, store, request, cancel=cancel) as (seen, task):
        await connected(venue, seen)
        cancel.set()
        report = await ended(task)
    assert report.status is FollowStatus.CANCELLED
    assert (report.owing, report.exit_code) == ((), 0)


async def test_a_hole_left_by_a_follower_that_was_killed_is_closed(
    venue: Venue, provider: DataProvider, store: BarStore
) -> None:
    async with following(venue, provider, store, until(2)) as (seen, task):
        await connected(venue, seen)
        await live(venue, seen, 2)
        await ended(task)
    venue.minute = 5
    async with following(venue, provider, store, until(6)) as (seen, task):
        await venue.until_connected(2)
        await live(venue, seen, 1)
        report = await ended(task)
    assert seen.all("connected") == [()]
    assert_same_bars(stored(store), BTC.take(slice(0, 6)))
    assert sum(report.symbols["BTC-USDT"]) == 4


async def test_a_mute_connection_is_given_up_before_two_intervals_are_over(
    venue: Venue, provider: DataProvider, store: BarStore
) -> None:
    patience = LivePatience(0.5, 0.02, 0.1, least_between_connects_s=0.02)
    async with following(venue, provider, store, until(4), patience=patience) as (seen, task):
        await connected(venue, seen)
        await live(venue, seen, 1)
        await venue.fall_mute()
        await venue.pass_minutes(2, say=False)
        await connected(venue, seen, 2)
        await live(venue, seen, 1)
        report = await ended(task)
    assert_same_bars(stored(store), BTC.take(slice(0, 4)))
    assert report.stale == 1
    ((after_s,),) = seen.all("stale")
    assert isinstance(after_s, float)
    assert after_s >= 0.5


async def test_a_silent_connection_that_answers_pings_is_kept(
    venue: Venue, provider: DataProvider, store: BarStore
) -> None:
    patience = LivePatience(0.1, 0.02, 0.1, least_between_connects_s=0.02)
    async with following(venue, provider, store, until(1), patience=patience) as (seen, task):
        await connected(venue, seen)
        await asyncio.sleep(0.5)  # five intervals, nothing to await: nothing shall happen
        await live(venue, seen, 1)
        report = await ended(task)
    assert (report.connections, report.stale) == (1, 0)
    assert seen.all("backoff") == []


async def test_a_connection_is_renewed_before_the_vendor_cuts_it(
    venue: Venue, provider: DataProvider, store: BarStore
) -> None:
    patience = LivePatience(life_s=0.1, least_between_connects_s=0.02)
    async with following(venue, provider, store, until(3), patience=patience) as (seen, task):
        await connected(venue, seen, 3)
        await live(venue, seen, 3)
        report = await ended(task)
    assert report.connections >= 3
    assert (report.cut, report.stale, seen.all("backoff")) == (0, 0, [])
    assert_same_bars(stored(store), BTC.take(slice(0, 3)))


@pytest.mark.parametrize("status", [406, 429, 503])
async def test_a_refusal_at_the_door_is_waited_out(
    venue: Venue, provider: DataProvider, store: BarStore, status: int
) -> None:
    venue.refuse = [(status, {}), (status, {})]
    async with following(venue, provider, store, until(1)) as (seen, task):
        await connected(venue, seen)
        await live(venue, seen, 1)
        report = await ended(task)
    assert (report.refused, report.connections) == (2, 1)
    assert [seen.told[0][0], *seen.all("refused")] == ["refused", (status,), (status,)]


async def test_the_wait_a_refusal_asks_for_is_kept(
    venue: Venue, provider: DataProvider, store: BarStore
) -> None:
    venue.refuse = [(429, {"Retry-After": "1"})]
    async with following(venue, provider, store, until(1)) as (seen, task):
        await connected(venue, seen)
        await live(venue, seen, 1)
        await ended(task)
    assert seen.all("backoff") == [(1.0,)]
    assert venue.connects[1] - venue.connects[0] >= 0.99


async def test_a_refusal_over_an_open_connection_is_waited_out(
    venue: Venue, provider: DataProvider, store: BarStore
) -> None:
    async with following(venue, provider, store, until(1)) as (seen, task):
        await connected(venue, seen)
        await venue.say('[{"T":"error","code":406,"msg":"connection limit exceeded"}]')
        await connected(venue, seen, 2)
        await live(venue, seen, 1)
        report = await ended(task)
    assert (report.refused, report.connections, report.cut) == (1, 2, 0)
    assert seen.all("refused") == [(406,)]


async def test_a_stream_that_is_not_there_ends_in_a_failure(
    venue: Venue, provider: DataProvider, store: BarStore
) -> None:
    venue.refuse = [(404, {})]
    async with following(venue, provider, store, until(1)) as (_, task):
        report = await ended(task)
    assert report.status is FollowStatus.FAILED
    assert (report.exit_code, report.message) == (1, "the vendor refused the stream with 404")


async def test_two_connects_are_never_closer_than_agreed(
    venue: Venue, provider: DataProvider, store: BarStore
) -> None:
    patience = LivePatience(first_backoff_s=0.001, least_between_connects_s=0.2)
    async with following(venue, provider, store, until(1), patience=patience) as (seen, task):
        for times in (1, 2, 3, 4):
            await connected(venue, seen, times)
            await venue.cut()
        await connected(venue, seen, 5)
        await live(venue, seen, 1)
        await ended(task)
    gaps = [
        later - earlier for earlier, later in zip(venue.connects, venue.connects[1:], strict=False)
    ]
    assert len(gaps) == 4
    assert min(gaps) >= 0.2


async def test_while_the_stream_cannot_be_had_bars_come_over_rest(
    provider: DataProvider, store: BarStore
) -> None:
    async with Venue([BTC]) as venue:
        url = venue.url
    venue.minute = 3
    report = await asyncio.wait_for(
        follow(
            until(3, start=0),
            provider=provider,
            live=BinanceLive(url),
            store=store,
            registry=REGISTRY,
            patience=QUICK,
            now=venue.now,
        ),
        30,
    )
    assert report.symbols == {"BTC-USDT": (0, 3)}
    assert report.connections == 0


async def test_what_the_vendor_cannot_give_ends_in_a_part(
    provider: DataProvider, store: BarStore
) -> None:
    dot = minutes_of("DOT-USDT")  # streamed, but unknown to the REST side
    async with Venue([dot]) as venue:
        request = until(3, "DOT-USDT")
        async with following(venue, provider, store, request) as (seen, task):
            await connected(venue, seen)
            venue.minute = 3
            await venue.say(kline(dot, 0), kline(dot, 2))
            report = await ended(task)
    assert report.status is FollowStatus.PARTIAL
    assert (report.owing, report.exit_code) == (("DOT-USDT",), 3)
    assert "DOTUSDT" in report.message
    assert len(stored(store, "DOT-USDT")) == 2


async def test_what_has_no_stream_is_refused_at_once(
    provider: DataProvider, store: BarStore
) -> None:
    for request, error in (
        (FollowRequest(("AAPL",)), NotOfferedError),
        (FollowRequest(("BTC-USDT",), Timeframe.WEEKLY), NotOfferedError),
    ):
        with pytest.raises(error):
            await follow(
                request, provider=provider, live=BinanceLive(), store=store, registry=REGISTRY
            )
    with pytest.raises(InputError, match="no way to the stream"):
        await follow(
            FollowRequest(("BTC-USDT",)),
            provider=provider,
            live=BinanceLive("http://127.0.0.1"),
            store=store,
            registry=REGISTRY,
        )
