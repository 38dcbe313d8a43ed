"""Events inside one process: bounded queues, and a subscriber too slow for its queue is told."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection
from threading import Lock
from types import TracebackType
from typing import ClassVar, Final, Self

from simutrador_service.errors import ServiceError
from simutrador_service.events.envelope import StoredEvent

QUEUE_SIZE: Final = 1000


class SlowSubscriberError(ServiceError):
    """The queue of a subscriber was full; read the outbox after `after`, or use `follow`."""

    code: ClassVar[str] = "slow_subscriber"

    def __init__(self, *, after: int, size: int) -> None:
        super().__init__(
            f"a subscriber fell {size} events behind and was cut off; resume after {after}"
        )
        self.after = after


class Subscription:
    """One subscriber's queue; iterate over it in the event loop that opened it."""

    def __init__(self, bus: Bus, events: Collection[str] | None, size: int) -> None:
        """Belong to a bus."""
        self._bus = bus
        self._events = None if events is None else frozenset(events)
        self._size = size
        self._queue: deque[StoredEvent] = deque()
        self._lock = Lock()
        self._ready = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._cut_after: int | None = None
        self._closed = False

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the bus."""
        self.close()

    def __aiter__(self) -> Self:
        """Iterate over what is published from now on."""
        return self

    async def __anext__(self) -> StoredEvent:
        """Return the next event; wait for it.

        Raises:
            SlowSubscriberError: events were dropped; those before were all returned.
        """
        while True:
            with self._lock:
                if self._queue:
                    return self._queue.popleft()
                if self._cut_after is not None:
                    self.close()
                    raise SlowSubscriberError(after=self._cut_after, size=self._size)
                if self._closed:
                    raise StopAsyncIteration
                self._ready.clear()
            await self._ready.wait()

    def close(self) -> None:
        """Receive no more; what is queued may still be read."""
        self._closed = True
        self._bus.leave(self)
        self._wake()

    def offer(self, stored: StoredEvent) -> None:
        """Queue an event if it is wanted and there is room; called by the bus, from any thread."""
        if self._events is not None and stored.event.event not in self._events:
            return
        with self._lock:
            if self._cut_after is not None:
                return
            if len(self._queue) >= self._size:
                self._cut_after = self._queue[-1].position
            else:
                self._queue.append(stored)
        self._wake()

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._ready.set)
        except RuntimeError:  # its loop ended without leaving
            self._bus.leave(self)


class Bus:
    """Hands every event to every subscriber of this process; never waits for one."""

    def __init__(self) -> None:
        """Begin without subscribers."""
        self._subscriptions: set[Subscription] = set()
        self._lock = Lock()

    def subscribe(
        self, events: Collection[str] | None = None, *, size: int = QUEUE_SIZE
    ) -> Subscription:
        """Return a queue of what is published from now on; close it, or use it in `with`.

        Args:
            events: Names of events; None for all.
            size: Most events that wait; one more, and the subscriber is cut off and told.
        """
        subscription = Subscription(self, events, size)
        with self._lock:
            self._subscriptions.add(subscription)
        return subscription

    def publish(self, stored: StoredEvent) -> None:
        """Offer an event to every subscriber; may be called from any thread."""
        with self._lock:
            subscriptions = tuple(self._subscriptions)
        for subscription in subscriptions:
            subscription.offer(stored)

    def leave(self, subscription: Subscription) -> None:
        """Forget a subscriber."""
        with self._lock:
            self._subscriptions.discard(subscription)
