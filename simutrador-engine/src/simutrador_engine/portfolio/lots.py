"""First in, first out: open lots of one symbol and the round trips that close them. Pure values."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from simutrador_engine.models.decimals import LEDGER, to_cash

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Lot:
    """Units bought (positive) or sold short (negative) in one fill, with the fee left of it."""

    quantity: Decimal
    price: Decimal
    fee: Decimal
    at: int


@dataclass(frozen=True, slots=True)
class Trade:
    """One round trip: an entry and the exit that closed it.

    `quantity` is negative for a short trade. `pnl` is after both fees, account currency.
    """

    symbol: str
    quantity: Decimal
    entry_at: int
    entry_price: Decimal
    exit_at: int
    exit_price: Decimal
    fees: Decimal
    pnl: Decimal


class Lots:
    """The open lots of one symbol, oldest first; all have the same sign."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.quantity = ZERO
        self._open: deque[Lot] = deque()

    @property
    def cost(self) -> Decimal:
        """Signed cost of what is held: the sum of quantity times entry price."""
        total = ZERO
        for lot in self._open:
            total = LEDGER.add(total, LEDGER.multiply(lot.quantity, lot.price))
        return total

    @property
    def average_price(self) -> Decimal:
        """Average entry price, 0 when flat."""
        return LEDGER.divide(self.cost, self.quantity) if self.quantity else ZERO

    def fill(self, quantity: Decimal, price: Decimal, fee: Decimal, at: int) -> list[Trade]:
        """Book a signed fill and return the round trips it closed, oldest first."""
        trades: list[Trade] = []
        left, left_fee = quantity, fee
        while left and self._open and (self._open[0].quantity > 0) != (left > 0):
            lot = self._open[0]
            part = min(abs(lot.quantity), abs(left))
            entry_fee, exit_fee = _share(lot.fee, part, lot.quantity), _share(left_fee, part, left)
            signed = part if lot.quantity > 0 else -part
            gain = LEDGER.multiply(signed, LEDGER.subtract(price, lot.price))
            fees = LEDGER.add(entry_fee, exit_fee)
            trades.append(
                Trade(
                    self.symbol, signed, lot.at, lot.price, at, price, fees,
                    LEDGER.subtract(gain, fees),
                )
            )  # fmt: skip
            self._shrink(lot, signed, entry_fee)
            left, left_fee = left + signed, left_fee - exit_fee
        if left:
            self._open.append(Lot(left, price, left_fee, at))
        self.quantity = LEDGER.add(self.quantity, quantity)
        return trades

    def _shrink(self, lot: Lot, signed: Decimal, fee: Decimal) -> None:
        rest = lot.quantity - signed
        if rest:
            self._open[0] = replace(lot, quantity=rest, fee=lot.fee - fee)
        else:
            self._open.popleft()


def _share(fee: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """Return the part of a fee, all of it when the whole is taken, so that no 1e-8 is lost."""
    if part == abs(whole):
        return fee
    return to_cash(LEDGER.divide(LEDGER.multiply(fee, part), abs(whole)))
