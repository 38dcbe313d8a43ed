"""What gap filling did, symbol by symbol and period by period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from simutrador_core.models.bars import SeriesKey
from simutrador_core.models.enums import GapReason
from simutrador_data.services.downloading import DownloadStatus


@dataclass(frozen=True, slots=True)
class GapFillResult:
    """What became of one period of absent bars.

    Attributes:
        start_time, end_time: The period `[start, end)`, aware UTC.
        attempted: Whether anybody was asked in this run.
        success: Whether bars came.
        candles_recovered: How many.
        vendor_unavailable: Everybody who was asked answered, and nobody had a bar. A request that
            failed is no answer.
        polygon_api_url, trades_api_url: Where Polygon answers for the period, without a key.
        has_trading_activity: Whether trades were found in it; None when nobody looked.
        error_message: Why no bar came.
        expected: How many bars were absent.
        reason: Why bars are absent now; None where all came.
    """

    start_time: datetime
    end_time: datetime
    attempted: bool
    success: bool
    candles_recovered: int
    vendor_unavailable: bool
    polygon_api_url: str | None
    trades_api_url: str | None
    has_trading_activity: bool | None
    error_message: str | None
    expected: int
    reason: GapReason | None

    def to_document(self) -> dict[str, object]:
        """Return the result as plain values for JSON, instants as ISO 8601 text."""
        found: dict[str, object] = {name: getattr(self, name) for name in self.__slots__}
        return found | {
            "start_time": self.start_time.isoformat(),
            "end_time": self.end_time.isoformat(),
            "reason": None if self.reason is None else str(self.reason),
        }


@dataclass(frozen=True, slots=True)
class SymbolFill:
    """What became of the gaps of one series.

    Attributes:
        series: Which series.
        status: `completed` only when nothing that could be asked for is outstanding.
        periods: Periods of absent bars found that somebody could have.
        left: Periods nobody was asked for, because `max_attempts` was reached.
        requests: How often somebody was asked, for bars or trades.
        confirmed: Absent bars that were shown to be without trades, in this run.
        results: What became of each period asked for, or filled, or explained; in time order.
        sources: Bars that each provider gave.
        commits: Ids of the commits made.
        message: What there is to say beside the figures.
    """

    series: SeriesKey
    status: DownloadStatus
    periods: int = 0
    left: int = 0
    requests: int = 0
    confirmed: int = 0
    results: tuple[GapFillResult, ...] = ()
    sources: tuple[tuple[str, int], ...] = ()
    commits: tuple[int, ...] = ()
    message: str = ""

    @property
    def recovered(self) -> int:
        """How many bars came."""
        return sum(one.candles_recovered for one in self.results)

    @property
    def filled(self) -> int:
        """How many periods got a bar."""
        return sum(one.success for one in self.results)

    @property
    def unavailable(self) -> int:
        """How many periods nobody who was asked has a bar of."""
        return sum(one.vendor_unavailable for one in self.results)

    @property
    def failed(self) -> int:
        """How many periods were asked for in vain because a request failed."""
        return sum(
            one.attempted and not one.success and not one.vendor_unavailable for one in self.results
        )

    def to_document(self) -> dict[str, object]:
        """Return the report as plain values for JSON."""
        return {
            "symbol": self.series.symbol,
            "timeframe": str(self.series.timeframe),
            "adjustment": str(self.series.adjustment),
            "status": str(self.status),
            "message": self.message,
            "periods": self.periods,
            "filled": self.filled,
            "unavailable": self.unavailable,
            "failed": self.failed,
            "left": self.left,
            "recovered": self.recovered,
            "confirmed": self.confirmed,
            "requests": self.requests,
            "sources": [{"provider": name, "added": added} for name, added in self.sources],
            "commits": list(self.commits),
            "results": [one.to_document() for one in self.results],
        }


@dataclass(frozen=True, slots=True)
class FillReport:
    """What became of every symbol, in the order they were named."""

    symbols: tuple[SymbolFill, ...]

    @property
    def status(self) -> DownloadStatus:
        """`completed` only when every symbol is; `failed` only when every one is."""
        return joint_status([one.status for one in self.symbols])

    @property
    def recovered(self) -> int:
        """How many bars came."""
        return sum(one.recovered for one in self.symbols)

    @property
    def requests(self) -> int:
        """How often somebody was asked."""
        return sum(one.requests for one in self.symbols)

    @property
    def confirmed(self) -> int:
        """How many absent bars were shown to be without trades."""
        return sum(one.confirmed for one in self.symbols)

    @property
    def commits(self) -> int:
        """How many commits were made."""
        return sum(len(one.commits) for one in self.symbols)

    def to_document(self) -> dict[str, object]:
        """Return the report as plain values for JSON."""
        return {
            "status": str(self.status),
            "recovered": self.recovered,
            "confirmed": self.confirmed,
            "requests": self.requests,
            "commits": self.commits,
            "symbols": [one.to_document() for one in self.symbols],
        }


def joint_status(states: Sequence[DownloadStatus]) -> DownloadStatus:
    """Return how a whole ended whose parts ended like this."""
    found = set(states)
    if DownloadStatus.CANCELLED in found:
        return DownloadStatus.CANCELLED
    if found <= {DownloadStatus.COMPLETED}:
        return DownloadStatus.COMPLETED
    if found == {DownloadStatus.FAILED}:
        return DownloadStatus.FAILED
    return DownloadStatus.PARTIAL
