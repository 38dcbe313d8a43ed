"""The session: what a program calls to trade at the venue."""

from __future__ import annotations

import asyncio
import inspect
import logging
from asyncio import Queue
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Self, TypeAlias

from simutrador_client.auth import AuthClient, AuthenticationError, get_auth_client
from simutrador_client.background import naming_timeouts
from simutrador_client.dialing import dial, simulate_url
from simutrador_client.errors import (
    SessionConnectionError,
    SessionError,
    SessionProtocolError,
    SessionTimeoutError,
)
from simutrador_client.order_desk import OrderDesk
from simutrador_client.payloads import (
    Account,
    End,
    Fill,
    HistorySnapshot,
    Payload,
    SimulationInfo,
    Tick,
)
from simutrador_client.settings import get_settings
from simutrador_client.simulation import Simulation
from simutrador_client.store import Store
from simutrador_client.strategy import Number
from simutrador_client.venue import Venue

_log = logging.getLogger(__name__)

Instant: TypeAlias = datetime | date | str
"""A point in time; text is ISO 8601, and without a zone it is UTC."""


class SimutradorClientSession(OrderDesk):
    """One connection to the venue, and the simulations that run over it.

    Args:
        strategy: Whose callbacks are called; see `Strategy`.
        auth: Holds the token; the global client when None.
        base_ws_url: Where the venue listens; the configured one when None. `/ws/simulate` is added
            where it is absent, and an `http` URL is taken as its `ws` counterpart.
        max_bars: How many bars of each symbol the store must keep; None keeps all.
        timeout_s: Seconds an answer may take; the configured time when None.
        stall_timeout_s: Seconds a running simulation may stay silent while the server is to speak;
            the configured time when None.

    Use it as `async with`, or call `connect` and `close`.
    """

    def __init__(
        self,
        *,
        strategy: object,
        auth: AuthClient | None = None,
        base_ws_url: str | None = None,
        max_bars: int | None = None,
        timeout_s: float | None = None,
        stall_timeout_s: float | None = None,
    ) -> None:
        settings = get_settings()
        super().__init__(
            Venue(
                strategy,
                timeout_s=timeout_s or settings.session.session_timeout_seconds,
                max_bars=max_bars,
            )
        )
        self._strategy = strategy
        self._auth = auth or get_auth_client()
        self._base_url = base_ws_url or settings.server.websocket.url
        self._stall_s = stall_timeout_s or settings.session.stall_timeout_seconds
        self._retries = settings.session.max_retry_attempts
        self._connecting = asyncio.Lock()
        self._introduced = False

    async def __aenter__(self) -> Self:
        """Connect."""
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        await self.close()

    async def connect(self) -> None:
        """Connect, unless connected; a connection that was lost is made anew.

        Raises:
            AuthenticationError: there is no valid token: log in first.
            SessionConnectionError: the server cannot be reached or refuses.
        """
        async with self._connecting:
            if not self._venue.is_open:
                if not self._auth.get_cached_token():
                    raise AuthenticationError("Not authenticated: call login first")
                bare = simulate_url(self._base_url)
                url = self._auth.get_websocket_url(bare)
                self._venue.use(await dial(url, shown=bare, retries=self._retries))
        await self._introduce()

    async def _introduce(self) -> None:
        """Call the strategy's `set_session`, once; what it raises is logged, as documented."""
        hook = getattr(self._strategy, "set_session", None)
        if self._introduced or hook is None:
            return
        self._introduced = True
        try:
            result = hook(self)
            if inspect.isawaitable(result):
                await result
        except Exception:  # noqa: BLE001 - documented to be no error of the connection
            _log.exception("set_session of the strategy failed")

    async def close(self) -> None:
        """Close the connection and stop all simulations; calling it again does nothing."""
        await self._venue.close()

    @property
    def connection_info(self) -> Payload | None:
        """Plan and limits, as the server's `connection_ready` said; None before it came."""
        return self._venue.info

    # Simulations

    async def start_simulation(
        self,
        *,
        symbols: Sequence[str],
        start_date: Instant,
        end_date: Instant,
        initial_capital: Number,
        timeframe: str = "daily",
        warmup_bars: int = 0,
        adjusted: bool = True,
        request_id: str | None = None,
        **extras: Any,
    ) -> str:
        """Create a simulation, start it, and return its id.

        Args:
            symbols: What to replay; at least one.
            start_date: First instant simulated; without a zone it is UTC.
            end_date: First instant no longer simulated.
            initial_capital: Starting cash; a Decimal travels exactly.
            timeframe: Of the bars, such as `daily` or `1min`.
            warmup_bars: How many bars before the start the history holds.
            adjusted: Whether prices are corrected for splits and dividends.
            request_id: Made up when None.
            **extras: Sent along as they are: `commission_per_share`, `slippage_bps`, `metadata`,
                `flow_control` (True makes the clock wait for the strategy; `run` asks for it).

        Raises:
            SessionError: the server refused, with its code in `error_code`.
        """
        data = {
            "symbols": list(symbols),
            "start_date": start_date,
            "end_date": end_date,
            "initial_capital": initial_capital,
            "timeframe": timeframe,
            "warmup_bars": warmup_bars,
            "adjusted": adjusted,
            **extras,
        }
        return await self._venue.start(data, request_id=request_id)

    async def run(self, **start: Any) -> str:
        """Run a simulation to its end and return its id; arguments as `start_simulation`.

        Connects if need be. Asks for flow control, so that the clock waits for `on_tick` and the
        orders it sent; a server that does not know it runs freely, and ticks still come in order.

        Raises:
            SessionError: the server refused, the simulation failed, the connection was lost, or
                the server stayed silent.
            Exception: whatever a callback of the strategy raised.
        """
        start.setdefault("flow_control", True)
        used_before = self._venue.is_open
        await self.connect()
        try:
            session_id = await self.start_simulation(**start)
        except SessionConnectionError:
            if not used_before:
                raise
            # A server closes after a simulation's end, possibly just now.
            await self.connect()
            session_id = await self.start_simulation(**start)
        await self.wait_for_simulation_end(session_id)
        return session_id

    async def wait_for_history_snapshot(
        self,
        session_id: str,
        timeout: float | None = 10,  # noqa: ASYNC109
    ) -> HistorySnapshot:
        """Return the warm-up bars, also when they came before.

        Raises:
            SessionTimeoutError: they did not come within `timeout` seconds.
            SessionError: the simulation failed or ended without them.
        """
        with naming_timeouts(timeout, "no history"):
            async with asyncio.timeout(timeout):
                return await self._venue.simulation(session_id).wait_history()

    async def wait_for_store_ready(
        self,
        session_id: str,
        timeout: float | None = 10,  # noqa: ASYNC109
    ) -> Store:
        """Return the store when the warm-up bars are in it; errors as for the history."""
        with naming_timeouts(timeout, "no history"):
            async with asyncio.timeout(timeout):
                simulation = self._venue.simulation(session_id)
                await simulation.wait_ready()
                return simulation.runner.store

    async def wait_for_simulation_end(
        self,
        session_id: str,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> End:
        """Return the results, also when they came before.

        Raises:
            SessionTimeoutError: it did not end within `timeout` seconds, or the server stayed
                silent for longer than allowed.
            SessionError: the simulation failed or the connection was lost.
            Exception: whatever a callback of the strategy raised.
        """
        with naming_timeouts(timeout, "no end of the simulation"):
            async with asyncio.timeout(timeout):
                return await self._venue.simulation(session_id).wait_end(stall_s=self._stall_s)

    def get_info(self, session_id: str) -> SimulationInfo:
        """Return what the server said a simulation is, when it made it.

        Raises:
            KeyError: no simulation of that id is known.
        """
        return self._known(session_id).runner.info

    def get_store(self, session_id: str) -> Store:
        """Return the bars a simulation has seen; it stays readable after the end.

        Raises:
            KeyError: no simulation of that id is known.
        """
        return self._known(session_id).runner.store

    def _known(self, session_id: str) -> Simulation:
        if session_id not in self._venue.simulations:
            raise KeyError(f"no simulation {session_id!r} in this session")
        return self._venue.simulations[session_id]

    def is_store_ready(self, session_id: str) -> bool:
        """Return whether the warm-up bars are in the store."""
        simulation = self._venue.simulations.get(session_id)
        return simulation is not None and simulation.runner.ready.is_set()

    def subscribe_ticks(self, session_id: str) -> Queue[Tick]:
        """Return a queue of the ticks from now on; it holds the latest 10,000."""
        return self._venue.simulation(session_id).runner.subscribe("ticks")

    def subscribe_fills(self, session_id: str) -> Queue[Fill]:
        """Return a queue of the executions from now on; it holds the latest 10,000."""
        return self._venue.simulation(session_id).runner.subscribe("fills")

    def subscribe_account(self, session_id: str) -> Queue[Account]:
        """Return a queue of the account snapshots from now on; it holds the latest 10,000."""
        return self._venue.simulation(session_id).runner.subscribe("account")


__all__ = [
    "SimutradorClientSession",
    "SessionError",
    "SessionProtocolError",
    "SessionTimeoutError",
    "SessionConnectionError",
]
