"""What a strategy looks like, so that SDK, backtest and venue share it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol, TypeAlias, runtime_checkable

from simutrador_core.models.bars import F64, Bars

Targets: TypeAlias = Mapping[str, F64]
"""By symbol, float64 (instants,): units wanted after each instant; nan keeps what was wanted."""


class StrategyContext(Protocol):
    """What a strategy may see and do at one instant. `bars` never holds a bar after `now`."""

    @property
    def now(self) -> datetime:
        """The close of the latest bar, aware UTC."""
        ...

    @property
    def bars(self) -> Mapping[str, Bars]:
        """The bars so far, by symbol."""
        ...

    def position(self, symbol: str) -> Decimal:
        """Return units held; negative when short, 0 when flat."""
        ...

    def buy(self, symbol: str, quantity: Decimal | int, **terms: Any) -> str:
        """Send a buy order for the next bar and return its id; terms as the order models."""
        ...

    def sell(self, symbol: str, quantity: Decimal | int, **terms: Any) -> str:
        """Send a sell order for the next bar and return its id."""
        ...

    def cancel(self, order_id: str) -> None:
        """Ask for an order to be cancelled."""
        ...

    def replace(self, order_id: str, **terms: Any) -> None:
        """Change an order's terms; it keeps its id and loses its priority."""
        ...


@runtime_checkable
class BarStrategy(Protocol):
    """A strategy called once per timestamp with all symbols."""

    def on_start(self, ctx: StrategyContext) -> None:
        """Prepare, before the first bar."""
        ...

    def on_bar(self, ctx: StrategyContext) -> None:
        """Decide, after every symbol's bar of this instant has closed."""
        ...

    def on_fill(self, ctx: StrategyContext, fill: Any) -> None:
        """Take note of an execution."""
        ...


@runtime_checkable
class TargetStrategy(Protocol):
    """A strategy that gives all its positions at once, from whole columns.

    It must not look ahead: what it wants at one instant may depend on bars up to that instant only.
    """

    def targets(self, columns: Mapping[str, Bars]) -> Targets:
        """Return the units wanted after each instant at which a bar of any symbol closes."""
        ...
