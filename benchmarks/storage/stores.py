"""One adapter a store, all of the same shape: write, append, replace, read, latest.

Each write is as durable as the store offers by itself: ours, DuckDB and ArcticDB's LMDB sync;
plain Parquet is synced here; Delta does not sync its files, which favours it.
"""
# ruff: noqa: D102 - the methods are described once, in `Store`

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from simutrador_core.interfaces.storage import Change, Covered
from simutrador_core.models.bars import BarQuery, Bars, SeriesKey
from simutrador_core.models.enums import Adjustment, Maintenance, OnConflict, Timeframe


class Store(Protocol):
    """What is measured of a store; a range is `[start, end)`, a frame has column opened_at.

    `read_many` uses what the store has for many symbols at once, in frames, and returns the rows.
    """

    name: str

    def write(self, symbol: str, frame: pd.DataFrame) -> None: ...
    def append(self, symbol: str, frame: pd.DataFrame) -> None: ...
    def replace(self, symbol: str, frame: pd.DataFrame) -> None: ...
    def read(self, symbol: str, start: datetime, end: datetime) -> pd.DataFrame: ...
    def read_many(self, symbols: Sequence[str], start: datetime, end: datetime) -> int: ...
    def latest(self, symbols: Sequence[str]) -> list[float]: ...
    def tidy(self) -> None: ...
    def size(self) -> int: ...


