"""S8: bars written, read, resampled, exported as CSV and Parquet and imported are the same bars."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.models.bars import Bars, to_us
from simutrador_core.models.enums import Adjustment, Maintenance, Timeframe
from simutrador_core.testing.acceptance import at_scale
from simutrador_core.testing.builders import make_change, make_covered, query_all
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_data.services.data_providers.files import ImportOptions
from simutrador_data.services.serving import text_formats
from simutrador_data.services.serving.formats import ExportFormat, write_parts
from simutrador_data.services.serving.reading import pinned, stream_parts, to_answer
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.workflows.import_files import import_files
from simutrador_data.services.workflows.resample_store import resample_and_store

EXAMPLES: Final = at_scale(40, 2_000)
START: Final = datetime(2024, 2, 28, tzinfo=UTC)
"""A leap year's end of February; these symbols trade around the clock."""
DAYS: Final = 3
NOW: Final = datetime(2024, 5, 1, tzinfo=UTC)
REGISTRY: Final = AssetRegistry.default()
MINUTE_US: Final = 60_000_000
LONGER: Final = {Timeframe.MINUTE_5: 5, Timeframe.HOUR_1: 60, Timeframe.DAILY: 1_440}

Row = tuple[int, list[float], float]
prices: Final = st.one_of(
    st.integers(1, 10**7).map(lambda cents: cents / 100),
    st.integers(1, 10**12).map(lambda parts: parts / 10**8),
    st.floats(1e-9, 1e12, allow_nan=False),
)
volumes: Final = st.integers(0, 2**43).map(lambda eighths: eighths / 8)  # their sums are exact
rows: Final = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 90), st.integers(0, DAYS * 1_440 - 1)),
        st.lists(prices, min_size=4, max_size=4).map(sorted),
        volumes,
    ),
    min_size=1,
    max_size=40,
    unique_by=lambda row: row[0],
).map(lambda found: sorted(found, key=lambda row: row[0]))


def to_bars(symbol: str, found: list[Row]) -> Bars:
    """Return minutes: of four sorted prices the middle ones are open and close, in turn."""
    low, one, two, high = (np.array(column) for column in zip(*(r[1] for r in found), strict=True))
    turn = np.arange(len(found)) % 2 == 0
    return Bars(
        symbol,
        Timeframe.MINUTE_1,
        Adjustment.RAW,
        to_us(START) + np.array([row[0] for row in found], dtype=np.int64) * MINUTE_US,
        open=np.where(turn, one, two),
        high=high,
        low=low,
        close=np.where(turn, two, one),
        volume=np.array([row[2] for row in found]),
    )


def resampled_slowly(bars: Bars, timeframe: Timeframe) -> Bars:
    """Return what resampling must give, bucket by bucket, in plain Python."""
    size = LONGER[timeframe] * MINUTE_US
    made: list[tuple[int, float, float, float, float, float]] = []
    for bucket, members in groupby(range(len(bars)), lambda i: int(bars.opened_at[i]) // size):
        inside = list(members)
        high = max(float(bars.high[i]) for i in inside)
        low = min(float(bars.low[i]) for i in inside)
        volume = sum(float(bars.volume[i]) for i in inside)
        ends = float(bars.open[inside[0]]), float(bars.close[inside[-1]])
        made.append((bucket * size, ends[0], high, low, ends[1], volume))
    columns = [np.array(column) for column in zip(*made, strict=True)]
    days = columns[0].view("M8[us]").astype("M8[D]")
    sessions = None if timeframe.is_intraday else days
    return Bars(bars.symbol, timeframe, Adjustment.RAW, *columns, sessions=sessions)


def exported(store: ParquetStore, bars: Bars, to: ExportFormat, folder: Path) -> Path:
    """Write a series as the commands and the service do; return the file."""
    queries = pinned(store, [query_all(bars.symbol, bars.timeframe)])
    parts = write_parts(to_answer(store, queries), stream_parts(store, queries), to=to)
    path = folder / f"{bars.timeframe}.{to}"
    path.write_bytes(b"".join(parts))
    return path


def assert_imported(store: ParquetStore, file: Path, bars: Bars) -> None:
    """Import a file and assert that it brings just these bars."""
    options = ImportOptions(timeframe=bars.timeframe)
    report = import_files([file], store=store, now=NOW, options=options)
    assert [one.rows for one in report.files] == [len(bars)], report
    assert_same_bars(store.read(query_all(bars.symbol, bars.timeframe)), bars)


def check(symbol: str, found: list[Row], root: Path) -> None:
    """Take bars the whole way round."""
    minutes = to_bars(symbol, found)
    covered = make_covered(symbol, start=START, end=START + timedelta(days=DAYS))
    with ParquetStore(root / "store", mirror_limit_bytes=0) as store:
        store.commit(make_change(minutes, covered=[covered], fetched_at=NOW))
        assert_same_bars(store.read(query_all(symbol)), minutes)
        resample_and_store(store, REGISTRY, symbol, now=NOW, to=list(LONGER))
        expected = [minutes, *(resampled_slowly(minutes, timeframe) for timeframe in LONGER)]
        for bars in expected[1:]:
            assert_same_bars(store.read(query_all(symbol, bars.timeframe)), bars)
        store.maintain(Maintenance.COMPACT)  # out of the catalogue, into Parquet files
        queries = [query_all(symbol, bars.timeframe) for bars in expected]
        for to in (ExportFormat.CSV, ExportFormat.PARQUET):
            with ParquetStore(root / to, mirror_limit_bytes=0) as again:
                for bars in expected:
                    assert_imported(again, exported(store, bars, to, root), bars)
                assert again.dataset_id(queries) == store.dataset_id(queries)


@contextmanager
def rounds_numbers() -> Iterator[None]:
    """Fault: an export writes numbers to ten digits, as many tools do."""
    whole: Any = text_formats.csv.writer

    class Rounding:
        def __init__(self, out: Any) -> None:
            self._writer = whole(out)

        def writerows(self, given: Any) -> None:
            self._writer.writerows(
                [f"{cell:.10g}" if isinstance(cell, float) else cell for cell in row]
                for row in given
            )

    with patch.object(text_formats.csv, "writer", Rounding):
        yield


@pytest.mark.acceptance("S8", package="data-manager", breaks=rounds_numbers)
def test_bars_come_back_from_every_way_round(
    fast_path: Path, figure: Callable[[str], None]
) -> None:
    done = 0

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(symbol=st.sampled_from(["BTC-USD", "ETH-USD"]), found=rows)
    def every_way_round(symbol: str, found: list[Row]) -> None:
        nonlocal done
        root = Path(tempfile.mkdtemp(dir=fast_path))
        check(symbol, found, root)
        shutil.rmtree(root)
        done += 1

    every_way_round()
    assert done >= EXAMPLES
    figure(f"{done} examples through the store, 3 timeframes, CSV and Parquet: all exactly equal")
