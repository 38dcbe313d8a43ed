"""Hold ten shares while the fast average stands above the slow one.

simutrador-client run examples/sma_crossover.py --symbols AAPL
"""

from collections import Counter

from simutrador_client.strategy import DecisionOnlyStrategy, OrderSpec

FAST, SLOW, SHARES = 10, 20, 10


class SmaCrossover(DecisionOnlyStrategy):
    """Long or flat, deciding at each close for the next open."""

    def __init__(self):
        self.held = Counter()

    async def on_tick(self, session_id, tick, store):
        """Return the order that takes each symbol to what it should hold."""
        orders = []
        for symbol in tick.candles:
            closes = store.as_numpy(symbol, window=SLOW)["close"]
            if len(closes) == SLOW:
                wanted = SHARES if closes[-FAST:].mean() > closes.mean() else 0
                if change := wanted - self.held[symbol]:
                    orders.append(OrderSpec(symbol, "buy" if change > 0 else "sell", abs(change)))
        return orders

    async def on_fill(self, session_id, fill, store):
        """Count what was bought and sold; the clock waits, so it is right at the next tick."""
        sign = 1 if fill.side == "buy" else -1
        self.held[fill.symbol] += sign * int(fill.executed_quantity)
