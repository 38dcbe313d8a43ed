"""Stores that are folders of Parquet files: plain ones, and NautilusTrader's catalog."""
# ruff: noqa: D102 - the methods are described once, in `Store`

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.persistence.catalog import ParquetDataCatalog
from nautilus_trader.persistence.wranglers import BarDataWrangler
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from protocol import Store, folder_size, sync

_ONE_US = pd.Timedelta("1us")


class PlainParquet(Store):
    """One zstd file a symbol, rewritten for every change."""

    name = "parquet"
    durability = "the new file is synced, renamed over the old one, and the folder synced"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()

    def prepare(self, symbol: str, frame: pd.DataFrame) -> pa.Table:
        return pa.Table.from_pandas(frame, preserve_index=False)

    def write(self, symbol: str, rows: pa.Table) -> None:
        scratch = self._folder / "scratch"
        pq.write_table(rows, scratch, compression="zstd", row_group_size=65_520)
        sync(scratch)
        scratch.replace(self._path(symbol))
        sync(self._folder)

    def append(self, symbol: str, rows: pa.Table) -> None:
        self.write(symbol, pa.concat_tables([pq.read_table(self._path(symbol)), rows]))

    def replace(self, symbol: str, rows: pa.Table) -> None:
        old, given = pq.read_table(self._path(symbol)), rows["opened_at"]
        times = old["opened_at"]
        before, after = old.filter(pc.less(times, given[0])), pc.greater(times, given[-1])
        self.write(symbol, pa.concat_tables([before, rows, old.filter(after)]))

    def read(self, symbol: str, start: datetime, end: datetime) -> pd.DataFrame:
        wanted = [("opened_at", ">=", start), ("opened_at", "<", end)]
        return pq.read_table(self._path(symbol), filters=wanted).to_pandas()

    def read_many(
        self, symbols: Sequence[str], start: datetime, end: datetime
    ) -> Sequence[pd.DataFrame]:
        return [self.read(symbol, start, end) for symbol in symbols]

    def latest(self, symbols: Sequence[str]) -> list[float]:
        found: list[float] = []
        for symbol in symbols:
            file = pq.ParquetFile(self._path(symbol))
            column = file.read_row_group(file.num_row_groups - 1, columns=["close"])["close"]
            found.append(column[-1].as_py())
        return found

    def size(self) -> int:
        return folder_size(self._folder)

    def _path(self, symbol: str) -> Path:
        return self._folder / f"{symbol}.parquet"


class Nautilus(Store):
    """NautilusTrader's `ParquetDataCatalog`: takes and gives lists of `Bar` objects."""

    name = "nautilus"
    durability = "no sync of its own; each new file and its folder here"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._catalog = ParquetDataCatalog(str(folder))

    def prepare(self, symbol: str, frame: pd.DataFrame) -> list[Bar]:
        instrument = TestInstrumentProvider.equity(symbol=symbol, venue="XNAS")
        wrangler = BarDataWrangler(_bar_type(symbol), instrument)
        return wrangler.process(frame.set_index("opened_at"))

    def write(self, symbol: str, rows: list[Bar]) -> None:
        self._catalog.write_data(rows)
        folder = self._folder / "data" / "bar" / str(_bar_type(symbol))
        sync(max(folder.glob("*.parquet"), key=lambda path: path.stat().st_mtime_ns), folder)

    append = write

    def replace(self, symbol: str, rows: list[Bar]) -> None:
        first, last = (pd.Timestamp(rows[at].ts_init, tz="UTC") for at in (0, -1))
        name = str(_bar_type(symbol))
        self._catalog.delete_data_range(Bar, identifier=name, start=first, end=last)
        self.write(symbol, rows)

    def read(self, symbol: str, start: datetime, end: datetime) -> pd.DataFrame:
        return _frame(self._bars([symbol], start, end))

    def read_many(
        self, symbols: Sequence[str], start: datetime, end: datetime
    ) -> Sequence[pd.DataFrame]:
        return [_frame(self._bars(symbols, start, end))]

    def latest(self, symbols: Sequence[str]) -> list[float]:
        found: list[float] = []
        for symbol in symbols:
            at = self._catalog.query_last_timestamp(Bar, identifier=str(_bar_type(symbol)))
            found.append(float(self._bars([symbol], at, at + _ONE_US)[-1].close))
        return found

    def size(self) -> int:
        return folder_size(self._folder)

    def _bars(self, symbols: Sequence[str], start: datetime, end: datetime) -> list[Bar]:
        names = [str(_bar_type(symbol)) for symbol in symbols]
        last = pd.Timestamp(end) - _ONE_US
        return self._catalog.query(Bar, identifiers=names, start=pd.Timestamp(start), end=last)


def _bar_type(symbol: str) -> BarType:
    return BarType.from_str(f"{symbol}.XNAS-1-MINUTE-LAST-EXTERNAL")


def _frame(bars: list[Bar]) -> pd.DataFrame:
    columns = {
        "opened_at": pd.to_datetime([bar.ts_init for bar in bars], utc=True),
        "open": [bar.open.as_double() for bar in bars],
        "high": [bar.high.as_double() for bar in bars],
        "low": [bar.low.as_double() for bar in bars],
        "close": [bar.close.as_double() for bar in bars],
        "volume": [bar.volume.as_double() for bar in bars],
    }
    return pd.DataFrame(columns)
