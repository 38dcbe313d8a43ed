"""Read the Redis stream of events: its entries, and following it from a position on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from simutrador_service.events.envelope import StoredEvent, parse_envelope
from simutrador_service.events.outbox import EventsGoneError
from simutrador_service.redis import explained

if TYPE_CHECKING:
    import redis.asyncio

STREAM: Final = "simutrador:events"

Entry: TypeAlias = tuple[str, Mapping[str, str]]
"""The id of an entry, and its fields."""


def position_of(entry_id: str) -> int:
    """Return the outbox's position that an entry has as its id."""
    return int(entry_id.split("-", maxsplit=1)[0])


def to_stored(entry: Entry) -> StoredEvent:
    """Return the event of an entry.

    Raises:
        ValueError: it is none of ours.
    """
    entry_id, fields = entry
    if "envelope" not in fields or "id" not in fields:
        raise ValueError("not an event: the entry has no envelope")
    event = parse_envelope(fields["envelope"], event_id=fields["id"])
    return StoredEvent(position_of(entry_id), event)


def entries_of(answer: object) -> list[Entry]:
    """Return the entries in an answer to XREAD or XREADGROUP of one stream."""
    if not answer:
        return []
    if isinstance(answer, Mapping):  # RESP3
        (found,) = cast("Mapping[str, list[Any]]", answer).values()
        return [(entry[0], entry[1]) for page in found for entry in page]
    ((_, entries),) = cast("list[tuple[str, list[Entry]]]", answer)
    return entries


def block_ms(client: redis.asyncio.Redis) -> int:
    """Return how long a read may wait for entries: half of what the client waits for answers."""
    pool: Any = client.connection_pool
    timeout_s: float = pool.connection_kwargs.get("socket_timeout") or 2.0
    return max(1, int(timeout_s * 500))


async def follow_stream(
    client: redis.asyncio.Redis, *, after: int, stream: str = STREAM, limit: int = 100
) -> AsyncGenerator[StoredEvent]:
    """Yield every event of a stream after a position, in order, without end.

    Args:
        client: Of `connect_async`.
        after: Position of the last event the reader knows, 0 for all that is kept.
        stream: As the publisher's.
        limit: Most entries fetched at once.

    Raises:
        EventsGoneError: some that followed were trimmed.
        RedisUnavailableError: Redis does not answer; follow again after the last one you got.
    """
    resumed = after > 0
    while True:
        with explained(client):
            answer = await client.xread({stream: f"{after}-0"}, count=limit, block=block_ms(client))
        for stored in map(to_stored, entries_of(answer)):
            if resumed and stored.position > after + 1:
                raise EventsGoneError(after=after, oldest=stored.position)
            resumed, after = True, stored.position
            yield stored
