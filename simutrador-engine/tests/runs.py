"""Small runs with sane defaults: a test names only the bars, orders and settings it is about."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

import numpy as np

from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Adjustment, OrderSide, Timeframe, TimeInForce
from simutrador_core.sessions.calendar import Schedule
from simutrador_engine.engine import Engine
from simutrador_engine.models.commands import (
    Command,
    LimitOrder,
    MarketOrder,
    Order,
    StopLimitOrder,
    StopOrder,
    Submit,
)
from simutrador_engine.models.config import EngineConfig
from simutrador_engine.models.events import Event, Filled, Rejected

MINUTE: Final = 60_000_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
FLAT: Final = "100 101 99 100"

KINDS: Final[dict[tuple[bool, bool], type[MarketOrder]]] = {
    (False, False): MarketOrder,
    (True, False): LimitOrder,
    (False, True): StopOrder,
    (True, True): StopLimitOrder,
}


def bars_of(
    *rows: str,
    symbol: str = "X",
    timeframe: Timeframe = Timeframe.MINUTE_1,
    first: int = 0,
    step: int = MINUTE,
    opened_at: Iterable[int] | None = None,
) -> Bars:
    """Return bars from `open high low close` texts; `-` is an instant without a bar."""
    given = [n for n, row in enumerate(rows) if row != "-"]
    times = [first + n * step for n in given] if opened_at is None else list(opened_at)
    prices = [[float(p) for p in rows[n].split()] for n in given]
    first_, high, low, last = np.array(prices, dtype=np.float64).reshape(-1, 4).T
    at = np.array(times, dtype=np.int64)
    days = None if timeframe.is_intraday else at.view("datetime64[us]").astype("datetime64[D]")
    return Bars(
        symbol, timeframe, Adjustment.RAW, at, first_, high, low, last, np.ones(len(at)), days
    )


def schedule_of(*hours: tuple[int, int], first_day: int = 0) -> Schedule:
    """Return sessions `(open, close)` in microseconds, one a day from `first_day` (days UTC)."""
    opens, closes = np.array(hours, dtype=np.int64).reshape(-1, 2).T
    days = (first_day + np.arange(len(hours))).astype("datetime64[D]")
    return Schedule(days, opens, closes, closes, closes)


def config_of(*symbols: str, **settings: Any) -> EngineConfig:
    """Return a configuration without costs, with a million in cash."""
    defaults: dict[str, Any] = {
        "timeframe": Timeframe.MINUTE_1,
        "cash": Decimal(1_000_000),
        "commission_per_share": Decimal(0),
        "slippage_bps": Decimal(0),
    }
    return EngineConfig(symbols=symbols or ("X",), **defaults | settings)


def engine_of(*bars: Bars, **settings: Any) -> Engine:
    """Return an engine that has seen nothing yet."""
    settings.setdefault("timeframe", bars[0].timeframe)
    config = config_of(*(own.symbol for own in bars), **settings)
    return Engine(config, {own.symbol: own for own in bars})


def started(*rows: str, **settings: Any) -> Engine:
    """Return an engine over one symbol that has seen the first of its bars."""
    engine = engine_of(bars_of(*rows), **settings)
    engine.advance()
    return engine


def buy(id: str = "a", quantity: object = 10, **terms: Any) -> Order:  # noqa: A002
    """Return a good-till-cancelled buy order; its prices decide its kind."""
    return _order(OrderSide.BUY, id, quantity, terms)


def sell(id: str = "a", quantity: object = 10, **terms: Any) -> Order:  # noqa: A002
    """Return a good-till-cancelled sell order; its prices decide its kind."""
    return _order(OrderSide.SELL, id, quantity, terms)


def _order(side: OrderSide, order_id: str, quantity: object, terms: dict[str, Any]) -> Order:
    given: dict[str, Any] = {"symbol": "X", "time_in_force": TimeInForce.GTC} | terms
    for name in ("limit_price", "stop_price", "stop_loss", "take_profit"):
        if name in given:
            given[name] = Decimal(str(given[name]))
    kind = KINDS["limit_price" in given, "stop_price" in given]
    made: Any = kind
    return made(id=order_id, side=side, quantity=Decimal(str(quantity)), **given)


def send(engine: Engine, *orders: Order) -> list[Event]:
    """Submit orders and insist that none is refused."""
    events = engine.apply(Submit(orders))
    assert not [e for e in events if isinstance(e, Rejected)], events
    return events


def refusals(engine: Engine, command: Command) -> list[str]:
    """Return the codes with which a command is refused."""
    return [str(e.code) for e in engine.apply(command) if isinstance(e, Rejected)]


def rest(engine: Engine) -> list[Event]:
    """Return every event from here to the end of the data."""
    events: list[Event] = []
    while not engine.is_over:
        events += engine.advance().events
    return events


def told(events: Iterable[Event]) -> list[str]:
    """Return events as short texts: `fill a 10 100.5`, `cancelled a/stop_loss`."""
    texts: list[str] = []
    for event in events:
        if isinstance(event, Filled):
            doubt = " ambiguous" if event.ambiguous else ""
            price, quantity = event.price.normalize(), event.quantity.normalize()
            texts.append(f"fill {event.order_id} {quantity:f} {price:f}{doubt}")
        elif event.type != "equity":
            texts.append(f"{event.type} {getattr(event, 'order_id', '')}")
    return texts
