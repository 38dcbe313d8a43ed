"""`SimulationClock`: whether the next tick may go out. Pure: the time comes in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from simutrador_core.models.websocket import ErrorCode, TickAckRequest
from simutrador_server.simulation.setup import Refusal


@dataclass(slots=True)
class SimulationClock:
    """How a simulation's clock is driven, and where it stands.

    Attributes:
        flow_control: Whether ticks wait for acknowledgements.
        max_pending: How many ticks may be unacknowledged.
        interval: Least time between ticks without flow control.
        sent: Ticks sent; also the number of the latest.
        acked: The latest tick acknowledged.
        paused: Whether the client stopped it.
        orders_due: Orders the client said are still to come for this tick.
        held_until: Until when a client's wish for time holds the clock.
        next_at: When the next tick is due without flow control.
    """

    flow_control: bool
    max_pending: int = 1
    interval: timedelta = timedelta()
    sent: int = 0
    acked: int = 0
    paused: bool = False
    orders_due: int = 0
    held_until: datetime | None = None
    next_at: datetime | None = None

    def may_tick(self, now: datetime) -> bool:
        """Return whether the next tick may go out."""
        if self.paused:
            return False
        if not self.flow_control:
            return self.next_at is None or now >= self.next_at
        if self.held_until is not None:
            if now < self.held_until:
                return False
            self._release()
        return self.sent - self.acked < self.max_pending

    def wakes_at(self) -> datetime | None:
        """Return when to look again if no message comes, or None when only a message helps."""
        if self.paused:
            return None
        return self.held_until if self.flow_control else self.next_at

    def ticked(self, now: datetime) -> int:
        """Take note of a tick that goes out and return its number, from 1."""
        self.sent += 1
        if not self.flow_control and self.interval:
            self.next_at = now + self.interval
        return self.sent

    def acknowledge(self, ack: TickAckRequest, now: datetime) -> None:
        """Take note of an acknowledgement; it covers every tick before it too.

        Raises:
            Refusal: the tick was never sent.
        """
        number = ack.sequence_id
        if number > self.sent:
            raise Refusal(
                ErrorCode.INVALID_PARAMS,
                f"tick {number} was never sent, the latest is {self.sent}",
                latest=self.sent,
            )
        if ack.processing_status == "ready" and not ack.orders_pending:
            self.ready(number)
        elif self.flow_control:
            self.orders_due = ack.orders_pending if ack.processing_status == "ready" else 0
            self.held_until = now + timedelta(milliseconds=ack.max_wait_ms)

    def ready(self, number: int) -> None:
        """Take note that the client is done with a tick."""
        self.acked = max(self.acked, min(number, self.sent))
        self.held_until = None
        self.orders_due = 0

    def ordered(self, orders: int) -> None:
        """Take note of orders that came; the last one announced lets the clock go on."""
        if self.orders_due:
            self.orders_due = max(self.orders_due - orders, 0)
            if not self.orders_due:
                self._release()

    def _release(self) -> None:
        self.ready(self.sent)
