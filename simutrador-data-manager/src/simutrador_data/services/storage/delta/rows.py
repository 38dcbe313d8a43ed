"""Stored rows to and from the Parquet files of a Delta table: plain columns for every tool.

A stored table is a `Table` of nine rows: the eight of `storage.table` and the number of the change
that gave each bar. In a file it is `opened_at` timestamp[us, UTC], `session` date32, open to volume
double, `synthetic` bool, `source` text and `change_id` int64; symbol, timeframe and adjustment are
the table's partition. Prices are double with a dictionary, which every reader of Delta knows.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

import numpy as np

from simutrador_core.errors import CorruptDataError
from simutrador_core.models.bars import I64, OHLCV
from simutrador_data.services.storage.table import (
    NO_SESSION,
    OPENED,
    SESSION,
    SYNTHETIC,
    WIDE,
    Table,
    between,
    join,
    widen,
)

CHANGE: Final = WIDE
STORED: Final = WIDE + 1
ROW_GROUP: Final = 16_380
"""42 sessions of minutes: a day costs little, a year is six parts."""
_BARS: Final = ("opened_at", *OHLCV, "session", "synthetic")


def stored(table: Table, change: int) -> Table:
    """Return a table of bars as a stored one, all given by one change."""
    made = np.empty((STORED, table.shape[1]), dtype=np.int64)
    made[:WIDE] = widen(table, WIDE)
    made[CHANGE] = change
    return made


def in_order(tables: Sequence[Table]) -> Table:
    """Return tables of one series as one, ascending."""
    table = join(tables)
    times = table[OPENED]
    if bool(np.all(times[1:] > times[:-1])):
        return table
    return np.take(table, np.argsort(times, kind="stable"), axis=1)


def encode(table: Table, source_of: Callable[[int], str]) -> bytes:
    """Return a stored table as the bytes of a Parquet file.

    Args:
        table: Stored rows, ascending.
        source_of: Returns the source of a change.
    """
    arrow, parquet = _arrow()
    columns = {"opened_at": _array(arrow.timestamp("us", tz="UTC"), table[OPENED])}
    columns["session"] = _sessions(arrow, table)
    for row, name in enumerate(OHLCV, start=1):
        columns[name] = _array(arrow.float64(), table[row])
    marks = np.packbits(table[SYNTHETIC].astype(np.bool_), bitorder="little")
    columns["synthetic"] = _array(arrow.bool_(), marks, rows=table.shape[1])
    columns["source"] = _sources(arrow, table[CHANGE], source_of)
    columns["change_id"] = _array(arrow.int64(), table[CHANGE])
    sink = arrow.BufferOutputStream()
    parquet.write_table(
        arrow.table(columns),
        sink,
        row_group_size=ROW_GROUP,
        compression="zstd",
        use_dictionary=[*OHLCV, "session", "source", "change_id"],
        write_statistics=True,
        write_page_checksum=True,
        coerce_timestamps="us",
    )
    return sink.getvalue().to_pybytes()


class BarFile:
    """One Parquet file of a table, opened for reading; only what is asked for is fetched."""

    def __init__(self, source: Any, name: str) -> None:
        """Read the file's footer.

        Raises:
            CorruptDataError: it is no readable Parquet file.
        """
        arrow, parquet = _arrow()
        self._name = name
        self._errors: tuple[type[Exception], ...] = (arrow.ArrowException, OSError, KeyError)
        with self._reading():
            self._file = parquet.ParquetFile(source, page_checksum_verification=True)
            self.rows = int(self._file.metadata.num_rows)

    def read(self, start_us: int, end_us: int, *, changes: bool = False) -> Table:
        """Return the rows that open in `[start_us, end_us)`, ascending.

        Args:
            start_us: First instant.
            end_us: First instant not wanted.
            changes: Whether to read who gave each row too: a stored table, else bars.

        Raises:
            CorruptDataError: the file is damaged.
        """
        groups = [n for n in range(self._groups()) if self._overlaps(n, start_us, end_us)]
        if not groups:
            return join([])
        return between(self._decode(groups, changes=changes), start_us, end_us)

    def parts(self, start_us: int, end_us: int) -> Iterator[Table]:
        """Yield the same bars one row group at a time.

        Raises:
            CorruptDataError: the file is damaged, or its rows are not in order.
        """
        last = -(2**63)
        for number in range(self._groups()):
            if not self._overlaps(number, start_us, end_us):
                continue
            table = between(self._decode([number], changes=False), start_us, end_us)
            if table.shape[1]:
                if table[OPENED, 0] <= last:
                    raise CorruptDataError(f"{self._name} holds bars out of order; verify it")
                last = int(table[OPENED, -1])
                yield table

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _groups(self) -> int:
        return int(self._file.metadata.num_row_groups)

    def _overlaps(self, number: int, start_us: int, end_us: int) -> bool:
        facts = self._file.metadata.row_group(number).column(0).statistics
        if facts is None or not facts.has_min_max:
            return True
        return bool(facts.min_raw < end_us and facts.max_raw >= start_us)

    def _decode(self, groups: Sequence[int], *, changes: bool) -> Table:
        names = [*_BARS, "change_id"] if changes else list(_BARS)
        with self._reading():
            found = self._file.read_row_groups(groups, columns=names, use_threads=len(groups) > 1)
            tables = [_to_table(batch, changes=changes) for batch in found.to_batches()]
        return in_order(tables)

    @contextmanager
    def _reading(self) -> Generator[None, None, None]:
        try:
            yield
        except self._errors as e:
            text = str(e).splitlines()[0]
            raise CorruptDataError(
                f"{self._name} is damaged ({text}); restore it, or fetch its bars again"
            ) from e


def _to_table(batch: Any, *, changes: bool) -> Table:
    arrow, _ = _arrow()
    days, marks = batch.column("session"), batch.column("synthetic")
    width = STORED if changes or marks.true_count else WIDE if len(batch) > days.null_count else 6
    table = np.zeros((min(width, STORED if changes else WIDE), batch.num_rows), dtype=np.int64)
    table[OPENED] = _values(batch.column("opened_at"), np.int64)
    for row, name in enumerate(OHLCV, start=1):
        table[row] = _values(batch.column(name), np.int64)
    if len(table) > SESSION:
        known = ~_values(days.is_null().cast(arrow.uint8()), np.uint8).astype(np.bool_)
        table[SESSION] = NO_SESSION
        table[SESSION, known] = _values(days, np.int32)[known]
        table[SYNTHETIC] = _values(marks.cast(arrow.uint8()), np.uint8)
    if changes:
        table[CHANGE] = _values(batch.column("change_id"), np.int64)
    return table


def _arrow() -> tuple[Any, Any]:
    return import_module("pyarrow"), import_module("pyarrow.parquet")


def _array(
    kind: Any, column: np.ndarray[Any, Any], *, rows: int | None = None, mask: Any = None
) -> Any:
    arrow, _ = _arrow()
    data = arrow.py_buffer(np.ascontiguousarray(column))
    return arrow.Array.from_buffers(kind, len(column) if rows is None else rows, [mask, data])


def _values(column: Any, dtype: type[np.generic]) -> np.ndarray[Any, Any]:
    size = np.dtype(dtype).itemsize
    return np.frombuffer(column.buffers()[1], dtype, len(column), column.offset * size)


def _sessions(arrow: Any, table: Table) -> Any:
    known = table[SESSION] != NO_SESSION
    days = np.where(known, table[SESSION], 0).astype(np.int32)
    bits = arrow.py_buffer(np.packbits(known, bitorder="little"))
    return _array(arrow.date32(), days, mask=None if known.all() else bits)


def _sources(arrow: Any, changes: I64, source_of: Callable[[int], str]) -> Any:
    each, index = np.unique(changes, return_inverse=True)
    names = [source_of(change).encode() for change in each.tolist()]
    offsets = np.cumsum([0, *map(len, names)], dtype=np.int32)
    buffers = [None, arrow.py_buffer(offsets), arrow.py_buffer(b"".join(names))]
    words = arrow.Array.from_buffers(arrow.string(), len(names), buffers)
    return arrow.DictionaryArray.from_arrays(
        _array(arrow.int32(), index.astype(np.int32)), words
    ).cast(arrow.string())


__all__ = ["BarFile", "stored", "in_order", "encode", "CHANGE", "STORED", "ROW_GROUP"]
