"""What every `DataProvider` must do, as a class of tests; subclass it and say how to open one.

    class TestAcme(DataProviderContract):
        request = BarRequest("AAPL", Timeframe.MINUTE_1, start, end)  # several pages
        empty_request = replace(request, start=saturday, end=sunday)
        unknown_request = replace(request, symbol="NOPE")

        @asynccontextmanager
        async def open_provider(self):
            async with httpx.AsyncClient(transport=recorded("acme")) as client:
                yield AcmeProvider(client)

Needs pytest (extra `testing`) and no plugin: each test runs its own event loop.
"""

# ruff: noqa: D102 - the name of a test is a sentence that says what it shows

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from itertools import pairwise
from typing import ClassVar, TypeVar

import numpy as np
import pytest

from simutrador_core.errors import DataProviderError
from simutrador_core.interfaces.data_provider import (
    ActionRequest,
    BarPage,
    BarRequest,
    CorporateAction,
    DataProvider,
)
from simutrador_core.models.bars import OHLCV, to_us
from simutrador_core.testing.comparing import assert_same_bars, joined

T = TypeVar("T")


class DataProviderContract:
    """Behaviour of `fetch_bars` and `fetch_actions`.

    Attributes:
        request: A range the provider answers with at least two pages that hold bars.
        empty_request: A range in which the provider knows there is nothing.
        unknown_request: A symbol the provider does not have.
    """

    request: ClassVar[BarRequest]
    empty_request: ClassVar[BarRequest]
    unknown_request: ClassVar[BarRequest]

    @abstractmethod
    def open_provider(self) -> AbstractAsyncContextManager[DataProvider]:
        """Return a context that opens a provider and closes it with all it holds."""
        raise NotImplementedError

    def fetch(self, request: BarRequest, *, cursor: str | None = None) -> list[BarPage]:
        """Return every page of a request, in an event loop of its own."""

        async def run() -> list[BarPage]:
            async with self.open_provider() as provider:
                return await _collected(provider.fetch_bars(request, cursor=cursor))

        return asyncio.run(run())

    def test_it_satisfies_the_protocol(self) -> None:
        async def run() -> None:
            async with self.open_provider() as provider:
                assert isinstance(provider, DataProvider)
                assert provider.name
                assert self.request.timeframe in provider.capabilities.timeframes
                assert self.request.adjustment in provider.capabilities.adjustments

        asyncio.run(run())

    def test_pages_hold_the_series_asked_for_oldest_first(self) -> None:
        pages = self.fetch(self.request)
        filled = [page.bars for page in pages if len(page.bars)]
        assert len(filled) >= 2
        assert {(bars.symbol, bars.timeframe, bars.adjustment) for bars in filled} == {
            (self.request.symbol, self.request.timeframe, self.request.adjustment)
        }
        assert all(a.opened_at[-1] < b.opened_at[0] for a, b in pairwise(filled))

    def test_bars_open_inside_the_range_and_the_page(self) -> None:
        start, end = to_us(self.request.start), to_us(self.request.end)
        for page in self.fetch(self.request):
            low, high = (to_us(edge) for edge in page.covered)
            assert start <= low <= high <= end
            assert np.all((page.bars.opened_at >= low) & (page.bars.opened_at < high))

    def test_covered_ranges_settle_the_whole_request_without_a_break(self) -> None:
        _assert_settles(self.fetch(self.request), self.request)

    def test_only_the_last_page_has_no_cursor(self) -> None:
        pages = self.fetch(self.request)
        assert all(page.next_cursor is not None for page in pages[:-1])
        assert pages[-1].next_cursor is None

    def test_a_cursor_resumes_after_its_page(self) -> None:
        pages = self.fetch(self.request)
        for at, page in enumerate(pages[:-1]):
            resumed = self.fetch(self.request, cursor=page.next_cursor)
            series = page.bars.series
            assert_same_bars(
                joined([p.bars for p in resumed], series=series),
                joined([p.bars for p in pages[at + 1 :]], series=series),
            )
            assert resumed[0].covered[0] == page.covered[1]
            assert resumed[-1].covered[1] == self.request.end

    def test_asking_twice_gives_the_same(self) -> None:
        first, again = self.fetch(self.request), self.fetch(self.request)
        assert [page.covered for page in first] == [page.covered for page in again]
        for one, two in zip(first, again, strict=True):
            assert_same_bars(one.bars, two.bars)

    def test_pages_stay_within_the_rows_a_request_may_give(self) -> None:
        async def run() -> int:
            async with self.open_provider() as provider:
                return provider.capabilities.rows_per_request

        most = asyncio.run(run())
        assert all(len(page.bars) <= most for page in self.fetch(self.request))

    def test_bars_are_numbers_with_high_and_low_around_the_rest(self) -> None:
        for page in self.fetch(self.request):
            bars = page.bars
            assert all(np.isfinite(getattr(bars, name)).all() for name in OHLCV)
            assert np.all(bars.high >= np.maximum(bars.open, bars.close))
            assert np.all(bars.low <= np.minimum(bars.open, bars.close))

    def test_a_range_without_bars_is_settled_too(self) -> None:
        pages = self.fetch(self.empty_request)
        assert sum(len(page.bars) for page in pages) == 0
        _assert_settles(pages, self.empty_request)

    def test_an_unknown_symbol_raises(self) -> None:
        with pytest.raises(DataProviderError):
            self.fetch(self.unknown_request)

    def test_a_caller_may_stop_after_a_page(self) -> None:
        async def run() -> BarPage:
            async with self.open_provider() as provider:
                pages = provider.fetch_bars(self.request)
                return await anext(pages)

        assert_same_bars(asyncio.run(run()).bars, self.fetch(self.request)[0].bars)

    def test_actions_are_in_the_range_and_oldest_first(self) -> None:
        async def run() -> tuple[list[CorporateAction], bool]:
            async with self.open_provider() as provider:
                found = await _collected(provider.fetch_actions(asked))
                return found, provider.capabilities.actions

        asked = ActionRequest(
            self.request.symbol, self.request.start.date(), self.request.end.date()
        )
        actions, capable = asyncio.run(run())
        assert capable or not actions
        assert all(asked.start <= action.effective < asked.end for action in actions)
        assert all(a.effective <= b.effective for a, b in pairwise(actions))


async def _collected(items: AsyncIterator[T]) -> list[T]:
    return [item async for item in items]


def _assert_settles(pages: Sequence[BarPage], request: BarRequest) -> None:
    assert pages, "a provider yields at least one page: what it settles"
    assert pages[0].covered[0] == request.start
    assert pages[-1].covered[1] == request.end
    assert all(a.covered[1] == b.covered[0] for a, b in pairwise(pages))
