"""Round trips from fills, first in, first out, as docs/metrics of the engine defines a trade."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from simutrador_client.payloads import Fill

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Trade:
    """One entry with its exit.

    Attributes:
        symbol: What was traded.
        quantity: Units; negative for a short.
        entry_at: When the entry filled.
        entry_price: Quote currency.
        exit_at: When the exit filled.
        exit_price: Quote currency.
        pnl: Profit after the fees of both sides, account currency.
    """

    symbol: str
    quantity: Decimal
    entry_at: datetime | None
    entry_price: Decimal
    exit_at: datetime | None
    exit_price: Decimal
    pnl: Decimal


@dataclass(slots=True)
class _Lot:
    quantity: Decimal
    price: Decimal
    at: datetime | None
    fee: Decimal


class TradeBook:
    """Open lots and finished trades of one simulation."""

    def __init__(self) -> None:
        self.trades: list[Trade] = []
        self._lots: dict[str, deque[_Lot]] = {}

    def add(self, fill: Fill) -> None:
        """Book an execution; one whose side is not known is skipped."""
        if fill.side not in {"buy", "sell"}:
            return
        sign = 1 if fill.side == "buy" else -1
        at = fill.execution_time or fill.timestamp
        new = _Lot(sign * fill.executed_quantity, fill.executed_price, at, fill.commission or _ZERO)
        lots = self._lots.setdefault(fill.symbol, deque())
        while new.quantity and lots and (lots[0].quantity > 0) != (new.quantity > 0):
            self._close(fill.symbol, lots, new)
        if new.quantity:
            lots.append(new)

    def _close(self, symbol: str, lots: deque[_Lot], by: _Lot) -> None:
        lot = lots[0]
        size = min(abs(lot.quantity), abs(by.quantity))
        quantity = size if lot.quantity > 0 else -size
        fees = _take(lot, size) + _take(by, size)
        pnl = quantity * (by.price - lot.price) - fees
        self.trades.append(Trade(symbol, quantity, lot.at, lot.price, by.at, by.price, pnl))
        if not lot.quantity:
            lots.popleft()


def _take(lot: _Lot, size: Decimal) -> Decimal:
    """Take units out of a lot, and return their share of its fee."""
    fee = lot.fee * size / abs(lot.quantity)
    lot.fee -= fee
    lot.quantity += -size if lot.quantity > 0 else size
    return fee
