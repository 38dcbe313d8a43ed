"""What tests of the venue share: bars worked out by hand, a user, a state machine, a server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import websockets
from pydantic import SecretStr
from websockets.asyncio.client import ClientConnection

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Adjustment, UserPlan
from simutrador_core.models.websocket import SERVER_MESSAGE
from simutrador_core.testing.builders import make_bars, make_change
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_server.api.state import Venue
from simutrador_server.auth.door import AUDIENCE, ISSUER, SCOPES, Door
from simutrador_server.auth.plans import LIMITS
from simutrador_server.auth.user import User
from simutrador_server.main import serving
from simutrador_server.services.bars import BarLoader
from simutrador_server.simulation.book import SessionBook
from simutrador_server.simulation.conversation import Conversation
from simutrador_server.simulation.setup import Defaults, Refusal
from simutrador_service.auth import Principal
from simutrador_service.auth.accounts import open_accounts
from simutrador_service.config import AuthSection
from simutrador_service.database import KIT, Database
from simutrador_service.database.base import utc_now

NOW = datetime(2024, 6, 3, 12, 0, tzinfo=UTC)
SECRET = "a-secret-of-tests-that-is-long-enough-0123456789"
ALICE = User("alice", UserPlan.PROFESSIONAL)
PRINCIPAL = Principal("alice", frozenset(SCOPES), UserPlan.PROFESSIONAL)
OPENS = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
FREE_RUN = Defaults(tick_interval_ms=0.0)

# The five minutes from 14:30 UTC, worked with by hand in the tests: open, high, low, close.
MINUTES = [
    (100.0, 101.0, 99.0, 100.0),
    (100.5, 102.0, 99.5, 101.0),
    (101.0, 103.0, 100.0, 102.5),
    (102.0, 102.5, 97.0, 98.0),
    (98.5, 99.0, 98.0, 98.25),
]
START: dict[str, Any] = {
    "symbols": ["AAPL"],
    "start_date": "2024-01-02T14:30:00Z",
    "end_date": "2024-01-02T21:00:00Z",
    "initial_capital": 100_000.0,
    "timeframe": "1min",
    "warmup_bars": 0,
    "commission_per_share": 0.005,
    "slippage_bps": 0,
}


def minute_bars(
    symbol: str = "AAPL",
    rows: Sequence[tuple[float, float, float, float]] = MINUTES,
    *,
    adjustment: Adjustment = Adjustment.RAW,
    skip: int = 0,
) -> Bars:
    """Return one-minute bars from 14:30 UTC, `skip` minutes left out at the start."""
    opens, highs, lows, closes = (np.array(column) for column in zip(*rows, strict=True))
    flat = make_bars(
        symbol,
        start=OPENS + timedelta(minutes=skip),
        close=closes,
        volume=[1000.0] * len(rows),
        adjustment=adjustment,
    )
    return replace(flat, open=opens, high=highs, low=lows)


def store_of(*bars: Bars) -> MemoryStore:
    """Return a store that holds these bars."""
    store = MemoryStore()
    for one in bars or (minute_bars(),):
        store.commit(make_change(one, source="test"))
    return store


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_time(self, **span: float) -> None:
        self.now += timedelta(**span)


class Room:
    """A venue without sockets: conversations over one book, bars read on the spot."""

    def __init__(self, *bars: Bars, defaults: Defaults = FREE_RUN) -> None:
        self.clock = Clock()
        self.book = SessionBook()
        self.defaults = defaults
        self.loader = BarLoader(store_of(*bars), AssetRegistry.default(), defaults)
        self._ids = count(1)

    def enter(self, user: User = ALICE) -> Guest:
        return Guest(self, user)

    def new_id(self) -> str:
        return f"sess_{next(self._ids)}"


class Guest:
    """A client that talks to a conversation directly; every message it gets is parsed."""

    def __init__(self, room: Room, user: User) -> None:
        self.room = room
        self.conversation = Conversation(
            user,
            LIMITS[user.plan],
            room.book,
            room.defaults,
            new_id=room.new_id,
            now=room.clock.now,
        )

    def send(self, kind: str, data: Any = None, request_id: str | None = "r1") -> list[Any]:
        """Send a message and return the answers, bars loaded where they are wanted."""
        envelope = {"type": kind, "data": data, "request_id": request_id}
        return self.send_raw(json.dumps(envelope))

    def send_raw(self, frame: str | bytes) -> list[Any]:
        conversation, now = self.conversation, self.room.clock.now
        out = conversation.receive(frame, now)
        wanted, conversation.wanted = conversation.wanted, None
        if wanted is not None:
            try:
                made = self.room.loader.load(wanted, now=now)
                out += conversation.loaded(wanted, made, now)
            except Refusal as why:
                out += conversation.refused(wanted, why, now)
        return parse(out)

    def ticks(self, most: int = 1000) -> list[Any]:
        """Return everything that the clock pushes until it has to wait."""
        out: list[str] = []
        while self.conversation.may_tick(self.room.clock.now) and most:
            out += self.conversation.next_tick(self.room.clock.now)
            most -= 1
        return parse(out)

    def ack(self, number: int, **fields: Any) -> list[Any]:
        return self.send(
            "tick_ack", {"sequence_id": number, "processing_status": "ready", **fields}, None
        )

    def start(self, **changes: Any) -> list[Any]:
        """Create and start with flow control, unless it says otherwise."""
        return self.send("start_simulation", {**START, "flow_control": True, **changes})


def parse(texts: Sequence[str]) -> list[Any]:
    """Return messages as the models of core have them: each must be valid."""
    return [SERVER_MESSAGE.validate_json(text) for text in texts]


def types(messages: Sequence[Any]) -> list[str]:
    return [message.type for message in messages]


def order(order_id: str = "o1", **changes: Any) -> dict[str, Any]:
    base = {"symbol": "AAPL", "side": "buy", "type": "market", "quantity": 10}
    return {"order_id": order_id, **base, **changes}


def batch(*orders: dict[str, Any], mode: str = "best_effort") -> dict[str, Any]:
    return {"batch_id": "b1", "orders": list(orders), "execution_mode": mode}


@dataclass
class Served:
    """A venue on real ports."""

    auth_url: str
    ws_url: str
    venue: Venue
    key: str

    async def token(self, key: str | None = None) -> str:
        async with httpx.AsyncClient() as client:
            answer = await client.post(
                f"{self.auth_url}/auth/token", headers={"X-API-Key": key or self.key}, json={}
            )
        return str(answer.raise_for_status().json()["access_token"])

    def connect(self, token: str, **options: Any) -> websockets.connect:
        return websockets.connect(f"{self.ws_url}/ws/simulate?token={token}", **options)


@contextmanager
def opened_door(folder: Path, clock: Callable[[], datetime] = utc_now) -> Iterator[Door]:
    """Yield a door whose keys lie in a database of this folder."""
    database = Database(f"sqlite:///{folder / 'venue.db'}")
    try:
        KIT.upgrade(database)
        accounts = open_accounts(
            database,
            AuthSection(jwt_secret=SecretStr(SECRET)),
            data=folder,
            issuer=ISSUER,
            audience=AUDIENCE,
            clock=clock,
        )
        with closing(accounts):
            yield Door(accounts.keys, accounts.tokens)
    finally:
        database.close()


@asynccontextmanager
async def served(
    folder: Path, *bars: Bars, plan: UserPlan = UserPlan.PROFESSIONAL, **options: Any
) -> AsyncIterator[Served]:
    """Serve a venue with these bars on free loopback ports."""
    with opened_door(folder) as door:
        key = door.keys.create("alice", scopes=SCOPES, plan=plan).key
        loader = BarLoader(store_of(*bars), AssetRegistry.default(), FREE_RUN)
        venue = Venue(door=door, loader=loader, defaults=FREE_RUN, **options)
        async with serving(venue) as places:
            yield Served(places.auth_url, places.ws_url, venue, key)


async def say(socket: ClientConnection, kind: str, data: Any, request_id: str = "r1") -> None:
    await socket.send(json.dumps({"type": kind, "data": data, "request_id": request_id}))


async def hear(socket: ClientConnection) -> Any:
    """Return the next message, which must be valid."""
    return SERVER_MESSAGE.validate_json(await socket.recv())


async def hear_until(socket: ClientConnection, kind: str) -> list[Any]:
    """Return messages up to and including the first of a type."""
    heard: list[Any] = []
    while not heard or heard[-1].type != kind:
        heard.append(await hear(socket))
    return heard
