"""Delta Lake on a local disk."""
# ruff: noqa: D102 - the methods are described once, in `Store`

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from protocol import Store, folder_size, sync


class Delta(Store):
    """A Delta table, one symbol a partition."""

    name = "deltalake"
    durability = "no sync of its own; the files of each commit, its log entry and both folders here"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "_delta_log"
        self._open: DeltaTable | None = None

    def prepare(self, symbol: str, frame: pd.DataFrame) -> pa.Table:
        table = pa.Table.from_pandas(frame, preserve_index=False)
        return table.append_column("symbol", pa.array([symbol] * len(frame)))

    def write(self, symbol: str, rows: pa.Table) -> None:
        write_deltalake(self._folder, rows, mode="append", partition_by=["symbol"])
        self._committed()

    append = write

    def replace(self, symbol: str, rows: pa.Table) -> None:
        first, last = (rows["opened_at"][at].as_py().isoformat() for at in (0, -1))
        predicate = f"symbol = '{symbol}' AND opened_at >= '{first}' AND opened_at <= '{last}'"
        write_deltalake(self._folder, rows, mode="overwrite", predicate=predicate)
        self._committed()

    def _committed(self) -> None:
        self._open = None
        newest = max(self._log.glob("*.json"))
        actions = [json.loads(line) for line in newest.read_text().splitlines()]
        added = [self._folder / action["add"]["path"] for action in actions if "add" in action]
        sync(*added, *{path.parent for path in added}, newest, self._log)

    def read(self, symbol: str, start: datetime, end: datetime) -> pd.DataFrame:
        wanted = [("symbol", "=", symbol), ("opened_at", ">=", start), ("opened_at", "<", end)]
        return self._table().to_pandas(filters=wanted)

    def read_many(
        self, symbols: Sequence[str], start: datetime, end: datetime
    ) -> Sequence[pd.DataFrame]:
        wanted = [("symbol", "in", symbols), ("opened_at", ">=", start), ("opened_at", "<", end)]
        return [self._table().to_pandas(filters=wanted)]

    def latest(self, symbols: Sequence[str]) -> list[float]:
        dataset = self._table().to_pyarrow_dataset()
        table = dataset.to_table(columns=["symbol", "opened_at", "close"])
        last = table.sort_by("opened_at").group_by("symbol", use_threads=False)
        found = last.aggregate([("close", "last")]).to_pydict()
        closes = dict(zip(found["symbol"], found["close_last"], strict=True))
        return [closes[symbol] for symbol in symbols]

    def tidy(self) -> None:
        table = DeltaTable(self._folder)
        table.optimize.compact()
        table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
        self._open = None

    def size(self) -> int:
        return folder_size(self._folder, "*.parquet")

    def close(self) -> None:
        self._open = None

    def _table(self) -> DeltaTable:
        if self._open is None:
            self._open = DeltaTable(self._folder)
        return self._open
