"""The bus: everybody is told, nobody is waited for, and who is too slow learns it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from kit_events import an_event, numbers_of, record_events
from simutrador_service.database import Database
from simutrador_service.events import (
    Bus,
    Publisher,
    SlowSubscriberError,
    StoredEvent,
    Subscription,
    follow,
)


def stored(number: int, event: str = "bars_stored") -> StoredEvent:
    return StoredEvent(number, an_event(number, event=event))


async def take(source: AsyncIterator[StoredEvent], count: int) -> list[StoredEvent]:
    async with asyncio.timeout(10):
        return [await anext(source) for _ in range(count)]


async def test_every_subscriber_gets_every_event_in_order() -> None:
    bus = Bus()
    with bus.subscribe() as one, bus.subscribe() as other:
        for number in range(1, 4):
            bus.publish(stored(number))
        assert numbers_of(await take(one, 3)) == [1, 2, 3]
        assert numbers_of(await take(other, 3)) == [1, 2, 3]


async def test_a_subscriber_gets_only_what_it_asked_for() -> None:
    bus = Bus()
    with bus.subscribe(["error"]) as errors:
        bus.publish(stored(1))
        bus.publish(stored(2, "error"))
        assert numbers_of(await take(errors, 1)) == [2]


async def test_a_thread_may_publish_to_a_waiting_subscriber() -> None:
    bus = Bus()
    with bus.subscribe() as subscription:
        waiting = asyncio.create_task(take(subscription, 1))
        await asyncio.sleep(0)
        thread = threading.Thread(target=bus.publish, args=(stored(1),))
        thread.start()
        assert numbers_of(await waiting) == [1]
        thread.join()


async def test_a_slow_subscriber_is_told_after_what_it_has_and_others_are_not_held_up() -> None:
    bus = Bus()
    with bus.subscribe(size=3) as slow, bus.subscribe(size=10) as quick:
        for number in range(1, 6):
            bus.publish(stored(number))
        assert numbers_of(await take(slow, 3)) == [1, 2, 3]
        with pytest.raises(SlowSubscriberError, match="resume after 3") as e:
            await anext(slow)
        assert e.value.after == 3
        assert numbers_of(await take(quick, 5)) == [1, 2, 3, 4, 5]


async def test_a_closed_subscription_ends_its_iteration() -> None:
    bus = Bus()
    subscription = bus.subscribe()
    bus.publish(stored(1))
    subscription.close()
    bus.publish(stored(2))
    assert [s.position async for s in subscription] == [1]


def test_a_subscriber_whose_loop_ended_is_forgotten() -> None:
    bus = Bus()

    async def subscribe() -> Subscription:
        return bus.subscribe()

    asyncio.run(subscribe())
    bus.publish(stored(1))
    assert bus._subscriptions == set()


async def test_following_yields_what_was_and_what_happens_each_once(sqlite: Database) -> None:
    bus = Bus()
    publisher = Publisher(sqlite, bus=bus)
    record_events(sqlite, *range(1, 6))
    publisher.relay()
    async with aclosing(follow(sqlite, bus, after=2)) as events:
        assert numbers_of(await take(events, 3)) == [3, 4, 5]
        record_events(sqlite, 6)
        await asyncio.to_thread(publisher.relay)
        assert numbers_of(await take(events, 1)) == [6]


async def test_a_follower_that_falls_behind_misses_nothing(sqlite: Database) -> None:
    bus = Bus()
    publisher = Publisher(sqlite, bus=bus)
    async with aclosing(follow(sqlite, bus, after=0)) as events:
        record_events(sqlite, 0)
        publisher.relay()
        assert numbers_of(await take(events, 1)) == [0]
        with sqlite.write() as session:
            from simutrador_service.events import record

            for number in range(1, 1501):  # more than its queue holds
                record(session, an_event(number))
        publisher.relay()
        assert numbers_of(await take(events, 1500)) == list(range(1, 1501))
