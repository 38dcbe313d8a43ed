"""An auditor that follows a run from its events alone and checks what must always hold (V4).

It keeps its own orders, cash and positions in exact fractions and never asks the engine how it
came to a number; only at the end of a step does it compare the two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from simutrador_core.models.bars import F64
from simutrador_engine.engine import Engine
from simutrador_engine.models.config import ShortSelling
from simutrador_engine.models.events import (
    Accepted,
    Cancelled,
    Equity,
    Event,
    Expired,
    Filled,
    Rejected,
    Replaced,
    Triggered,
)

OPEN = frozenset({"held", "accepted", "triggered"})


@dataclass
class Seen:
    """One order as its events told of it."""

    accepted: Accepted
    state: str
    quantity: Decimal
    limit: Decimal | None
    since: int
    filled: Decimal = Decimal(0)


class Audit:
    """Follows one engine; `check` raises AssertionError at the first thing that cannot be."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.cash = Fraction(engine.config.cash)
        self.fees = Fraction(0)
        self.units: dict[str, Fraction] = defaultdict(Fraction)
        self.orders: dict[str, Seen] = {}
        self.seq = 0
        self.fills = 0

    def check(self, events: Iterable[Event]) -> None:
        """Take in the events of one step, then compare the engine's account with the own one."""
        filled = 0
        for event in events:
            self.seq += 1
            assert event.seq == self.seq, "a hole in the sequence"
            assert event.at <= self.engine.now, "an event from the future"
            self.take(event)
            filled += isinstance(event, Filled)
        self.fills += filled
        self.check_account()

    def take(self, event: Event) -> None:
        """Follow one event."""
        match event:
            case Accepted():
                self.accept(event)
            case Triggered():
                assert self.orders[event.order_id].state == "accepted", "triggered twice or dead"
                self.orders[event.order_id].state = "triggered"
            case Filled():
                self.fill(event)
            case Replaced():
                order = self.alive(event.order_id)
                assert event.quantity > order.filled
                order.quantity, order.limit = event.quantity, event.limit_price
                order.since = event.at
                for child in self.family(event.order_id):
                    child.quantity = event.quantity
            case Cancelled() | Expired():
                order = self.alive(event.order_id)
                assert event.quantity == order.quantity - order.filled > 0, "leaves are wrong"
                order.state = event.type
            case Equity():
                assert Fraction(event.cash) == self.cash, "cash is not what the fills moved"
                assert Fraction(event.equity) == self.worth(event.at), (
                    "equity is not cash and positions"
                )
            case Rejected():
                pass

    def alive(self, order_id: str) -> Seen:
        """Return an order that must still be open."""
        order = self.orders[order_id]
        assert order.state in OPEN, f"{order_id} is {order.state} and yet something happened to it"
        return order

    def family(self, order_id: str) -> list[Seen]:
        """Return the exits of an entry."""
        return [o for o in self.orders.values() if o.accepted.parent_id == order_id]

    def accept(self, event: Accepted) -> None:
        """Take a new order in."""
        assert event.order_id not in self.orders, "an id was used twice"
        assert event.state == ("held" if event.parent_id else "accepted")
        assert event.at == self.engine.now
        self.orders[event.order_id] = Seen(
            event, event.state, event.quantity, event.limit_price, event.at
        )

    def fill(self, event: Filled) -> None:
        """Check one fill against its order, its bar and the account."""
        order = self.alive(event.order_id)
        assert order.state != "held", "an exit filled before its entry"
        assert event.quantity > 0
        order.filled += event.quantity
        assert order.filled + event.remaining == order.quantity, "cum + leaves is not the quantity"
        assert event.remaining >= 0
        self.check_bar(event, order)
        self.check_price(event, order)
        self.book(event, is_exit=order.accepted.parent_id is not None)
        if not event.remaining:
            order.state = "filled"
        for child in self.family(event.order_id):
            child.state = "accepted" if child.state == "held" else child.state
        parent = order.accepted.parent_id
        twins = self.family(parent) if parent else []
        assert sum(twin.filled > 0 for twin in twins) <= 1, "both exits of a bracket filled"

    def check_bar(self, event: Filled, order: Seen) -> None:
        """Insist that the price lies in the bar and the bar after the order."""
        bars = self.engine.bars[event.symbol]
        row = int(np.searchsorted(bars.opened_at, event.bar))
        assert bars.opened_at[row] == event.bar
        close = int(self.engine.timeline.closes[event.symbol][row])
        assert close <= self.engine.now, "filled in a bar that is not over"
        assert event.at in {event.bar, close}
        assert event.bar >= order.since, "filled in a bar already under way"
        assert event.at >= order.accepted.at, "filled before it was accepted"
        price = float(event.bar_price)
        assert bars.low[row] <= price <= bars.high[row], "filled outside its bar"
        assert event.at == close or price == bars.open[row], "not the open"

    def check_price(self, event: Filled, order: Seen) -> None:
        """Insist that costs never help and limits hold."""
        worse = event.price - event.bar_price
        assert (worse if event.side == "buy" else -worse) >= 0, "slippage helped"
        if order.limit is not None:
            beyond = event.price - order.limit
            assert (beyond if event.side == "buy" else -beyond) <= 0, "filled beyond its limit"
        wanted = event.quantity * self.engine.config.commission_per_share
        assert event.commission == wanted, "another fee than agreed"

    def book(self, event: Filled, *, is_exit: bool) -> None:
        """Move the own cash and units."""
        units = Fraction(event.quantity) * (1 if event.side == "buy" else -1)
        before = self.units[event.symbol]
        after = before + units
        if is_exit:
            assert before * units < 0, "an exit without a position"
            assert before * after >= 0, "an exit turned the position round"
        if self.engine.config.short_selling is ShortSelling.FORBIDDEN:
            assert after >= 0, "short where that is forbidden"
        self.units[event.symbol] = after
        self.cash -= units * Fraction(event.price) + Fraction(event.commission)
        self.fees += Fraction(event.commission)

    def worth(self, at: int) -> Fraction:
        """Return cash and positions at their last close."""
        return self.cash + sum(n * self.last_close(s, at) for s, n in self.units.items() if n)

    def last_close(self, symbol: str, at: int) -> Fraction:
        """Return the close of the last bar that closed by an instant, found the slow way."""
        closes, own = self.engine.timeline.closes[symbol], self.engine.bars[symbol]
        prices: F64 = own.close[closes <= at]
        return Fraction(Decimal(repr(float(prices[-1]))))

    def check_account(self) -> None:
        """Compare the engine's own account with what its events told."""
        account = self.engine.account()
        assert Fraction(account.cash) == self.cash, "cash is not conserved"
        assert {p.symbol: Fraction(p.quantity) for p in account.positions} == {
            s: n for s, n in self.units.items() if n
        }, "a position is not the sum of its fills"
        assert Fraction(account.equity) == self.worth(account.at), (
            "equity is not cash and positions"
        )
        alive = {name for name, order in self.orders.items() if order.state in OPEN}
        assert set(account.open_orders) == alive, "open orders are not those still alive"
        assert Fraction(account.commission_paid) == self.fees
        for name, order in self.orders.items():
            if order.filled and order.accepted.parent_id is None:
                exits = [e.state for e in self.family(name)]
                assert "held" not in exits, "an exit slept through its entry's fill"
                assert not ("filled" in exits and set(exits) & OPEN), "one did not cancel the other"
