"""A strategy of the engine over the wire: the same ids, the same orders, the past only."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from peer import SID, START, Peer, accepted, serving, session
from simutrador_client.bar_strategy import BarStrategyAdapter
from simutrador_core.interfaces.strategy import StrategyContext


class Mine:
    """Buys, protects and takes back, and writes down what it saw."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def on_start(self, ctx: StrategyContext) -> None:
        self.seen.append((list(ctx.bars), len(ctx.bars), len(ctx.bars["AAPL"])))
        ctx.buy("AAPL", 3, limit_price=Decimal(90))

    def on_bar(self, ctx: StrategyContext) -> None:
        bars = ctx.bars["AAPL"]
        assert bars.sessions is not None
        self.seen.append((str(ctx.now.date()), len(bars), str(bars.sessions[-1])))
        if len(bars) == 3:
            ctx.buy("AAPL", 10, stop_loss="80", time_in_force="gtc")
            ctx.cancel("o1")
            ctx.replace("o2", quantity=4, limit_price="95", stop_price=None)
            ctx.sell("AAPL", Decimal("0.5"), stop_price="85", limit_price="84")

    def on_fill(self, ctx: StrategyContext, fill: Any) -> None:
        self.seen.append((fill.order_id, fill.price, ctx.position("AAPL")))


async def test_commands_go_out_in_order_under_the_engines_ids(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sent: list[dict[str, Any]] = []

    async def script(peer: Peer) -> None:
        start = await peer.expect("start_simulation")
        await peer.send("session_created", {"session_id": SID}, start["request_id"])
        await peer.history(98, 99)
        sent.append(await peer.ack_orders())
        await peer.tick(0)
        rejected = await peer.expect("order_batch")
        data = {**accepted(rejected), "rejected_orders": {"o2": "no funds"}}
        await peer.send("batch_ack", data, rejected["request_id"])
        cancel = await peer.expect("cancel_order")
        await peer.send("order_cancelled", {"session_id": SID}, cancel["request_id"])
        replace = await peer.expect("replace_order")
        refused = {"error_code": "ORDER_NOT_FOUND", "message": "o2 is not known"}
        await peer.send("error", refused, replace["request_id"])
        sent.extend([rejected, cancel, replace, await peer.ack_orders()])
        await peer.acked()
        fill = {"order_id": "o3", "symbol": "AAPL", "side": "sell", "executed_quantity": "0.5"}
        await peer.send("execution_report", {"session_id": SID, "executed_price": "84", **fill})
        held = [{"symbol": "AAPL", "quantity": "-0.5", "avg_cost": "84.00"}]
        await peer.send("account_snapshot", {"session_id": SID, "cash": "1", "positions": held})
        await peer.tick(1)
        await peer.acked()
        await peer.end()

    mine = Mine()
    async with serving(script) as url, session(BarStrategyAdapter(mine), url) as venue:
        await venue.run(**START)
    orders = [order for message in sent for order in message["data"].get("orders", [])]
    assert orders == [
        {
            "order_id": "o1",
            "symbol": "AAPL",
            "side": "buy",
            "type": "limit",
            "quantity": 3,
            "price": "90.00",
        },
        {
            "order_id": "o2",
            "symbol": "AAPL",
            "side": "buy",
            "type": "market",
            "quantity": 10,
            "stop_loss": "80",
            "time_in_force": "gtc",
        },
        {
            "order_id": "o3",
            "symbol": "AAPL",
            "side": "sell",
            "type": "stop_limit",
            "quantity": "0.50",
            "stop_price": "85",
            "price": "84",
        },
    ]
    assert sent[3]["data"] == {"session_id": SID, "order_id": "o2", "quantity": 4, "price": "95"}
    assert mine.seen == [
        (["AAPL"], 1, 2),
        ("2023-01-02", 3, "2023-01-02"),
        ("o3", Decimal(84), Decimal("-0.5")),
        ("2023-01-03", 4, "2023-01-03"),
    ]
    own = [record for record in caplog.records if record.name.startswith("simutrador_client")]
    assert [record.getMessage().split(":")[0] for record in own] == [
        "order o2 was rejected",
        "order o2 could not be changed",
    ]


async def test_a_symbol_without_bars_is_empty_and_a_strange_one_a_key_error() -> None:
    class Looks:
        def on_start(self, ctx: StrategyContext) -> None:
            assert len(ctx.bars["AAPL"]) == 0
            with pytest.raises(KeyError):
                _ = ctx.bars["MSFT"]

        def on_bar(self, ctx: StrategyContext) -> None:
            assert ctx.bars["AAPL"].sessions is None

        def on_fill(self, ctx: StrategyContext, fill: Any) -> None:
            raise AssertionError

    async def script(peer: Peer) -> None:
        await peer.begin()
        await peer.send("tick", {"session_id": SID, "sim_time": "2023-01-02T14:31:00Z"})
        await peer.end()

    async with serving(script) as url, session(BarStrategyAdapter(Looks()), url) as venue:
        await venue.run(**{**START, "timeframe": "1min"})