def folder_size(folder: Path, pattern: str = "*") -> int:
    """Return the bytes of the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob(pattern) if path.is_file())


def bounds(frame: pd.DataFrame) -> tuple[datetime, datetime]:
    """Return the first instant of a frame and the one after its last."""
    stamps = frame["opened_at"]
    return stamps.iloc[0].to_pydatetime(), (stamps.iloc[-1] + pd.Timedelta("1us")).to_pydatetime()


class Ours:
    """`ParquetStore`, through the public protocol."""

    name = "simutrador"

    def __init__(self, folder: Path) -> None:
        from simutrador_data.services.storage import ParquetStore

        self._folder = folder
        self._store = ParquetStore(folder)

    def write(self, symbol: str, frame: pd.DataFrame) -> None:
        self._commit(symbol, frame, OnConflict.KEEP)

    append = write

    def replace(self, symbol: str, frame: pd.DataFrame) -> None:
        self._commit(symbol, frame, OnConflict.REPLACE)

    def _commit(self, symbol: str, frame: pd.DataFrame, on_conflict: OnConflict) -> None:
        times = frame["opened_at"].to_numpy(dtype="datetime64[us]").view(np.int64)
        columns = (frame[c].to_numpy() for c in ("open", "high", "low", "close", "volume"))
        bars = Bars(symbol, Timeframe.MINUTE_1, Adjustment.RAW, times, *columns)
        covered = Covered(bars.series, *bounds(frame))
        self._store.commit(
            Change([bars], [covered], "bench", "", datetime.now(UTC), on_conflict=on_conflict)
        )

    def read(self, symbol: str, start: datetime, end: datetime) -> pd.DataFrame:
        return self._store.read(BarQuery(symbol, Timeframe.MINUTE_1, start, end)).to_pandas()

    def read_many(self, symbols: Sequence[str], start: datetime, end: datetime) -> int:
        return sum(len(self.read(symbol, start, end)) for symbol in symbols)

    def latest(self, symbols: Sequence[str]) -> list[float]:
        keys = [SeriesKey(symbol, Timeframe.MINUTE_1) for symbol in symbols]
        return [float(bars.close[0]) for bars in self._store.latest(keys).values()]

    def dataset_id(self, symbol: str, start: datetime, end: datetime) -> str:
        return self._store.dataset_id([BarQuery(symbol, Timeframe.MINUTE_1, start, end)])

    def tidy(self) -> None:
        self._store.maintain(Maintenance.COMPACT)
        self._store.maintain(Maintenance.VACUUM)

    def size(self) -> int:
        return folder_size(self._folder / "bars")


class PlainParquet:
    """One zstd file a symbol, rewritten for every change: synced, renamed, folder synced."""

    name = "parquet"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()

    def write(self, symbol: str, frame: pd.DataFrame) -> None:
        self._put(symbol, pa.Table.from_pandas(frame, preserve_index=False))

    def append(self, symbol: str, frame: pd.DataFrame) -> None:
        new = pa.Table.from_pandas(frame, preserve_index=False)
        self._put(symbol, pa.concat_tables([pq.read_table(self._path(symbol)), new]))

    def replace(self, symbol: str, frame: pd.DataFrame) -> None:
        old, (start, end) = pq.read_table(self._path(symbol)), bounds(frame)
        times = old["opened_at"]
        new = pa.Table.from_pandas(frame, preserve_index=False)
        before, after = old.filter(pc.less(times, start)), old.filter(pc.greater_equal(times, end))
        self._put(symbol, pa.concat_tables([before, new, after]))

    def read(self, symbol: str, start: datetime, end: datetime) -> pd.DataFrame:
        wanted = [("opened_at", ">=", start), ("opened_at", "<", end)]
        return pq.read_table(self._path(symbol), filters=wanted).to_pandas()

    def read_many(self, symbols: Sequence[str], start: datetime, end: datetime) -> int:
        return sum(len(self.read(symbol, start, end)) for symbol in symbols)

    def latest(self, symbols: Sequence[str]) -> list[float]:
        found: list[float] = []
        for symbol in symbols:
            file = pq.ParquetFile(self._path(symbol))
            column = file.read_row_group(file.num_row_groups - 1, columns=["close"])["close"]
            found.append(column[-1].as_py())
        return found

    def tidy(self) -> None:
        pass

    def size(self) -> int:
        return folder_size(self._folder)

    def _path(self, symbol: str) -> Path:
        return self._folder / f"{symbol}.parquet"

    def _put(self, symbol: str, table: pa.Table) -> None:
        scratch = self._folder / "scratch"
        with scratch.open("wb") as file:
            pq.write_table(table, file, compression="zstd", row_group_size=65_520)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(self._path(symbol))
        descriptor = os.open(self._folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


class Duck:
    """A DuckDB file, one table, inserts in time order."""

    name = "duckdb"

    def __init__(self, folder: Path) -> None:
        import duckdb

        folder.mkdir()
        self._path = folder / "bars.duckdb"
        self._db = duckdb.connect(str(self._path))
        self._db.execute(
            "CREATE TABLE bars (symbol VARCHAR, opened_at TIMESTAMPTZ, open DOUBLE, high DOUBLE, "
            "low DOUBLE, close DOUBLE, volume DOUBLE)"
        )

    def write(self, symbol: str, frame: pd.DataFrame) -> None:
        self._db.register("new", pa.Table.from_pandas(frame, preserve_index=False))
        self._db.execute("INSERT INTO bars SELECT ?, * FROM new", [symbol])

    append = write

    def replace(self, symbol: str, frame: pd.DataFrame) -> None:
        self._db.execute("BEGIN")
        self._db.execute(
            "DELETE FROM bars WHERE symbol = ? AND opened_at >= ? AND opened_at < ?",
            [symbol, *bounds(frame)],
        )
        self.write(symbol, frame)
        self._db.execute("COMMIT")

    def read(self, symbol: str, start: datetime, end: datetime) -> pd.DataFrame:
        return self._db.execute(
            "SELECT * EXCLUDE (symbol) FROM bars WHERE symbol = ? AND opened_at >= ? "
            "AND opened_at < ? ORDER BY opened_at",
            [symbol, start, end],
        ).df()

    def read_many(self, symbols: Sequence[str], start: datetime, end: datetime) -> int:
        frame = self._db.execute(
            "SELECT * FROM bars WHERE symbol IN (SELECT unnest(?)) AND opened_at >= ? "
            "AND opened_at < ? ORDER BY symbol, opened_at",
            [list(symbols), start, end],
        ).df()
        return len(frame)

    def latest(self, symbols: Sequence[str]) -> list[float]:
        rows = self._db.execute(
            "SELECT symbol, arg_max(close, opened_at) FROM bars WHERE symbol IN "
            "(SELECT unnest(?)) GROUP BY symbol ORDER BY symbol",
            [list(symbols)],
        ).fetchall()
        return [row[1] for row in rows]

    def tidy(self) -> None:
        self._db.execute("CHECKPOINT")

    def size(self) -> int:
        return self._path.stat().st_size


class Arctic:
    """ArcticDB over LMDB, one symbol a series."""

    name = "arcticdb"

    def __init__(self, folder: Path) -> None:
        import arcticdb

        folder.mkdir()
        self._folder = folder
        url = f"lmdb://{folder}?map_size=4GB"
        self._library = arcticdb.Arctic(url).get_library("bars", create_if_missing=True)

    def write(self, symbol: str, frame: pd.DataFrame) -> None:
        self._library.write(symbol, self._indexed(frame))

    def append(self, symbol: str, frame: pd.DataFrame) -> None:
        self._library.append(symbol, self._indexed(frame))

    def replace(self, symbol: str, frame: pd.DataFrame) -> None:
        self._library.update(symbol, self._indexed(frame))

    def read(self, symbol: str, start: datetime, end: datetime) -> pd.DataFrame:
        last = pd.Timestamp(end) - pd.Timedelta("1ns")
        return self._library.read(symbol, date_range=(pd.Timestamp(start), last)).data

    def read_many(self, symbols: Sequence[str], start: datetime, end: datetime) -> int:
        from arcticdb import ReadRequest

        span = (pd.Timestamp(start), pd.Timestamp(end) - pd.Timedelta("1ns"))
        found = self._library.read_batch([ReadRequest(one, date_range=span) for one in symbols])
        return sum(len(one.data) for one in found)

    def latest(self, symbols: Sequence[str]) -> list[float]:
        return [float(self._library.tail(symbol, n=1).data["close"].iloc[0]) for symbol in symbols]

    def tidy(self) -> None:
        pass

    def size(self) -> int:
        return sum(path.stat().st_blocks * 512 for path in self._folder.rglob("*.mdb"))

    def _indexed(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame.set_index("opened_at")


class Delta:
    """A Delta table on local disk, one symbol a partition."""

    name = "deltalake"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, symbol: str, frame: pd.DataFrame) -> None:
        from deltalake import write_deltalake

        write_deltalake(self._folder, self._table(symbol, frame), mode="append",
                        partition_by=["symbol"])  # fmt: skip

    append = write

    def replace(self, symbol: str, frame: pd.DataFrame) -> None:
        from deltalake import write_deltalake

        start, end = (bound.isoformat() for bound in bounds(frame))
        predicate = f"symbol = '{symbol}' AND opened_at >= '{start}' AND opened_at < '{end}'"
        write_deltalake(self._folder, self._table(symbol, frame), mode="overwrite",
                        predicate=predicate)  # fmt: skip

    def read(self, symbol: str, start: datetime, end: datetime) -> pd.DataFrame:
        from deltalake import DeltaTable

        wanted = [("symbol", "=", symbol), ("opened_at", ">=", start), ("opened_at", "<", end)]
        return DeltaTable(self._folder).to_pandas(filters=wanted)

    def read_many(self, symbols: Sequence[str], start: datetime, end: datetime) -> int:
        from deltalake import DeltaTable

        wanted = [("symbol", "in", symbols), ("opened_at", ">=", start), ("opened_at", "<", end)]
        return len(DeltaTable(self._folder).to_pandas(filters=wanted))

    def latest(self, symbols: Sequence[str]) -> list[float]:
        from deltalake import DeltaTable

        dataset = DeltaTable(self._folder).to_pyarrow_dataset()
        table = dataset.to_table(columns=["symbol", "opened_at", "close"])
        last = table.sort_by("opened_at").group_by("symbol", use_threads=False)
        found = last.aggregate([("close", "last")]).to_pydict()
        closes = dict(zip(found["symbol"], found["close_last"], strict=True))
        return [closes[symbol] for symbol in symbols]

    def tidy(self) -> None:
        from deltalake import DeltaTable

        table = DeltaTable(self._folder)
        table.optimize.compact()
        table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)

    def size(self) -> int:
        return folder_size(self._folder, "*.parquet")

    def _table(self, symbol: str, frame: pd.DataFrame) -> pa.Table:
        table = pa.Table.from_pandas(frame, preserve_index=False)
        return table.append_column("symbol", pa.array([symbol] * len(frame)))


STORES = (Ours, Arctic, Duck, Delta, PlainParquet)
