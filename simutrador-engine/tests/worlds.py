"""Random markets and command scripts, each a fixed function of its seed.

Run as a program it prints the log hash of each script, so that another process can be compared:
`python worlds.py FIRST LAST`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random
from typing import Any, Final

import numpy as np

from runs import DAY, HOUR, KINDS, MINUTE, config_of, schedule_of
from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Adjustment, OrderSide, Timeframe, TimeInForce
from simutrador_core.sessions.calendar import Schedule
from simutrador_engine.engine import Engine
from simutrador_engine.models.commands import Cancel, Command, Replace, Submit
from simutrador_engine.models.config import EngineConfig, FillPolicy, ShortSelling

NAMES: Final = ("X", "Y", "Z")


@dataclass(frozen=True)
class World:
    """A market and how it is traded."""

    config: EngineConfig
    bars: Mapping[str, Bars]

    def engine(self) -> Engine:
        """Return a fresh engine."""
        return Engine(self.config, self.bars)

    def cut(self, instant: int) -> World:
        """Return the same world as it was known at an instant: no bar that closes later."""
        closes = self.engine().timeline.closes
        known = {
            s: own.take(slice(0, int((closes[s] <= instant).sum()))) for s, own in self.bars.items()
        }
        return World(self.config, known)


@dataclass
class Script:
    """Commands by the instant after which they are sent, in order."""

    by_instant: dict[int, list[Command]] = field(default_factory=dict[int, list[Command]])

    def all(self) -> Iterator[tuple[int, Command]]:
        """Return every command with its instant."""
        for at, commands in sorted(self.by_instant.items()):
            for command in commands:
                yield at, command


def make_world(
    seed: int, *, symbols: int | None = None, sessions: int = 3, **settings: Any
) -> World:
    """Return minutes of one to three symbols: on a tick grid, with holes, gaps and half days."""
    random = Random(f"world {seed}")
    names = NAMES[: symbols or random.choice([1, 1, 2, 3])]
    hours: dict[str, Schedule] = {}
    bars: dict[str, Bars] = {}
    for n, name in enumerate(names):
        shift = random.choice([0, 0, 0, MINUTE // 2, 5 * MINUTE]) if n else 0
        plan = [
            (start := day * DAY + 9 * HOUR + shift, start + random.choice([15, 15, 9]) * MINUTE)
            for day in range(sessions)
        ]
        if random.random() < 0.8:
            hours[name] = schedule_of(*plan)
        opened = [at for opens, closes in plan for at in range(opens, closes, MINUTE)]
        kept = [at for at in opened if random.random() > 0.1]
        bars[name] = _walk(name, kept, random)
    defaults: dict[str, Any] = {
        "cash": Decimal(random.choice([10_000, 100_000, 1_000_000])),
        "commission_per_share": Decimal(random.choice(["0", "0.005", "0.0033"])),
        "slippage_bps": Decimal(random.choice(["0", "5", "12.5"])),
        "policy": random.choice(list(FillPolicy)),
        "short_selling": random.choice(list(ShortSelling)),
        "leverage": Decimal(random.choice(["1", "2", "0.5"])),
        "lot_sizes": {"X": Decimal("0.1")},
        "schedules": hours,
        "start": random.choice([None, None, 9 * HOUR + 3 * MINUTE]),
    }
    return World(config_of(*names, **defaults | settings), bars)


def make_daily_world(seed: int) -> World:
    """Return forty days of three exchanges whose hours overlap, with or without calendars."""
    random = Random(f"daily {seed}")
    hours: dict[str, Schedule] = {}
    bars: dict[str, Bars] = {}
    known = random.random() < 0.5
    for name, opens in zip(NAMES, (0, 8, 14), strict=True):
        days = [day for day in range(40) if day % 7 < 5]
        kept = [day for day in days if random.random() > 0.1]
        minutes = _walk(name, [day * DAY + opens * HOUR for day in kept], random)
        sessions = np.array(kept).astype("datetime64[D]")
        bars[name] = replace(minutes, timeframe=Timeframe.DAILY, sessions=sessions)
        if known:
            starts = np.array(days, dtype=np.int64) * DAY + opens * HOUR
            ends = starts + 7 * HOUR
            hours[name] = Schedule(np.array(days).astype("datetime64[D]"), starts, ends, ends, ends)
    config = config_of(
        *NAMES,
        timeframe=Timeframe.DAILY,
        policy=random.choice(list(FillPolicy)),
        lot_sizes={"X": Decimal("0.1")},
        schedules=hours,
    )
    return World(config, bars)


def _walk(name: str, opened_at: list[int], random: Random) -> Bars:
    rows: list[list[float]] = []
    cents = 10_000
    for _ in opened_at:
        cents = max(200, cents + random.choice([0, 0, 0, 1, -1]) * random.randint(0, 400))
        first = cents
        last = max(100, first + random.randint(-150, 150))
        high = max(first, last) + random.choice([0, random.randint(0, 150)])
        low = max(50, min(first, last) - random.choice([0, random.randint(0, 150)]))
        rows.append([first / 100, high / 100, low / 100, last / 100])
        cents = last
    first, high, low, last = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    at = np.array(opened_at, dtype=np.int64)
    return Bars(
        name, Timeframe.MINUTE_1, Adjustment.RAW, at, first, high, low, last, np.ones(len(at))
    )


def make_script(seed: int, world: World, *, orders: int = 12) -> Script:
    """Return random commands; orders are called `o1`, `o2`, ... as a strategy's would be."""
    random = Random(f"script {seed}")
    engine = world.engine()
    instants = [int(at) for at in engine.timeline.instants if at > engine.started_at]
    script, sent = Script(), 0
    for at in (
        sorted(random.choices(instants, k=min(2 * orders, 2 * len(instants)))) if instants else []
    ):
        commands = script.by_instant.setdefault(at, [])
        if sent and random.random() < 0.4:
            commands.append(_change(random, sent, world))
        elif sent < orders:
            sent += 1
            commands.append(Submit((random_order(random, f"o{sent}", at, world),)))
    return script


