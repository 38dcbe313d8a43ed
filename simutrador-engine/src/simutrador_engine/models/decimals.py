"""The one decimal context of the ledger, and the one text form of its numbers."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from typing import Final

LEDGER: Final = Context(prec=34, rounding=ROUND_HALF_EVEN)
CASH_STEP: Final = Decimal("1e-8")
_BEYOND_CASH_STEP: Final = LEDGER.prec - 8


def to_exact(price: float) -> Decimal:
    """Return the shortest decimal that reads back as this float64."""
    return Decimal(repr(float(price)))


def to_cash(amount: Decimal) -> Decimal:
    """Return an amount rounded half-even to 1e-8, or to 34 digits where those end before."""
    if amount.adjusted() >= _BEYOND_CASH_STEP:
        return LEDGER.plus(amount)
    return amount.quantize(CASH_STEP, context=LEDGER)


def against_trader(price: Decimal, *, buy: bool, tick: Decimal) -> Decimal:
    """Return the price on the tick grid, up for a buy and down for a sell.

    A price below one tick stays as it is: rounded down it would be nothing.
    """
    if price < tick:
        return price
    rounding = ROUND_CEILING if buy else ROUND_FLOOR
    return LEDGER.multiply(LEDGER.divide(price, tick).to_integral_value(rounding), tick)


def plain(number: Decimal) -> str:
    """Return plain text without exponent or trailing zeros: `100`, `0.5`, `0`."""
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"", "-0"} else text
