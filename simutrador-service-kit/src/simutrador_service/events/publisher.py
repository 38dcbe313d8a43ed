"""The publisher of a process: orders what was committed and relays it until it is stopped."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import Gauge
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from simutrador_core.errors import SimutradorError
from simutrador_service.database import Database
from simutrador_service.database.base import utc_now
from simutrador_service.events.bus import Bus
from simutrador_service.events.channels import channels_of
from simutrador_service.events.envelope import Event
from simutrador_service.events.outbox import (
    RECORDED,
    EventsGoneError,
    last_position,
    number_events,
    purge_events,
    read_events,
    waiting_events,
)
from simutrador_service.events.redis_relay import RedisRelay
from simutrador_service.events.stream import STREAM
from simutrador_service.logging.loggers import get_logger
from simutrador_service.monitoring import Check, CheckFailedError, Metrics

if TYPE_CHECKING:
    import redis


_SHORTEST_TROUBLE_S: Final = 0.5
_LONGEST_TROUBLE_S: Final = 5.0
_PURGE_EVERY_S: Final = 3600.0

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits to be relayed.

    Attributes:
        waiting: Events.
        oldest: When the oldest of them was recorded; None when none waits.
    """

    waiting: int
    oldest: datetime | None


class Publisher:
    """Relays the events of one database: to this process's bus, and to Redis where there is one.

    Every process of a service has one. Each feeds its own bus; one of them at a time tells Redis.
    """

    def __init__(
        self,
        database: Database,
        *,
        bus: Bus | None = None,
        redis: redis.Redis | None = None,
        stream: str = STREAM,
        channels: Callable[[Event], Iterable[str]] = channels_of,
        poll: timedelta = timedelta(milliseconds=250),
        keep: timedelta = timedelta(days=7),
        keep_messages: int = 100_000,
        metrics: Metrics | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Prepare to relay.

        Args:
            database: Holds the outbox.
            bus: Of this process; None where nobody subscribes here.
            redis: A client of its own; None keeps events inside the process.
            stream: The Redis stream; each database needs its own.
            channels: Where an event is published, besides the stream.
            poll: How often to look for what other processes recorded; what this one records is
                relayed at once.
            keep: How long relayed events stay in the outbox.
            keep_messages: How many stay in the stream, about.
            metrics: Where the backlog is shown.
            clock: Says what time it is.
        """
        self._database = database
        self._bus = bus
        self._relay = redis and RedisRelay(
            database,
            redis,
            stream=stream,
            channels=channels,
            keep_messages=keep_messages,
            clock=clock,
        )
        self._poll_s = poll.total_seconds()
        self._keep = keep
        self._clock = clock
        self._gauges = metrics and _gauges(metrics)
        self._seen = last_position(database) if bus else 0
        self._bell = Condition()
        self._rung = 0
        self._stopping = False
        self._troubles: dict[str, str] = {}
        self._next_purge = 0.0
        self._threads = [Thread(target=self._run, args=(self._order,), name="events", daemon=True)]
        if self._relay:
            relay = Thread(target=self._run, args=(self._tell,), name="events-redis", daemon=True)
            self._threads.append(relay)

    def start(self) -> None:
        """Relay in the background until `stop`; Redis need not be there yet."""
        sqlalchemy_event.listen(Session, "after_commit", self._committed)
        for thread in self._threads:
            thread.start()

    def stop(self, *, timeout_s: float = 10.0) -> None:
        """Relay what is committed, once more, and end; what Redis does not take stays recorded."""
        with self._bell:
            self._stopping = True
            self._bell.notify_all()
        until = time.monotonic() + timeout_s
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout=max(0.0, until - time.monotonic()))
        if self._relay:
            self._let_go()
        if sqlalchemy_event.contains(Session, "after_commit", self._committed):
            sqlalchemy_event.remove(Session, "after_commit", self._committed)

    def _let_go(self) -> None:
        assert self._relay is not None
        try:
            self._relay.release()
        except SQLAlchemyError:
            return  # the lease ends by itself

    def relay(self) -> int:
        """Relay what is committed in the calling thread; return how many events were new to Redis.

        Raises:
            RedisUnavailableError: Redis does not answer, or refuses; nothing is lost.
        """
        self._order()
        return self._relay.relay() if self._relay else 0

    def backlog(self) -> Backlog:
        """Return what waits to be relayed, to Redis where there is one."""
        return Backlog(*waiting_events(self._database, redis=self._relay is not None))

    def check(self, *, longest_wait: timedelta = timedelta(seconds=30)) -> Check:
        """Return a health check that fails while an event waits longer than this.

        Add it as not critical: what waits is kept, and the service goes on without.
        """

        def look() -> dict[str, Any]:
            backlog = self.backlog()
            waited = self._waited_s(backlog)
            if waited > longest_wait.total_seconds():
                raise CheckFailedError(
                    f"{backlog.waiting} events wait to be relayed, the oldest for {waited:.0f} s"
                    f"{''.join(f': {trouble}' for trouble in self._troubles.values())}"
                )
            return {"waiting": backlog.waiting}

        return look

    def _order(self) -> None:
        """Give positions to new events, then hand them to the bus."""
        while number_events(self._database):
            self._ring()
        if self._bus is not None:
            self._feed(self._bus)
        if self._relay is None:
            self._look_after()

    def _feed(self, bus: Bus) -> None:
        try:
            while page := read_events(self._database, after=self._seen):
                for stored in page:
                    bus.publish(stored)
                    self._seen = stored.position
        except EventsGoneError as e:  # this process stood still for longer than events are kept
            self._seen = e.oldest - 1
            raise

    def _tell(self) -> None:
        assert self._relay is not None
        while self._stopping and number_events(self._database):
            pass  # there is no turn after this one to wait for
        try:
            self._relay.relay()
        finally:
            self._look_after()

    def _look_after(self) -> None:
        """Show the backlog; remove what is old."""
        if self._gauges:
            backlog = self.backlog()
            self._gauges[0].set(backlog.waiting)
            self._gauges[1].set(self._waited_s(backlog))
        if time.monotonic() >= self._next_purge:
            self._next_purge = time.monotonic() + _PURGE_EVERY_S
            purge_events(
                self._database, before=self._clock() - self._keep, redis=self._relay is not None
            )

    def _waited_s(self, backlog: Backlog) -> float:
        if backlog.oldest is None:
            return 0.0
        return max(0.0, (self._clock() - backlog.oldest).total_seconds())

    def _run(self, step: Callable[[], None]) -> None:
        wait_s = 0.0
        while True:
            stopping, seen = self._stopping, self._rung
            try:
                step()
                wait_s = 0.0
                self._say(step.__name__, None)
            except Exception as e:  # noqa: BLE001  (the outermost loop must survive)
                wait_s = min(max(wait_s * 2, _SHORTEST_TROUBLE_S), _LONGEST_TROUBLE_S)
                self._say(step.__name__, e)
            if stopping:
                return
            self._wait(seen, wait_s)

    def _say(self, part: str, error: Exception | None) -> None:
        """Log a trouble once, until it changes or ends."""
        before = self._troubles.pop(part, None)
        if error is None:
            if before is not None:
                _log.info("events_relayed_again", waiting=self.backlog().waiting)
            return
        self._troubles[part] = str(error)
        if str(error) != before:
            unexpected = None if isinstance(error, SimutradorError) else error
            _log.error("events_not_relayed", reason=str(error), exc_info=unexpected)

    def _wait(self, seen: int, wait_s: float) -> None:
        with self._bell:
            if self._stopping:
                return
            if wait_s:  # in trouble a new event is no reason to try at once
                jitter = random.uniform(0.8, 1.2)  # noqa: S311
                self._bell.wait_for(lambda: self._stopping, wait_s * jitter)
            elif self._rung == seen:
                self._bell.wait(self._poll_s)

    def _committed(self, session: Session) -> None:
        if session.info.get(RECORDED, False):
            self._ring()

    def _ring(self) -> None:
        with self._bell:
            self._rung += 1
            self._bell.notify_all()


def _gauges(metrics: Metrics) -> tuple[Gauge, Gauge]:
    waiting = Gauge(
        "events_waiting",
        "Events recorded but not relayed yet",
        registry=metrics.registry,
        multiprocess_mode="mostrecent",
    )
    oldest = Gauge(
        "events_oldest_waiting_seconds",
        "How long the oldest of them waits",
        registry=metrics.registry,
        multiprocess_mode="mostrecent",
    )
    return waiting, oldest
