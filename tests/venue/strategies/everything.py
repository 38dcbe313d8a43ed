"""Every kind of order on a fixed rhythm: entries, exits, brackets, replacements, refusals."""

from decimal import Decimal

from simutrador_core.models.enums import TimeInForce


class Everything:
    """Acts by the number of bars seen, at prices near the last close."""

    def on_start(self, ctx):
        """Count fills; orders begin with the first bar."""
        self.fills = 0
        self.resting = []

    def on_fill(self, ctx, fill):
        """Hedge every fifth fill with a limit order on the other symbol."""
        self.fills += 1
        if self.fills % 5 == 0:
            ctx.sell("IBM" if fill.symbol == "AAPL" else "AAPL", 1, limit_price=fill.price * 2)

    def on_bar(self, ctx):
        """Do the next thing for each symbol that has bars."""
        for shift, (symbol, bars) in enumerate(ctx.bars.items()):
            if len(bars):
                self._act(ctx, symbol, Decimal(repr(float(bars.close[-1]))), len(bars) + 7 * shift)

    def _act(self, ctx, symbol, close, n):
        low, high = close * Decimal("0.97"), close * Decimal("1.03")
        match n % 23:
            case 1:
                ctx.buy(symbol, 3, stop_loss=low, take_profit=high)
            case 4:
                self.resting.append(
                    ctx.buy(symbol, 2, limit_price=low, time_in_force=TimeInForce.GTC)
                )
            case 7 if self.resting:
                ctx.replace(self.resting[-1], limit_price=close)
            case 9:
                ctx.sell(symbol, 2, stop_price=low, time_in_force=TimeInForce.GTC)
            case 12:
                ctx.buy(
                    symbol, 1, stop_price=high, limit_price=high * 2, time_in_force=TimeInForce.GTC
                )
            case 15 if self.resting:
                ctx.cancel(self.resting.pop(0))
            case 18:
                ctx.sell(symbol, abs(ctx.position(symbol)) or 1, time_in_force=TimeInForce.IOC)
            case 21:
                ctx.buy(symbol, 1_000_000)
