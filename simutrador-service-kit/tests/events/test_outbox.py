"""The outbox: with the change or not at all, in an order that loses nobody, readable again."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from kit_events import AT, an_event, numbers_of, record_events
from simutrador_core.errors import InputError
from simutrador_service.database import Database
from simutrador_service.events import (
    Event,
    EventsGoneError,
    handle_once,
    last_position,
    read_events,
    record,
)
from simutrador_service.events.envelope import format_envelope, parse_envelope, to_envelope
from simutrador_service.events.outbox import number_events, purge_events, waiting_events


def test_an_envelope_has_the_documented_shape() -> None:
    assert to_envelope(an_event(7, symbol="AAPL")) == {
        "event": "bars_stored",
        "timestamp": "2026-11-20T14:30:00.000000Z",
        "source": "simutrador-sync",
        "version": "1.0",
        "payload": {"n": 7, "symbol": "AAPL"},
    }


def test_an_envelope_that_is_read_is_the_event_that_was_written() -> None:
    event = an_event(7)
    assert parse_envelope(format_envelope(event), event_id=event.id) == event


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"event": 1}', "null"])
def test_what_is_no_envelope_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an event's envelope"):
        parse_envelope(text, event_id="x")


@pytest.mark.parametrize("name", ["", "Bars Stored", "a" * 101, "a\nb", "a:b"])
def test_a_name_no_channel_could_carry_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be named"):
        Event(name, AT, "test")


def test_an_instant_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        Event("a", datetime(2026, 1, 2), "test")


def test_an_event_is_there_if_its_change_is_and_only_then(database: Database) -> None:
    def fail_after_recording() -> None:
        with database.write() as session:
            record(session, an_event(1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_recording()
    record_events(database, 2)
    number_events(database)
    (stored,) = read_events(database, after=0)
    assert (stored.position, stored.event.payload) == (1, {"n": 2})
    assert (stored.event.timestamp, stored.event.source) == (AT, "simutrador-sync")


def test_a_payload_json_cannot_carry_is_refused_before_anything_is_written(
    sqlite: Database,
) -> None:
    with pytest.raises(InputError), sqlite.write() as session:
        record(session, an_event(1, what=object()))
    assert waiting_events(sqlite, redis=False) == (0, None)


def test_events_are_read_page_after_page_in_order(database: Database) -> None:
    record_events(database, *range(7))
    assert read_events(database, after=0) == []  # none has a position yet
    assert number_events(database) == 7
    first = read_events(database, after=0, limit=5)
    second = read_events(database, after=first[-1].position, limit=5)
    assert numbers_of(first) + numbers_of(second) == list(range(7))
    assert [stored.position for stored in first + second] == list(range(1, 8))
    assert last_position(database) == 7


@pytest.mark.integration
def test_an_event_that_commits_later_with_a_lower_id_is_not_lost(postgres: str) -> None:
    from kit_postgres import emptied
    from simutrador_service.database import KIT

    database = Database(emptied(postgres))
    KIT.upgrade(database)
    recorded, go_on = threading.Event(), threading.Event()

    def commit_late() -> None:
        with database.write() as session:
            record(session, an_event(1))  # takes the lower id
            recorded.set()
            go_on.wait(10)

    late = threading.Thread(target=commit_late)
    late.start()
    recorded.wait(10)
    record_events(database, 2)
    number_events(database)
    seen = read_events(database, after=0)
    go_on.set()
    late.join()
    number_events(database)
    after = read_events(database, after=seen[-1].position)
    with database.read() as session:
        ids = session.execute(text("SELECT position FROM event_outbox ORDER BY id")).scalars().all()
    database.close()
    assert (numbers_of(seen), numbers_of(after)) == ([2], [1])
    assert ids == [2, 1]  # the case is real: the lower id came later


def test_processes_that_number_at_once_give_each_event_one_position(database: Database) -> None:
    record_events(database, *range(60))
    numbered: list[int] = []
    threads = [
        threading.Thread(target=lambda: numbered.append(number_events(database))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(numbered) == 60
    assert [s.position for s in read_events(database, after=0)] == list(range(1, 61))


def test_old_events_are_removed_and_who_needs_them_is_told(database: Database) -> None:
    record_events(database, 1, 2)
    number_events(database)
    later = datetime.now(UTC) + timedelta(seconds=1)
    assert purge_events(database, before=later - timedelta(hours=1), redis=False) == 0
    assert purge_events(database, before=later, redis=False) == 2
    with pytest.raises(EventsGoneError) as e:
        read_events(database, after=1)
    assert (e.value.oldest, e.value.status) == (3, 410)
    assert read_events(database, after=2) == []
    record_events(database, 3)
    number_events(database)
    assert [s.position for s in read_events(database, after=2)] == [3]


def test_events_redis_was_not_told_stay_however_old(database: Database) -> None:
    record_events(database, 1)
    number_events(database)
    assert purge_events(database, before=datetime.now(UTC), redis=True) == 0
    waiting, oldest = waiting_events(database, redis=True)
    assert waiting == 1
    assert oldest is not None


def test_work_for_an_event_is_done_once_by_each_consumer(database: Database) -> None:
    event, done = an_event(), list[str]()
    for consumer in ("mails", "mails", "reports"):
        with database.write() as session:
            if handle_once(session, consumer, event):
                done.append(consumer)
    assert done == ["mails", "reports"]


def test_work_that_failed_is_to_be_done_again(database: Database) -> None:
    event = an_event()

    def fail() -> None:
        with database.write() as session:
            assert handle_once(session, "mails", event)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with database.write() as session:
        assert handle_once(session, "mails", event)
