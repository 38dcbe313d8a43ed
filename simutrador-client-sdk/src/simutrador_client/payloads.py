"""What the server sends, as objects: attributes give typed values, items the JSON as it came.

`tick.sim_time` is a datetime and `tick.candles["AAPL"].close` a Decimal; `tick["sim_time"]` is the
text on the wire. A documented field that the server left out is None, an unknown name an
AttributeError. Values are converted when they are read, so a field nobody reads costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar, Final


class Payload(Mapping[str, Any]):
    """The data of one message; a mapping of the JSON, with typed attributes.

    A subclass declares its fields by annotations; how one is converted follows from its type.
    """

    __slots__ = ("_raw",)
    _types: ClassVar[dict[str, Callable[[Any], Any]]] = {}

    def __init_subclass__(cls) -> None:
        """Look up the conversion of each field declared."""
        declared: dict[str, str] = cls.__annotations__
        cls._types = {
            name: _CONVERSIONS.get(kind.removesuffix(" | None"), _as_is)
            for name, kind in declared.items()
        }

    def __init__(self, raw: dict[str, Any]) -> None:
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        """Return a field's typed value."""
        if name.startswith("_"):
            raise AttributeError(name)
        convert = self._types.get(name)
        if name not in self._raw:
            if convert is None:
                known = ", ".join(self._raw)
                raise AttributeError(f"{type(self).__name__} has no field {name!r}, only {known}")
            return None
        value = self._raw[name]
        return value if value is None or convert is None else convert(value)

    def __getitem__(self, name: str) -> Any:
        """Return a field as it came."""
        return self._raw[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the fields that came."""
        return iter(self._raw)

    def __len__(self) -> int:
        """Return how many fields came."""
        return len(self._raw)

    def __repr__(self) -> str:
        """Return the class and the JSON."""
        return f"{type(self).__name__}({self._raw!r})"


def to_decimal(value: Any) -> Decimal:
    """Return a JSON number or its text as a Decimal; a float by its shortest text."""
    return Decimal(value) if isinstance(value, (str, int)) else Decimal(repr(value))


def to_instant(value: Any) -> datetime:
    """Return ISO 8601 text as an aware instant; one without a zone is UTC."""
    instant = datetime.fromisoformat(value)
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)


def _as_is(value: Any) -> Any:
    return value


_CONVERSIONS: Final[dict[str, Callable[[Any], Any]]] = {
    "Decimal": to_decimal,
    "datetime": to_instant,
    "float": float,
}


class Candle(Payload):
    """One bar: `date` is the instant it opens, prices and volume are Decimal."""

    __slots__ = ()
    date: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class Candles(Mapping[str, Candle]):
    """The bars of one tick, by symbol."""

    __slots__ = ("_raw",)

    def __init__(self, raw: dict[str, dict[str, Any]] | None) -> None:
        self._raw = raw or {}

    def __getitem__(self, symbol: str) -> Candle:
        """Return the bar of a symbol."""
        return Candle(self._raw[symbol])

    def __iter__(self) -> Iterator[str]:
        """Iterate over the symbols that have a bar."""
        return iter(self._raw)

    def __len__(self) -> int:
        """Return how many symbols have a bar."""
        return len(self._raw)

    def __repr__(self) -> str:
        """Return the JSON."""
        return f"Candles({self._raw!r})"


class SimulationInfo(Payload):
    """What the server says a simulation is.

    Attributes:
        estimated_ticks: How many ticks it will have.
        data_range_actual: `start` and `end`: when the first bar replayed opens, the last closes.
        warnings: What is not as asked, such as raw prices where adjusted ones were wanted.
    """

    __slots__ = ()
    session_id: str
    state: str | None
    symbols: list[str] | None
    timeframe: str | None
    start_date: datetime | None
    end_date: datetime | None
    initial_capital: Decimal | None
    estimated_ticks: int | None
    data_range_actual: dict[str, str] | None
    dataset_id: str | None
    warnings: list[str] | None


class Tick(Payload):
    """The clock moved to `sim_time`, the close of the bars in `candles`."""

    __slots__ = ()
    session_id: str
    sim_time: datetime
    sequence_id: int | None
    timeframe: str | None
    market_session: str | None
    symbols_trading: list[str] | None
    is_eod: bool | None

    @property
    def candles(self) -> Candles:
        """The bars that just closed, by symbol; empty when the tick brought none."""
        return Candles(self._raw.get("candles"))


class Fill(Payload):
    """One execution of an order.

    Attributes:
        tag: What the `OrderSpec` that made the order was tagged with.
        ambiguous: Whether the bar left the price in doubt (the fill contract says when).
    """

    __slots__ = ()
    session_id: str
    execution_id: str
    order_id: str
    symbol: str
    side: str | None
    executed_quantity: Decimal
    executed_price: Decimal
    commission: Decimal
    slippage_bps: Decimal
    timestamp: datetime | None
    execution_time: datetime | None
    is_partial: bool | None
    remaining_quantity: Decimal | None
    fill_reason: str | None
    reason: str | None
    ambiguous: bool | None
    tag: str | None


class OrderUpdate(Payload):
    """An order that was cancelled, has expired, or has new terms (then `status` is None)."""

    __slots__ = ()
    session_id: str
    order_id: str
    symbol: str
    status: str | None
    reason: str | None
    revision: int | None
    quantity: Decimal | None
    remaining_quantity: Decimal | None
    price: Decimal | None
    stop_price: Decimal | None
    time: datetime | None


class Position(Payload):
    """A holding; `quantity` is negative when short."""

    __slots__ = ()
    symbol: str
    quantity: Decimal
    avg_cost: Decimal
    market_value: Decimal | None
    unrealized_pnl: Decimal | None


class Account(Payload):
    """Cash, equity and holdings after what just happened."""

    __slots__ = ()
    session_id: str
    cash: Decimal
    equity: Decimal
    buying_power: Decimal | None
    day_pnl: Decimal | None
    open_orders: list[str] | int | None

    @property
    def positions(self) -> list[Position]:
        """The holdings."""
        return [Position(each) for each in self._raw.get("positions") or ()]


class End(Payload):
    """The results; names ending in `_pct` are percent, a number that is not defined is None."""

    __slots__ = ()
    session_id: str
    final_equity: Decimal | None
    total_commission: Decimal | None
    total_return_pct: float | None
    max_drawdown_pct: float | None
    sharpe_ratio: float | None
    sortino_ratio: float | None
    calmar_ratio: float | None
    win_rate: float | None
    total_trades: int | None
    winning_trades: int | None
    simulation_duration_sec: float | None
    ambiguous_fills: int | None
    dataset_id: str | None
    log_sha256: str | None
    warnings: list[str] | None


class HistorySnapshot(Payload):
    """The bars before the start, by symbol; `count` is the number of all together."""

    __slots__ = ()
    session_id: str
    timeframe: str
    start: datetime | None
    end: datetime | None
    count: int

    @property
    def candles(self) -> dict[str, list[Candle]]:
        """The bars of each symbol, oldest first."""
        raw: dict[str, list[dict[str, Any]]] = self._raw.get("candles") or {}
        return {symbol: [Candle(each) for each in bars] for symbol, bars in raw.items()}


__all__ = [
    "Payload",
    "Candle",
    "Candles",
    "SimulationInfo",
    "Tick",
    "Fill",
    "OrderUpdate",
    "Position",
    "Account",
    "End",
    "HistorySnapshot",
    "to_decimal",
    "to_instant",
]