def last_price(world: World, symbol: str, at: int) -> float:
    """Return a symbol's last close at an instant, or 100 where there is none."""
    own = world.bars[symbol]
    row = int(np.searchsorted(own.opened_at, at)) - 1
    return float(own.close[row]) if row >= 0 else 100.0


def random_order(random: Random, order_id: str, at: int, world: World) -> Any:
    """Return any order that might be accepted at an instant."""
    symbol = random.choice(world.config.symbols)
    side = random.choice(list(OrderSide))
    price = last_price(world, symbol, at)
    sign = 1 if side is OrderSide.BUY else -1

    def near(least: float, most: float) -> Decimal:
        return Decimal(str(round(price * (1 + random.uniform(least, most)), 2)))

    terms: dict[str, Decimal] = {}
    if random.random() < 0.5:
        terms["limit_price"] = near(-0.03, 0.03)
    if random.random() < 0.4:
        terms["stop_price"] = near(-0.02, 0.03) if sign > 0 else near(-0.03, 0.02)
    if random.random() < 0.5:
        terms["stop_loss"] = near(-0.06, -0.01) if sign > 0 else near(0.01, 0.06)
    if random.random() < 0.5:
        terms["take_profit"] = near(0.01, 0.06) if sign > 0 else near(-0.06, -0.01)
    kind: Any = KINDS["limit_price" in terms, "stop_price" in terms]
    step = Decimal("0.1") if symbol == "X" else Decimal(1)
    return kind(
        id=order_id, symbol=symbol, side=side, quantity=step * random.randint(1, 600),
        time_in_force=random.choice([*TimeInForce, TimeInForce.GTC]), **terms,
    )  # fmt: skip


def _change(random: Random, sent: int, world: World) -> Command:
    order_id = f"o{random.randint(1, sent)}" + random.choice(["", "", "/stop_loss", "/take_profit"])
    if random.random() < 0.5:
        return Cancel(order_id)
    name = random.choice(["quantity", "limit_price", "stop_price"])
    value = (
        Decimal(random.randint(1, 50))
        if name == "quantity"
        else Decimal(random.randint(9_000, 11_000)) / 100
    )
    terms: Any = {name: value}
    return Replace(order_id=order_id, **terms)


def play(world: World, script: Script) -> Engine:
    """Return the engine after a run bar by bar, each command sent at its instant."""
    engine = world.engine()
    while not engine.is_over:
        engine.advance()
        for command in script.by_instant.get(engine.now, ()):
            engine.apply(command)
    return engine


def hashes(first: int, last: int) -> list[str]:
    """Return the log hash of every script of a range of seeds."""
    found: list[str] = []
    for seed in range(first, last):
        world = make_world(seed)
        found.append(play(world, make_script(seed, world)).log.sha256())
    return found


if __name__ == "__main__":
    print("\n".join(hashes(int(sys.argv[1]), int(sys.argv[2]))))  # noqa: T201
