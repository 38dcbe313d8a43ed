"""Tables to and from Parquet bytes: the one place that touches pyarrow, which has no types.

Plain columns that any tool opens: `opened_at` timestamp[us, UTC], `session` date32 and `synthetic`
bool where the rows have them. Open, high, low, close and volume are DECIMAL of the places the
vendor gives (volumes in whole units int64), as delta-encoded integers, where that is exact for
the whole column; otherwise double. Either way each tool sees the price itself.

Row groups of 21 sessions of minutes keep a read of one day small. Arrays go through buffers:
pyarrow's own conversions to numpy import pandas, which costs a cold process half a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import numpy as np

from simutrador_core.errors import CorruptDataError
from simutrador_core.models.bars import OHLCV, SeriesKey
from simutrador_data.services.storage.scaling import SMALL, scale, unscale
from simutrador_data.services.storage.table import (
    NARROW,
    NO_SESSION,
    OPENED,
    SESSION,
    SYNTHETIC,
    WIDE,
    Table,
    join,
)

ROW_GROUP: Final = 8_190
FILE_FORMAT: Final = "2"
"""Since 2 a number column may be DECIMAL or int64; in 1 each is double."""
_PRICE_PLACES: Final = 2
"""Fewest decimal places of a price column, so that the type seldom differs between files."""
_DIGITS_32, _DIGITS_64 = 9, 18


def encode(table: Table, series: SeriesKey) -> memoryview:
    """Return a table as the bytes of a Parquet file that names its series."""
    arrow, parquet = _arrow()
    columns = {"opened_at": _array(arrow.timestamp("us", tz="UTC"), table[OPENED])}
    for row, name in enumerate(OHLCV, start=1):
        columns[name] = _numbers(table[row], least_places=0 if name == "volume" else _PRICE_PLACES)
    if len(table) > SESSION:
        columns["session"] = _sessions(table)
    if len(table) > SYNTHETIC:
        flags = np.ascontiguousarray(table[SYNTHETIC], dtype=np.uint8)
        columns["synthetic"] = _array(arrow.uint8(), flags).cast(arrow.bool_())
    rows = arrow.table(columns, metadata=_metadata(series))
    sink = arrow.BufferOutputStream()
    parquet.write_table(
        rows,
        sink,
        row_group_size=ROW_GROUP,
        compression=_compressions(columns),
        use_dictionary=False,
        store_decimal_as_integer=True,
        write_statistics=["opened_at"],
        column_encoding=_encodings(columns),
    )
    made = memoryview(sink.getvalue())
    del rows, columns
    arrow.default_memory_pool().release_unused()  # 0.1 ms; else a writer keeps megabytes for good
    return made


def decode(data: bytes, *, first: int = 0, last: int | None = None) -> Table:
    """Return rows `[first, last)` of a Parquet file's bytes, decoding only their row groups.

    Raises:
        CorruptDataError: these are not the bytes of a file `encode` made.
    """
    arrow, parquet = _arrow()
    try:
        file = parquet.ParquetFile(arrow.BufferReader(data))
        total = file.metadata.num_rows
        end = total if last is None else last
        groups = range(first // ROW_GROUP, -(-end // ROW_GROUP))
        found = file.read_row_groups(list(groups), use_threads=end - first > 4 * ROW_GROUP)
        table = _to_table(found)
    except (arrow.ArrowException, OSError, KeyError) as e:
        raise CorruptDataError(f"not a readable Parquet file of bars: {e}") from e
    skipped = groups.start * ROW_GROUP
    return table[:, first - skipped : end - skipped]


def read_series(data: bytes) -> Mapping[str, str]:
    """Return the metadata of a Parquet file's bytes: symbol, timeframe, adjustment, format."""
    arrow, parquet = _arrow()
    found: dict[bytes, bytes] = parquet.read_schema(arrow.BufferReader(data)).metadata or {}
    return {key.decode(): value.decode() for key, value in found.items()}


def _arrow() -> tuple[Any, Any]:
    return import_module("pyarrow"), import_module("pyarrow.parquet")


def _metadata(series: SeriesKey) -> dict[str, str]:
    return {
        "simutrador_format": FILE_FORMAT,
        "symbol": series.symbol,
        "timeframe": str(series.timeframe),
        "adjustment": str(series.adjustment),
        "complete": "true",
    }


