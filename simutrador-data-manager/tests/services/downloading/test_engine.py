"""The download engine against a vendor in this process, with a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import pytest

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import AuthenticationError, RateLimitError, StoreError
from simutrador_core.interfaces.data_provider import BarPage, BarRequest
from simutrador_core.interfaces.storage import BarStore, Change, Commit
from simutrador_core.models.bars import Bars, to_us
from simutrador_core.models.enums import Timeframe
from simutrador_core.testing.builders import query_all
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_core.testing.store_facts import provenance
from simutrador_data.services.downloading import (
    DownloadReport,
    DownloadRequest,
    DownloadStatus,
    Patience,
    Stage,
    SymbolProgress,
    download,
)
from simutrador_data.services.downloading.symbol import CANCELLED
from simutrador_data.services.serving.ranges import Range
from simutrador_data.services.storage.parquet_store import ParquetStore

from .faulty_vendor import CALENDAR, NOW, Fault, FaultyVendor, truth

WHOLE: Final = Range(date(2024, 1, 2), date(2024, 1, 13))
AT_ONCE: Final = Patience(first_wait_s=0.0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BarStore]:
    opened = ParquetStore(tmp_path / "store")
    yield opened
    opened.close()


async def update(
    store: BarStore,
    *providers: Any,
    symbols: tuple[str, ...] = ("AAPL",),
    wanted: Range = WHOLE,
    now: datetime = NOW,
    timeframe: Timeframe = Timeframe.MINUTE_1,
    **options: Any,
) -> DownloadReport:
    """Download with the short sessions of these tests and without waits."""
    return await download(
        DownloadRequest(symbols, timeframe, wanted),
        providers=providers,
        store=store,
        registry=options.pop("registry", AssetRegistry.default()),
        calendars=lambda _name: CALENDAR,
        now=lambda: now,
        patience=options.pop("patience", AT_ONCE),
        **options,
    )


@dataclass
class Named(FaultyVendor):
    """A second vendor."""

    name: ClassVar[str] = "second"


class Refusing(FaultyVendor):
    """A vendor that refuses the key."""

    async def fetch_bars(
        self, request: BarRequest, *, cursor: str | None = None
    ) -> AsyncIterator[BarPage]:
        self.requests.append(request)
        raise AuthenticationError("the key is wrong", provider=self.name)
        yield


class Seen:
    """Keeps what a watch is told."""

    def __init__(self) -> None:
        self.told: list[SymbolProgress] = []

    def tell(self, progress: SymbolProgress) -> None:
        self.told.append(progress)


async def test_what_is_missing_is_stored_page_by_page(store: BarStore) -> None:
    bars = truth()
    report = await update(store, FaultyVendor([bars]))
    assert_same_bars(store.read(query_all()), bars)
    assert report.status is DownloadStatus.COMPLETED
    assert report.exit_code == 0
    [one] = report.symbols
    assert (one.result.fetched, one.result.written, one.result.failed) == (180, 180, ())
    assert len(one.commits) == 26  # 180 bars, 7 a page
    assert {c.provider for c in store.coverage(query_all())} == {"faulty"}


async def test_a_second_update_asks_for_nothing(store: BarStore) -> None:
    vendor = FaultyVendor([truth()])
    await update(store, vendor)
    report = await update(store, vendor)
    assert len(vendor.requests) == 1
    assert report.status is DownloadStatus.COMPLETED
    assert report.symbols[0].message.startswith("nothing to ask for")


async def test_only_missing_sessions_are_asked_for(store: BarStore) -> None:
    vendor = FaultyVendor([truth()])
    await update(store, vendor, wanted=Range(date(2024, 1, 4), date(2024, 1, 6)))
    await update(store, vendor)
    before, after = vendor.requests[1:]
    assert (before.start.date(), before.end.date()) == (date(2024, 1, 2), date(2024, 1, 4))
    assert before.end == datetime(2024, 1, 4, 14, 30, tzinfo=UTC)
    assert after.start == datetime(2024, 1, 5, 14, 50, tzinfo=UTC)


@pytest.mark.parametrize("fault", list(Fault))
async def test_the_store_holds_the_truth_after_each_fault(fault: Fault) -> None:
    store, bars = MemoryStore(), truth()
    report = await update(store, FaultyVendor([bars], [fault]))
    assert_same_bars(store.read(query_all()), bars)
    assert report.status is DownloadStatus.COMPLETED


async def test_a_killed_download_goes_on_where_its_last_commit_stands(store: BarStore) -> None:
    class Dying:
        def __init__(self, inner: BarStore, commits: int) -> None:
            self.inner, self.left = inner, commits

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

        def commit(self, change: Change, *, base: int | None = None) -> Commit:
            self.left -= 1
            if self.left < 0:
                raise StoreError("the disk is gone")
            return self.inner.commit(change, base=base)

    bars, pages = truth(), 0
    for _ in range(30):
        vendor = FaultyVendor([bars])
        try:
            await update(Dying(store, 3), vendor)  # pyright: ignore[reportArgumentType] - by name
        except StoreError:
            assert len(vendor.requests) == 1
            pages += 4
            continue
        break
    assert_same_bars(store.read(query_all()), bars)
    assert pages <= 26 + 26 // 3  # one page a kill is asked for twice


async def test_an_empty_answer_is_a_failure_and_nothing_is_covered(store: BarStore) -> None:
    report = await update(store, FaultyVendor([truth().take(slice(0, 0))]))
    assert report.status is DownloadStatus.FAILED
    assert report.exit_code == 1
    assert store.coverage(query_all()) == []
    [failure] = report.symbols[0].failures
    assert failure.reason == "no bars though bars are due, asked 3 times"


def test_a_part_is_partial_and_never_a_success(store: BarStore, tmp_path: Path) -> None:
    bars = truth()
    low = bars.low.copy()
    low[50] = -1.0
    vendor = FaultyVendor([replace(bars, low=low)])
    report = asyncio.run(update(store, vendor, quarantine=tmp_path))
    assert report.status is DownloadStatus.PARTIAL
    assert report.exit_code == 3
    [one] = report.symbols
    assert (one.result.written, one.result.rejected) == (179, 1)
    [(start, end)] = one.result.failed
    assert (to_us(start), end - start) == (int(bars.opened_at[50]), timedelta(minutes=1))
    assert one.quarantine is not None
    assert "a price is zero or negative" in Path(one.quarantine).read_text()


async def test_what_one_provider_fails_is_asked_of_the_next(store: BarStore) -> None:
    bars = truth()
    low = bars.low.copy()
    low[50:53] = -1.0
    second = Named([bars])
    report = await update(store, FaultyVendor([replace(bars, low=low)]), second)
    assert_same_bars(store.read(query_all()), bars)
    assert report.status is DownloadStatus.COMPLETED
    assert [(one.provider, one.added) for one in report.symbols[0].sources] == [
        ("faulty", 177),
        ("second", 3),
    ]
    givers = groupby(source for source, _ in provenance(store, query_all()))
    assert [(giver, len(list(bars))) for giver, bars in givers] == [
        ("faulty", 50),
        ("second", 3),
        ("faulty", 127),
    ]
    assert len(second.requests) == 1


async def test_holes_of_another_source_are_asked_for_once(store: BarStore) -> None:
    bars = truth()
    await update(store, FaultyVendor([truth(absent=[40, 41, 100])]))
    second = Named([bars])
    await update(store, second)
    assert_same_bars(store.read(query_all()), bars)
    asked = len(second.requests)
    assert asked > 0
    await update(store, second)
    assert len(second.requests) == asked


async def test_bars_of_another_source_are_kept_and_counted(store: BarStore) -> None:
    first = truth(absent=[100])
    await update(store, FaultyVendor([first]))
    report = await update(store, Named([truth(price=200.0)]))
    held = store.read(query_all())
    assert_same_bars(held.take(held.opened_at != truth().opened_at[100]), first)
    assert held.close[100] == truth(price=200.0).close[100]
    assert report.symbols[0].sources[0].added == 1


async def test_the_session_in_progress_is_asked_for_again_and_restated(store: BarStore) -> None:
    early = datetime(2024, 1, 12, 14, 41, 30, tzinfo=UTC)
    bars = truth()
    await update(store, FaultyVendor([replace(bars, close=bars.high)]), now=early)
    assert store.read(query_all()).last == datetime(2024, 1, 12, 14, 40, tzinfo=UTC)
    vendor = FaultyVendor([bars])
    report = await update(store, vendor, now=NOW)
    assert [request.start for request in vendor.requests] == [
        datetime(2024, 1, 11, 14, 50, tzinfo=UTC)
    ]
    held = store.read(query_all())
    assert len(held) == 180
    assert held.close[-20:].tolist() == bars.close[-20:].tolist()
    assert held.close[:-20].tolist() == bars.high[:-20].tolist()
    assert report.symbols[0].sources[0].restated == 11
    assert report.symbols[0].sources[0].added == 9


async def test_a_bar_that_closes_while_the_answer_is_on_its_way_is_unfinished(
    store: BarStore,
) -> None:
    clock = [datetime(2024, 1, 12, 14, 40, 59, tzinfo=UTC)]

    class Far(FaultyVendor):
        async def fetch_bars(
            self, request: BarRequest, *, cursor: str | None = None
        ) -> AsyncIterator[BarPage]:
            async for page in super().fetch_bars(request):
                clock[0] += timedelta(seconds=2)
                yield page

    report = await download(
        DownloadRequest(("AAPL",), Timeframe.MINUTE_1, Range(date(2024, 1, 12), date(2024, 1, 13))),
        providers=[Far([truth()], rows=20)],
        store=store,
        registry=AssetRegistry.default(),
        calendars=lambda _name: CALENDAR,
        now=lambda: clock[0],
    )
    assert store.read(query_all()).last == datetime(2024, 1, 12, 14, 39, tzinfo=UTC)
    assert store.coverage(query_all())[-1].end == datetime(2024, 1, 12, 14, 40, tzinfo=UTC)
    assert report.status is DownloadStatus.COMPLETED


async def test_without_a_start_it_fills_from_the_first_stored_bar_on(store: BarStore) -> None:
    vendor = FaultyVendor([truth()])
    report = await update(store, vendor, wanted=Range())
    assert report.status is DownloadStatus.FAILED
    assert "--start" in report.symbols[0].message
    await update(store, vendor, wanted=Range(date(2024, 1, 4), date(2024, 1, 6)))
    await update(store, vendor, wanted=Range(), now=datetime(2024, 1, 12, 22, tzinfo=UTC))
    assert_same_bars(store.read(query_all()), truth().take(slice(40, None)))


async def test_symbols_are_worked_on_side_by_side_and_fail_alone(store: BarStore) -> None:
    held = [truth(symbol, price=price) for symbol, price in (("A", 10.0), ("B", 20.0))]
    report = await update(store, FaultyVendor(held), symbols=("A", "NOPE", "B", "A"))
    assert [(one.series.symbol, str(one.status)) for one in report.symbols] == [
        ("A", "completed"),
        ("NOPE", "failed"),
        ("B", "completed"),
    ]
    assert report.status is DownloadStatus.PARTIAL
    assert "unknown" in report.symbols[1].failures[0].reason


async def test_a_provider_that_breaks_ends_its_symbol_alone(
    store: BarStore, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(FaultyVendor):
        async def fetch_bars(
            self, request: BarRequest, *, cursor: str | None = None
        ) -> AsyncIterator[BarPage]:
            if request.symbol == "B":
                raise ZeroDivisionError("a bug of the provider")
            async for page in super().fetch_bars(request, cursor=cursor):
                yield page

    report = await update(store, Broken([truth("A"), truth("B")]), symbols=("A", "B"))
    assert [str(one.status) for one in report.symbols] == ["completed", "failed"]
    assert report.symbols[1].message == "unforeseen ZeroDivisionError: a bug of the provider"
    assert len(caplog.records) == 1


async def test_a_refused_key_is_not_tried_for_every_symbol(store: BarStore) -> None:
    vendor = Refusing([])
    report = await update(store, vendor, symbols=("A", "B", "C"), patience=AT_ONCE)
    assert report.status is DownloadStatus.FAILED
    assert len(vendor.requests) <= 3
    assert {one.failures[0].reason for one in report.symbols} == {"faulty: the key is wrong"}


async def test_a_rate_limit_is_waited_for_and_told(store: BarStore) -> None:
    class Limited(FaultyVendor):
        async def fetch_bars(
            self, request: BarRequest, *, cursor: str | None = None
        ) -> AsyncIterator[BarPage]:
            if not self.requests:
                self.requests.append(request)
                raise RateLimitError(provider="faulty", retry_after=timedelta(milliseconds=5))
            async for page in super().fetch_bars(request, cursor=cursor):
                yield page

    seen = Seen()
    report = await update(store, Limited([truth()]), watch=seen)
    assert report.status is DownloadStatus.COMPLETED
    assert "rate limit" in {told.wait.reason for told in seen.told if told.wait}


async def test_a_rate_limit_beyond_all_patience_is_a_failure(store: BarStore) -> None:
    class Limited(FaultyVendor):
        async def fetch_bars(
            self, request: BarRequest, *, cursor: str | None = None
        ) -> AsyncIterator[BarPage]:
            raise RateLimitError(provider="faulty", retry_after=timedelta(hours=2))
            yield

    report = await update(store, Limited([truth()]))
    assert report.status is DownloadStatus.FAILED
    assert "retry after 2:00:00" in report.symbols[0].failures[0].reason


async def test_a_watch_sees_rows_and_share_grow_to_the_end(store: BarStore) -> None:
    seen = Seen()
    await update(store, FaultyVendor([truth()]), watch=seen)
    shares = [told.share for told in seen.told]
    assert shares == sorted(shares)
    assert seen.told[0].stage is Stage.QUEUED
    last = seen.told[-1]
    assert (last.stage, last.rows, last.share, last.left_s) == (Stage.DONE, 180, 1.0, 0.0)
    assert last.rows_per_s > 0


async def test_a_cancelled_download_keeps_its_pages_and_goes_on_later(store: BarStore) -> None:
    cancel, bars = asyncio.Event(), truth()

    class Stopping(Seen):
        def tell(self, progress: SymbolProgress) -> None:
            if progress.rows >= 70:
                cancel.set()

    report = await update(
        store, FaultyVendor([bars]), symbols=("AAPL", "LATER"), watch=Stopping(), cancel=cancel
    )
    assert report.status is DownloadStatus.CANCELLED
    assert report.exit_code == 3
    held = store.read(query_all())
    assert 70 <= len(held) < 180
    assert len(held) == report.symbols[0].result.written
    assert report.symbols[0].result.failed
    assert report.symbols[0].message == CANCELLED
    report = await update(store, FaultyVendor([bars]))
    assert report.status is DownloadStatus.COMPLETED
    assert_same_bars(store.read(query_all()), bars)


async def test_a_cancelled_wait_ends_at_once(store: BarStore) -> None:
    cancel = asyncio.Event()

    class Limited(FaultyVendor):
        async def fetch_bars(
            self, request: BarRequest, *, cursor: str | None = None
        ) -> AsyncIterator[BarPage]:
            raise RateLimitError(provider="faulty", retry_after=timedelta(seconds=600))
            yield

    class Stopping(Seen):
        def tell(self, progress: SymbolProgress) -> None:
            if progress.wait is not None:
                cancel.set()

    report = await asyncio.wait_for(
        update(store, Limited([truth()]), watch=Stopping(), cancel=cancel), 60
    )
    assert report.status is DownloadStatus.CANCELLED


async def test_a_provider_without_the_timeframe_is_not_asked(store: BarStore) -> None:
    vendor = FaultyVendor([truth()])
    report = await update(store, vendor, timeframe=Timeframe.HOUR_2)
    assert report.status is DownloadStatus.FAILED
    assert not vendor.requests
    assert "faulty offers no 2h bars, only 1min, daily" in report.symbols[0].failures[0].reason


async def test_what_a_provider_no_longer_keeps_is_left_to_the_next(store: BarStore) -> None:
    class Short(FaultyVendor):
        capabilities = replace(FaultyVendor.capabilities, history=timedelta(days=10))

    bars, now = truth(), datetime(2024, 1, 16, tzinfo=UTC)
    first, second = Short([bars]), Named([bars])
    report = await update(store, first, second, now=now)
    assert report.status is DownloadStatus.COMPLETED
    assert_same_bars(store.read(query_all()), bars)
    assert first.requests[0].start == datetime(2024, 1, 6, tzinfo=UTC)
    assert report.symbols[0].failures[0].reason.startswith("keeps no more than 10 days")


async def test_daily_bars_come_by_their_sessions(store: BarStore) -> None:
    days = CALENDAR.between(date(2024, 1, 2), date(2024, 1, 13))
    rows = np.arange(len(days), dtype=np.float64) + 100
    bars = Bars(
        "AAPL", Timeframe.DAILY, truth().adjustment, days.opens,
        rows, rows + 1, rows - 1, rows, rows, days.sessions,
    )  # fmt: skip
    vendor = FaultyVendor([bars], [Fault.OFF_BY_ONE], rows=3)
    report = await update(store, vendor, timeframe=Timeframe.DAILY)
    assert report.status is DownloadStatus.COMPLETED
    assert_same_bars(store.read(query_all(timeframe=Timeframe.DAILY)), bars)
    report = await update(store, vendor, timeframe=Timeframe.DAILY)
    assert report.symbols[0].message.startswith("nothing to ask for")


def test_a_report_is_plain_values() -> None:
    report = asyncio.run(update(MemoryStore(), FaultyVendor([truth()])))
    document: Any = report.to_document()
    assert document["status"] == "completed"
    assert document["symbols"][0]["sources"][0]["provider"] == "faulty"
    assert document["symbols"][0]["requested"] == [
        {
            "start": datetime(2024, 1, 2, 5, tzinfo=UTC),
            "end": datetime(2024, 1, 13, 5, tzinfo=UTC),
        }
    ]
