"""Dead letters: events that nobody could deal with, kept beside their stream with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, cast

from simutrador_service.database.json_values import to_text
from simutrador_service.events.stream import STREAM, Entry, position_of
from simutrador_service.logging import mask_text
from simutrador_service.redis import explained

if TYPE_CHECKING:
    import redis.asyncio

_LONGEST_REASON: Final = 1000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An entry that nobody could deal with.

    Attributes:
        id: Of the dead letter.
        position: The event's place in the stream.
        group: Who could not.
        deliveries: How often it was tried.
        reason: What the last try failed with.
        entry: The event as it stood in the stream.
    """

    id: str
    position: int
    group: str
    deliveries: int
    reason: str
    failed_at: datetime
    entry: Entry


def fields_of_dead(
    entry: Entry, *, group: str, deliveries: int, reason: str
) -> dict[str, str | int]:
    """Return a dead letter as its stream keeps it; secrets in the reason are masked."""
    return {
        **entry[1],
        "dead_entry": entry[0],
        "dead_group": group,
        "dead_deliveries": deliveries,
        "dead_reason": to_text(mask_text(reason), most=_LONGEST_REASON),
        "dead_at": datetime.now(UTC).isoformat(),
    }


def reason_of(error: BaseException) -> str:
    """Return what an event's handler failed with; it may be an error that cannot be shown."""
    try:
        said = str(error)
    except Exception:  # noqa: BLE001  (it is an error all the same)
        said = ""
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


async def dead_letters(
    client: redis.asyncio.Redis, *, stream: str = STREAM, limit: int = 1000
) -> list[DeadLetter]:
    """Return the dead letters of a stream, oldest first.

    Raises:
        RedisUnavailableError: Redis does not answer.
    """
    with explained(client):
        entries = cast("list[Entry]", await client.xrange(dead_stream(stream), count=limit))
    return [_letter(entry_id, dict(fields)) for entry_id, fields in entries]


def _letter(entry_id: str, fields: dict[str, str]) -> DeadLetter:
    entry = fields.pop("dead_entry")
    return DeadLetter(
        id=entry_id,
        position=position_of(entry),
        group=fields.pop("dead_group"),
        deliveries=int(fields.pop("dead_deliveries")),
        reason=fields.pop("dead_reason"),
        failed_at=datetime.fromisoformat(fields.pop("dead_at")),
        entry=(entry, fields),
    )


def dead_stream(stream: str) -> str:
    """Return where the dead letters of a stream lie."""
    return f"{stream}:dead"
