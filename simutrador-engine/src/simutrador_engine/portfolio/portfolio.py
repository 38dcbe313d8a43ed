"""Cash, positions and round trips of one account; every number a Decimal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from simutrador_engine.models.decimals import LEDGER, to_cash
from simutrador_engine.portfolio.lots import ZERO, Lots, Trade


@dataclass(frozen=True, slots=True)
class Position:
    """Units held of one symbol (negative when short), their average price and present value."""

    symbol: str
    quantity: Decimal
    average_price: Decimal
    market_value: Decimal
    unrealized_pnl: Decimal


@dataclass(frozen=True, slots=True)
class Account:
    """The account at one instant, positions marked at each symbol's last close."""

    at: int
    cash: Decimal
    equity: Decimal
    buying_power: Decimal
    positions: tuple[Position, ...]
    open_orders: tuple[str, ...]
    commission_paid: Decimal
    trades: int


@dataclass(frozen=True, slots=True)
class Booking:
    """One fill as the ledger took it: signed units, and the cash it moved, fee included.

    `step_at` is the instant of the bar's close, at which an equity curve sees it.
    """

    symbol: str
    quantity: Decimal
    cash: Decimal
    step_at: int


class Portfolio:
    """The ledger: it books fills and never decides anything."""

    def __init__(self, cash: Decimal, symbols: tuple[str, ...]) -> None:
        self.cash = cash
        self.commission_paid = ZERO
        self.trades: list[Trade] = []
        self.fills: list[Booking] = []
        self._lots = {symbol: Lots(symbol) for symbol in symbols}

    def quantity(self, symbol: str) -> Decimal:
        """Return units held, negative when short."""
        return self._lots[symbol].quantity

    def book(
        self, symbol: str, quantity: Decimal, price: Decimal, fee: Decimal, *, at: int, step_at: int
    ) -> None:
        """Book a signed fill: cash falls by its cost and fee, lots open or close."""
        cost = LEDGER.add(to_cash(LEDGER.multiply(quantity, price)), fee)
        self.cash = LEDGER.subtract(self.cash, cost)
        self.fills.append(Booking(symbol, quantity, -cost, step_at))
        self.commission_paid = LEDGER.add(self.commission_paid, fee)
        self.trades.extend(self._lots[symbol].fill(quantity, price, fee, at))

    def equity(self, marks: Mapping[str, Decimal]) -> Decimal:
        """Return cash plus every position at its mark."""
        total = self.cash
        for symbol, lots in self._lots.items():
            if lots.quantity:
                total = LEDGER.add(total, LEDGER.multiply(lots.quantity, marks[symbol]))
        return to_cash(total)

    def positions(self, marks: Mapping[str, Decimal]) -> tuple[Position, ...]:
        """Return what is held, in configuration order."""
        held: list[Position] = []
        for symbol, lots in self._lots.items():
            if lots.quantity:
                value = LEDGER.multiply(lots.quantity, marks[symbol])
                pnl = LEDGER.subtract(value, lots.cost)
                held.append(Position(symbol, lots.quantity, lots.average_price, value, pnl))
        return tuple(held)
