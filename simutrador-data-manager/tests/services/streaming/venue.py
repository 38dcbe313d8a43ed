"""A real WebSocket server in the test's event loop that streams invented minutes as Binance does.

Time stands still until the test lets a minute pass. The vendor's REST side is a `FaultServer` that
holds all the minutes; nobody asks it for those that have not passed.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from simutrador_core.models.bars import OHLCV, Bars, from_us, to_us
from simutrador_core.testing.builders import make_bars

START: Final = datetime(2024, 3, 11, 12, 0, tzinfo=UTC)
MINUTES: Final = 300
_WAIT_S: Final = 30.0


def minutes_of(symbol: str) -> Bars:
    """Return five hours of minutes; prices differ from bar to bar."""
    return make_bars(symbol, start=START, n=MINUTES)


def kline(bars: Bars, at: int, *, closed: bool = True) -> str:
    """Return a bar as the stream writes it."""
    pair = bars.symbol.replace("-", "")
    opened_ms = int(bars.opened_at[at]) // 1_000
    prices = {name[0]: f"{float(getattr(bars, name)[at]):.8f}" for name in OHLCV}
    k = {"t": opened_ms, "T": opened_ms + 59_999, "s": pair, "i": "1m", **prices, "x": closed}
    data = {"e": "kline", "E": opened_ms + 60_010, "s": pair, "k": k}
    return json.dumps({"stream": f"{pair.lower()}@kline_1m", "data": data})


class Venue:
    """The vendor; `minute` minutes have passed since `START`."""

    def __init__(self, bars: Sequence[Bars]) -> None:
        self.bars = {one.symbol: one for one in bars}
        self.minute = 0
        self.connects: list[float] = []
        self.paths: list[str] = []
        self.refuse: list[tuple[int, dict[str, str]]] = []
        self.open: set[ServerConnection] = set()
        self._changed = asyncio.Condition()
        self._server: Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._serve, "127.0.0.1", 0, process_request=self._admit, ping_interval=None,
            close_timeout=0.2,
        )  # fmt: skip
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        for one in self.open:
            one.transport.abort()
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        assert self._server is not None
        port = next(iter(self._server.sockets)).getsockname()[1]
        return f"ws://127.0.0.1:{port}"

    def now(self) -> datetime:
        """Return the vendor's time, a second into a minute."""
        return START + timedelta(minutes=self.minute, seconds=1)

    async def pass_minutes(self, count: int = 1, *, say: bool = True) -> None:
        """Let minutes pass; `say` whether the stream tells of their bars."""
        for _ in range(count):
            self.minute += 1
            if say:
                await self.say(*(kline(bars, self.minute - 1) for bars in self.bars.values()))

    async def say(self, *messages: str) -> None:
        """Send messages to whoever is connected."""
        for one in tuple(self.open):
            for message in messages:
                await one.send(message)

    async def cut(self) -> None:
        """End every connection."""
        for one in tuple(self.open):
            await one.close()
        await self.until(lambda: not self.open)

    async def fall_mute(self) -> None:
        """Neither say nor hear anything more on the connections there are: no pong, no goodbye."""
        for one in tuple(self.open):
            one.transport.pause_reading()
        self.open.clear()

    async def until_connected(self, times: int) -> None:
        """Wait until somebody has connected so many times and is connected."""
        await self.until(lambda: len(self.paths) >= times and bool(self.open))

    async def until(self, holds: Callable[[], bool]) -> None:
        async with self._changed, asyncio.timeout(_WAIT_S):
            await self._changed.wait_for(holds)

    def _admit(self, _: ServerConnection, request: Request) -> Response | None:
        self.connects.append(time.monotonic())
        if self.refuse:
            status, headers = self.refuse.pop(0)
            answer = _response(status)
            answer.headers.update(headers)
            return answer
        self.paths.append(request.path)
        return None

    async def _serve(self, connection: ServerConnection) -> None:
        self.open.add(connection)
        await self._tell()
        await connection.wait_closed()
        self.open.discard(connection)
        await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def _response(status: int) -> Response:
    from websockets.datastructures import Headers

    return Response(status, HTTPStatus(status).phrase, Headers({"Content-Length": "0"}), b"")


class Seen:
    """Satisfies `LiveWatch`: keeps what it is told, and lets a test wait for it."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []
        self._news = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def connected(self) -> None:
        self._note("connected")

    def stale(self, after_s: float) -> None:
        self._note("stale", after_s)

    def refused(self, status: int) -> None:
        self._note("refused", status)

    def backoff(self, wait_s: float) -> None:
        self._note("backoff", wait_s)

    def backfilled(self, symbol: str, rows: int) -> None:
        self._note("backfilled", symbol, rows)

    def bar(self, symbol: str, opened_at: datetime) -> None:
        self._note("bar", symbol, opened_at)

    def all(self, kind: str) -> list[tuple[object, ...]]:
        """Return what was told of one kind."""
        return [one[1:] for one in self.told if one[0] == kind]

    async def until(self, holds: Callable[[], bool]) -> None:
        async with self._news, asyncio.timeout(_WAIT_S):
            await self._news.wait_for(holds)

    def _note(self, *what: object) -> None:
        self.told.append(what)
        task = asyncio.get_running_loop().create_task(self._tell())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()


def minute(at: int) -> datetime:
    """Return when a minute opens."""
    return from_us(to_us(START) + at * 60_000_000)
