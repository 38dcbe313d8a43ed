"""Stores with an engine of their own: DuckDB, and ArcticDB over LMDB."""
# ruff: noqa: D102 - the methods are described once, in `Store`

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import arcticdb
import duckdb
import pandas as pd
import pyarrow as pa
from protocol import RULES

_ONE_NS = pd.Timedelta("1ns")


class Duck:
    """A DuckDB file, one table, inserts in time order."""

    name = "duckdb"
    durability = "its write-ahead log, one fdatasync a commit"

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.path = folder / "bars.duckdb"
        self._db = duckdb.connect(str(self.path))
        self._db.execute(
            "CREATE TABLE bars (symbol VARCHAR, opened_at TIMESTAMPTZ, open DOUBLE, high DOUBLE, "
            "low DOUBLE, close DOUBLE, volume DOUBLE)"
        )

    def prepare(self, symbol: str, frame: pd.DataFrame) -> pa.Table:
        return pa.Table.from_pandas(frame, preserve_index=False)

    def write(self, symbol: str, rows: pa.Table) -> None:
        self._db.register("new", rows)
        self._db.execute("INSERT INTO bars SELECT ?, * FROM new", [symbol])

    append = write

    def replace(self, symbol: str, rows: pa.Table) -> None:
        times = rows["opened_at"]
        self._db.execute("BEGIN")
        self._db.execute(
            "DELETE FROM bars WHERE symbol = ? AND opened_at BETWEEN ? AND ?",
            [symbol, times[0].as_py(), times[-1].as_py()],
        )
        self.write(symbol, rows)
        self._db.execute("COMMIT")

    def read(self, symbol: str, start: datetime, end: datetime) -> pd.DataFrame:
        return self._db.execute(
            "SELECT * EXCLUDE (symbol) FROM bars WHERE symbol = ? AND opened_at >= ? "
            "AND opened_at < ? ORDER BY opened_at",
            [symbol, start, end],
        ).df()

    def read_many(
        self, symbols: Sequence[str], start: datetime, end: datetime
    ) -> Sequence[pd.DataFrame]:
        frame = self._db.execute(
            "SELECT * FROM bars WHERE symbol IN (SELECT unnest(?)) AND opened_at >= ? "
            "AND opened_at < ? ORDER BY symbol, opened_at",
            [list(symbols), start, end],
        ).df()
        return [frame]

    def latest(self, symbols: Sequence[str]) -> list[float]:
        rows = self._db.execute(
            "SELECT symbol, arg_max(close, opened_at) FROM bars WHERE symbol IN "
            "(SELECT unnest(?)) GROUP BY symbol ORDER BY symbol",
            [list(symbols)],
        ).fetchall()
        return [row[1] for row in rows]

    def resample(self, symbol: str, start: datetime, end: datetime, minutes: int) -> pd.DataFrame:
        return self._db.execute(
            "SELECT time_bucket(to_minutes(?), opened_at) AS bucket, arg_min(open, opened_at), "
            "max(high), min(low), arg_max(close, opened_at), sum(volume) AS volume FROM bars "
            "WHERE symbol = ? AND opened_at >= ? AND opened_at < ? GROUP BY bucket ORDER BY bucket",
            [minutes, symbol, start, end],
        ).df()

    def tidy(self) -> None:
        self._db.execute("CHECKPOINT")

    def size(self) -> int:
        return self.path.stat().st_size

    def close(self) -> None:
        self._db.close()


class Arctic:
    """ArcticDB over LMDB, one symbol a series."""

    name = "arcticdb"
    durability = "LMDB's own sync, four fdatasync a commit"

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        url = f"lmdb://{folder}?map_size=4GB"
        self._library = arcticdb.Arctic(url).get_library("bars", create_if_missing=True)

    def prepare(self, symbol: str, frame: pd.DataFrame) -> pd.DataFrame:
        return frame.set_index("opened_at")

    def write(self, symbol: str, rows: pd.DataFrame) -> None:
        self._library.write(symbol, rows)

    def append(self, symbol: str, rows: pd.DataFrame) -> None:
        self._library.append(symbol, rows)

    def replace(self, symbol: str, rows: pd.DataFrame) -> None:
        self._library.update(symbol, rows)

    def read(self, symbol: str, start: datetime, end: datetime) -> pd.DataFrame:
        return self._library.read(symbol, date_range=_range(start, end)).data

    def read_many(
        self, symbols: Sequence[str], start: datetime, end: datetime
    ) -> Sequence[pd.DataFrame]:
        span = _range(start, end)
        wanted = [arcticdb.ReadRequest(one, date_range=span) for one in symbols]
        return [found.data for found in self._library.read_batch(wanted)]

    def latest(self, symbols: Sequence[str]) -> list[float]:
        return [float(self._library.tail(symbol, n=1).data["close"].iloc[0]) for symbol in symbols]

    def resample(self, symbol: str, start: datetime, end: datetime, minutes: int) -> pd.DataFrame:
        builder = arcticdb.QueryBuilder().resample(f"{minutes}min").agg(RULES)
        span = _range(start, end)
        return self._library.read(symbol, date_range=span, query_builder=builder).data

    def tidy(self) -> None:
        pass

    def size(self) -> int:
        return sum(path.stat().st_blocks * 512 for path in self._folder.rglob("*.mdb"))

    def close(self) -> None:
        del self._library


def _range(start: datetime, end: datetime) -> tuple[pd.Timestamp, pd.Timestamp]:
    return pd.Timestamp(start), pd.Timestamp(end) - _ONE_NS
