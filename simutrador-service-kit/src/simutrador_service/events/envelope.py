"""The one shape of every event: `{event, timestamp, source, version, payload}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import orjson

from simutrador_core.errors import InputError

VERSION: Final = "1.0"
_NAME: Final = re.compile(r"[a-z][a-z0-9_.]{0,99}")
_SOURCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_VERSION: Final = re.compile(r"[0-9A-Za-z.-]{1,20}")
_ID: Final = re.compile(r"[\x21-\x7e]{1,64}")


def _new_id() -> str:
    return uuid4().hex


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        event: What, for instance `universe_updated`.
        timestamp: When, an aware instant.
        source: Which service says so, for instance `simutrador-sync`.
        payload: Its facts, JSON-like.
        version: Of the payload's shape.
        id: Unique; travels beside the envelope, so that a repeated delivery can be told.

    Raises:
        ValueError: a name, version or id of bad form, or an instant without zone.
    """

    event: str
    timestamp: datetime
    source: str
    payload: Mapping[str, Any] = field(default_factory=dict[str, Any])
    version: str = VERSION
    id: str = field(default_factory=_new_id)

    def __post_init__(self) -> None:
        """Refuse what no channel or consumer could carry."""
        if not _NAME.fullmatch(self.event):
            raise ValueError(
                f"an event cannot be named {self.event[:120]!r}: write it like bar_stored"
            )
        if not _SOURCE.fullmatch(self.source):
            raise ValueError(f"an event cannot come from {self.source[:120]!r}: name a service")
        if not _VERSION.fullmatch(self.version):
            raise ValueError(
                f"{self.version[:120]!r} is no version of a payload: write one like 1.0"
            )
        if not _ID.fullmatch(self.id):
            raise ValueError(f"{self.id[:120]!r} is no id: it has 1 to 64 characters, no spaces")
        if self.timestamp.tzinfo is None:
            raise ValueError(f"{self.timestamp} has no time zone; instants are aware")


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event that was relayed.

    Attributes:
        position: Its place in the order of all relayed events, from 1, without gaps. Keep the last
            one you have dealt with: reading resumes after it.
    """

    position: int
    event: Event


def to_envelope(event: Event) -> dict[str, Any]:
    """Return the envelope as it goes out; the instant in UTC, ending in Z."""
    instant = event.timestamp.astimezone(UTC).isoformat(timespec="microseconds")
    return {
        "event": event.event,
        "timestamp": instant.replace("+00:00", "Z"),
        "source": event.source,
        "version": event.version,
        "payload": dict(event.payload),
    }


def format_envelope(event: Event) -> str:
    """Return the envelope as JSON."""
    return orjson.dumps(to_envelope(event)).decode()


def check_envelope(event: Event) -> None:
    """Refuse an event that could be recorded, but not told: it would stop all behind it.

    Raises:
        InputError: its payload has a whole number above 64 bits, or too many levels.
    """
    try:
        format_envelope(event)
    except (orjson.JSONEncodeError, ValueError) as e:
        raise InputError(
            f"event {event.event} cannot be told as JSON ({e}); send large numbers as text"
        ) from e


def parse_envelope(text: str, *, event_id: str) -> Event:
    """Return the event of an envelope in JSON.

    Raises:
        ValueError: it is not one.
    """
    try:
        body = orjson.loads(text)
        return Event(
            event=body["event"],
            timestamp=datetime.fromisoformat(body["timestamp"]),
            source=body["source"],
            payload=body["payload"],
            version=body["version"],
            id=event_id,
        )
    except (KeyError, TypeError, orjson.JSONDecodeError) as e:
        raise ValueError(f"not an event's envelope: {type(e).__name__}") from e
