"""`LiveHouse`: the connections to one stream, who is let in, and what they hear each minute."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from simutrador_core.models.bars import Bars, to_us
from simutrador_data.testing.live_faults import DOOR_FAULTS, LINE_FAULTS, LiveFault
from simutrador_data.testing.live_line import Line
from simutrador_data.testing.live_minutes import LiveBars, messages
from simutrador_data.testing.log import Log
from simutrador_data.testing.market_clock import MarketClock
from simutrador_data.testing.vendors.binance_stream import streams_of

MINUTE: Final = timedelta(minutes=1)
LIMIT_WORDS: Final = '{"code":406,"msg":"connection limit exceeded"}'

_MINUTE_US: Final = 60_000_000


@dataclass(frozen=True, slots=True)
class Connect:
    """One attempt to connect.

    Attributes:
        number: Counted from 1.
        at: When it was accepted, seconds of `time.monotonic()`.
        target: What was asked for, path and query.
        status: 101 when it was opened, else why not.
    """

    number: int
    at: float
    target: str
    status: int


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault that was met, `at` seconds of `time.monotonic()`; faults of bars strike no line."""

    at: float
    fault: LiveFault
    connections: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class HouseRules:
    """How the stream treats healthy connections.

    Attributes:
        ping_s: Seconds between two pings.
        cut_after: Minutes of the market after which a connection is ended; None never does.
        most_open: Connections at a time; None allows any number.
        forget_s: How long a connection that is gone without a word is still thought open.
        huge_bytes: How large a huge message is.
    """

    ping_s: float = 20.0
    cut_after: int | None = None
    most_open: int | None = None
    forget_s: float = 60.0
    huge_bytes: int = 16 << 20


class LiveHouse:
    """Runs in the event loop of its listener."""

    def __init__(self, bars: Iterable[Bars], clock: MarketClock, rules: HouseRules) -> None:
        """Begin without a connection at what the clock shows."""
        self.clock: Final = clock
        self.connects: Final = Log[Connect]()
        self.strikes: Final = Log[Strike]()
        self._bars = LiveBars(bars)
        self._rules = rules
        self._lines: set[Line] = set()
        self._tried = 0
        self._at_door: deque[LiveFault] = deque()
        self._by_minute: deque[LiveFault | None] = deque()
        self._late: list[int] = []
        self._told = to_us(clock.now()) // _MINUTE_US * _MINUTE_US

    def inject(self, what: Iterable[LiveFault | None]) -> None:
        """Keep faults for the next connections and the next minutes."""
        for one in what:
            if one is not None and one in DOOR_FAULTS:
                self._at_door.append(one)
            else:
                self._by_minute.append(one)

    async def run(self) -> None:
        """Tell each minute when it is over."""
        while True:
            wait = self.clock.seconds_until(self.clock.start + self._until_next())
            await asyncio.sleep(wait)
            self.catch_up()

    def catch_up(self) -> None:
        """Tell every minute that is over by now."""
        now = to_us(self.clock.now())
        while self._told + _MINUTE_US <= now:
            self._told += _MINUTE_US
            self._tell(self._told)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends."""
        at = time.monotonic()
        self._tried += 1
        line = Line(self._tried, reader, writer)
        if not await self._let_in(line, at):
            return
        self._lines.add(line)
        pinging = asyncio.create_task(self._ping(line))
        try:
            await line.listen()
        finally:
            pinging.cancel()
            self._lines.discard(line)

    def _until_next(self) -> timedelta:
        return timedelta(microseconds=self._told + _MINUTE_US - to_us(self.clock.start))

    async def _let_in(self, line: Line, at: float) -> bool:
        request = await line.request()
        fault = self._at_door.popleft() if self._at_door else None
        streams = streams_of(request.path)
        status = 101
        if fault is LiveFault.REFUSED_429:
            status = 429
        elif fault is LiveFault.REFUSED_406 or self._is_full():
            status = 406
        elif streams is None:
            status = 404
        self.connects.note(Connect(line.number, at, request.path, status))
        if streams is None or status != 101:
            line.refuse(status, LIMIT_WORDS if status == 406 else "")
            return False
        line.accept(request, streams)
        if fault is not None:
            self._strike(fault, [line])
        return True

    def _is_full(self) -> bool:
        most = self._rules.most_open
        return most is not None and len(self._lines) >= most

    async def _ping(self, line: Line) -> None:
        while True:
            await asyncio.sleep(self._rules.ping_s)
            line.ping()

    def _tell(self, at: int) -> None:
        """Tell of the minute that ends at an instant; it meets the next fault if anybody hears."""
        lines = [line for line in self._lines if line.is_open]
        fault: LiveFault | None = None
        if self._by_minute and any(self._bars.minute(line.streams, at).closed for line in lines):
            fault = self._by_minute.popleft()
        if fault is not None and fault in LINE_FAULTS:
            self._strike(fault, lines)
            return
        if fault is not None:
            self.strikes.note(Strike(time.monotonic(), fault, ()))
        if fault is LiveFault.OUT_OF_ORDER:
            self._late.append(at)
            return
        minutes, self._late = [at, *self._late], []
        for line in lines:
            for minute in minutes:
                self._say(line, minute, fault)
            line.minutes += 1
        if self._rules.cut_after is not None:
            old = [line for line in lines if line.minutes >= self._rules.cut_after]
            self._strike(LiveFault.CUT, old)

    def _say(self, line: Line, at: int, fault: LiveFault | None) -> None:
        minute = self._bars.minute(line.streams, at)
        for message in messages(minute, fault, huge_bytes=self._rules.huge_bytes):
            line.send(message)

    def _strike(self, fault: LiveFault, lines: list[Line]) -> None:
        if not lines:
            return
        self.strikes.note(Strike(time.monotonic(), fault, tuple(line.number for line in lines)))
        for line in lines:
            line.strike(fault)
            if fault is LiveFault.HALF_OPEN:
                asyncio.get_running_loop().call_later(
                    self._rules.forget_s, self._lines.discard, line
                )
