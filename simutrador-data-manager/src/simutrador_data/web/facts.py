"""What the head of a symbol's page says of one series, beside what the browser asks for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from simutrador_core.assets.registry import Asset, AssetRegistry
from simutrador_core.interfaces.storage import BarStore, SeriesInfo
from simutrador_core.models.bars import SeriesKey
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_data.services.serving.reading import calendar_of, explain_unknown
from simutrador_data.services.workflows.validate_store import whole_query

# What is opened where the address names no timeframe: the one with the most to see at a glance.
_PREFERRED: Final = (Timeframe.DAILY, Timeframe.HOUR_1, *Timeframe)
_SYNTHETIC: Final = "synthetic"


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """One series as the head of its page shows it.

    Attributes:
        info: The series.
        asset: What is known about its symbol.
        siblings: Every stored series of the symbol, shortest bars first, raw before adjusted.
        zone: IANA name of the exchange's zone.
        sources: Who gave the bars that stand there now, in order of their first commit.
        synthetic: Whether a source says that its bars are generated.
    """

    info: SeriesInfo
    asset: Asset
    siblings: Sequence[SeriesInfo]
    zone: str
    sources: Sequence[str]
    synthetic: bool

    @property
    def key(self) -> SeriesKey:
        """The series."""
        return self.info.series


def read_facts(
    store: BarStore,
    registry: AssetRegistry,
    symbol: str,
    *,
    timeframe: Timeframe | None,
    adjustment: Adjustment,
) -> SeriesFacts:
    """Return the head of a page.

    Args:
        store: Where the series is.
        registry: Assets.
        symbol: Canonical symbol.
        timeframe: None opens the one stored that shows most at a glance.
        adjustment: What prices are corrected for.

    Raises:
        UnknownSymbolError: no such series; the text says what is stored instead.
        CalendarError: the registry names a calendar that is unknown.
    """
    siblings = [info for info in store.symbols() if info.symbol == symbol]
    siblings.sort(key=lambda info: (_order(info), info.series.adjustment))
    info = _chosen(siblings, timeframe, adjustment)
    if info is None:
        raise explain_unknown(store, SeriesKey(symbol, timeframe or Timeframe.DAILY, adjustment))
    sources = _sources(store, info.series)
    return SeriesFacts(
        info=info,
        asset=registry.get(symbol),
        siblings=siblings,
        zone=str(calendar_of(symbol, registry).zone),
        sources=sources,
        synthetic=any(_SYNTHETIC in source.casefold() for source in sources),
    )


def _sources(store: BarStore, series: SeriesKey) -> list[str]:
    # The whole history of a series that grows each day is long; its live segments are few.
    segments = store.segments(whole_query(series))
    by_commit = sorted(segments, key=lambda segment: segment.commit)
    return list(dict.fromkeys(segment.source for segment in by_commit if segment.source))


def _chosen(
    siblings: Sequence[SeriesInfo], timeframe: Timeframe | None, adjustment: Adjustment
) -> SeriesInfo | None:
    if timeframe is not None:
        wanted = SeriesKey(siblings[0].symbol, timeframe, adjustment) if siblings else None
        return next((info for info in siblings if info.series == wanted), None)
    return min(
        siblings,
        key=lambda info: (
            info.series.adjustment is not adjustment,
            _PREFERRED.index(info.series.timeframe),
        ),
        default=None,
    )


def _order(info: SeriesInfo) -> int:
    return list(Timeframe).index(info.series.timeframe)
