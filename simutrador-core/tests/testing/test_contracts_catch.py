"""The contract suites fail for stores and vendors that break their promise, one way each."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from simutrador_core.errors import DataProviderError, SimutradorError, UnknownSymbolError
from simutrador_core.interfaces.data_provider import (
    ActionRequest,
    BarPage,
    BarRequest,
    Capabilities,
    CorporateAction,
    DataProvider,
    TradeRequest,
    Trades,
)
from simutrador_core.interfaces.storage import (
    BarSource,
    Change,
    Commit,
    Coverage,
    Report,
    Segment,
    SeriesInfo,
)
from simutrador_core.models.bars import BarQuery, Bars
from simutrador_core.models.enums import Adjustment, Maintenance, OnConflict, Timeframe
from simutrador_core.testing.builders import FETCHED_AT, START, make_bars
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_core.testing.provider_contract import DataProviderContract
from simutrador_core.testing.store_contract import BarStoreContract
from simutrador_core.testing.synthetic_market import to_pages

FAILURES = (AssertionError, ValueError, LookupError, SimutradorError, pytest.fail.Exception)
"""How a test fails: by an assertion, or because an answer does not even have the right shape."""


class IncludesTheEnd(MemoryStore):
    def read(self, query: BarQuery, /) -> Bars:
        return super().read(replace(query, end=query.end + timedelta(microseconds=1)))


class KeepsFloat32(MemoryStore):
    def commit(self, change: Change, *, base: int | None = None) -> Commit:
        pages = [
            replace(page, close=page.close.astype(np.float32).astype(np.float64))
            for page in change.pages
        ]
        return super().commit(replace(change, pages=pages), base=base)


class AnswersUnknownWithNothing(MemoryStore):
    def read(self, query: BarQuery, /) -> Bars:
        try:
            return super().read(query)
        except UnknownSymbolError:
            return Bars.empty(query.symbol, query.timeframe, query.adjustment)


class IgnoresBase(MemoryStore):
    def commit(self, change: Change, *, base: int | None = None) -> Commit:
        return super().commit(change)


class AlwaysReplaces(MemoryStore):
    def commit(self, change: Change, *, base: int | None = None) -> Commit:
        return super().commit(replace(change, on_conflict=OnConflict.REPLACE), base=base)


class NeverRemoves(MemoryStore):
    def commit(self, change: Change, *, base: int | None = None) -> Commit:
        return super().commit(replace(change, covered=()), base=base)


class CommitsPageByPage(MemoryStore):
    def commit(self, change: Change, *, base: int | None = None) -> Commit:
        done = [super(CommitsPageByPage, self).commit(replace(change, pages=[p]), base=base)
                for p in change.pages]  # fmt: skip
        return done[-1] if done else super().commit(change, base=base)


class ForgetsVersions(MemoryStore):
    def read(self, query: BarQuery, /) -> Bars:
        return super().read(replace(query, as_of=None))


class ReadsTheNewestForAVersionToCome(MemoryStore):
    def read(self, query: BarQuery, /) -> Bars:
        latest = len(self._versions) - 1
        return super().read(query if (query.as_of or 0) <= latest else replace(query, as_of=None))


class ForgetsProvenance(MemoryStore):
    def segments(self, query: BarQuery) -> list[Segment]:
        return [replace(segment, commit=1) for segment in super().segments(query)]


class ForgetsCoverage(MemoryStore):
    def coverage(self, query: BarQuery) -> list[Coverage]:
        return []


class KeepsTheFirstAnswer(MemoryStore):
    def coverage(self, query: BarQuery) -> list[Coverage]:
        return [replace(answer, asked_at=FETCHED_AT) for answer in super().coverage(query)]


class ForgetsMarks(MemoryStore):
    def read(self, query: BarQuery, /) -> Bars:
        return replace(super().read(query), synthetic=None)


class StreamsTheNewest(MemoryStore):
    def stream(self, query: BarQuery, *, rows: int = 65_536) -> Iterator[Bars]:
        for first in range(0, len(self.read(query)), rows):
            yield self.read(query).take(slice(first, first + rows))


class NamesRowsByCommit(MemoryStore):
    def dataset_id(self, queries: Sequence[BarQuery]) -> str:
        return f"{super().dataset_id(queries)}-{len(self.history('AAPL', Timeframe.DAILY))}"


class ListsUnsorted(MemoryStore):
    def symbols(self, timeframe: Timeframe | None = None) -> list[SeriesInfo]:
        return super().symbols(timeframe)[::-1]


class LosesRowsWhenTidying(MemoryStore):
    def maintain(self, task: Maintenance) -> Report:
        kept = self._versions[-1]
        rows = {key: dict(list(found.items())[1:]) for key, found in kept.rows.items()}
        self._versions[-1] = replace(kept, rows=rows)
        return super().maintain(task)


class CommitsTheSameAgain(MemoryStore):
    def commit(self, change: Change, *, base: int | None = None) -> Commit:
        return replace(super().commit(change, base=base), no_op=False)


BROKEN_STORES = [
    IncludesTheEnd,
    KeepsFloat32,
    AnswersUnknownWithNothing,
    IgnoresBase,
    AlwaysReplaces,
    NeverRemoves,
    CommitsPageByPage,
    ForgetsVersions,
    ReadsTheNewestForAVersionToCome,
    ForgetsProvenance,
    ForgetsCoverage,
    KeepsTheFirstAnswer,
    ForgetsMarks,
    StreamsTheNewest,
    NamesRowsByCommit,
    ListsUnsorted,
    LosesRowsWhenTidying,
    CommitsTheSameAgain,
]


@pytest.mark.parametrize("kind", BROKEN_STORES)
def test_the_store_contract_catches(kind: type[MemoryStore], tmp_path: Path) -> None:
    class Contract(BarStoreContract):
        def make_store(self, tmp_path: Path) -> MemoryStore:
            return kind()

    assert failures(Contract(), tmp_path) != []


def test_the_store_contract_passes_what_keeps_its_promise(tmp_path: Path) -> None:
    class Contract(BarStoreContract):
        def make_store(self, tmp_path: Path) -> MemoryStore:
            return MemoryStore()

    assert failures(Contract(), tmp_path) == []


def failures(contract: BarStoreContract, tmp_path: Path) -> list[str]:
    """Return the names of the contract's tests that fail, those that need no parameter."""
    found: list[str] = []
    for name, test in inspect.getmembers(contract, inspect.ismethod):
        wanted = set(inspect.signature(test).parameters)
        if name.startswith("test_") and wanted <= {"store", "source", "tmp_path", "opened"}:
            opened: list[BarSource] = []
            fixtures: dict[str, Callable[[], Any]] = {
                "store": lambda: contract.make_store(tmp_path),
                "source": lambda: contract.make_source(tmp_path, SOURCE_CHANGES),
                "tmp_path": lambda: tmp_path,
                "opened": lambda opened=opened: opened,
            }
            try:
                test(**{key: fixtures[key]() for key in wanted})
            except FAILURES:
                found.append(name)
    return found


