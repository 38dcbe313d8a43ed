"""A venue's end of the wire, scripted by each test over a real loopback socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import websockets
from websockets.asyncio.server import ServerConnection

from simutrador_client.auth import AuthClient
from simutrador_client.websocket import SimutradorClientSession

START: dict[str, Any] = {
    "symbols": ["AAPL"],
    "start_date": datetime(2023, 1, 2, tzinfo=UTC),
    "end_date": datetime(2023, 1, 6, tzinfo=UTC),
    "initial_capital": 100_000,
    "timeframe": "daily",
    "warmup_bars": 2,
}
SID = "sess_1"


class Peer:
    """One accepted connection, as the script sees it."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.got: list[dict[str, Any]] = []

    @property
    def path(self) -> str:
        assert self.socket.request is not None
        return self.socket.request.path

    async def send(self, kind: str, data: dict[str, Any], request_id: str | None = None) -> None:
        message = {"type": kind, "data": data, "request_id": request_id, "timestamp": None}
        await self.socket.send(json.dumps(message))

    async def expect(self, kind: str) -> dict[str, Any]:
        """Return the next message, which must be of this type."""
        message = json.loads(await self.socket.recv())
        self.got.append(message)
        assert message["type"] == kind, message
        return message

    async def begin(self, **created: Any) -> dict[str, Any]:
        """Answer `start_simulation` and send an empty history."""
        start = await self.expect("start_simulation")
        await self.send("session_created", {"session_id": SID, **created}, start["request_id"])
        await self.history()
        return start

    async def history(self, *closes: float) -> None:
        candles = [candle(day, close) for day, close in enumerate(closes, start=-len(closes))]
        data = {"session_id": SID, "timeframe": "daily", "candles": {"AAPL": candles}}
        await self.send("history_snapshot", {**data, "count": len(candles)})

    async def tick(self, number: int, close: float = 100.0) -> None:
        await self.send("tick", tick(number, close))

    async def acked(self) -> int:
        return (await self.expect("tick_ack"))["data"]["sequence_id"]

    async def end(self, **results: Any) -> None:
        await self.send("simulation_end", {"session_id": SID, "total_trades": 0, **results})

    async def ack_orders(self) -> dict[str, Any]:
        """Accept every order of the batch that comes next, and return its message."""
        message = await self.expect("order_batch")
        await self.send("batch_ack", accepted(message), message["request_id"])
        return message


def candle(day: int, close: float) -> dict[str, Any]:
    opened = datetime(2023, 1, 2, 14, 30, tzinfo=UTC) + timedelta(days=day)
    price = f"{close:.2f}"
    return {
        "date": opened.isoformat().replace("+00:00", "Z"),
        "open": price,
        "high": price,
        "low": price,
        "close": price,
        "volume": "1000.00000000",
    }


def tick(number: int, close: float) -> dict[str, Any]:
    return {
        "session_id": SID,
        "sim_time": f"2023-01-{2 + number:02}T21:00:00Z",
        "sequence_id": number,
        "timeframe": "daily",
        "candles": {"AAPL": candle(number, close)},
    }


def accepted(batch: dict[str, Any]) -> dict[str, Any]:
    ids = [order["order_id"] for order in batch["data"]["orders"]]
    data = {"batch_id": batch["data"]["batch_id"], "accepted_orders": ids}
    return {**data, "rejected_orders": {}, "estimated_fills": {}}


Script = Callable[[Peer], Awaitable[None]]


@asynccontextmanager
async def serving(script: Script) -> AsyncIterator[str]:
    """Yield the URL of a server that plays the script; what fails in the script fails the test."""
    faults: list[BaseException] = []

    async def play(socket: ServerConnection) -> None:
        try:
            await script(Peer(socket))
        except websockets.ConnectionClosed:
            pass
        except BaseException as e:  # noqa: BLE001 - raised below, in the test
            faults.append(e)

    async with websockets.serve(play, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    if faults:
        raise faults[0]


def signed_in(token: str = "token-of-the-test") -> AuthClient:
    """Return a client that holds a token."""
    auth = AuthClient("http://127.0.0.1:1")
    auth.keep(token, datetime.now(UTC) + timedelta(hours=1))
    return auth


def session(strategy: object, url: str, **options: Any) -> SimutradorClientSession:
    """Return a session that talks to the peer and gives up soon."""
    return SimutradorClientSession(
        strategy=strategy, auth=signed_in(), base_ws_url=url, **{"timeout_s": 5, **options}
    )


class Recording:
    """A strategy that remembers its calls as `(name, payload)`."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.errors: list[Any] = []

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.calls]

    async def on_session_start(self, session_id: str, store: Any, meta: Any = None) -> None:
        self.calls.append(("start", meta))

    async def on_tick(self, session_id: str, tick: Any, store: Any) -> Any:
        self.calls.append(("tick", tick))
        await asyncio.sleep(0)

    async def on_fill(self, session_id: str, fill: Any, store: Any) -> None:
        self.calls.append(("fill", fill))

    async def on_account_snapshot(self, session_id: str, account: Any, store: Any) -> None:
        self.calls.append(("account", account))

    async def on_session_end(self, session_id: str, end: Any, store: Any) -> None:
        self.calls.append(("end", end))

    async def on_error(self, session_id: str, error: Any, store: Any) -> None:
        self.errors.append(error)
