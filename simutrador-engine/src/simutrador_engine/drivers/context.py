"""What a strategy sees and does: the past only, and orders for the next bar."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal, localcontext

from simutrador_core.models.bars import Bars, from_us
from simutrador_core.models.enums import OrderSide, TimeInForce
from simutrador_engine.engine import Engine
from simutrador_engine.models.commands import (
    Cancel,
    Command,
    LimitOrder,
    MarketOrder,
    Order,
    Replace,
    StopLimitOrder,
    StopOrder,
    Submit,
)
from simutrador_engine.models.decimals import LEDGER
from simutrador_engine.portfolio.portfolio import Account

Number = Decimal | int | str


class SeenBars(Mapping[str, Bars]):
    """Bars by symbol, up to now."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __getitem__(self, symbol: str) -> Bars:
        """Return the bars of a symbol that have closed by now."""
        return self._engine.bars[symbol].take(slice(0, self._engine.seen(symbol)))

    def __iter__(self) -> Iterator[str]:
        """Iterate over symbols in configuration order."""
        return iter(self._engine.bars)

    def __len__(self) -> int:
        """Return the number of symbols."""
        return len(self._engine.bars)


class Context:
    """The strategy's side of an engine; satisfies `StrategyContext`.

    Orders get the ids `o1`, `o2`, ... in the order they are sent. `commands` keeps everything that
    was sent, so that a run can be repeated through any other driver.
    """

    def __init__(self, engine: Engine) -> None:
        self.bars: Mapping[str, Bars] = SeenBars(engine)
        self.commands: list[tuple[int, Command]] = []
        self._engine = engine
        self._orders = 0

    @property
    def now(self) -> datetime:
        """The close of the latest bar, aware UTC."""
        return from_us(self._engine.now)

    def position(self, symbol: str) -> Decimal:
        """Return units held, negative when short."""
        return self._engine.portfolio.quantity(symbol)

    def account(self) -> Account:
        """Return cash, equity, positions and open orders."""
        return self._engine.account()

    def buy(self, symbol: str, quantity: Number, **terms: Number | TimeInForce) -> str:
        """Send a buy order for the next bar and return its id.

        Terms: `limit_price`, `stop_price`, `stop_loss`, `take_profit`, `time_in_force`.
        """
        return self._send(symbol, OrderSide.BUY, quantity, terms)

    def sell(self, symbol: str, quantity: Number, **terms: Number | TimeInForce) -> str:
        """Send a sell order for the next bar and return its id; terms as for `buy`."""
        return self._send(symbol, OrderSide.SELL, quantity, terms)

    def order_to(self, symbol: str, target: Number) -> str | None:
        """Send the market order that takes the position to `target`, what is pending included."""
        pending = self._engine.pending(symbol)
        with localcontext(LEDGER):
            missing = Decimal(target) - self.position(symbol) - pending
        if not missing:
            return None
        if missing > 0:
            return self.buy(symbol, missing, time_in_force=TimeInForce.GTC)
        return self.sell(symbol, missing.copy_abs(), time_in_force=TimeInForce.GTC)

    def cancel(self, order_id: str) -> None:
        """Ask for an order to be cancelled."""
        self._apply(Cancel(order_id))

    def replace(self, order_id: str, **terms: Number) -> None:
        """Change `quantity`, `limit_price` or `stop_price` of an order."""
        self._apply(Replace(order_id=order_id, **{k: Decimal(v) for k, v in terms.items()}))

    def _send(
        self, symbol: str, side: OrderSide, quantity: Number, terms: Mapping[str, object]
    ) -> str:
        self._orders += 1
        order = make_order(
            id=f"o{self._orders}", symbol=symbol, side=side, quantity=Decimal(quantity), **terms
        )
        self._apply(Submit((order,)))
        return order.id

    def _apply(self, command: Command) -> None:
        self.commands.append((self._engine.now, command))
        self._engine.apply(command)


def make_order(
    *,
    id: str,  # noqa: A002 - the field's own word
    symbol: str,
    side: OrderSide,
    quantity: Decimal,
    **terms: object,
) -> Order:
    """Return the order kind that its prices ask for; every price becomes a Decimal."""
    values = {
        name: value if isinstance(value, TimeInForce) else Decimal(str(value))
        for name, value in terms.items()
        if value is not None
    }
    kinds: dict[tuple[bool, bool], type[MarketOrder]] = {
        (False, False): MarketOrder,
        (True, False): LimitOrder,
        (False, True): StopOrder,
        (True, True): StopLimitOrder,
    }
    kind = kinds["limit_price" in values, "stop_price" in values]
    return kind(id=id, symbol=symbol, side=side, quantity=quantity, **values)  # pyright: ignore[reportArgumentType] - checked by the dataclass
