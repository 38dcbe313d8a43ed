"""`Answering`: one connection to a fault server, from what is asked to what is sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote, unquote

from simutrador_data.testing.asking import Lookup, Page, Question, Reply, Request
from simutrador_data.testing.breaking import TLS_ALERT, TLS_HANDSHAKE, Pace, Wire
from simutrador_data.testing.calls import Call
from simutrador_data.testing.fates import Fates
from simutrador_data.testing.faults import GONE_FAULTS, PAGE_FAULTS, Fault
from simutrador_data.testing.listening import LOOPBACK
from simutrador_data.testing.log import Log
from simutrador_data.testing.stock import Stock
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
_NOBODY: Final = replace(VENDORS[0], name="")


@dataclass(frozen=True, slots=True)
class Answering:
    """What the connections of one server share.

    Attributes:
        stock: The bars to serve.
        fates: What happens to each question.
        keys: The key that each vendor demands, by the vendor's name.
        page_rows: At most so many rows a page where the vendor says where the next one is.
        pace: How slow the slow faults are.
        calls: Where requests are noted.
        go_away: Leaves clients without a server for a while, by a fault of `GONE_FAULTS`.
    """

    stock: Stock
    fates: Fates
    keys: Mapping[str, str]
    page_rows: int | None
    pace: Pace
    calls: Log[Call]
    go_away: Callable[[Fault], Awaitable[None]]

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request after the other."""
        wire = Wire(reader, writer, self.pace)
        while not writer.is_closing():
            first = await reader.readexactly(1)
            if first == TLS_HANDSHAKE:
                self.calls.note(Call(time.monotonic(), LOOPBACK, "", fault=Fault.TLS_ERROR))
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
            found = found.known if self.stock.has(found.symbol) else found.unknown
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
        wanted = self.keys.get(vendor.name)
        if wanted is not None and wanted not in request.keys:
            await self._reply(vendor.refuse(401, ""), call, wire)
            return
        await self._serve(vendor, found, call, wire)

    async def _serve(self, vendor: Vendor, question: Question, call: Call, wire: Wire) -> None:
        fate = self.fates.of(question)
        if isinstance(fate, Reply):
            await self._reply(fate, call, wire)
            return
        series = self.stock.series(vendor, question)
        if series is None:
            await self._reply(vendor.unknown(question), call, wire)
            return
        page = self._page(vendor, question, series, fate)
        reply = vendor.write(question, page)
        call = replace(call, fault=fate, rows=len(page.rows))
        if fate is None or fate in PAGE_FAULTS or fate is Fault.HOST_SWITCH:
            await self._reply(reply, call, wire)
        elif fate in GONE_FAULTS:
            self.calls.note(call)
            wire.reset()
            await self.go_away(fate)
        elif fate in _STATUS:
            await self._reply(self._refusal(vendor, fate, question.request), call, wire)
        elif fate is Fault.REDIRECT_LOOP:
            await self._reply(_redirect(f"{_AGAIN}1"), call, wire)
        elif fate is Fault.REDIRECT_AWAY:
            await self._reply(_redirect(_elsewhere(question.request)), call, wire)
        else:
            self.calls.note(replace(call, status=200))
            await wire.break_with(fate, reply)

    def _page(self, vendor: Vendor, question: Question, series: Series, fate: Fault | None) -> Page:
        if self.page_rows is not None and vendor.pages_by_cursor:
            question = replace(question, limit=min(question.limit, self.page_rows))
        page = series.page(question)
        if fate is Fault.HOST_SWITCH:
            return replace(page, elsewhere=True)
        if fate is None or fate not in PAGE_FAULTS:
            return page
        other = self.stock.other(vendor, question, series)
        now = self.stock.now
        return tampered(fate, Case(question, series, page, other, now, vendor.pages_by_cursor))

    def _refusal(self, vendor: Vendor, fate: Fault, request: Request) -> Reply:
        words = f" Your key is {request.keys[0]}" if fate is Fault.KEY_IN_ERROR else ""
        reply = vendor.refuse(_STATUS[fate], words)
        if fate is Fault.RATE_LIMIT_WITH_WAIT:
            waiting = {**reply.headers, "Retry-After": self.pace.retry_after}
            return replace(reply, headers=waiting)
        return reply

    async def _reply(self, reply: Reply, call: Call, wire: Wire) -> None:
        self.calls.note(replace(call, status=reply.status))
        await wire.send(reply)

    def _call(self, request: Request) -> Call:
        in_url = [key for key in self.keys.values() if key in unquote(request.target)]
        shown = bool(request.keys) or "apca-api-key-id" in request.headers
        return Call(
            time.monotonic(),
            request.headers.get("host", ""),
            request.path if not in_url else "(holds a key)",
            key_shown=shown,
            key_in_url=bool(in_url),
        )


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


def _elsewhere(request: Request) -> str:
    """Return the same address by another name of this machine."""
    port = request.origin.rpartition(":")[2]
    return f"http://localhost:{port}{request.target}"