SOURCE_CHANGES = [
    Change([page], (), "test", "", START)
    for page in (
        make_bars("AAPL", n=10),
        make_bars("AAPL", Timeframe.DAILY, n=5),
        make_bars("EUR/USD", close=[1.08127, 1.08131, 1.08129]),
    )
]


class Vendor:
    """Ten minutes on pages of four, as it should be; each way to break it is a subclass."""

    name: ClassVar[str] = "vendor"
    capabilities: ClassVar[Capabilities] = Capabilities(
        timeframes=frozenset({Timeframe.MINUTE_1}),
        adjustments=frozenset({Adjustment.RAW}),
        rows_per_request=4,
        requests_per_minute=None,
        needs_key=False,
    )

    def pages(self, request: BarRequest, start: datetime) -> list[BarPage]:
        bars = make_bars("AAPL", n=10)
        low, high = (int(t.timestamp()) * 1_000_000 for t in (start, request.end))
        return to_pages(bars.between(low, high), start=start, end=request.end, rows=4)

    async def fetch_bars(
        self, request: BarRequest, *, cursor: str | None = None
    ) -> AsyncIterator[BarPage]:
        if request.symbol != "AAPL":
            raise DataProviderError("unknown symbol", provider=self.name)
        start = request.start
        if cursor is not None:
            start = datetime.fromtimestamp(int(cursor) / 1_000_000, tz=UTC)
        for page in self.pages(request, start):
            yield page

    async def fetch_actions(self, request: ActionRequest) -> AsyncIterator[CorporateAction]:
        for nothing in ():
            yield nothing

    async def fetch_trades(self, request: TradeRequest) -> AsyncIterator[Trades]:
        for nothing in ():
            yield nothing


