"""The outbox: write events with the change they tell of, give them an order, read them again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import ClassVar, Final

from sqlalchemy import ColumnElement, delete, func, insert, inspect, select, tuple_, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from simutrador_service.database import Base, Database
from simutrador_service.database.base import utc_now
from simutrador_service.database.json_values import to_json_value
from simutrador_service.database.upsert import insert_absent
from simutrador_service.errors import ServiceError
from simutrador_service.events.envelope import Event, StoredEvent, check_envelope
from simutrador_service.events.table import ORDER, REDIS, EventHandled, EventRelay, OutboxEvent

MOST_AT_ONCE: Final = 500
_REMOVED_AT_ONCE: Final = 5_000
RECORDED: Final = "simutrador_events_recorded"


class EventsGoneError(ServiceError):
    """Events after the position asked for were removed; `oldest` is the first that is left."""

    code: ClassVar[str] = "events_gone"
    status: ClassVar[int] = 410

    def __init__(self, *, after: int, oldest: int) -> None:
        super().__init__(
            f"events after position {after} are gone, the oldest kept is {oldest}; read the "
            f"present state, then resume after {oldest - 1}"
        )
        self.after = after
        self.oldest = oldest


def record(session: Session, event: Event) -> None:
    """Write an event in the session's transaction: it is relayed if that commits, else never was.

    Record after the change itself: events of two transactions that wait for one another then stand
    in the order in which those came through.

    Raises:
        InputError: the payload holds something JSON cannot carry.
    """
    payload = to_json_value(dict(event.payload), what="the payload")
    check_envelope(replace(event, payload=payload))
    session.execute(
        insert(OutboxEvent).values(
            event_id=event.id,
            event=event.event,
            timestamp=event.timestamp,
            source=event.source,
            version=event.version,
            payload=payload,
            recorded_at=utc_now(),
        )
    )
    session.info[RECORDED] = True


def handle_once(session: Session, consumer: str, event: Event) -> bool:
    """Return whether this consumer has yet to deal with the event, and note that it has now.

    Call it first in the transaction that does the work: however often the event is delivered, and
    to however many processes at once, the work is done by one of them, once.
    """
    return insert_absent(
        session, EventHandled, consumer=consumer, event_id=event.id, handled_at=utc_now()
    )


def number_events(database: Database) -> int:
    """Give positions to committed events that have none, in the order of their ids.

    A lower id that commits later gets a later position, so nobody who resumes by position misses
    it. Any process may do this at any time: one does at once.

    Returns:
        How many there were.
    """
    with database.read() as session:
        waiting = select(OutboxEvent.id).where(OutboxEvent.position.is_(None)).limit(1)
        if session.scalar(waiting) is None:
            return 0
    with database.write() as session:
        counter = select(EventRelay.position).where(EventRelay.name == ORDER)
        last = session.scalar(counter.with_for_update()) or 0
        unnumbered = select(OutboxEvent.id).where(OutboxEvent.position.is_(None))
        ids = session.scalars(unnumbered.order_by(OutboxEvent.id).limit(MOST_AT_ONCE)).all()
        if not ids:
            return 0
        positions = [{"id": id_, "position": last + n} for n, id_ in enumerate(ids, start=1)]
        session.execute(update(OutboxEvent), positions)
        moved = update(EventRelay).where(EventRelay.name == ORDER)
        session.execute(moved.values(position=last + len(ids)))
        return len(ids)


def read_events(database: Database, *, after: int, limit: int = MOST_AT_ONCE) -> list[StoredEvent]:
    """Return the events that follow a position, oldest first; 0 stands before the first.

    Raises:
        EventsGoneError: some that followed were removed as too old.
    """
    with database.read() as session:
        last = _last_position(session)  # first: what is numbered meanwhile must not look removed
        following = select(OutboxEvent).where(OutboxEvent.position > after)
        rows = session.scalars(following.order_by(OutboxEvent.position).limit(limit)).all()
        events = [_stored(row) for row in rows]
    oldest = events[0].position if events else last + 1
    if oldest > after + 1:
        raise EventsGoneError(after=after, oldest=oldest)
    return events


def last_position(database: Database) -> int:
    """Return the position of the newest event, 0 when there was never one."""
    with database.read() as session:
        return _last_position(session)


def purge_events(database: Database, *, before: datetime, redis: bool) -> int:
    """Remove events recorded before an instant, and notes of what consumers dealt with.

    Args:
        database: The outbox.
        before: Younger ones stay.
        redis: Whether events go to Redis too; those not told there stay, however old.

    Returns:
        How many events were removed.
    """
    with database.read() as session:
        told = _told(session, redis=redis)
    _remove(database, EventHandled, EventHandled.handled_at < before)
    return _remove(
        database, OutboxEvent, OutboxEvent.recorded_at < before, OutboxEvent.position <= told
    )


def waiting_events(database: Database, *, redis: bool) -> tuple[int, datetime | None]:
    """Return how many events wait to be relayed, and when the oldest of them was recorded."""
    with database.read() as session:
        # Asked apart, each is served by an index; with OR, a look would go through all rows.
        untold = OutboxEvent.position > _told(session, redis=redis)
        unnumbered = OutboxEvent.position.is_(None)
        count, oldest = 0, None
        for waits, order in ((untold, OutboxEvent.position), (unnumbered, OutboxEvent.id)):
            count += session.scalar(select(func.count(OutboxEvent.id)).where(waits)) or 0
            first = select(OutboxEvent.recorded_at).where(waits).order_by(order).limit(1)
            oldest = oldest or session.scalar(first)
        return count, oldest


def _told(session: Session, *, redis: bool) -> int:
    done = select(EventRelay.position).where(EventRelay.name == (REDIS if redis else ORDER))
    return session.scalar(done) or 0


def _remove(database: Database, table: type[Base], *wanted: ColumnElement[bool]) -> int:
    """Remove rows and count them; some at a time, so that nobody waits long for the write lock."""
    key = tuple_(*inspect(table).primary_key)
    some = delete(table).where(
        key.in_(select(*inspect(table).primary_key).where(*wanted).limit(_REMOVED_AT_ONCE))
    )
    removed = 0
    while True:
        with database.write() as session:
            result = session.execute(some.execution_options(synchronize_session=False))
        assert isinstance(result, CursorResult)
        removed += result.rowcount
        if result.rowcount < _REMOVED_AT_ONCE:
            return removed


def _last_position(session: Session) -> int:
    return session.scalar(select(EventRelay.position).where(EventRelay.name == ORDER)) or 0


def _stored(row: OutboxEvent) -> StoredEvent:
    assert row.position is not None
    event = Event(
        event=row.event,
        timestamp=row.timestamp,
        source=row.source,
        payload=row.payload,
        version=row.version,
        id=row.event_id,
    )
    return StoredEvent(row.position, event)


__all__ = ["EventsGoneError", "handle_once", "last_position", "read_events", "record"]
