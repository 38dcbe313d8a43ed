"""Events: recorded with the change they tell of, then relayed in order, at least once."""

from simutrador_service.events.bus import Bus, SlowSubscriberError, Subscription
from simutrador_service.events.channels import channels_of
from simutrador_service.events.consumer import StreamConsumer
from simutrador_service.events.dead_letters import DeadLetter, dead_letters
from simutrador_service.events.envelope import Event, StoredEvent
from simutrador_service.events.following import follow
from simutrador_service.events.outbox import (
    EventsGoneError,
    handle_once,
    last_position,
    read_events,
    record,
)
from simutrador_service.events.publisher import Backlog, Publisher
from simutrador_service.events.stream import STREAM, follow_stream

__all__ = [
    "Backlog",
    "Bus",
    "DeadLetter",
    "Event",
    "EventsGoneError",
    "Publisher",
    "STREAM",
    "SlowSubscriberError",
    "StoredEvent",
    "StreamConsumer",
    "Subscription",
    "channels_of",
    "dead_letters",
    "follow",
    "follow_stream",
    "handle_once",
    "last_position",
    "read_events",
    "record",
]