def _encodings(columns: Mapping[str, Any]) -> dict[str, str]:
    arrow, _ = _arrow()
    encodings: dict[str, str] = {}
    for name, column in columns.items():
        if column.type == arrow.float64():
            encodings[name] = "BYTE_STREAM_SPLIT"
        elif name != "synthetic":
            encodings[name] = "DELTA_BINARY_PACKED"
    return encodings


def _compressions(columns: Mapping[str, Any]) -> dict[str, str]:
    # What delta encoding leaves of a price is noise: zstd would need a fifth of the time of a write
    # and save nothing. Snappy finds the repetitions of thin trading.
    arrow, _ = _arrow()
    exact = (arrow.types.is_decimal32, arrow.types.is_decimal64)
    return {
        name: "snappy" if any(is_kind(column.type) for is_kind in exact) else "zstd"
        for name, column in columns.items()
    }


def _numbers(column: np.ndarray[Any, Any], *, least_places: int) -> Any:
    """Return the bits of float64 as the smallest type that holds each value exactly."""
    arrow, _ = _arrow()
    scaled = scale(column.view(np.float64), least_places=least_places)
    if scaled is None:
        return _array(arrow.float64(), column)
    integers, places, largest = scaled
    if not places:
        return _array(arrow.int64(), integers.astype(np.int64, copy=False))
    if largest < SMALL:
        return _array(arrow.decimal32(_DIGITS_32, places), integers)
    return _array(arrow.decimal64(_DIGITS_64, places), integers)


def _bits(column: Any) -> np.ndarray[Any, Any]:
    """Return the numbers of a column as the bits of float64."""
    arrow, _ = _arrow()
    if column.type == arrow.float64():
        return _values(column, np.int64)
    if column.type == arrow.int64():
        return unscale(_values(column, np.int64), 0).view(np.int64)
    width = np.int32 if arrow.types.is_decimal32(column.type) else np.int64
    return unscale(_values(column, width), column.type.scale).view(np.int64)


def _array(kind: Any, column: np.ndarray[Any, Any], mask: Any = None) -> Any:
    arrow, _ = _arrow()
    return arrow.Array.from_buffers(
        kind, len(column), [mask, arrow.py_buffer(np.ascontiguousarray(column))]
    )


def _sessions(table: Table) -> Any:
    arrow, _ = _arrow()
    known = table[SESSION] != NO_SESSION
    days = np.where(known, table[SESSION], 0).astype(np.int32)
    bits = arrow.py_buffer(np.packbits(known, bitorder="little"))
    return _array(arrow.date32(), days, None if known.all() else bits)


def _to_table(found: Any) -> Table:
    arrow, _ = _arrow()
    names: list[str] = found.column_names
    width = WIDE if "synthetic" in names else SESSION + 1 if "session" in names else NARROW
    table = join([_batch_to_table(batch, width, arrow) for batch in found.to_batches()])
    return table if table.shape[1] else np.empty((width, 0), dtype=np.int64)


def _batch_to_table(batch: Any, width: int, arrow: Any) -> Table:
    table = np.zeros((width, batch.num_rows), dtype=np.int64)
    table[OPENED] = _values(batch.column("opened_at"), np.int64)
    for row, name in enumerate(OHLCV, start=1):
        table[row] = _bits(batch.column(name))
    if width > SESSION:
        table[SESSION] = NO_SESSION
    if "session" in batch.schema.names:
        days = batch.column("session")
        known = ~_values(days.is_null().cast(arrow.uint8()), np.uint8).astype(np.bool_)
        table[SESSION, known] = _values(days, np.int32)[known]
    if "synthetic" in batch.schema.names:
        table[SYNTHETIC] = _values(batch.column("synthetic").cast(arrow.uint8()), np.uint8)
    return table


def _values(column: Any, dtype: type[np.generic]) -> np.ndarray[Any, Any]:
    size = np.dtype(dtype).itemsize
    return np.frombuffer(column.buffers()[1], dtype, len(column), column.offset * size)


__all__ = ["encode", "decode", "read_series", "ROW_GROUP", "FILE_FORMAT"]
