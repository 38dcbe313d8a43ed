"""What a strategy looks like, and how one that only decides says what it wants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol, runtime_checkable

from simutrador_client.payloads import Account, End, Fill, Tick
from simutrador_client.store import Store

Number = Decimal | int | float | str
"""A price or quantity; a Decimal travels as text, so nothing is lost."""


@dataclass(frozen=True, slots=True)
class OrderSpec:
    """An order a strategy wants. It acts on the next bar at the earliest.

    Attributes:
        symbol: What to trade.
        side: `buy` or `sell`.
        quantity: Units, above zero.
        order_type: `market`, `limit`, `stop` or `stop_limit`.
        price: The limit.
        stop_loss: Price of the protective exit.
        take_profit: Price of the exit with profit.
        tif: `day`, `gtc` or `ioc`.
        tag: A note of your own; the fills of the order carry it.
        stop_price: Where a stop or stop-limit order triggers.
    """

    symbol: str
    side: str
    quantity: Number
    order_type: str = "market"
    price: Number | None = None
    stop_loss: Number | None = None
    take_profit: Number | None = None
    tif: str = "day"
    tag: str | None = None
    stop_price: Number | None = None


@runtime_checkable
class Strategy(Protocol):
    """What a session calls, one call at a time, in the order the server sent things.

    Subclass it and override what you need, or write a class with these methods. A callback may be
    plain or `async`. What it raises ends the simulation and comes out of `run()`.

    Optional besides: `set_session(session)`, called once before anything else;
    `on_order_update(session_id, update, store)` for orders that expired or were cancelled with
    their bracket; `on_error(session_id, error, store)` for what went wrong but did not end the
    simulation (warnings, rejected orders of a decision), which is logged otherwise.
    """

    async def on_session_start(
        self, session_id: str, store: Store, meta: Mapping[str, Any] | None = None
    ) -> None:
        """Prepare; `store` holds the warm-up bars, `meta` what the simulation was started with."""

    async def on_tick(self, session_id: str, tick: Tick, store: Store) -> Any:
        """Decide. `store` ends with this tick's bars; the clock waits until this returns.

        Orders may be sent through the session, or returned as a sequence of `OrderSpec`.
        """

    async def on_fill(self, session_id: str, fill: Fill, store: Store) -> None:
        """Take note of an execution."""

    async def on_account_snapshot(self, session_id: str, account: Account, store: Store) -> None:
        """Take note of cash, equity and positions."""

    async def on_session_end(self, session_id: str, end: End, store: Store) -> None:
        """Take note of the results."""


class DecisionOnlyStrategy:
    """A strategy that returns what it wants and never touches the session.

    The orders one tick asks for travel in one batch, acknowledged before the clock moves on.
    """

    async def on_session_start(
        self, session_id: str, store: Store, meta: Mapping[str, Any] | None = None
    ) -> None:
        """Prepare; `store` holds the warm-up bars."""

    async def on_tick(self, session_id: str, tick: Tick, store: Store) -> Sequence[OrderSpec]:
        """Return the orders wanted, possibly none."""
        raise NotImplementedError

    async def on_fill(self, session_id: str, fill: Fill, store: Store) -> None:
        """Take note of an execution."""

    async def on_account_snapshot(self, session_id: str, account: Account, store: Store) -> None:
        """Take note of cash, equity and positions."""

    async def on_session_end(self, session_id: str, end: End, store: Store) -> None:
        """Take note of the results."""


__all__ = ["Strategy", "DecisionOnlyStrategy", "OrderSpec", "Number"]
