"""`LiveFaultServer`: a live stream on 127.0.0.1, in a market of its own time, that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from types import TracebackType
from typing import Self

from simutrador_core.models.bars import Bars
from simutrador_data.testing.listening import LOOPBACK, Listener
from simutrador_data.testing.live_faults import LiveFault
from simutrador_data.testing.live_house import Connect, HouseRules, LiveHouse, Strike
from simutrador_data.testing.loop_thread import LoopThread
from simutrador_data.testing.market_clock import MarketClock


class LiveFaultServer:
    """A server that streams bars in Binance's words while its market's time passes.

        with (
            LiveFaultServer([bars], start=start, minute_s=0.05) as live,
            FaultServer([bars], now=live.clock.now) as vendor,
        ):
            live.inject(None, LiveFault.MUTE)
            ...  # follow live.url, with vendor.url("binance") for what was missed

    It runs in a thread of its own; every method may be called from any thread.
    """

    def __init__(
        self,
        bars: Iterable[Bars],
        *,
        start: datetime,
        minute_s: float | None = 0.05,
        rules: HouseRules | None = None,
    ) -> None:
        """Stream bars.

        Args:
            bars: The market; those that closed by `start` are past and not streamed.
            start: What the market's clock shows when the server starts, aware.
            minute_s: How many seconds one of its minutes lasts; None lets time stand still, but
                for `advance`.
            rules: How healthy connections are treated.
        """
        self._bars = tuple(bars)
        self._start = start
        self._minute_s = minute_s
        self._rules = rules or HouseRules()
        self._loop = LoopThread("live-fault-server")

    def __enter__(self) -> Self:
        """Start to listen, and the market's clock."""

        async def opened() -> tuple[Listener, asyncio.Task[None]]:
            listener = Listener(self._house.converse)
            listener.listen()
            return listener, asyncio.create_task(self._house.run())

        self.clock = MarketClock(self._start, self._minute_s)
        self._house = LiveHouse(self._bars, self.clock, self._rules)
        self._loop.start()
        self._listener, self._ticking = self._loop.run(opened())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End every connection and stop."""

        async def closed() -> None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
            await self._listener.close()

        self._loop.run(closed())
        self._loop.stop()

    @property
    def url(self) -> str:
        """The base URL for a client of the stream."""
        return f"ws://{LOOPBACK}:{self._listener.port}"

    def inject(self, *what: LiveFault | None) -> None:
        """Let the next minutes meet these in order; None is a right minute.

        Only minutes with bars for a client that is connected count. Faults of the handshake and
        `ERROR_406` wait for the next connections instead.
        """

        async def act() -> None:
            self._house.inject(what)

        self._loop.run(act())

    def advance(self, minutes: int = 1) -> None:
        """Let minutes of the market pass at once, and tell of each of them."""

        async def act() -> None:
            self.clock.advance(minutes)
            self._house.catch_up()

        self._loop.run(act())

    @property
    def connects(self) -> tuple[Connect, ...]:
        """Every attempt to connect so far, oldest first."""
        return self._house.connects.all()

    @property
    def strikes(self) -> tuple[Strike, ...]:
        """Every fault that was met so far, oldest first."""
        return self._house.strikes.all()

    def wait_for_connects(self, count: int, timeout_s: float) -> bool:
        """Wait until there were so many attempts; False when time is over first."""
        return self._house.connects.wait_for(lambda them: len(them) >= count, timeout_s)

    def wait_for_strikes(self, count: int, timeout_s: float) -> bool:
        """Wait until so many faults were met; False when time is over first."""
        return self._house.strikes.wait_for(lambda them: len(them) >= count, timeout_s)
