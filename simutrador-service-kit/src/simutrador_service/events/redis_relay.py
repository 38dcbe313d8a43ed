"""Tell Redis what the outbox holds: a stream with the outbox's positions as ids, and channels.

The stream itself says how far it is, by its last id. So nothing is appended twice or out of order,
whoever relays, and a Redis that lost data is filled again from what the outbox still keeps.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import uuid4

from sqlalchemy import or_, select, update

from simutrador_service.database import Database
from simutrador_service.errors import SettingsError
from simutrador_service.events.envelope import Event, StoredEvent, format_envelope
from simutrador_service.events.outbox import EventsGoneError, last_position, read_events
from simutrador_service.events.stream import position_of
from simutrador_service.events.table import ORDER, REDIS, EventRelay, OutboxEvent
from simutrador_service.logging.loggers import get_logger
from simutrador_service.redis import explained

if TYPE_CHECKING:
    import redis

BATCH: Final = 100
_LEASE: Final = timedelta(seconds=15)

_log = get_logger(__name__)


class RedisRelay:
    """Relays to one Redis; of several processes with one outbox, one at a time does."""

    def __init__(
        self,
        database: Database,
        client: redis.Redis,
        *,
        stream: str,
        channels: Callable[[Event], Iterable[str]],
        keep_messages: int,
        clock: Callable[[], datetime],
    ) -> None:
        """Prepare; nothing is asked yet."""
        self._database = database
        self._client: Any = client
        self._stream = stream
        self._channels = channels
        self._keep = keep_messages
        self._clock = clock
        self._name = f"{socket.gethostname()[:50]}:{os.getpid()}:{uuid4().hex[:8]}"

    def relay(self) -> int:
        """Send what Redis lacks; return how many events it was told for the first time.

        Raises:
            RedisUnavailableError: it does not answer, or refuses; all that is not sent waits.
            SettingsError: the stream belongs to another outbox.
        """
        with explained(self._client):
            if not self._is_behind() or not self._lead():
                return 0
            told = 0
            while (sent := self._send_batch()) is not None:
                told += sent
            return told

    def release(self) -> None:
        """Let another process take over at once."""
        mine = update(EventRelay).where(EventRelay.name == REDIS, EventRelay.holder == self._name)
        with self._database.write() as session:
            session.execute(mine.values(holder=None, lease_until=None))

    def _is_behind(self) -> bool:
        newest = last_position(self._database)
        if self._told() < newest:
            return True
        end = self._stream_end()
        return end > newest or (end < newest and bool(self._read(end)))

    def _lead(self) -> bool:
        """Take or keep the lead; return whether this process has it."""
        now = self._clock()
        free = or_(
            EventRelay.holder.is_(None),
            EventRelay.holder == self._name,
            EventRelay.lease_until < now,
            EventRelay.lease_until > now + 2 * _LEASE,  # of a clock that was ahead: nobody gave it
        )
        taken = update(EventRelay).where(EventRelay.name == REDIS, free)
        with self._database.write() as session:
            got = session.execute(
                taken.values(holder=self._name, lease_until=now + _LEASE).returning(EventRelay.name)
            ).scalar()
        if got is None:
            return False
        self._own_stream()
        self._align()
        return True

    def _own_stream(self) -> None:
        """Refuse a stream that another outbox feeds: their positions would shadow ours."""
        with self._database.write() as session:
            row = session.get_one(EventRelay, REDIS)
            row.origin = row.origin or uuid4().hex
            origin = row.origin
        key = f"{self._stream}:origin"
        self._client.set(key, origin, nx=True)
        if self._client.get(key) != origin:
            raise SettingsError(
                f"the Redis stream {self._stream} is fed by another database; give this service a "
                f"stream of its own, or delete {key} if that database is gone",
                field="stream",
            )

    def _align(self) -> None:
        """Count on from the stream where it holds other events than the outbox.

        That is so after the database was restored from a backup: it gives positions a second time.
        """
        told, end, newest = self._told(), self._stream_end(), last_position(self._database)
        if end <= told or (end <= newest and self._holds_ours(told, end)):
            return
        _log.warning("outbox_older_than_stream", position=newest, stream_position=end)
        with self._database.write() as session:
            again = update(OutboxEvent).where(OutboxEvent.position > told)
            session.execute(again.values(position=None))
            session.execute(update(EventRelay).where(EventRelay.name == ORDER).values(position=end))
            session.execute(update(EventRelay).where(EventRelay.name == REDIS).values(position=end))

    def _holds_ours(self, told: int, end: int) -> bool:
        """Return whether the stream goes on with our events: a relay died before its note."""
        found = self._client.xrange(self._stream, f"{told + 1}-0", f"{end}-0", count=BATCH)
        theirs = {position_of(entry_id): fields["id"] for entry_id, fields in found}
        ours = {stored.position: stored.event.id for stored in self._read(told)}
        return all(theirs[position] == ours[position] for position in theirs.keys() & ours.keys())

    def _send_batch(self) -> int | None:
        """Send the next events; return how many were new to Redis, None when there are none."""
        told, end = self._told(), self._stream_end()
        after = max(min(told, end), last_position(self._database) - self._keep)
        events = self._read(after)
        if not events:
            return None
        self._append([stored for stored in events if stored.position > end])
        new = [stored for stored in events if stored.position > told]
        self._publish(new)
        if not self._tell(max(told, events[-1].position)):
            return None
        return len(new)

    def _read(self, after: int) -> list[StoredEvent]:
        try:
            return read_events(self._database, after=after, limit=BATCH)
        except EventsGoneError as e:  # Redis lost more than the outbox keeps
            return read_events(self._database, after=e.oldest - 1, limit=BATCH)

    def _append(self, events: Sequence[StoredEvent]) -> None:
        if not events:
            return
        # All or none: an entry refused alone could not be appended behind those that followed it.
        pipeline = self._client.pipeline(transaction=True)
        for stored in events:
            fields = {"id": stored.event.id, "envelope": format_envelope(stored.event)}
            pipeline.xadd(
                self._stream, fields, id=f"{stored.position}-0", maxlen=self._keep, approximate=True
            )
        for answer in cast("list[object]", pipeline.execute(raise_on_error=False)):
            # Another relay, or this one before its connection broke, has appended it.
            if isinstance(answer, Exception) and "equal or smaller" not in str(answer):
                raise answer

    def _publish(self, events: Sequence[StoredEvent]) -> None:
        if not events:
            return
        pipeline = self._client.pipeline(transaction=False)
        for stored in events:
            text = format_envelope(stored.event)
            for channel in self._channels(stored.event):
                pipeline.publish(channel, text)
        pipeline.execute()

    def _tell(self, position: int) -> bool:
        """Note how far Redis was told; return False when another process leads by now."""
        mine = update(EventRelay).where(EventRelay.name == REDIS, EventRelay.holder == self._name)
        until = self._clock() + _LEASE
        with self._database.write() as session:
            done = mine.values(position=position, lease_until=until).returning(EventRelay.name)
            return session.execute(done).scalar() is not None

    def _told(self) -> int:
        with self._database.read() as session:
            row = select(EventRelay.position).where(EventRelay.name == REDIS)
            return session.scalar(row) or 0

    def _stream_end(self) -> int:
        """Return the last position the stream was given, 0 for none; trimming does not lower it."""
        from redis.exceptions import ResponseError

        try:
            found = self._client.xinfo_stream(self._stream)
        except ResponseError as e:
            if "no such key" not in str(e):
                raise
            return 0
        return int(str(found["last-generated-id"]).split("-")[0])
