"""The tables of events: the outbox, who relays it, and what consumers have dealt with."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import JSON, BigInteger, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from simutrador_service.database import Base, UtcDateTime

ORDER: Final = "order"
"""The row of `EventRelay` that counts positions."""
REDIS: Final = "redis"
"""The row of `EventRelay` that says how far Redis has been told."""


class OutboxEvent(Base):
    """One event, written in the transaction of the change it tells of.

    Attributes:
        id: Given at the insert. A transaction that began earlier may commit later, so the ids that
            readers see grow with holes that fill afterwards: nothing resumes by it.
        position: Given after the commit, one after the other without gaps: everything resumes by
            it. None until then.
    """

    __tablename__ = "event_outbox"
    __table_args__ = (
        Index("ix_event_outbox_position", "position", unique=True),
        Index("ix_event_outbox_recorded_at", "recorded_at"),
    )

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    position: Mapped[int | None] = mapped_column(BigInteger)
    event_id: Mapped[str] = mapped_column(String(64), unique=True)
    event: Mapped[str] = mapped_column(String(100))
    timestamp: Mapped[datetime] = mapped_column(UtcDateTime)
    source: Mapped[str] = mapped_column(String(100))
    version: Mapped[str] = mapped_column(String(20))
    payload: Mapped[Any] = mapped_column(JSON)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class EventRelay(Base):
    """How far a part of the relay is, and who does it now.

    Attributes:
        position: Row `order`: the last position given. Row `redis`: the last one told there.
        holder: The process that relays, until `lease_until`.
        origin: Names this outbox, so that two never share a stream by mistake.
    """

    __tablename__ = "event_relay"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, default=0)
    holder: Mapped[str | None] = mapped_column(String(100))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    origin: Mapped[str | None] = mapped_column(String(32))


class EventHandled(Base):
    """A consumer has dealt with an event; written in the transaction of what it did."""

    __tablename__ = "event_handled"
    __table_args__ = (Index("ix_event_handled_handled_at", "handled_at"),)

    consumer: Mapped[str] = mapped_column(String(100), primary_key=True)
    event_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    handled_at: Mapped[datetime] = mapped_column(UtcDateTime)
