"""A whole venue in one process: sign-in over HTTP, and a wire that fills every order next bar."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import websockets

from peer import SID, Peer, candle

KEY = "dev.secret"
TOKEN = "token-of-the-double-0123456789"


@dataclass
class Double:
    """Where it listens, and what it was asked."""

    server_url: str
    ws_url: str
    closes: list[float]
    starts: list[dict[str, Any]]
    sessions: dict[str, dict[str, Any]]


@asynccontextmanager
async def venue_double(closes: list[float]) -> AsyncIterator[Double]:
    """Serve on free ports; a simulation replays one symbol with these closes, open = close."""
    double = Double("", "", closes, [], {"s1": {"session_id": "s1", "symbols": ["AAPL", "IBM"]}})
    async with AsyncExitStack() as stack:
        auth = await asyncio.start_server(_sign_in, "127.0.0.1", 0)
        await stack.enter_async_context(auth)
        wire = await stack.enter_async_context(
            websockets.serve(lambda socket: _talk(double, Peer(socket)), "127.0.0.1", 0)
        )
        double.server_url = f"http://127.0.0.1:{auth.sockets[0].getsockname()[1]}"
        double.ws_url = f"ws://127.0.0.1:{wire.sockets[0].getsockname()[1]}"
        yield double


async def _sign_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    good = f"x-api-key: {KEY}" in head
    answer = {"access_token": TOKEN, "expires_in": 3600, "user_id": "u1", "plan": "free"}
    body = json.dumps(answer if good else {}).encode()
    status = "200 OK" if good else "401 Unauthorized"
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def _talk(double: Double, peer: Peer) -> None:
    if peer.path == "/ws/health":
        await peer.send("health", {"status": "ok", "server_version": "1.0.0"})
        return
    if not peer.path.endswith(f"token={TOKEN}"):
        await peer.socket.close(4002)
        return
    async for text in peer.socket:
        message = json.loads(text)
        if message["type"] == "start_simulation":
            await _replay(double, peer, message)
        else:
            await _answer(double, peer, message)


async def _answer(double: Double, peer: Peer, message: dict[str, Any]) -> None:
    session_id = message["data"].get("session_id")
    match message["type"]:
        case "list_sessions":
            found = list(double.sessions.values())
            answer = ("sessions_list", {"sessions": found, "total_count": len(found)})
        case "create_session":
            double.sessions["s2"] = {"session_id": "s2", **message["data"]}
            answer = ("session_created", double.sessions["s2"])
        case _ if session_id not in double.sessions:
            answer = ("session_error", {"error_code": "SESSION_NOT_FOUND", "message": "unknown"})
        case "get_session":
            answer = ("session_data", double.sessions[session_id])
        case _:
            del double.sessions[session_id]
            answer = ("session_deleted", {"session_id": session_id, "status": "deleted"})
    await peer.send(*answer, message["request_id"])


async def _replay(double: Double, peer: Peer, message: dict[str, Any]) -> None:
    double.starts.append(message["data"])
    [symbol] = message["data"]["symbols"]
    if symbol != "AAPL":
        data = {"error_code": "INVALID_SYMBOL", "message": f"no bars of {symbol}"}
        await peer.send("session_error", {**data, "details": {"a": 1}}, message["request_id"])
        return
    days = {"start": "2023-01-02T14:30:00Z", "end": "2023-01-31T21:00:00Z"}
    created = {"session_id": SID, "estimated_ticks": len(double.closes), "data_range_actual": days}
    await peer.send("session_created", created, message["request_id"])
    await peer.history()
    cash, held, waiting = float(message["data"]["initial_capital"]), 0, []
    for number, close in enumerate(double.closes):
        for order in waiting:
            sign = 1 if order["side"] == "buy" else -1
            held, cash = held + sign * order["quantity"], cash - sign * order["quantity"] * close
            await peer.send("execution_report", _report(order, number, close))
            await peer.send("account_snapshot", _account(cash, held, close))
        waiting = []
        at = datetime(2023, 1, 2, 21, tzinfo=UTC) + timedelta(days=number)
        tick = {"session_id": SID, "sim_time": at.isoformat(), "sequence_id": number}
        await peer.send("tick", {**tick, "candles": {"AAPL": candle(number, close)}})
        while (text := json.loads(await peer.socket.recv()))["type"] == "order_batch":
            waiting += text["data"]["orders"]
            ids = [order["order_id"] for order in text["data"]["orders"]]
            ack = {"batch_id": "b", "accepted_orders": ids, "rejected_orders": {}}
            await peer.send("batch_ack", ack, text["request_id"])
    equity = cash + held * double.closes[-1]
    await peer.end(final_equity=f"{equity:.2f}", dataset_id="d" * 64, log_sha256="e" * 64)


def _report(order: dict[str, Any], number: int, price: float) -> dict[str, Any]:
    at = datetime(2023, 1, 2, 14, 30, tzinfo=UTC) + timedelta(days=number)
    return {
        "session_id": SID,
        "execution_id": f"x{number}",
        "order_id": order["order_id"],
        "symbol": order["symbol"],
        "side": order["side"],
        "executed_quantity": order["quantity"],
        "executed_price": f"{price:.2f}",
        "commission": "0.00",
        "slippage_bps": 0,
        "execution_time": at.isoformat(),
    }


def _account(cash: float, held: int, close: float) -> dict[str, Any]:
    positions = [{"symbol": "AAPL", "quantity": held, "avg_cost": "1.00"}]
    data = {"session_id": SID, "cash": f"{cash:.2f}", "equity": f"{cash + held * close:.2f}"}
    return {**data, "positions": positions}
