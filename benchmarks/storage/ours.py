"""Our own stores through their public methods: `ParquetStore`, and `DeltaStore` beside it."""
# ruff: noqa: D102 - the methods are described once, in `Store`

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from protocol import folder_size

from simutrador_core.interfaces.storage import Change, Covered
from simutrador_core.models.bars import OHLCV, BarQuery, Bars, SeriesKey, to_frames
from simutrador_core.models.enums import Adjustment, Maintenance, OnConflict, Timeframe
from simutrador_core.sessions.exchange import get_calendar
from simutrador_data.services.storage import ParquetStore
from simutrador_data.services.storage.delta.store import DeltaStore
from simutrador_data.services.workflows.resampling import resample

Rows: TypeAlias = tuple[Bars, Covered]
LONGER = {5: Timeframe.MINUTE_5, 60: Timeframe.HOUR_1, 1_440: Timeframe.DAILY}


class Ours:
    """`ParquetStore`: Parquet files, and small commits as blocks in a SQLite catalogue."""

    name = "simutrador"
    durability = "each file synced and its folder, then SQLite's WAL with full sync"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._store: Any = self._open(folder)

    def _open(self, folder: Path) -> ParquetStore | DeltaStore:
        return ParquetStore(folder)

    def prepare(self, symbol: str, frame: pd.DataFrame) -> Rows:
        times = frame["opened_at"].to_numpy(dtype="datetime64[us]").view(np.int64)
        columns = (frame[name].to_numpy() for name in OHLCV)
        bars = Bars(symbol, Timeframe.MINUTE_1, Adjustment.RAW, times, *columns)
        end = frame["opened_at"].iloc[-1].to_pydatetime() + timedelta(minutes=1)
        return bars, Covered(bars.series, frame["opened_at"].iloc[0].to_pydatetime(), end)

    def write(self, symbol: str, rows: Rows) -> None:
        self._commit(rows, OnConflict.KEEP)

    append = write

    def replace(self, symbol: str, rows: Rows) -> None:
        self._commit(rows, OnConflict.REPLACE)

    def _commit(self, rows: Rows, on_conflict: OnConflict) -> None:
        bars, covered = rows
        now = datetime.now(UTC)
        self._store.commit(Change([bars], [covered], "bench", "", now, on_conflict=on_conflict))

    def read(self, symbol: str, start: datetime, end: datetime) -> pd.DataFrame:
        return self._store.read(_query(symbol, start, end)).to_pandas()

    def read_many(
        self, symbols: Sequence[str], start: datetime, end: datetime
    ) -> Sequence[pd.DataFrame]:
        return to_frames(self._store.read_many([_query(one, start, end) for one in symbols]))

    def latest(self, symbols: Sequence[str]) -> list[float]:
        keys = [SeriesKey(symbol, Timeframe.MINUTE_1) for symbol in symbols]
        return [float(bars.close[0]) for bars in self._store.latest(keys).values()]

    def resample(self, symbol: str, start: datetime, end: datetime, minutes: int) -> pd.DataFrame:
        bars = self._store.read(_query(symbol, start, end))
        return resample(bars, to=LONGER[minutes], calendar=get_calendar("XNYS")).to_pandas()

    def dataset_id(self, symbol: str, start: datetime, end: datetime) -> str:
        """Return the hash of the rows of a range."""
        return self._store.dataset_id([_query(symbol, start, end)])

    def tidy(self) -> None:
        self._store.maintain(Maintenance.COMPACT)
        self._store.maintain(Maintenance.VACUUM)

    def size(self) -> int:
        return folder_size(self.folder / "bars")

    def mirror_size(self) -> int:
        """Return how many bytes of mirrors there are, which can be deleted at any time."""
        return folder_size(self.folder / "mirrors")

    def close(self) -> None:
        self._store.close()


class OursOnDelta(Ours):
    """`DeltaStore`: the same bars in a Delta Lake table. Told for information, it is no peer."""

    name = "deltastore"
    durability = "the files of each commit, its log entry and their folders, synced by the store"

    def _open(self, folder: Path) -> ParquetStore | DeltaStore:
        return DeltaStore(folder)

    def read_many(
        self, symbols: Sequence[str], start: datetime, end: datetime
    ) -> Sequence[pd.DataFrame]:
        return to_frames([self._store.read(_query(one, start, end)) for one in symbols])

    def latest(self, symbols: Sequence[str]) -> list[float]:
        last = {info.symbol: info.last for info in self._store.symbols(Timeframe.MINUTE_1)}
        wanted = [_query(one, last[one], last[one] + timedelta(minutes=1)) for one in symbols]
        return [float(self._store.read(query).close[0]) for query in wanted]

    def size(self) -> int:
        return folder_size(self.folder, "*.parquet")


def _query(symbol: str, start: datetime, end: datetime) -> BarQuery:
    return BarQuery(symbol, Timeframe.MINUTE_1, start, end)
