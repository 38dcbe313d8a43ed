"""Reads the golden table of docs/fill-contract.md and plays its rows through the engine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np

from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Adjustment, OrderSide, Timeframe, TimeInForce
from simutrador_core.sessions.calendar import Schedule
from simutrador_engine.engine import Engine
from simutrador_engine.models.commands import (
    LimitOrder,
    MarketOrder,
    Order,
    StopLimitOrder,
    StopOrder,
    Submit,
)
from simutrador_engine.models.config import EngineConfig, FillPolicy
from simutrador_engine.models.events import Equity, Event, Filled

CONTRACT = Path(__file__).parents[1] / "docs" / "fill-contract.md"
MINUTE = 60_000_000
NAMES = {"": "entry", "/stop_loss": "stop", "/take_profit": "target"}


@dataclass(frozen=True)
class Row:
    """One row of the golden table."""

    id: str
    order: str
    policy: str
    bars: str
    expected: str


def rows() -> list[Row]:
    """Return every row of the table, in order."""
    text = CONTRACT.read_text(encoding="utf-8").split("## Golden table")[1]
    lines = [line for line in text.splitlines() if re.match(r"\| [a-z]", line)]
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines if not line.startswith("| id ")]
    return [Row(*(c.strip().replace("\\|", "|") for c in row)) for row in cells]


def parse_orders(text: str) -> tuple[Order, ...]:
    """Return the orders a cell describes."""
    return tuple(_order(part.split(), f"o{n}") for n, part in enumerate(text.split(" & "), 1))


def _order(words: list[str], order_id: str) -> Order:
    side, kind, *rest = words
    prices = {"limit": ["limit_price"], "stop": ["stop_price"], "market": []}
    prices["stop_limit"] = ["stop_price", "limit_price"]
    terms: dict[str, object] = {}
    for name in prices[kind]:
        terms[name] = Decimal(rest.pop(0))
    tif = rest.pop(0) if rest and rest[0] in set(TimeInForce) else "gtc"
    terms |= {name: Decimal(price) for name, price in zip(rest[::2], rest[1::2], strict=True)}
    kinds = {"market": MarketOrder, "limit": LimitOrder, "stop": StopOrder}
    make = kinds.get(kind, StopLimitOrder)
    return make(
        id=order_id, symbol="X", side=OrderSide(side), quantity=Decimal(100),
        time_in_force=TimeInForce(tif), **terms,
    )  # fmt: skip


def play(row: Row, policy: str) -> list[tuple[int, Event]]:
    """Return the events after acceptance, each with the number of the bar it stands behind."""
    steps = [s.strip() for s in row.bars.split(";") if s.strip()]
    at, prices, opens = MINUTE, [[100.0, 101.0, 99.0, 100.0]], [0]
    closes: list[int] = []
    numbers = {0: 0, MINUTE: 0}
    instants, bar = [0], 0
    for step in steps:
        if step == "|":
            closes.append(at)
            at += 60 * MINUTE
            opens.append(at)
            continue
        bar += 1
        numbers[at + MINUTE] = bar
        if step != "-":
            instants.append(at)
            prices.append([float(p) for p in step.split()])
        at += MINUTE
    closes.append(at + 60 * MINUTE)
    first, high, low, last = np.array(prices).T
    bars = Bars(
        "X", Timeframe.MINUTE_1, Adjustment.RAW, np.array(instants),
        first, high, low, last, np.ones(len(first)),
    )  # fmt: skip
    days = np.arange(len(opens)).astype("datetime64[D]")
    ends_of = np.array(closes)
    schedule = Schedule(days, np.array(opens), ends_of, ends_of, ends_of)
    # A second symbol trades every minute, so that the clock ticks where X has no bar.
    clock = np.array(sorted(e - MINUTE for e in numbers if e))
    ones = np.ones(len(clock))
    other = Bars("CLOCK", Timeframe.MINUTE_1, Adjustment.RAW, clock, ones, ones, ones, ones, ones)
    config = EngineConfig(
        symbols=("X", "CLOCK"), timeframe=Timeframe.MINUTE_1, cash=Decimal(1_000_000),
        slippage_bps=Decimal(10), policy=FillPolicy(policy),
        schedules={"X": schedule, "CLOCK": schedule},
    )  # fmt: skip
    engine = Engine(config, {"X": bars, "CLOCK": other})
    engine.advance()
    accepted = engine.apply(Submit(parse_orders(row.order)))
    assert all(e.type == "accepted" for e in accepted), accepted
    events: list[tuple[int, Event]] = []
    while not engine.is_over:
        step = engine.advance()
        events += [(numbers[step.at], event) for event in step.events]
    return events


def described(events: list[tuple[int, Event]], *, bracket: bool) -> str:
    """Return events in the words of the table."""
    parts: list[str] = []
    for bar, event in events:
        if isinstance(event, Equity):
            continue
        name = f"{NAMES[event.order_id[2:]]} " if bracket else ""
        if not isinstance(event, Filled):
            parts.append(f"{name}{event.type} b{bar}")
            continue
        where = "open" if event.at == event.bar else "inside"
        text = f"{name}fill b{bar} {where} {event.price:.2f}"
        parts.append(f"{text} ambiguous" if event.ambiguous else text)
    return "; ".join(parts) or "none"
