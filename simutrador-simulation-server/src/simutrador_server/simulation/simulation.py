"""`Simulation`: one run as its client sees it. It never awaits and reads no clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from simutrador_core.models.bars import from_us
from simutrador_core.models.enums import SessionState
from simutrador_core.models.websocket import (
    ErrorCode,
    OrderBatchRequest,
    ReplaceOrderRequest,
    SessionData,
)
from simutrador_engine.engine import Engine
from simutrador_engine.models.commands import Cancel, Command
from simutrador_engine.models.events import Cancelled, Event, RejectCode, Rejected, Replaced
from simutrador_engine.performance.metrics import performance
from simutrador_server.simulation import orders, reports
from simutrador_server.simulation.clock import SimulationClock
from simutrador_server.simulation.setup import Refusal
from simutrador_server.simulation.ticks import TickFeed, candle_texts
from simutrador_server.simulation.wire import message, stamp

_CODES = {
    RejectCode.UNKNOWN_ORDER: ErrorCode.ORDER_NOT_FOUND,
    RejectCode.NOT_OPEN: ErrorCode.ORDER_NOT_FOUND,
    RejectCode.INVALID_QUANTITY: ErrorCode.INVALID_ORDER_QUANTITY,
}


class Simulation:
    """A run: ticks out, orders in, everything numbered.

    Args:
        info: What is known about it; its `state` is kept up to date here.
        engine: Stands right before the first tick.
        feed: Renders the engine's ticks.
    """

    def __init__(self, info: SessionData, engine: Engine, feed: TickFeed) -> None:
        self.engine = engine
        self.clock = SimulationClock(flow_control=True)
        self._info = info
        self._feed = feed
        self._seq = 0
        self._step = len(engine.timeline.instants) - info.estimated_ticks
        self._day_start = engine.config.cash
        self._started_at: datetime | None = None
        self._head = f'{{"type":"tick","data":{{"session_id":"{info.session_id}","seq":'

    @property
    def id(self) -> str:
        """Its id, `session_id` on the wire."""
        return self._info.session_id

    @property
    def info(self) -> SessionData:
        """What is known about it now."""
        return self._info

    @property
    def state(self) -> SessionState:
        """Where it is in its life."""
        return self._info.state

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self.state in {SessionState.RUNNING, SessionState.PAUSED}

    # Its life

    def created(self, now: datetime, request_id: str | None) -> str:
        """Return `session_created`."""
        data = self._info.model_dump(mode="json", exclude_none=True)
        return self._push("session_created", data, now, request_id)

    def start(self, clock: SimulationClock, now: datetime, request_id: str | None) -> list[str]:
        """Let the clock run and return `simulation_started` and `history_snapshot`.

        Raises:
            Refusal: it was started before.
        """
        if self.state is not SessionState.READY:
            raise Refusal(
                ErrorCode.INVALID_PARAMS, f"{self.id} was started before", state=self.state.value
            )
        self.clock = clock
        self._started_at = now
        self.to_state(SessionState.RUNNING)
        pace = None if clock.flow_control else clock.interval.total_seconds() * 1000
        started = {
            "started_at": stamp(now),
            "flow_control_enabled": clock.flow_control,
            "max_pending_ticks": clock.max_pending if clock.flow_control else None,
            "tick_interval_ms": pace,
            "estimated_duration_sec": None if pace is None else self._left() * pace / 1000,
        }
        return [
            self._push("simulation_started", started, now, request_id),
            self._history(now),
        ]

    def next_tick(self, now: datetime) -> list[str]:
        """Replay what closes next and return what it caused, then the tick; or the end."""
        if self.engine.is_over:
            return [self._end(now)]
        step, self._step = self._step, self._step + 1
        if self._feed.begins[step]:
            self._day_start = self._equity()
        events = self.engine.advance().events
        out = self._reports(events, now) if events else []
        number = self.clock.ticked(now)
        self._seq += 1
        out.append(
            f'{self._head}{self._seq},"sequence_id":{number},{self._feed.body(step)}}},'
            f'"request_id":null,"timestamp":"{stamp(now)}"}}'
        )
        return out

    def drop(self) -> None:
        """Give the run up: its client has gone."""
        self.to_state(SessionState.ERROR)

    def set_paused(self, *, paused: bool, now: datetime, request_id: str | None) -> str:
        """Stop the clock or let it go on, and return which it is.

        Raises:
            Refusal: it does not run.
        """
        self.check_running()
        self.clock.paused = paused
        self.to_state(SessionState.PAUSED if paused else SessionState.RUNNING)
        kind = "simulation_paused" if paused else "simulation_resumed"
        data = {"state": self.state.value, "sim_time": stamp(from_us(self.engine.now))}
        return self._push(kind, data, now, request_id)

    def to_state(self, state: SessionState) -> None:
        """Enter a state."""
        self._info = self._info.model_copy(update={"state": state})

    def check_running(self) -> None:
        """Refuse what only a running simulation can do.

        Raises:
            Refusal: it has not started, or has ended.
        """
        if not self.is_running:
            raise Refusal(
                ErrorCode.INVALID_ORDER,
                f"{self.id} is {self.state}, not running; send start_simulation first",
                state=self.state.value,
            )

    # What its client asks

    def submit(self, batch: OrderBatchRequest, now: datetime, request_id: str | None) -> str:
        """Hand in orders, which act first on the next bar, and return `batch_ack`.

        Raises:
            Refusal: it does not run.
        """
        self.check_running()
        events = self.engine.apply(orders.submission(batch, self.engine))
        self.clock.ordered(len(batch.orders))
        return self._push(
            "batch_ack", orders.acknowledgement(batch.batch_id, events), now, request_id
        )

    def cancel(self, order_id: str, now: datetime, request_id: str | None) -> list[str]:
        """Take an order back and return every `order_cancelled` it causes.

        Raises:
            Refusal: it does not run, or has no such open order.
        """
        return self._change(Cancel(order_id), Cancelled, now, request_id)

    def replace(
        self, request: ReplaceOrderRequest, now: datetime, request_id: str | None
    ) -> list[str]:
        """Change an order and return `order_replaced`.

        Raises:
            Refusal: it does not run, has no such open order, or cannot give it these terms.
        """
        return self._change(orders.replacement(request), Replaced, now, request_id)

    def account(self, now: datetime, request_id: str | None) -> str:
        """Return `current_positions`."""
        return self._push("current_positions", self._account(), now, request_id)

    def _change(
        self,
        command: Command,
        answer: type[Cancelled | Replaced],
        now: datetime,
        request_id: str | None,
    ) -> list[str]:
        self.check_running()
        events = self.engine.apply(command)
        for event in events:
            if isinstance(event, Rejected):
                code = _CODES.get(event.code, ErrorCode.INVALID_ORDER)
                raise Refusal(
                    code, event.message, order_id=event.order_id, reason=event.code.value.upper()
                )
        return [
            self._push(*pushed, now, request_id if n == 0 and isinstance(event, answer) else None)
            for n, event in enumerate(events)
            if (pushed := reports.push_of(event))
        ]

    # What it says

    def _push(
        self, kind: str, data: dict[str, Any], now: datetime, request_id: str | None = None
    ) -> str:
        self._seq += 1
        return message(kind, {"session_id": self.id, "seq": self._seq, **data}, now, request_id)

    def _reports(self, events: Sequence[Event], now: datetime) -> list[str]:
        pushed = [push for event in events if (push := reports.push_of(event))]
        if reports.filled(events):
            pushed.append(("account_snapshot", self._account()))
        return [self._push(*push, now) for push in pushed]

    def _account(self) -> dict[str, Any]:
        return reports.account(self.engine.account(), day_start=self._day_start)

    def _equity(self) -> Decimal:
        """Return the equity now; `day_pnl` is measured from that before a session's first bar."""
        portfolio, symbols = self.engine.portfolio, self.engine.config.symbols
        if any(portfolio.quantity(symbol) for symbol in symbols):
            return self.engine.account().equity
        return portfolio.cash

    def _history(self, now: datetime) -> str:
        engine = self.engine
        seen = {
            symbol: engine.bars[symbol].take(slice(0, engine.seen(symbol)))
            for symbol in engine.config.symbols
        }
        firsts = [bars.first for bars in seen.values() if bars.first]
        lasts = [bars.last for bars in seen.values() if bars.last]
        data: dict[str, Any] = {
            "timeframe": engine.config.timeframe.value,
            "start": stamp(min(firsts)) if firsts else None,
            "end": stamp(max(lasts)) if lasts else None,
            "count": sum(len(bars) for bars in seen.values()),
        }
        candles = {symbol: candle_texts(bars) for symbol, bars in seen.items()}
        return self._with_candles(self._push("history_snapshot", data, now), candles)

    def _with_candles(self, text: str, candles: dict[str, list[str]]) -> str:
        """Return the message with candles, already text, as the first member of its data."""
        members = ",".join(f'"{name}":[{",".join(own)}]' for name, own in candles.items())
        head = '"data":{'
        return text.replace(head, f'{head}"candles":{{{members}}},', 1)

    def _end(self, now: datetime) -> str:
        self.to_state(SessionState.COMPLETED)
        seconds = (now - (self._started_at or now)).total_seconds()
        data = {
            **reports.results(performance(self.engine), seconds=seconds),
            "log_sha256": self.engine.log.sha256(),
            "dataset_id": self.engine.config.dataset_id,
            "warnings": self._info.warnings,
        }
        return self._push("simulation_end", data, now)

    def _left(self) -> int:
        return len(self.engine.timeline.instants) - self._step
