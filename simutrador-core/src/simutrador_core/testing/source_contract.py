"""What every `BarSource` must do, as a class of tests; subclass it and say how to make one.

    class TestRemoteBars(BarSourceContract):
        def make_source(self, tmp_path, changes):
            return RemoteBars(serve(stored(tmp_path, changes)))

Needs pytest (extra `testing`). Expected values are the bars that were written, tables worked by
hand, and `simutrador_core.dataset`.
"""

# ruff: noqa: D102 - the name of a test is a sentence that says what it shows

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from simutrador_core import dataset
from simutrador_core.errors import InvalidRangeError, InvalidSymbolError, UnknownSymbolError
from simutrador_core.interfaces.storage import BarSource, Change
from simutrador_core.models.bars import BarQuery, Bars
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.testing.awkward_values import EXACT_PRICES, EXACT_VOLUMES, ODD_SYMBOLS
from simutrador_core.testing.builders import START, make_bars, make_change, query_all
from simutrador_core.testing.comparing import assert_same_bars, joined

MINUTE: Final = timedelta(minutes=1)


class BarSourceContract:
    """Behaviour of `read`, `stream`, `symbols` and `dataset_id`."""

    @abstractmethod
    def make_source(self, tmp_path: Path, changes: Sequence[Change]) -> BarSource:
        """Return a source that holds these changes, committed in order."""
        raise NotImplementedError

    def close(self, source: BarSource) -> None:
        """Let go of what a source holds open; by default its `close` method, where it has one."""
        close = getattr(source, "close", None)
        if close is not None:
            close()

    @pytest.fixture
    def opened(self) -> Iterator[list[BarSource]]:
        """Return a list; what a test puts there is closed after it."""
        sources: list[BarSource] = []
        yield sources
        for source in reversed(sources):
            self.close(source)

    @pytest.fixture
    def source(self, tmp_path: Path, opened: list[BarSource]) -> BarSource:
        """Return a source with AAPL minutes (10) and days (5), and EUR/USD minutes (3)."""
        return self._source(
            tmp_path,
            opened,
            make_bars("AAPL", n=10),
            make_bars("AAPL", Timeframe.DAILY, n=5),
            make_bars("EUR/USD", close=[1.08127, 1.08131, 1.08129]),
        )

    def _source(self, tmp_path: Path, opened: list[BarSource], *pages: Bars) -> BarSource:
        made = self.make_source(tmp_path, [make_change(page) for page in pages])
        opened.append(made)
        return made

    def test_read_gives_back_the_bars_that_were_written(self, source: BarSource) -> None:
        assert_same_bars(source.read(query_all("AAPL")), make_bars("AAPL", n=10))
        assert_same_bars(
            source.read(query_all("AAPL", Timeframe.DAILY)),
            make_bars("AAPL", Timeframe.DAILY, n=5),
        )

    @pytest.mark.parametrize("case", EXACT_PRICES)
    def test_prices_come_back_exactly(
        self, tmp_path: Path, opened: list[BarSource], case: str
    ) -> None:
        bars = make_bars("X", close=EXACT_PRICES[case])
        source = self._source(tmp_path, opened, bars)
        assert source.read(query_all("X")).close.tolist() == EXACT_PRICES[case]

    def test_volumes_come_back_exactly(self, tmp_path: Path, opened: list[BarSource]) -> None:
        bars = make_bars("X", n=4, volume=EXACT_VOLUMES)
        source = self._source(tmp_path, opened, bars)
        assert source.read(query_all("X")).volume.tolist() == EXACT_VOLUMES

    @pytest.mark.parametrize(
        ("start", "end", "opens"),
        [
            (START, START + 2 * MINUTE, [0, 1]),
            (START + MINUTE, START + 3 * MINUTE, [1, 2]),
            (START + timedelta(microseconds=1), START + 2 * MINUTE, [1]),
            (START, START + 2 * MINUTE + timedelta(microseconds=1), [0, 1, 2]),
            (START - timedelta(days=1), START, []),
            (START + 2 * MINUTE, START + 2 * MINUTE, []),
            (START + 9 * MINUTE, START + timedelta(days=400), [9]),
        ],
    )
    def test_range_includes_its_start_and_excludes_its_end(
        self, source: BarSource, start: datetime, end: datetime, opens: list[int]
    ) -> None:
        found = source.read(BarQuery("AAPL", Timeframe.MINUTE_1, start, end))
        expected = make_bars("AAPL", n=10).take(np.array(opens, dtype=np.int64))
        assert_same_bars(found, expected)

    def test_range_may_be_given_in_any_zone(self, source: BarSource) -> None:
        new_york = ZoneInfo("America/New_York")
        start, end = START.astimezone(new_york), (START + 2 * MINUTE).astimezone(new_york)
        found = source.read(BarQuery("AAPL", Timeframe.MINUTE_1, start, end))
        assert_same_bars(found, make_bars("AAPL", n=2))

    def test_known_series_without_bars_in_the_range_is_empty(self, source: BarSource) -> None:
        found = source.read(query_all("AAPL", start=date(1999, 1, 1), end=date(2000, 1, 1)))
        assert len(found) == 0
        assert found.series == make_bars("AAPL").series

    @pytest.mark.parametrize(
        "query",
        [
            query_all("NOPE"),
            query_all("AAPL", Timeframe.HOUR_1),
            query_all("AAPL", adjustment=Adjustment.SPLIT),
        ],
    )
    def test_unknown_series_is_an_error_that_names_the_symbol(
        self, source: BarSource, query: BarQuery
    ) -> None:
        with pytest.raises(UnknownSymbolError) as caught:
            source.read(query)
        assert caught.value.symbol == query.symbol
        with pytest.raises(UnknownSymbolError):
            list(source.stream(query))
        with pytest.raises(UnknownSymbolError):
            source.dataset_id([query])

    def test_adjustments_are_series_of_their_own(
        self, tmp_path: Path, opened: list[BarSource]
    ) -> None:
        raw = make_bars("AAPL", price=400)
        split = make_bars("AAPL", price=100, adjustment=Adjustment.SPLIT)
        source = self._source(tmp_path, opened, raw, split)
        assert_same_bars(source.read(query_all("AAPL")), raw)
        assert_same_bars(source.read(query_all("AAPL", adjustment=Adjustment.SPLIT)), split)

    def test_parts_written_newest_first_are_read_oldest_first(
        self, tmp_path: Path, opened: list[BarSource]
    ) -> None:
        bars = make_bars("AAPL", n=9)
        parts = [bars.take(slice(6, 9)), bars.take(slice(0, 3)), bars.take(slice(3, 6))]
        source = self._source(tmp_path, opened, *parts)
        assert_same_bars(source.read(query_all("AAPL")), bars)

    def test_interleaved_parts_are_read_in_order(
        self, tmp_path: Path, opened: list[BarSource]
    ) -> None:
        bars = make_bars("AAPL", n=8)
        source = self._source(
            tmp_path, opened, bars.take(slice(0, 8, 2)), bars.take(slice(1, 8, 2))
        )
        assert_same_bars(source.read(query_all("AAPL")), bars)

    def test_bars_before_1970_and_on_any_microsecond_survive(
        self, tmp_path: Path, opened: list[BarSource]
    ) -> None:
        instants = [
            datetime(1962, 1, 2, 15, 0, tzinfo=UTC),
            datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
            datetime(1970, 1, 1, tzinfo=UTC),
            datetime(2038, 1, 19, 3, 14, 8, 1, tzinfo=UTC),
        ]
        bars = make_bars("IBM", opened_at=instants)
        source = self._source(tmp_path, opened, bars)
        assert_same_bars(source.read(query_all("IBM")), bars)

    @pytest.mark.parametrize("timeframe", [Timeframe.DAILY, Timeframe.WEEKLY, Timeframe.MONTHLY])
    def test_sessions_of_daily_and_longer_bars_survive(
        self, tmp_path: Path, opened: list[BarSource], timeframe: Timeframe
    ) -> None:
        bars = replace(
            # Sydney opens on the evening before in UTC, so the session is not the UTC date.
            make_bars("BHP", timeframe, start=datetime(2024, 1, 1, 23, 0, tzinfo=UTC), n=3),
            sessions=np.array(["2024-01-02", "2024-01-09", "2024-02-02"], dtype="M8[D]"),
        )
        source = self._source(tmp_path, opened, bars)
        assert_same_bars(source.read(query_all("BHP", timeframe)), bars)

    def test_sessions_given_with_minute_bars_survive(
        self, tmp_path: Path, opened: list[BarSource]
    ) -> None:
        days = np.array(["2024-01-03"] * 5, dtype="M8[D]")
        bars = replace(make_bars("ES", n=5), sessions=days)
        source = self._source(tmp_path, opened, bars)
        assert_same_bars(source.read(query_all("ES")), bars)

    def test_a_minute_outside_any_session_hides_the_sessions_of_a_read(
        self, tmp_path: Path, opened: list[BarSource]
    ) -> None:
        days = np.array(["2024-01-03", "NaT", "2024-01-03"], dtype="M8[D]")
        bars = replace(make_bars("ES", n=3), sessions=days)
        source = self._source(tmp_path, opened, bars)
        assert source.read(query_all("ES")).sessions is None
        first = BarQuery("ES", Timeframe.MINUTE_1, START, START + MINUTE)
        assert_same_bars(source.read(first), bars.take(slice(0, 1)))

    def test_synthetic_marks_survive(self, tmp_path: Path, opened: list[BarSource]) -> None:
        bars = make_bars("AAPL", n=4, synthetic=[False, True, True, False])
        source = self._source(tmp_path, opened, bars)
        assert_same_bars(source.read(query_all("AAPL")), bars)

    @pytest.mark.parametrize("rows", [1, 3, 5, 9, 10, 11, 65_536])
    def test_stream_gives_what_read_gives_in_parts(self, source: BarSource, rows: int) -> None:
        query = query_all("AAPL")
        parts = list(source.stream(query, rows=rows))
        assert all(0 < len(part) <= rows for part in parts)
        assert_same_bars(joined(parts, series=query.series), make_bars("AAPL", n=10))

    def test_stream_of_an_empty_range_gives_no_bars(self, source: BarSource) -> None:
        query = query_all("AAPL", start=date(1999, 1, 1), end=date(2000, 1, 1))
        assert sum(len(part) for part in source.stream(query)) == 0

    def test_stream_in_parts_of_nothing_is_refused(self, source: BarSource) -> None:
        with pytest.raises(InvalidRangeError):
            list(source.stream(query_all("AAPL"), rows=0))

    def test_symbols_lists_series_with_first_last_and_rows(self, source: BarSource) -> None:
        listed = [(i.symbol, i.series.timeframe, i.first, i.last, i.rows) for i in source.symbols()]
        assert sorted(listed) == [
            ("AAPL", Timeframe.MINUTE_1, START, START + 9 * MINUTE, 10),
            ("AAPL", Timeframe.DAILY, START, START + timedelta(days=4), 5),
            ("EUR/USD", Timeframe.MINUTE_1, START, START + 2 * MINUTE, 3),
        ]
        assert [i.symbol for i in source.symbols()] == ["AAPL", "AAPL", "EUR/USD"]

    def test_symbols_of_a_timeframe_carry_their_sessions(self, source: BarSource) -> None:
        (info,) = source.symbols(Timeframe.DAILY)
        assert (info.symbol, info.rows) == ("AAPL", 5)
        assert (info.first_session, info.last_session) == (date(2024, 1, 2), date(2024, 1, 6))
        assert source.symbols(Timeframe.WEEKLY) == []

    def test_dataset_id_is_the_hash_of_the_rows(self, source: BarSource) -> None:
        queries = [query_all("AAPL"), query_all("EUR/USD"), query_all("AAPL", Timeframe.DAILY)]
        rows = [
            make_bars("AAPL", n=10),
            make_bars("AAPL", Timeframe.DAILY, n=5),
            make_bars("EUR/USD", close=[1.08127, 1.08131, 1.08129]),
        ]
        assert source.dataset_id(queries) == dataset.dataset_id(rows)
        assert source.dataset_id(queries[::-1]) == dataset.dataset_id(rows)

    def test_dataset_id_names_the_rows_of_the_range_only(self, source: BarSource) -> None:
        query = BarQuery("AAPL", Timeframe.MINUTE_1, START, START + 3 * MINUTE)
        assert source.dataset_id([query]) == dataset.dataset_id([make_bars("AAPL", n=3)])
        nothing = query_all("AAPL", start=date(1999, 1, 1), end=date(2000, 1, 1))
        assert source.dataset_id([nothing]) == dataset.dataset_id([])

    def test_dataset_id_over_several_months(self, tmp_path: Path, opened: list[BarSource]) -> None:
        bars = make_bars("IBM", Timeframe.DAILY, n=100)
        source = self._source(tmp_path, opened, bars)
        assert source.dataset_id([query_all("IBM", Timeframe.DAILY)]) == dataset.dataset_id([bars])
        part = query_all("IBM", Timeframe.DAILY, start=date(2024, 1, 20), end=date(2024, 3, 10))
        assert source.dataset_id([part]) == dataset.dataset_id([bars.take(slice(18, 68))])

    def test_odd_names_are_kept_apart_or_refused(
        self, tmp_path: Path, opened: list[BarSource]
    ) -> None:
        kept: list[str] = []
        changes: list[Change] = []
        for i, symbol in enumerate(ODD_SYMBOLS):
            change = make_change(make_bars(symbol, price=100 + i))
            try:
                opened.append(self.make_source(tmp_path / f"alone{i}", [change]))
            except InvalidSymbolError:
                continue
            kept.append(symbol)
            changes.append(change)
        source = self.make_source(tmp_path / "all", changes)
        opened.append(source)
        for symbol, change in zip(kept, changes, strict=True):
            assert_same_bars(source.read(query_all(symbol)), change.pages[0])
        assert {info.symbol for info in source.symbols()} == set(kept)
        assert {"BRK.B", "EUR/USD", "BTC-USD", "AAPL", "^GSPC", "CON"} <= set(kept)