class StopsEarly(Vendor):
    def pages(self, request: BarRequest, start: datetime) -> list[BarPage]:
        return super().pages(request, start)[:2]


class NewestFirst(Vendor):
    def pages(self, request: BarRequest, start: datetime) -> list[BarPage]:
        return super().pages(request, start)[::-1]


class LeavesHoles(Vendor):
    def pages(self, request: BarRequest, start: datetime) -> list[BarPage]:
        second = timedelta(seconds=1)
        return [
            replace(page, covered=(page.covered[0], page.covered[1] - second))
            for page in super().pages(request, start)
        ]


class RepeatsAPage(Vendor):
    async def fetch_bars(
        self, request: BarRequest, *, cursor: str | None = None
    ) -> AsyncIterator[BarPage]:
        async for page in super().fetch_bars(request):
            yield page


class HidesUnknownSymbols(Vendor):
    async def fetch_bars(
        self, request: BarRequest, *, cursor: str | None = None
    ) -> AsyncIterator[BarPage]:
        async for page in super().fetch_bars(replace(request, symbol="AAPL"), cursor=cursor):
            yield page


class SaysNothingOfAnEmptyRange(Vendor):
    def pages(self, request: BarRequest, start: datetime) -> list[BarPage]:
        return [page for page in super().pages(request, start) if len(page.bars)]


class GivesTooMany(Vendor):
    capabilities: ClassVar[Capabilities] = replace(Vendor.capabilities, rows_per_request=3)


BROKEN_VENDORS = [
    StopsEarly,
    NewestFirst,
    LeavesHoles,
    RepeatsAPage,
    HidesUnknownSymbols,
    SaysNothingOfAnEmptyRange,
    GivesTooMany,
]


def vendor_failures(kind: type[Vendor]) -> list[str]:
    class Contract(DataProviderContract):
        request = BarRequest("AAPL", Timeframe.MINUTE_1, START, START + timedelta(minutes=30))
        empty_request = replace(request, start=START + timedelta(minutes=20))
        unknown_request = replace(request, symbol="NOPE")

        @asynccontextmanager
        async def open_provider(self) -> AsyncIterator[DataProvider]:
            yield kind()

    found: list[str] = []
    for name, test in inspect.getmembers(Contract(), inspect.ismethod):
        if name.startswith("test_"):
            try:
                test()
            except FAILURES:
                found.append(name)
    return found


@pytest.mark.parametrize("kind", BROKEN_VENDORS)
def test_the_provider_contract_catches(kind: type[Vendor]) -> None:
    assert vendor_failures(kind) != []


def test_the_provider_contract_passes_what_keeps_its_promise() -> None:
    assert vendor_failures(Vendor) == []
    assert asyncio.run(_first_page()).next_cursor is not None


async def _first_page() -> BarPage:
    request = BarRequest("AAPL", Timeframe.MINUTE_1, START, START + timedelta(minutes=30))
    return await anext(Vendor().fetch_bars(request))
