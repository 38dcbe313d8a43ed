"""Read one day in a process that has just begun: `python cold.py STORE FOLDER SYMBOL START END`.

The rows come as columns, numpy or Arrow, whichever the store gives with the fewest imports.
"""
# ruff: noqa: T201 - what is imported, and when, is what is measured

from __future__ import annotations

import sys
from datetime import datetime


def simutrador(folder: str, symbol: str, start: datetime, end: datetime) -> int:
    """Read by `LocalBars`."""
    from pathlib import Path

    from simutrador_core.models.bars import BarQuery
    from simutrador_core.models.enums import Timeframe
    from simutrador_data.services.storage import LocalBars

    with LocalBars(Path(folder)) as source:
        return len(source.read(BarQuery(symbol, Timeframe.MINUTE_1, start, end)))


def arcticdb(folder: str, symbol: str, start: datetime, end: datetime) -> int:
    """Read by ArcticDB, which brings pandas."""
    import arcticdb as adb
    import pandas as pd

    library = adb.Arctic(f"lmdb://{folder}?map_size=4GB")["bars"]
    span = pd.Timestamp(start), pd.Timestamp(end) - pd.Timedelta("1ns")
    return len(library.read(symbol, date_range=span).data)


def duckdb(folder: str, symbol: str, start: datetime, end: datetime) -> int:
    """Read by DuckDB into numpy."""
    import duckdb as db

    connection = db.connect(f"{folder}/bars.duckdb", read_only=True)
    found = connection.execute(
        "SELECT epoch_us(opened_at) AS us, open, high, low, close, volume FROM bars "
        "WHERE symbol = ? AND opened_at >= ? AND opened_at < ? ORDER BY us",
        [symbol, start, end],
    ).fetchnumpy()
    return len(found["us"])


def deltalake(folder: str, symbol: str, start: datetime, end: datetime) -> int:
    """Read by deltalake into Arrow."""
    from deltalake import DeltaTable

    wanted = [("symbol", "=", symbol), ("opened_at", ">=", start), ("opened_at", "<", end)]
    return DeltaTable(folder).to_pyarrow_table(filters=wanted).num_rows


def parquet(folder: str, symbol: str, start: datetime, end: datetime) -> int:
    """Read by pyarrow into Arrow."""
    import pyarrow.parquet as pq

    wanted = [("opened_at", ">=", start), ("opened_at", "<", end)]
    return pq.read_table(f"{folder}/{symbol}.parquet", filters=wanted).num_rows


def nautilus(folder: str, symbol: str, start: datetime, end: datetime) -> int:
    """Read by NautilusTrader's catalog into its own objects."""
    import pandas as pd
    from nautilus_trader.model.data import Bar
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    name = f"{symbol}.XNAS-1-MINUTE-LAST-EXTERNAL"
    last = pd.Timestamp(end) - pd.Timedelta("1us")
    catalog = ParquetDataCatalog(folder)
    return len(catalog.query(Bar, identifiers=[name], start=pd.Timestamp(start), end=last))


def deltastore(folder: str, symbol: str, start: datetime, end: datetime) -> int:
    """Read by `DeltaStore`."""
    from simutrador_core.models.bars import BarQuery
    from simutrador_core.models.enums import Timeframe
    from simutrador_data.services.storage.delta.store import DeltaStore

    with DeltaStore(folder, create=False) as source:
        return len(source.read(BarQuery(symbol, Timeframe.MINUTE_1, start, end)))


READERS = {
    reader.__name__: reader
    for reader in (simutrador, arcticdb, duckdb, deltalake, parquet, nautilus, deltastore)
}


if __name__ == "__main__":
    name, place, series, first, after = sys.argv[1:]
    print(
        READERS[name](place, series, datetime.fromisoformat(first), datetime.fromisoformat(after))
    )
