"""What a fill costs: slippage on what takes liquidity, commission on every unit. All Decimal."""

from __future__ import annotations

from decimal import Decimal

from simutrador_engine.models.decimals import LEDGER, against_trader, to_cash

BPS = Decimal(10_000)


def worsened(
    price: Decimal, *, buy: bool, slippage_bps: Decimal, tick: Decimal, cap: Decimal | None = None
) -> Decimal:
    """Return the price after slippage, on the tick grid, never beyond `cap`.

    `100.50` bought with 10 bps on a 0.01 grid gives 100.61: 100.6005, rounded against the trader.
    """
    if slippage_bps:
        factor = LEDGER.divide(slippage_bps if buy else -slippage_bps, BPS)
        moved = LEDGER.multiply(price, LEDGER.add(Decimal(1), factor))
        price = against_trader(moved, buy=buy, tick=tick)
    if cap is None:
        return price
    return min(price, cap) if buy else max(price, cap)


def commission(quantity: Decimal, *, per_share: Decimal) -> Decimal:
    """Return the fee for a fill, account currency, rounded half-even to 1e-8."""
    return to_cash(LEDGER.multiply(quantity, per_share))
