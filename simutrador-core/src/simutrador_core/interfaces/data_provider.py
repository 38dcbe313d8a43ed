"""What a market data vendor looks like from inside: `DataProvider` and its records."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Protocol, runtime_checkable

from simutrador_core.models.bars import F64, I64, Bars
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.models.series import check_range


class ActionKind(StrEnum):
    """What a corporate action does."""

    SPLIT = "split"
    DIVIDEND = "dividend"
    RENAME = "rename"
    DELISTING = "delisting"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a vendor can do; `source` says where these facts were read."""

    timeframes: frozenset[Timeframe]
    adjustments: frozenset[Adjustment]
    rows_per_request: int
    requests_per_minute: float | None
    needs_key: bool
    history: timedelta | None = None
    actions: bool = False
    trades: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class BarRequest:
    """Bars of `[start, end)`, both aware.

    Raises:
        InvalidRangeError: an end is naive, or they are reversed.
    """

    symbol: str
    timeframe: Timeframe
    start: datetime
    end: datetime
    adjustment: Adjustment = Adjustment.RAW

    def __post_init__(self) -> None:
        """Refuse a naive or reversed range."""
        check_range(self.start, self.end)


@dataclass(frozen=True, slots=True)
class BarPage:
    """One answer: its bars, the range `[start, end)` it settles, and where to go on."""

    bars: Bars
    covered: tuple[datetime, datetime]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """Corporate actions of a symbol that take effect in `[start, end)`."""

    symbol: str
    start: date
    end: date


@dataclass(frozen=True, slots=True)
class CorporateAction:
    """One corporate action.

    Attributes:
        symbol: The symbol at the time.
        kind: What happened.
        effective: First session that trades on the new terms (the ex-date).
        ratio: New shares for one old (2 for 2:1); for splits.
        amount: Cash per share, for dividends.
        successor: The new symbol, for renames.
        known_on: When it was known; None means on its effective date.
    """

    symbol: str
    kind: ActionKind
    effective: date
    ratio: Decimal | None = None
    amount: Decimal | None = None
    successor: str | None = None
    known_on: date | None = None


@dataclass(frozen=True, slots=True)
class TradeRequest:
    """Trades of `[start, end)`, both aware.

    Raises:
        InvalidRangeError: an end is naive, or they are reversed.
    """

    symbol: str
    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Refuse a naive or reversed range."""
        check_range(self.start, self.end)


@dataclass(frozen=True, slots=True, eq=False)
class Trades:
    """Trades as columns: `at` int64 microseconds UTC (not decreasing), price and size float64."""

    symbol: str
    at: I64
    price: F64
    size: F64


@dataclass(frozen=True, slots=True)
class FetchResult:
    """What a download did; built by the download engine alone. Ranges are `[start, end)`.

    A download is complete only when `failed` is empty.
    """

    requested: tuple[tuple[datetime, datetime], ...]
    fetched: int
    written: int
    rejected: int
    failed: tuple[tuple[datetime, datetime], ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether nothing that was asked for is still outstanding."""
        return not self.failed


@runtime_checkable
class DataProvider(Protocol):
    """A vendor of bars. Its HTTP client is injected; retry and rate limits wrap the client.

    A provider either raises or reaches the end of the range: it never returns part as the whole.
    """

    name: ClassVar[str]
    capabilities: ClassVar[Capabilities]

    def fetch_bars(
        self, request: BarRequest, *, cursor: str | None = None
    ) -> AsyncIterator[BarPage]:
        """Yield pages of `[start, end)`, oldest first; `cursor` resumes after a page.

        Raises:
            DataProviderError: the vendor could not give the range.
        """
        ...

    def fetch_actions(self, request: ActionRequest) -> AsyncIterator[CorporateAction]:
        """Yield corporate actions, oldest first; nothing where `capabilities.actions` is False."""
        ...

    def fetch_trades(self, request: TradeRequest) -> AsyncIterator[Trades]:
        """Yield pages of trades, oldest first; nothing where `capabilities.trades` is False."""
        ...
