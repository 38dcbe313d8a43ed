"""The rule of examples/sma_crossover.py, written for the engine."""

FAST, SLOW, SHARES = 10, 20, 10


class Crossover:
    """Ten shares while the fast average stands above the slow one."""

    def on_start(self, ctx):
        """Nothing to prepare."""

    def on_fill(self, ctx, fill):
        """Nothing to note."""

    def on_bar(self, ctx):
        """Order what is missing."""
        for symbol, bars in ctx.bars.items():
            closes = bars.close[-SLOW:]
            if len(closes) == SLOW:
                wanted = SHARES if closes[-FAST:].mean() > closes.mean() else 0
                change = wanted - int(ctx.position(symbol))
                if change > 0:
                    ctx.buy(symbol, change)
                if change < 0:
                    ctx.sell(symbol, -change)
