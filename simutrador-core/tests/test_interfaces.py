"""Interfaces are small enough to write by hand, and their records refuse impossible ranges."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import numpy as np
import pytest

from simutrador_core import dataset
from simutrador_core.errors import InvalidRangeError, UnknownSymbolError
from simutrador_core.interfaces import (
    ActionRequest,
    BarPage,
    BarRequest,
    BarSource,
    BarStore,
    BarStrategy,
    Capabilities,
    CorporateAction,
    Covered,
    DataProvider,
    DataValidator,
    FetchResult,
    Gap,
    SeriesInfo,
    Targets,
    TargetStrategy,
    TradeRequest,
    Trades,
)
from simutrador_core.models.bars import BarQuery, Bars, SeriesKey
from simutrador_core.models.enums import Adjustment, Timeframe

START = datetime(2024, 1, 2, tzinfo=UTC)
END = datetime(2024, 1, 3, tzinfo=UTC)


class OneSymbolSource:
    """Nothing but AAPL, and no bars of it."""

    def read(self, query: BarQuery, /) -> Bars:
        if query.symbol != "AAPL":
            raise UnknownSymbolError(query.symbol)
        return Bars.empty(query.symbol, query.timeframe)

    def stream(self, query: BarQuery, *, rows: int = 65_536) -> Iterator[Bars]:
        yield self.read(query)

    def symbols(self, timeframe: Timeframe | None = None) -> list[SeriesInfo]:
        return [SeriesInfo(SeriesKey("AAPL", timeframe or Timeframe.DAILY), None, None, 0)]

    def dataset_id(self, queries: Sequence[BarQuery]) -> str:
        return dataset.dataset_id(self.read(query) for query in queries)


class EmptyProvider:
    """A vendor that settles every range with no bars."""

    name: ClassVar[str] = "empty"
    capabilities: ClassVar[Capabilities] = Capabilities(
        frozenset(Timeframe), frozenset({Adjustment.RAW}), 1000, None, needs_key=False
    )

    async def fetch_bars(
        self, request: BarRequest, *, cursor: str | None = None
    ) -> AsyncIterator[BarPage]:
        bars = Bars.empty(request.symbol, request.timeframe, request.adjustment)
        yield BarPage(bars, (request.start, request.end))

    async def fetch_actions(self, request: ActionRequest) -> AsyncIterator[CorporateAction]:
        for action in ():
            yield action

    async def fetch_trades(self, request: TradeRequest) -> AsyncIterator[Trades]:
        for trades in ():
            yield trades


def test_a_plain_class_is_a_source_but_no_store() -> None:
    source = OneSymbolSource()
    assert isinstance(source, BarSource)
    assert not isinstance(source, BarStore)
    assert source.symbols()[0].symbol == "AAPL"


def test_a_plain_class_is_a_provider() -> None:
    provider: DataProvider = EmptyProvider()
    assert isinstance(provider, DataProvider)
    assert not provider.capabilities.trades


async def test_a_provider_reaches_the_end_of_the_range() -> None:
    request = BarRequest("AAPL", Timeframe.DAILY, START, END)
    pages = [page async for page in EmptyProvider().fetch_bars(request)]
    assert [(page.covered, len(page.bars), page.next_cursor) for page in pages] == [
        ((START, END), 0, None)
    ]


def test_a_plain_class_is_a_validator() -> None:
    class NoGaps:
        def gaps(self, query: BarQuery, bars: Bars) -> Sequence[Gap]:
            return []

    assert isinstance(NoGaps(), DataValidator)


def test_a_strategy_needs_its_three_callbacks() -> None:
    class Half:
        def on_start(self, ctx: Any) -> None: ...

        def on_bar(self, ctx: Any) -> None: ...

    class Whole(Half):
        def on_fill(self, ctx: Any, fill: Any) -> None: ...

    assert isinstance(Whole(), BarStrategy)
    assert not isinstance(Half(), BarStrategy)


@pytest.mark.parametrize("kind", [BarQuery, BarRequest])
def test_a_reversed_range_is_refused_by_name(kind: Any) -> None:
    with pytest.raises(InvalidRangeError, match=r"start 2024-01-03.* is after end") as caught:
        kind("AAPL", Timeframe.DAILY, END, START)
    assert caught.value.field == "start"


def test_reversed_trades_and_coverage_are_refused() -> None:
    with pytest.raises(InvalidRangeError):
        TradeRequest("AAPL", END, START)
    with pytest.raises(InvalidRangeError):
        Covered(SeriesKey("AAPL", Timeframe.DAILY), END, START)


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [(START.replace(tzinfo=None), END, "start"), (START, END.replace(tzinfo=None), "end")],
)
def test_a_range_without_zone_is_refused_by_name(
    start: datetime, end: datetime, field: str
) -> None:
    with pytest.raises(InvalidRangeError, match="no time zone; add one") as caught:
        BarQuery("AAPL", Timeframe.DAILY, start, end)
    assert caught.value.field == field


def test_an_empty_range_is_legal() -> None:
    assert BarQuery("AAPL", Timeframe.DAILY, START, START).series == SeriesKey(
        "AAPL", Timeframe.DAILY
    )


def test_a_download_is_complete_when_nothing_failed() -> None:
    part = (START, START + timedelta(hours=12))
    assert FetchResult((part,), fetched=10, written=10, rejected=0).is_complete
    assert not FetchResult((part,), 0, 0, 0, failed=(part,)).is_complete


def test_target_strategy_is_known_by_its_one_method() -> None:
    class Flat:
        def targets(self, columns: Mapping[str, Bars]) -> Targets:
            return {symbol: np.zeros(len(bars)) for symbol, bars in columns.items()}

    assert isinstance(Flat(), TargetStrategy)
    assert not isinstance(object(), TargetStrategy)
