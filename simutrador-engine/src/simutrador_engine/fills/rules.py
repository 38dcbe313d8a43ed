"""The fill rules as scalar functions: floats in, price or nan out. See docs/fill-contract.md.

Prices are float64 in quote currency and compared exactly. Every price returned lies inside the
bar; the caller worsens it by slippage and books it in Decimal. `buy` mirrors each rule.
"""

from __future__ import annotations

from math import nan


def limit_at_open(buy: bool, limit: float, bar_open: float) -> float:
    """Return the open when it is at or through the limit, else nan."""
    reached = bar_open <= limit if buy else bar_open >= limit
    return bar_open if reached else nan


def limit_inside(buy: bool, limit: float, high: float, low: float) -> float:
    """Return the limit when prices between `low` and `high` touch it, else nan."""
    reached = low <= limit if buy else high >= limit
    return limit if reached else nan


def stop_at_open(buy: bool, stop: float, bar_open: float) -> float:
    """Return the open when the bar gaps to or through the stop, else nan."""
    reached = bar_open >= stop if buy else bar_open <= stop
    return bar_open if reached else nan


def stop_inside(buy: bool, stop: float, high: float, low: float) -> float:
    """Return the stop when prices between `low` and `high` touch it, else nan."""
    reached = high >= stop if buy else low <= stop
    return stop if reached else nan


def within_limit(buy: bool, limit: float, price: float) -> bool:
    """Return whether a price is at the limit or better."""
    return price <= limit if buy else price >= limit


def certain_high(*, falling: bool, price: float, high: float, close: float) -> float:
    """Return the highest price that must have come after a fill at `price` inside the bar.

    `falling` says that the price fell to the fill (a buy limit, a sell stop): then only the close
    is certain. Where it rose to the fill, every higher price came afterwards.
    """
    return max(price, close) if falling else high


def certain_low(*, falling: bool, price: float, low: float, close: float) -> float:
    """Return the lowest price that must have come after a fill at `price` inside the bar."""
    return low if falling else min(price, close)
