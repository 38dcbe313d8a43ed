"""Consume the Redis stream in a group: each event by one member, again until it is dealt with.

An event is acknowledged after its handler returned. One whose handler fails, or whose consumer
died, is delivered again after a while, to any member; after five deliveries it becomes a dead
letter with the reason. A handler may so see an event twice: `handle_once` makes its work happen
once.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import uuid4

import structlog

from simutrador_service.events.dead_letters import (
    dead_letters,
    dead_stream,
    fields_of_dead,
    reason_of,
)
from simutrador_service.events.envelope import StoredEvent
from simutrador_service.events.stream import (
    STREAM,
    Entry,
    block_ms,
    entries_of,
    to_stored,
)
from simutrador_service.logging.loggers import get_logger
from simutrador_service.redis import RedisUnavailableError, explained, is_cancelled

if TYPE_CHECKING:
    import redis.asyncio

_REMEMBERED: Final = 10_000
_MOST_DEAD: Final = 10_000
_SHORTEST_TROUBLE_S: Final = 0.2
_LONGEST_TROUBLE_S: Final = 5.0

_log = get_logger(__name__)


class StreamConsumer:
    """One member of a group of consumers; every process, or task, makes its own."""

    def __init__(
        self,
        client: redis.asyncio.Redis,
        handler: Callable[[StoredEvent], Awaitable[None]],
        *,
        group: str,
        stream: str = STREAM,
        after: int = 0,
        deliveries: int = 5,
        idle: timedelta = timedelta(seconds=60),
        batch: int = 20,
    ) -> None:
        """Prepare to consume.

        Args:
            client: Of `connect_async`.
            handler: Deals with one event; what it raises is a failed delivery.
            group: Each group is given every event once; its members share them.
            stream: As the publisher's.
            after: A new group begins after this position; 0 with all that is kept.
            deliveries: So many, then an event is a dead letter.
            idle: An event not acknowledged for this long is delivered again. A handler has half of
                it.
            batch: Most events fetched at once.
        """
        self.name: Final = f"{socket.gethostname()[:50]}:{os.getpid()}:{uuid4().hex[:8]}"
        self._client: Any = client
        self._handler = handler
        self._group = group
        self._stream = stream
        self._after = after
        self._deliveries = deliveries
        self._idle_s = idle.total_seconds()
        self._batch = batch
        self._block_ms = min(block_ms(client), max(1, int(self._idle_s * 250)))
        self._next_claim = 0.0
        # Events dealt with lately: a Redis that lost data is filled again and delivers them twice.
        self._handled: OrderedDict[str, None] = OrderedDict()

    async def run(self) -> None:
        """Consume until cancelled; Redis may come and go meanwhile."""
        wait_s = 0.0
        while not is_cancelled():
            try:
                await self.run_once()
                wait_s = 0.0
            except RedisUnavailableError as e:
                if wait_s == 0.0:
                    _log.error("events_not_consumed", group=self._group, reason=str(e))
                wait_s = min(max(wait_s * 2, _SHORTEST_TROUBLE_S), _LONGEST_TROUBLE_S)
                await asyncio.sleep(wait_s)

    async def run_once(self) -> int:
        """Deal with what is to be delivered now, waiting a moment for it; return how many.

        Raises:
            RedisUnavailableError: Redis does not answer, or refuses.
        """
        with explained(self._client):
            try:
                entries = await self._claim() or await self._read()
            except Exception as e:
                if "NOGROUP" not in str(e):
                    raise
                await self._join()
                entries = await self._read()
            return await self._deal_with_all(entries)

    async def retry_dead(self) -> int:
        """Deal with the group's dead letters once more; return how many are none any longer.

        Raises:
            RedisUnavailableError: Redis does not answer, or refuses.
        """
        revived = 0
        for letter in await dead_letters(self._client, stream=self._stream):
            if letter.group != self._group or await self._try(letter.entry) is not None:
                continue
            with explained(self._client):
                await self._client.xdel(dead_stream(self._stream), letter.id)
            revived += 1
        return revived

    async def _join(self) -> None:
        from redis.exceptions import ResponseError

        try:
            await self._client.xgroup_create(
                self._stream, self._group, id=f"{self._after}-0", mkstream=True
            )
        except ResponseError as e:
            if "BUSYGROUP" not in str(e):
                raise

    async def _read(self) -> list[tuple[Entry, int]]:
        answer = await self._client.xreadgroup(
            self._group, self.name, {self._stream: ">"}, count=self._batch, block=self._block_ms
        )
        return [(entry, 1) for entry in entries_of(answer)]

    async def _claim(self) -> list[tuple[Entry, int]]:
        """Take over what its consumer let lie: it died, or failed and waits to be tried again."""
        if time.monotonic() < self._next_claim:
            return []
        # One at a time: taking over counts as a delivery, and an event that kills its consumers
        # must not use up the tries of those behind it.
        answer = await self._client.xautoclaim(
            self._stream, self._group, self.name, int(self._idle_s * 1000), count=1
        )
        if len(answer) > 2 and answer[2]:
            _log.error("events_trimmed_unread", group=self._group, count=len(answer[2]))
        entries = cast("list[Entry]", [entry for entry in answer[1] if entry[1]])
        if not entries:  # else there may be more
            self._next_claim = time.monotonic() + self._idle_s / 4
        return [(entry, await self._times_delivered(entry[0])) for entry in entries]

    async def _times_delivered(self, entry_id: str) -> int:
        found = await self._client.xpending_range(
            self._stream, self._group, min=entry_id, max=entry_id, count=1
        )
        return int(found[0]["times_delivered"]) if found else 1

    async def _deal_with_all(self, entries: Sequence[tuple[Entry, int]]) -> int:
        fetched = time.monotonic()
        for number, (entry, deliveries) in enumerate(entries):
            if time.monotonic() - fetched > self._idle_s / 4:
                await self._keep([later[0] for later, _ in entries[number:]])
                fetched = time.monotonic()
            await self._deal_with(entry, deliveries)
        return len(entries)

    async def _keep(self, ids: list[str]) -> None:
        """Say that the rest of a batch is not abandoned."""
        await self._client.xclaim(self._stream, self._group, self.name, 0, ids, justid=True)

    async def _deal_with(self, entry: Entry, deliveries: int) -> None:
        if deliveries > self._deliveries:
            tries = deliveries - 1
            await self._bury(entry, tries, f"its consumer died or hung in each of {tries} tries")
            return
        error = await self._try(entry)
        if error is None:
            await self._client.xack(self._stream, self._group, entry[0])
        elif deliveries >= self._deliveries or isinstance(error, _NotAnEventError):
            await self._bury(entry, deliveries, reason_of(error))

    async def _try(self, entry: Entry) -> BaseException | None:
        """Hand an entry to the handler; return what it failed with."""
        try:
            stored = to_stored(entry)
        except ValueError as e:
            return _NotAnEventError(str(e))
        if stored.event.id in self._handled:
            return None
        with structlog.contextvars.bound_contextvars(
            event_id=stored.event.id, position=stored.position
        ):
            try:
                async with asyncio.timeout(self._idle_s / 2):
                    await self._handler(stored)
            except (Exception, asyncio.CancelledError) as e:
                if isinstance(e, asyncio.CancelledError) and is_cancelled():
                    raise  # it is this consumer that is to end, not what its handler waited for
                _log.warning("event_failed", group=self._group, name=stored.event.event, exc_info=e)
                return e
        self._handled[stored.event.id] = None
        if len(self._handled) > _REMEMBERED:
            self._handled.popitem(last=False)
        return None

    async def _bury(self, entry: Entry, deliveries: int, reason: str) -> None:
        fields = fields_of_dead(entry, group=self._group, deliveries=deliveries, reason=reason)
        _log.error(
            "event_dead",
            group=self._group,
            entry=entry[0],
            deliveries=deliveries,
            reason=fields["dead_reason"],
        )
        async with self._client.pipeline(transaction=True) as both:
            both.xadd(dead_stream(self._stream), fields, maxlen=_MOST_DEAD, approximate=True)
            both.xack(self._stream, self._group, entry[0])
            await both.execute()


class _NotAnEventError(ValueError):
    """An entry that no handler could read: trying again would not help."""
