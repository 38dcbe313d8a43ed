"""Run a strategy written for the engine (`on_start`, `on_bar`, `on_fill` with a context) here.

The same object, unchanged, gives the same orders in a backtest and over the wire: order ids count
`o1`, `o2`, ... as the engine's own context counts them, so that the event logs are equal.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any, Final

from simutrador_client.errors import SessionProtocolError
from simutrador_client.payloads import Account, Fill, Tick
from simutrador_client.store import FIELDS, Store
from simutrador_client.websocket import SimutradorClientSession
from simutrador_core.interfaces.strategy import BarStrategy
from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.utils.timeframe_utils import parse_timeframe

# Every exchange opens between 20:00 UTC of the day before and 20:00 UTC of its session's date.
_TO_SESSION_US: Final = 4 * 3_600_000_000
_WIRE_NAMES: Final = {"limit_price": "price"}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BarFill:
    """One execution, under the names the engine gives it."""

    order_id: str
    symbol: str
    side: str | None
    quantity: Decimal
    price: Decimal
    commission: Decimal
    remaining: Decimal | None
    reason: str | None
    ambiguous: bool | None


class SeenBars(Mapping[str, Bars]):
    """Bars by symbol, up to now, labelled raw: ticks do not say what they are corrected for."""

    def __init__(self, store: Store, symbols: list[str], timeframe: Timeframe) -> None:
        self._store = store
        self._symbols = symbols
        self._timeframe = timeframe

    def __getitem__(self, symbol: str) -> Bars:
        """Return the bars of a symbol that have closed by now."""
        if symbol not in self._store.symbols:
            if symbol not in self._symbols:
                raise KeyError(symbol)
            return Bars.empty(symbol, self._timeframe)
        opened_at = self._store.opened_at(symbol)
        columns = self._store.as_numpy(symbol, FIELDS)
        sessions = None
        if not self._timeframe.is_intraday:
            sessions = (opened_at + _TO_SESSION_US).view("datetime64[us]").astype("datetime64[D]")
        ohlcv = (columns[name] for name in FIELDS)
        return Bars(symbol, self._timeframe, Adjustment.RAW, opened_at, *ohlcv, sessions=sessions)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the symbols."""
        return iter(dict.fromkeys([*self._symbols, *self._store.symbols]))

    def __len__(self) -> int:
        """Return the number of symbols."""
        return len(list(iter(self)))


class WireContext:
    """The strategy's side of a simulation; satisfies `StrategyContext`.

    What it is told to do waits in `commands` until the callback has returned.
    """

    def __init__(self, bars: SeenBars) -> None:
        self.bars: Mapping[str, Bars] = bars
        self.now = datetime.min.replace(tzinfo=UTC)
        self.held: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.commands: list[tuple[str, dict[str, Any]]] = []
        self._orders = 0

    def position(self, symbol: str) -> Decimal:
        """Return units held, negative when short."""
        return self.held[symbol]

    def buy(self, symbol: str, quantity: Decimal | int, **terms: Any) -> str:
        """Send a buy order for the next bar and return its id.

        Terms: `limit_price`, `stop_price`, `stop_loss`, `take_profit`, `time_in_force`.
        """
        return self._send(symbol, "buy", quantity, terms)

    def sell(self, symbol: str, quantity: Decimal | int, **terms: Any) -> str:
        """Send a sell order for the next bar and return its id; terms as for `buy`."""
        return self._send(symbol, "sell", quantity, terms)

    def cancel(self, order_id: str) -> None:
        """Ask for an order to be cancelled."""
        self.commands.append(("cancel", {"order_id": order_id}))

    def replace(self, order_id: str, **terms: Any) -> None:
        """Change `quantity`, `limit_price` or `stop_price` of an order."""
        self.commands.append(("replace", {"order_id": order_id, **_on_wire(terms)}))

    def _send(self, symbol: str, side: str, quantity: Decimal | int, terms: dict[str, Any]) -> str:
        self._orders += 1
        order_id = f"o{self._orders}"
        kind = _KINDS["limit_price" in terms, "stop_price" in terms]
        order = {"order_id": order_id, "symbol": symbol, "side": side, "type": kind}
        self.commands.append(("order", {**order, "quantity": quantity, **_on_wire(terms)}))
        return order_id


