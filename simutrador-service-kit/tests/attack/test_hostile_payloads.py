"""An event that cannot be told is refused when recorded: it must not stop those behind it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from kit_events import AT, an_event, record_events
from kit_redis import closed
from simutrador_core.errors import InputError
from simutrador_service.database import Database
from simutrador_service.events import STREAM, Event, Publisher, read_events, record
from simutrador_service.redis import connect


def nested(levels: int) -> Any:
    value: Any = 0
    for _ in range(levels):
        value = [value]
    return value


CIRCLE: dict[str, Any] = {}
CIRCLE["again"] = CIRCLE

HOSTILE: dict[str, Any] = {
    "not a number": float("nan"),
    "infinite": {"a": [float("-inf")]},
    "half a character": "\ud800",
    "half a character as a name": {"\udfff": 1},
    "above 64 bits": 2**64,
    "below 64 bits": {"a": -(2**63) - 1},
    "251 levels": nested(251),
    "254 levels": nested(254),
    "5,000 levels": nested(5000),
    "bytes of no text": b"\xff",
    "a circle": CIRCLE,
    "an object": object(),
}


def test_each_is_told_whole_or_refused_when_it_is_recorded(
    database: Database, redis_url: str
) -> None:
    kept: list[Any] = []
    for value in HOSTILE.values():
        try:
            with database.write() as session:
                record(session, an_event(1, value=value))
            kept.append(value)
        except (InputError, ValueError):
            continue
    record_events(database, 2)
    with closed(connect(redis_url)) as client:
        assert Publisher(database, redis=client).relay() == len(kept) + 1
        entries: Any = client.xrange(STREAM)
    told = [json.loads(fields["envelope"])["payload"] for _, fields in entries]
    assert told == [*({"n": 1, "value": value} for value in kept), {"n": 2}]


CARRIED: dict[str, Any] = {
    "1 MB": "x" * 1_000_000,
    "control characters": "".join(map(chr, range(32))) + "\x7f\u2028\ufeff",
    "a name with NUL": {"\x00": "\x00"},
    "240 levels": nested(240),
    "the largest number": 2**63 - 1,
    "beyond the first plane": "\U0001f4c8",
    "Redis' own words": "-ERR OOM READONLY\r\n+OK\r\n$-1\r\n",
}


def test_what_is_accepted_arrives_unchanged(database: Database, redis_url: str) -> None:
    with database.write() as session:
        for value in CARRIED.values():
            record(session, an_event(1, value=value))
    with closed(connect(redis_url)) as client:
        assert Publisher(database, redis=client).relay() == len(CARRIED)
        entries: Any = client.xrange(STREAM)
    sent = [{"n": 1, "value": value} for value in CARRIED.values()]
    assert [json.loads(fields["envelope"])["payload"] for _, fields in entries] == sent
    assert [stored.event.payload for stored in read_events(database, after=0)] == sent


@pytest.mark.parametrize(
    "words",
    [
        {"event": "a\nb"},
        {"event": "x" * 101},
        {"event": "bars_stored\n"},
        {"source": "a b"},
        {"source": "\ud800"},
        {"timestamp": datetime(2026, 1, 1)},
        {"version": "1" * 21},
        {"version": "\ud800"},
        {"version": ""},
        {"id": "x" * 65},
        {"id": "\x00"},
        {"id": ""},
    ],
)
def test_an_envelope_of_bad_form_is_none(words: dict[str, Any]) -> None:
    whole: dict[str, Any] = {"event": "bars_stored", "timestamp": AT, "source": "s", **words}
    with pytest.raises(ValueError):
        Event(**whole)


def test_an_instant_at_the_edge_of_time_is_told_or_refused(
    sqlite: Database, redis_url: str
) -> None:
    edges = (datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC))
    with sqlite.write() as session:
        for at in edges:
            record(session, Event("bars_stored", at, "s"))
    with closed(connect(redis_url)) as client:
        assert Publisher(sqlite, redis=client).relay() == 2
