"""The desk: it keeps the orders, books what fills and writes every event down."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from simutrador_core.models.enums import TimeInForce
from simutrador_engine import acceptance
from simutrador_engine.book import OrderState, WorkingOrder
from simutrador_engine.fills import costs
from simutrador_engine.lookahead import Watch, watch
from simutrador_engine.matching import Bar, Hit, Venue
from simutrador_engine.models import events as ev
from simutrador_engine.models.config import EngineConfig, ShortSelling
from simutrador_engine.models.decimals import LEDGER, to_exact
from simutrador_engine.models.events import Event, Role
from simutrador_engine.portfolio.portfolio import Account, Portfolio

Mark = Callable[[str], Decimal | None]


class Desk:
    """Orders and their life. The engine tells it the time; matching tells it what fills."""

    def __init__(
        self, config: EngineConfig, log: Callable[[Event], None], mark: Mark, *, now: int
    ) -> None:
        self.config = config
        self.portfolio = Portfolio(config.cash, config.symbols)
        self.venue = Venue(fill=self._fill, trigger=self._trigger, doubt=self._doubt)
        self.now = now
        self.fills = 0
        self.doubts = 0
        self._log = log
        self._mark = mark
        self._orders: dict[str, WorkingOrder] = {}
        self._open: dict[str, WorkingOrder] = {}
        self._seq = 0
        self._priority = 0
        self._events: list[Event] = []
        self._watch: Watch | None = None

    # What others ask

    @property
    def open_orders(self) -> list[WorkingOrder]:
        """Orders that can still change, oldest first."""
        return list(self._open.values())

    def find(self, order_id: str) -> WorkingOrder | None:
        """Return an order ever accepted, or None."""
        return self._orders.get(order_id)

    def knows(self, order_id: str) -> bool:
        """Return whether an order of that id was ever accepted."""
        return order_id in self._orders

    def waiting(self) -> Watch:
        """Return what the open orders wait for."""
        if self._watch is None:
            self._watch = watch(self._open.values())
        return self._watch

    def take_events(self) -> list[Event]:
        """Return the events since the last call."""
        taken, self._events = self._events, []
        return taken

    def in_turn(self, symbol: str, opened_at: int) -> list[WorkingOrder]:
        """Return what may act on a symbol's bar, exits before entries, then by acceptance."""
        held = self.portfolio.quantity(symbol)
        own = [o for o in self._open.values() if o.symbol == symbol and o.acts_on(opened_at)]
        return sorted(own, key=lambda o: (not _reduces(o, held), o.priority))

    def pending(self, symbol: str) -> Decimal:
        """Return the signed units that open entry orders of a symbol would still trade."""
        own = [o for o in self._open.values() if o.symbol == symbol and o.role is Role.ORDER]
        return sum((o.remaining if o.buy else -o.remaining for o in own), Decimal(0))

    def marks(self) -> dict[str, Decimal]:
        """Return the last close of every symbol that has had a bar."""
        marks = {symbol: self._mark(symbol) for symbol in self.config.symbols}
        return {symbol: mark for symbol, mark in marks.items() if mark is not None}

    def exposures(
        self, marks: Mapping[str, Decimal], orders: Sequence[WorkingOrder]
    ) -> dict[str, Decimal]:
        """Return the largest gross value each symbol can reach through these orders' entries."""
        return {
            symbol: acceptance.exposure(
                self.portfolio.quantity(symbol),
                mark,
                [o for o in orders if o.role is Role.ORDER and o.symbol == symbol],
            )
            for symbol, mark in marks.items()
        }

    def account(self) -> Account:
        """Return the account as of now."""
        marks = self.marks()
        equity = self.portfolio.equity(marks)
        limit = LEDGER.multiply(equity, self.config.leverage)
        return Account(
            at=self.now,
            cash=self.portfolio.cash,
            equity=equity,
            buying_power=limit - sum(self.exposures(marks, self.open_orders).values(), Decimal(0)),
            positions=self.portfolio.positions(marks),
            open_orders=tuple(self._open),
            commission_paid=self.portfolio.commission_paid,
            trades=len(self.portfolio.trades),
        )

    # What commands do

    def add(self, order: WorkingOrder) -> None:
        """Take an accepted order in, behind all others."""
        self._queue_last(order)
        self._orders[order.id] = self._open[order.id] = order
        parent = order.parent.id if order.parent else None
        self.emit(
            lambda seq: ev.Accepted(
                seq, self.now, order.id, order.symbol, order.side, order.kind, order.quantity,
                order.limit_price, order.stop_price, order.time_in_force, order.role, parent,
                order.state,
            )
        )  # fmt: skip

    def change(
        self,
        order: WorkingOrder,
        *,
        quantity: Decimal,
        limit_price: Decimal | None,
        stop_price: Decimal | None,
    ) -> None:
        """Give an order new terms; it goes behind all others, its exits follow its quantity."""
        order.quantity = quantity
        order.set_prices(limit_price, stop_price)
        order.revision += 1
        self._queue_last(order)
        for child in order.children:
            child.quantity = quantity
        self.emit(
            lambda seq: ev.Replaced(
                seq, self.now, order.id, order.symbol, order.revision, quantity, limit_price,
                stop_price,
            )
        )  # fmt: skip

    def close(
        self, order: WorkingOrder, state: OrderState, reason: str, *, at: int | None = None
    ) -> None:
        """End an order unfilled or partly filled; exits of an unfilled entry end with it."""
        at = self.now if at is None else at
        order.state = state
        self._open.pop(order.id, None)
        left, name, symbol = order.remaining, order.id, order.symbol
        if state is OrderState.EXPIRED:
            self.emit(lambda seq: ev.Expired(seq, at, name, symbol, left))
        else:
            self.emit(lambda seq: ev.Cancelled(seq, at, name, symbol, left, reason))
        for child in order.children:
            if child.state is OrderState.HELD:
                self.close(child, OrderState.CANCELLED, "entry_ended", at=at)

    def emit(self, make: Callable[[int], Event]) -> None:
        """Write down the event that `make` gives for the next sequence number."""
        self._seq += 1
        self._watch = None
        event = make(self._seq)
        self._events.append(event)
        self._log(event)

    def _queue_last(self, order: WorkingOrder) -> None:
        self._priority += 1
        order.priority = self._priority
        order.since = self.now  # no price of a bar already under way may fill it

    # What bars do

    def _fill(self, hit: Hit, bar: Bar) -> None:
        order, config = hit.order, self.config
        quantity = order.remaining
        if self._only_closes(order):
            quantity = min(quantity, abs(self.portfolio.quantity(order.symbol)))
        bar_price = price = to_exact(hit.price)
        if hit.taker:
            price = costs.worsened(
                bar_price,
                buy=order.buy,
                slippage_bps=config.slippage_bps,
                tick=config.tick_size(order.symbol),
                cap=order.limit_price,
            )
        fee = costs.commission(quantity, per_share=config.commission_per_share)
        signed = quantity if order.buy else -quantity
        self.portfolio.book(order.symbol, signed, price, fee, at=hit.at, step_at=bar.closes_at)
        order.filled += quantity
        order.state = OrderState.PARTIALLY_FILLED if order.remaining else OrderState.FILLED
        self.fills += 1
        self.doubts += hit.ambiguous
        self.emit(
            lambda seq: ev.Filled(
                seq, hit.at, order.id, order.symbol, order.side, quantity, price, bar_price, fee,
                order.remaining, hit.reason, hit.ambiguous, bar.opened_at,
            )
        )  # fmt: skip
        self._after_fill(order, hit.at)

    def _after_fill(self, order: WorkingOrder, at: int) -> None:
        """Release a bracket's exits, cancel what the fill made pointless."""
        self._open.pop(order.id, None)
        if order.remaining:
            self.close(order, OrderState.CANCELLED, "position_closed", at=at)
        for child in order.children:
            if child.state is OrderState.HELD:
                child.state = OrderState.ACCEPTED
        if order.sibling is not None and order.sibling.is_open:
            self.close(order.sibling, OrderState.CANCELLED, "one_cancels_other", at=at)
        held = self.portfolio.quantity(order.symbol)
        for other in self.open_orders:
            bound = other.is_resting and self._only_closes(other)
            if bound and other.symbol == order.symbol and not _reduces(other, held):
                self.close(other, OrderState.CANCELLED, "position_closed", at=at)

    def _only_closes(self, order: WorkingOrder) -> bool:
        """Return whether an order may bring a position to zero but not beyond."""
        forbidden = self.config.short_selling is ShortSelling.FORBIDDEN
        return order.role is not Role.ORDER or (forbidden and not order.buy)

    def _trigger(self, order: WorkingOrder, price: float, at: int) -> None:
        order.state = OrderState.TRIGGERED
        self.emit(lambda seq: ev.Triggered(seq, at, order.id, order.symbol, to_exact(price)))

    def _doubt(self) -> None:
        self.doubts += 1

    def expire(self, by: Callable[[WorkingOrder], int]) -> None:
        """End every order whose time in force ended at or before an instant, oldest first."""
        due = [(o.expires_at, o.priority, o) for o in self.open_orders if o.expires_at is not None]
        for at, _, order in sorted(due, key=lambda entry: entry[:2]):
            if at <= by(order) and order.is_open:
                self.close(order, OrderState.EXPIRED, "expired", at=at)

    def end_first_bar(self, opened: Mapping[str, int]) -> None:
        """Expire immediate-or-cancel orders that had a bar; `opened` says when each opened."""
        for order in self.open_orders:
            acted = order.since <= opened.get(order.symbol, -1)
            if order.time_in_force is TimeInForce.IOC and acted:
                self.close(order, OrderState.EXPIRED, "expired")

    def mark_equity(self) -> None:
        """Write down the account after the fills of one instant."""
        cash, equity = self.portfolio.cash, self.portfolio.equity(self.marks())
        self.emit(lambda seq: ev.Equity(seq, self.now, cash, equity))


def _reduces(order: WorkingOrder, held: Decimal) -> bool:
    """Return whether an order's fill would bring the position nearer to zero."""
    return held < 0 if order.buy else held > 0
