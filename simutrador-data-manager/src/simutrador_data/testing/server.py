"""`FaultServer`: market data vendors on 127.0.0.1 that answer in their own words, and fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Final, Self

from simutrador_core.models.bars import Bars
from simutrador_data.testing.answering import Answering
from simutrador_data.testing.breaking import Pace
from simutrador_data.testing.calls import Call
from simutrador_data.testing.fates import Fate, Fates
from simutrador_data.testing.faults import GONE_FAULTS, Fault, Schedule
from simutrador_data.testing.listening import LOOPBACK, Listener
from simutrador_data.testing.log import Log
from simutrador_data.testing.loop_thread import LoopThread
from simutrador_data.testing.stock import Stock
from simutrador_data.testing.vendors import VENDORS

_BY_NAME: Final = {vendor.name: vendor for vendor in VENDORS}


class FaultServer:
    """A server that speaks Polygon's, Binance's, Yahoo's, FMP's, Tiingo's and Alpaca's words.

        with FaultServer([bars]) as server:
            server.inject(Fault.UNAVAILABLE, Fault.TRUNCATED_JSON)
            ...  # let a provider fetch from server.url("polygon")
            assert len(server.calls) == 3

    It serves the bars it is given and runs in a thread of its own. Every method may be called from
    any thread. It needs no key unless it is told one, and keeps none of those it sees.
    """

    def __init__(
        self,
        bars: Iterable[Bars],
        *,
        keys: Mapping[str, str] | None = None,
        page_rows: int | None = None,
        schedule: Schedule | None = None,
        pace: Pace | None = None,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        """Serve bars; vendors spell their symbols as they do (`X:BTCUSD` is `BTC-USD`).

        Args:
            bars: What every vendor has.
            keys: The key that each vendor demands, by the vendor's name; another gets a 401.
            page_rows: At most so many rows a page, where the vendor says where the next one is.
            schedule: Faults by chance, wherever none was injected.
            pace: How slow the slow faults are.
            now: The vendors' clock, aware: bars that open later are not there yet, and the last one
                may still be forming. None has all bars from the beginning.
        """
        self._fates = Fates(schedule)
        self._pace = pace or Pace()
        self._calls = Log[Call]()
        self._answering = Answering(
            stock=Stock(bars, now),
            fates=self._fates,
            keys=dict(keys or {}),
            page_rows=page_rows,
            pace=self._pace,
            calls=self._calls,
            go_away=self._go_away,
        )
        self._loop = LoopThread("fault-server")

    def __enter__(self) -> Self:
        """Start to listen."""

        async def listening() -> Listener:
            listener = Listener(self._answering.converse)
            listener.listen()
            return listener

        self._loop.start()
        self._listener = self._loop.run(listening())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End every connection and stop."""
        self._loop.run(self._listener.close())
        self._loop.stop()

    def url(self, vendor: str, *, secure: bool = False) -> str:
        """Return the base URL for a vendor's client.

        With `secure` it begins with https, and each handshake fails: there is no certificate.
        """
        scheme = "https" if secure else "http"
        return f"{scheme}://{LOOPBACK}:{self._listener.port}{_BY_NAME[vendor].base_path}"

    def inject(self, *what: Fate, symbol: str | None = None) -> None:
        """Let the next requests for bars meet these in order; None is a right answer.

        With `symbol` they wait for requests for that symbol, as the vendor spells it.
        """
        self._fates.inject(*what, symbol=symbol)

    def always(self, what: Fate) -> None:
        """Let every request for bars meet this that meets nothing injected, until told otherwise.

        `REFUSED` and `CONNECT_TIMEOUT` hold from now on, for requests not yet made too.
        """
        before, self._fates.always = self._fates.always, what
        if what in GONE_FAULTS:
            self._loop.run(self._vanish(what))
        elif before in GONE_FAULTS:
            self._loop.run(self._come_back())

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every request so far, oldest first."""
        return self._calls.all()

    def forget(self) -> None:
        """Forget the requests so far."""
        self._calls.forget()

    def wait_for_calls(self, count: int, timeout_s: float) -> bool:
        """Wait until so many requests were answered or spoiled; False when time is over first."""
        return self._calls.wait_for(lambda calls: len(calls) >= count, timeout_s)

    async def _vanish(self, fault: Fate) -> None:
        if fault is Fault.REFUSED:
            self._listener.refuse()
        else:
            self._listener.play_deaf()
        await self._listener.drop_all()

    async def _come_back(self) -> None:
        self._listener.listen()

    async def _go_away(self, fault: Fault) -> None:
        if self._fates.always in GONE_FAULTS:
            return
        await self._vanish(fault)
        await asyncio.sleep(self._pace.gone_s)
        self._listener.listen()
