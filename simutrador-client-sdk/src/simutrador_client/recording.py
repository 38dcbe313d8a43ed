"""A strategy that runs another one and keeps what a report needs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from simutrador_client.errors import SessionError
from simutrador_client.payloads import Account, End, Fill, OrderUpdate, SimulationInfo, Tick
from simutrador_client.store import Store
from simutrador_client.trades import TradeBook
from simutrador_client.websocket import SimutradorClientSession


@dataclass(slots=True)
class Record:
    """What happened in one simulation.

    Attributes:
        capital: Starting cash, account currency.
        info: What the server said the simulation is.
        at: When each tick closed.
        equity: Account value at each tick: cash and holdings at their last close.
        fills: Every execution.
        warnings: What went wrong without ending it.
        book: Its trades.
        end: The server's results, once it ended.
    """

    capital: Decimal
    info: SimulationInfo = field(default_factory=lambda: SimulationInfo({}))
    at: list[datetime] = field(default_factory=list[datetime])
    equity: list[float] = field(default_factory=list[float])
    fills: list[Fill] = field(default_factory=list[Fill])
    warnings: list[SessionError] = field(default_factory=list[SessionError])
    book: TradeBook = field(default_factory=TradeBook)
    end: End | None = None

    def notes(self) -> list[str]:
        """Return every warning as text, the server's remarks on the run first."""
        remarks = (self.end.warnings if self.end is not None else None) or []
        return [*remarks, *(str(warning) for warning in self.warnings)]


class Recorder:
    """Passes every callback on to a strategy and writes down what happened.

    Args:
        strategy: The strategy to run.
        capital: Starting cash.
        on_step: Called after every tick with the record so far.
    """

    def __init__(
        self,
        strategy: object,
        *,
        capital: Decimal,
        on_step: Callable[[Record], None] | None = None,
    ) -> None:
        self.record = Record(capital)
        self._strategy = strategy
        self._session: SimutradorClientSession | None = None
        self._on_step = on_step
        self._cash = float(capital)
        self._held: dict[str, float] = {}

    async def set_session(self, session: SimutradorClientSession) -> None:
        """Keep the session and pass it on."""
        self._session = session
        await self._pass("set_session", session)

    async def on_session_start(
        self, session_id: str, store: Store, meta: Mapping[str, Any] | None = None
    ) -> None:
        """Take what the server said the simulation is, and pass on."""
        if self._session is not None:
            self.record.info = self._session.get_info(session_id)
        await self._pass("on_session_start", session_id, store, meta)

    async def on_tick(self, session_id: str, tick: Tick, store: Store) -> Any:
        """Write down the equity and pass on what the strategy wants."""
        self.record.at.append(tick.sim_time)
        self.record.equity.append(self._cash + sum(self._worth(s, store) for s in self._held))
        wanted = await self._pass("on_tick", session_id, tick, store)
        if self._on_step is not None:
            self._on_step(self.record)
        return wanted

    async def on_fill(self, session_id: str, fill: Fill, store: Store) -> None:
        """Write down the execution and pass it on."""
        self.record.fills.append(fill)
        self.record.book.add(fill)
        await self._pass("on_fill", session_id, fill, store)

    async def on_account_snapshot(self, session_id: str, account: Account, store: Store) -> None:
        """Take cash and holdings from the snapshot and pass it on."""
        self._cash = float(account.cash)
        self._held = {p.symbol: float(p.quantity) for p in account.positions if p.quantity}
        await self._pass("on_account_snapshot", session_id, account, store)

    async def on_order_update(self, session_id: str, update: OrderUpdate, store: Store) -> None:
        """Pass on."""
        await self._pass("on_order_update", session_id, update, store)

    async def on_session_end(self, session_id: str, end: End, store: Store) -> None:
        """Keep the results and pass them on."""
        self.record.end = end
        await self._pass("on_session_end", session_id, end, store)

    async def on_error(self, session_id: str, error: SessionError, store: Store) -> None:
        """Write down the trouble and pass it on."""
        self.record.warnings.append(error)
        await self._pass("on_error", session_id, error, store)

    def _worth(self, symbol: str, store: Store) -> float:
        return self._held[symbol] * float(store.as_numpy(symbol, window=1)["close"][-1])

    async def _pass(self, name: str, *arguments: object) -> Any:
        callback = getattr(self._strategy, name, None)
        if callback is None:
            return None
        result = callback(*arguments)
        return await result if inspect.isawaitable(result) else result
