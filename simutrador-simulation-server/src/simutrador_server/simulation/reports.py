"""What the engine says, as data of the wire."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from simutrador_engine.models.events import Cancelled, Event, Expired, Filled, Replaced
from simutrador_engine.performance.metrics import Performance
from simutrador_engine.portfolio.portfolio import Account
from simutrador_server.simulation.wire import instant, money, quantity

_TEN_THOUSAND: Final = Decimal(10_000)


def push_of(event: Event) -> tuple[str, dict[str, Any]] | None:
    """Return the type and data of the message an event causes, or None."""
    match event:
        case Filled():
            return "execution_report", execution(event)
        case Cancelled():
            return "order_cancelled", ended(event, "cancelled", event.reason)
        case Expired():
            return "order_cancelled", ended(event, "expired", "time_in_force")
        case Replaced():
            return "order_replaced", replaced(event)
        case _:
            return None


def execution(fill: Filled) -> dict[str, Any]:
    """Return the data of `execution_report`; `seq` of the event log makes its id."""
    at = instant(fill.at)
    worse = fill.price - fill.bar_price if fill.side == "buy" else fill.bar_price - fill.price
    return {
        "execution_id": f"exec_{fill.seq}",
        "order_id": fill.order_id,
        "symbol": fill.symbol,
        "side": fill.side,
        "executed_quantity": quantity(fill.quantity),
        "executed_price": money(fill.price),
        "commission": money(fill.commission),
        "slippage_bps": float(worse / fill.bar_price * _TEN_THOUSAND),
        "execution_time": at,
        "timestamp": at,
        "is_partial": fill.remaining > 0,
        "remaining_quantity": quantity(fill.remaining),
        "fill_reason": fill.reason.value,
        "reason": fill.reason.value,
        "bar_price": money(fill.bar_price),
        "ambiguous": fill.ambiguous,
        "bar": instant(fill.bar),
    }


def ended(event: Cancelled | Expired, status: str, reason: str) -> dict[str, Any]:
    """Return the data of `order_cancelled`."""
    return {
        "order_id": event.order_id,
        "symbol": event.symbol,
        "status": status,
        "reason": reason,
        "remaining_quantity": quantity(event.quantity),
        "time": instant(event.at),
    }


def replaced(event: Replaced) -> dict[str, Any]:
    """Return the data of `order_replaced`."""
    limit, stop = event.limit_price, event.stop_price
    return {
        "order_id": event.order_id,
        "symbol": event.symbol,
        "revision": event.revision,
        "quantity": quantity(event.quantity),
        "price": None if limit is None else money(limit),
        "stop_price": None if stop is None else money(stop),
        "time": instant(event.at),
    }


def account(state: Account, *, day_start: Decimal) -> dict[str, Any]:
    """Return the data of `account_snapshot`; `day_start` is the equity when the session began."""
    return {
        "sim_time": instant(state.at),
        "cash": money(state.cash),
        "equity": money(state.equity),
        "buying_power": money(state.buying_power),
        "day_pnl": money(state.equity - day_start),
        "positions": [
            {
                "symbol": held.symbol,
                "quantity": quantity(held.quantity),
                "avg_cost": money(held.average_price),
                "market_value": money(held.market_value),
                "unrealized_pnl": money(held.unrealized_pnl),
            }
            for held in state.positions
        ],
        "open_orders": list(state.open_orders),
    }


def results(numbers: Performance, *, seconds: float) -> dict[str, Any]:
    """Return the numbers of `simulation_end`, each under all its documented names."""
    return {
        "reason": "completed",
        "final_equity": money(numbers.final_equity),
        "total_return_pct": numbers.total_return * 100,
        "total_trades": numbers.total_trades,
        "winning_trades": numbers.winning_trades,
        "win_rate": numbers.win_rate,
        "total_commission": money(numbers.total_commission),
        "max_drawdown_pct": numbers.max_drawdown * 100,
        "sharpe_ratio": numbers.sharpe_ratio,
        "sharpe": numbers.sharpe_ratio,
        "sortino_ratio": numbers.sortino_ratio,
        "sortino": numbers.sortino_ratio,
        "calmar_ratio": numbers.calmar_ratio,
        "calmar": numbers.calmar_ratio,
        "ambiguous_fills": numbers.ambiguous_fills,
        "simulation_duration_sec": seconds,
    }


def filled(events: Sequence[Event]) -> bool:
    """Return whether there is an execution among these."""
    return any(isinstance(event, Filled) for event in events)
