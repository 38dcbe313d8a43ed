"""S9: ten thousand symbols and a thousand versions are listed and looked up at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest

from simutrador_core.models.bars import Bars, SeriesKey
from simutrador_core.models.enums import OnConflict, Timeframe
from simutrador_core.testing.builders import START, make_bars, make_change, query_all
from simutrador_data.services.storage.local_bars import LocalBars
from simutrador_data.services.storage.parquet_store import ParquetStore

SYMBOLS, VERSIONS = 10_000, 1_000


@contextmanager
def looks_through_every_series() -> Iterator[None]:
    """Fault: the latest bar is looked for by reading the list of all series."""
    whole = LocalBars.latest

    def slow(self: LocalBars, keys: Iterable[SeriesKey]) -> dict[SeriesKey, Bars]:
        wanted = set(keys)
        return whole(self, [info.series for info in self.symbols() if info.series in wanted])

    with patch.object(LocalBars, "latest", slow):
        yield


@pytest.mark.acceptance("S9", package="data-manager", breaks=looks_through_every_series)
def test_many_symbols_and_versions_are_listed_and_looked_up_at_once(
    fast_path: Path, figure: Callable[[str], None]
) -> None:
    keys = [SeriesKey(f"S{number:05}", Timeframe.MINUTE_1) for number in range(SYMBOLS)]
    with ParquetStore(fast_path) as store:
        store.commit(make_change(*(make_bars(key.symbol, n=3) for key in keys)))
        for version in range(VERSIONS):
            bar = make_bars("S00000", start=START + timedelta(minutes=2), n=1, price=version + 1)
            store.commit(make_change(bar, on_conflict=OnConflict.REPLACE))
        begun = time.perf_counter()
        assert len(store.symbols()) == SYMBOLS
        listed = time.perf_counter() - begun
        taken: list[float] = []
        for key in keys[::50]:
            begun = time.perf_counter()
            found = store.latest([key])
            taken.append(time.perf_counter() - begun)
            assert len(found[key]) == 1
        slowest = sorted(taken)[int(len(taken) * 0.99)]
        assert len(store.history("S00000", Timeframe.MINUTE_1)) == VERSIONS + 1
        first = store.read(query_all("S00000", as_of=2))
        assert first.close[-1] == 1.01  # restated to price 1 by commit 2, which closes a cent above
    assert listed < 1.0
    assert slowest < 0.05
    figure(f"{SYMBOLS} symbols in {listed * 1e3:.0f} ms, last bar p99 {slowest * 1e3:.2f} ms")