_KINDS: Final = {
    (False, False): "market",
    (True, False): "limit",
    (False, True): "stop",
    (True, True): "stop_limit",
}


def _on_wire(terms: dict[str, Any]) -> dict[str, Any]:
    return {_WIRE_NAMES.get(name, name): v for name, v in terms.items() if v is not None}


class BarStrategyAdapter:
    """Lets a session run a `BarStrategy`; what the venue refuses is logged, as an engine would."""

    def __init__(self, strategy: BarStrategy) -> None:
        self._strategy = strategy
        self._session: SimutradorClientSession | None = None
        self._ctx: WireContext | None = None

    def set_session(self, session: SimutradorClientSession) -> None:
        """Keep the session to send orders through."""
        self._session = session

    async def on_session_start(
        self, session_id: str, store: Store, meta: Mapping[str, Any] | None = None
    ) -> None:
        """Make the context and call `on_start`."""
        given = meta or {}
        timeframe = parse_timeframe(given.get("timeframe", "daily"))
        self._ctx = WireContext(SeenBars(store, list(given.get("symbols", [])), timeframe))
        self._strategy.on_start(self._ctx)
        await self._flush(session_id, self._ctx)

    async def on_fill(self, session_id: str, fill: Fill, store: Store) -> None:
        """Book the execution and call `on_fill`; what it orders goes out at the tick."""
        ctx = self._context()
        sign = 1 if fill.side == "buy" else -1
        ctx.held[fill.symbol] += sign * fill.executed_quantity
        self._strategy.on_fill(
            ctx,
            BarFill(
                fill.order_id,
                fill.symbol,
                fill.side,
                fill.executed_quantity,
                fill.executed_price,
                fill.commission,
                fill.remaining_quantity,
                fill.reason,
                fill.ambiguous,
            ),
        )

    async def on_account_snapshot(self, session_id: str, account: Account, store: Store) -> None:
        """Take the holdings from the snapshot."""
        held = self._context().held
        held.clear()
        held.update({position.symbol: position.quantity for position in account.positions})

    async def on_tick(self, session_id: str, tick: Tick, store: Store) -> None:
        """Call `on_bar` and send what it and `on_fill` ordered."""
        ctx = self._context()
        ctx.now = tick.sim_time
        self._strategy.on_bar(ctx)
        await self._flush(session_id, ctx)

    def _context(self) -> WireContext:
        assert self._ctx is not None, "the session starts a simulation before anything else"
        return self._ctx

    async def _flush(self, session_id: str, ctx: WireContext) -> None:
        commands, ctx.commands = ctx.commands, []
        for kind, group in groupby(commands, key=lambda command: command[0]):
            terms = [each for _, each in group]
            if kind == "order":
                await self._order(session_id, terms)
            else:
                for each in terms:
                    await self._change(session_id, kind, each)

    async def _order(self, session_id: str, orders: list[dict[str, Any]]) -> None:
        assert self._session is not None, "the session introduces itself before anything else"
        ack = await self._session.submit_orders(session_id, orders)
        for order_id, reason in ack["rejected_orders"].items():
            _log.warning("order %s was rejected: %s", order_id, reason)

    async def _change(self, session_id: str, kind: str, terms: dict[str, Any]) -> None:
        assert self._session is not None, "the session introduces itself before anything else"
        act = self._session.cancel_order if kind == "cancel" else self._session.replace_order
        try:
            await act(session_id, **terms)
        except SessionProtocolError as e:
            _log.warning("order %s could not be changed: %s", terms["order_id"], e)
