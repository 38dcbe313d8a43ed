"""`FaultServer`: market data vendors on 127.0.0.1 that answer in their own words, and fail."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Coroutine, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote, unquote

from simutrador_core.models.bars import Bars
from simutrador_data.testing.asking import Lookup, Page, Question, Reply, Request, Rows
from simutrador_data.testing.breaking import TLS_ALERT, TLS_HANDSHAKE, Pace, Wire
from simutrador_data.testing.calls import Call
from simutrador_data.testing.fates import Fate, Fates
from simutrador_data.testing.faults import GONE_FAULTS, PAGE_FAULTS, Fault, Schedule
from simutrador_data.testing.listening import LOOPBACK, Listener
from simutrador_data.testing.tampering import Case, Series, tampered
from simutrador_data.testing.vendors import VENDORS, Vendor

_STATUS: Final = {
    Fault.RATE_LIMIT: 429,
    Fault.RATE_LIMIT_WITH_WAIT: 429,
    Fault.SERVER_ERROR: 500,
    Fault.BAD_GATEWAY: 502,
    Fault.UNAVAILABLE: 503,
    Fault.UNAUTHORIZED: 401,
    Fault.FORBIDDEN: 403,
    Fault.KEY_IN_ERROR: 403,
}
_AGAIN: Final = "/again/"
_BY_NAME: Final = {vendor.name: vendor for vendor in VENDORS}
_NOBODY: Final = replace(VENDORS[0], name="")
_OTHER_SYMBOL: Final = "OTHER"
_START_S: Final = 10.0


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
    ) -> None:
        """Serve bars; vendors spell their symbols as they do (`X:BTCUSD` is `BTC-USD`).

        Args:
            bars: What every vendor has.
            keys: The key that each vendor demands, by the vendor's name; another gets a 401.
            page_rows: At most so many rows a page, where the vendor says where the next one is.
            schedule: Faults by chance, wherever none was injected.
            pace: How slow the slow faults are.
        """
        self._bars = {(_plain(one.symbol), one.timeframe): one for one in bars}
        self._keys = dict(keys or {})
        self._page_rows = page_rows
        self._fates = Fates(schedule)
        self._pace = pace or Pace()
        self._lock = threading.Lock()
        self._news = threading.Condition(self._lock)
        self._calls: list[Call] = []
        self._loop = asyncio.SelectorEventLoop()
        self._thread = threading.Thread(target=self._run, name="fault-server", daemon=True)
        self._started: Future[Listener] = Future()

    def __enter__(self) -> Self:
        """Start to listen."""
        self._thread.start()
        self._listener = self._started.result(_START_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End every connection and stop."""
        self._do(self._listener.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_S)
        self._loop.close()

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
            self._do(self._vanish(what))
        elif before in GONE_FAULTS:
            self._do(self._come_back())

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every request so far, oldest first."""
        with self._lock:
            return tuple(self._calls)

    def forget(self) -> None:
        """Forget the requests so far."""
        with self._lock:
            self._calls.clear()

    def wait_for_calls(self, count: int, timeout_s: float) -> bool:
        """Wait until so many requests were answered or spoiled; False when time is over first."""
        with self._news:
            return self._news.wait_for(lambda: len(self._calls) >= count, timeout_s)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)

        async def start() -> None:
            listener = Listener(self._converse)
            listener.listen()
            self._started.set_result(listener)

        self._loop.run_until_complete(start())
        self._loop.run_forever()

    def _do(self, act: Coroutine[None, None, None]) -> None:
        asyncio.run_coroutine_threadsafe(act, self._loop).result(_START_S)

    async def _vanish(self, fault: Fate) -> None:
        if fault is Fault.REFUSED:
            self._listener.refuse()
        else:
            self._listener.play_deaf()
        await self._listener.drop_all()

    async def _come_back(self) -> None:
        self._listener.listen()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(reader, writer, self._pace)
        while not writer.is_closing():
            first = await reader.readexactly(1)
            if first == TLS_HANDSHAKE:
                self._note(Call(time.monotonic(), LOOPBACK, "", fault=Fault.TLS_ERROR))
                writer.write(TLS_ALERT)
                await writer.drain()
                return
            text = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            await self._answer(_request(text), wire)

    async def _answer(self, request: Request, wire: Wire) -> None:
        call = self._call(request)
        if request.path.startswith(_AGAIN):
            hop = int(request.path.removeprefix(_AGAIN)) + 1
            await self._reply(_redirect(f"{_AGAIN}{hop}"), call, wire)
            return
        vendor, found = _read(request)
        call = replace(call, vendor=vendor.name)
        if isinstance(found, Lookup):
            known = any(name == _plain(found.symbol) for name, _ in self._bars)
            found = found.known if known else found.unknown
        if isinstance(found, Reply):
            await self._reply(found, call, wire)
            return
        call = replace(
            call,
            symbol=found.symbol,
            timeframe=found.timeframe,
            start=found.start,
            end=found.end,
        )
        wanted = self._keys.get(vendor.name)
        if wanted is not None and wanted not in request.keys:
            await self._reply(vendor.refuse(401, ""), call, wire)
            return
        await self._serve(vendor, found, call, wire)

    async def _serve(self, vendor: Vendor, question: Question, call: Call, wire: Wire) -> None:
        fate = self._fates.of(question)
        if isinstance(fate, Reply):
            await self._reply(fate, call, wire)
            return
        series = self._series(vendor, question)
        if series is None:
            await self._reply(vendor.unknown(question), call, wire)
            return
        page = self._page(vendor, question, series, fate)
        reply = vendor.write(question, page)
        call = replace(call, fault=fate, rows=len(page.rows))
        if fate is None or fate in PAGE_FAULTS or fate is Fault.HOST_SWITCH:
            await self._reply(reply, call, wire)
        elif fate in GONE_FAULTS:
            self._note(call)
            await self._go_away(fate, wire)
        elif fate in _STATUS:
            await self._reply(self._refusal(vendor, fate, question.request), call, wire)
        elif fate is Fault.REDIRECT_LOOP:
            await self._reply(_redirect(f"{_AGAIN}1"), call, wire)
        elif fate is Fault.REDIRECT_AWAY:
            away = f"http://localhost:{self._listener.port}{question.request.target}"
            await self._reply(_redirect(away), call, wire)
        else:
            self._note(replace(call, status=200))
            await wire.break_with(fate, reply)

    def _page(self, vendor: Vendor, question: Question, series: Series, fate: Fault | None) -> Page:
        if self._page_rows is not None and vendor.pages_by_cursor:
            question = replace(question, limit=min(question.limit, self._page_rows))
        page = series.page(question)
        if fate is Fault.HOST_SWITCH:
            return replace(page, elsewhere=True)
        if fate is None or fate not in PAGE_FAULTS:
            return page
        now = int(time.time() * 1_000_000)
        other = self._other(vendor, question, series)
        return tampered(fate, Case(question, series, page, other, now, vendor.pages_by_cursor))

    def _series(self, vendor: Vendor, question: Question) -> Series | None:
        bars = self._bars.get((_plain(question.symbol), question.timeframe))
        if bars is None:
            return None
        rows = Rows.of(bars)
        return Series(question.symbol, rows.relabelled(vendor.label(question, rows)))

    def _other(self, vendor: Vendor, question: Question, mine: Series) -> Series:
        """Return another symbol's series, or an invented one where there is none."""
        for (name, timeframe), bars in self._bars.items():
            if timeframe == question.timeframe and name != _plain(question.symbol):
                found = self._series(vendor, replace(question, symbol=bars.symbol))
                if found is not None:
                    return found
        rows = mine.rows
        prices = {name: getattr(rows, name) * 2 for name in ("open", "high", "low", "close")}
        return Series(_OTHER_SYMBOL, replace(rows, **prices))

    def _refusal(self, vendor: Vendor, fate: Fault, request: Request) -> Reply:
        words = f" Your key is {request.keys[0]}" if fate is Fault.KEY_IN_ERROR else ""
        reply = vendor.refuse(_STATUS[fate], words)
        if fate is Fault.RATE_LIMIT_WITH_WAIT:
            waiting = {**reply.headers, "Retry-After": self._pace.retry_after}
            return replace(reply, headers=waiting)
        return reply

    async def _go_away(self, fault: Fault, wire: Wire) -> None:
        wire.reset()
        if self._fates.always in GONE_FAULTS:
            return
        await self._vanish(fault)
        await asyncio.sleep(self._pace.gone_s)
        self._listener.listen()

    async def _reply(self, reply: Reply, call: Call, wire: Wire) -> None:
        self._note(replace(call, status=reply.status))
        await wire.send(reply)

    def _call(self, request: Request) -> Call:
        in_url = [key for key in self._keys.values() if key in unquote(request.target)]
        shown = bool(request.keys) or "apca-api-key-id" in request.headers
        return Call(
            time.monotonic(),
            request.headers.get("host", ""),
            request.path if not in_url else "(holds a key)",
            key_shown=shown,
            key_in_url=bool(in_url),
        )

    def _note(self, call: Call) -> None:
        with self._news:
            self._calls.append(call)
            self._news.notify_all()


def _read(request: Request) -> tuple[Vendor, Question | Lookup | Reply]:
    for vendor in VENDORS:
        try:
            found = vendor.read(request)
        except (ValueError, KeyError):
            return vendor, vendor.refuse(400, ": a parameter is wrong")
        if isinstance(found, Question):
            return vendor, replace(found, symbol=unquote(found.symbol))
        if found is not None:
            return vendor, found
    return _NOBODY, Reply.of({"detail": "Not found"}, 404)


def _request(text: str) -> Request:
    first, *lines = text.split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return Request(first.split(" ")[1], headers)


def _redirect(location: str) -> Reply:
    return Reply(b"", 302, {"Location": quote(location, safe=":/?&=%+")})


def _plain(symbol: str) -> str:
    """Return a symbol without what only a vendor's spelling adds: `X:BTCUSD` is `BTC-USD`."""
    bare = re.sub(r"^[XCI]:|=X$", "", symbol.upper())
    return re.sub(r"[^A-Z0-9]", "", bare)
