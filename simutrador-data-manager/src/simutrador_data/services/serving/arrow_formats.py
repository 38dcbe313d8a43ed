"""Bars as an Arrow IPC stream and as Parquet: one schema, the symbol as a dictionary column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache, lru_cache
from itertools import chain
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simutrador_core.models.bars import OHLCV, Bars
from simutrador_data.services.serving.answer import Answer

# pyarrow ships no types: everything that comes from it is `Any` inside this module.
_arrow: Final[Any] = pa
_parquet: Final[Any] = pq

INSTANT: Final[Any] = _arrow.timestamp("us", tz="UTC")
SYMBOL: Final[Any] = _arrow.dictionary(_arrow.int32(), _arrow.string())


def arrow_parts(answer: Answer, parts: Iterable[Bars]) -> Iterator[bytes]:
    """Yield an Arrow IPC stream (`pyarrow.ipc.open_stream`), one record batch a part.

    Columns `symbol` (dictionary), `opened_at` timestamp[us, UTC], `session` date32 (daily bars and
    longer, and shorter ones whose first part is stored with sessions), `open high low close volume`
    double, `synthetic` bool. The schema's metadata holds `timeframe`, `adjustment`, `dataset_id`,
    `as_of` and, where one symbol was asked for, `symbol`.
    """
    return _written(answer, parts, _arrow.ipc.new_stream)


def parquet_parts(answer: Answer, parts: Iterable[Bars]) -> Iterator[bytes]:
    """Yield a Parquet file with the columns and metadata of `arrow_parts`, zstd compressed."""
    return _written(
        answer,
        parts,
        lambda sink, schema: _parquet.ParquetWriter(sink, schema, compression="zstd"),
    )


def schema_of(answer: Answer, *, has_sessions: bool) -> Any:
    """Return the Arrow schema of an answer."""
    metadata = {
        "timeframe": str(answer.timeframe),
        "adjustment": str(answer.adjustment),
        "dataset_id": answer.dataset_id,
        "as_of": str(answer.as_of),
        "complete": "true",
    }
    if len(answer.symbols) == 1:
        metadata["symbol"] = answer.symbols[0]
    return _columns(has_sessions=has_sessions).with_metadata(metadata)


@cache
def _columns(*, has_sessions: bool) -> Any:
    fields: list[tuple[str, Any]] = [("symbol", SYMBOL), ("opened_at", INSTANT)]
    if has_sessions:
        fields.append(("session", _arrow.date32()))
    fields += [(name, _arrow.float64()) for name in OHLCV]
    fields.append(("synthetic", _arrow.bool_()))
    return _arrow.schema(fields)


class _Sink:
    """A file for pyarrow that is emptied after each part; it cannot seek.

    What is written is kept as it is until the part is handed on: pyarrow gives columns as buffers
    nobody changes any more, and one copy of them is enough.
    """

    closed = False

    def __init__(self) -> None:
        self._pieces: list[Any] = []
        self._written = 0

    def write(self, data: Any) -> int:
        size = len(data)
        self._pieces.append(data)
        self._written += size
        return size

    def tell(self) -> int:
        return self._written

    def flush(self) -> None:
        """Nothing waits: `drain` hands everything on."""

    def drain(self) -> bytes:
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data


def _written(
    answer: Answer, parts: Iterable[Bars], open_writer: Callable[[Any, Any], Any]
) -> Iterator[bytes]:
    filled = (bars for bars in parts if len(bars))
    first = next(filled, None)
    dated = answer.has_sessions or (first is not None and first.sessions is not None)
    schema = schema_of(answer, has_sessions=dated)
    names = _texts(answer.symbols)
    place = {symbol: index for index, symbol in enumerate(answer.symbols)}
    sink = _Sink()
    with open_writer(_arrow.PythonFile(sink, mode="w"), schema) as writer:
        for number, bars in enumerate(chain(() if first is None else (first,), filled)):
            if number:  # the last part leaves with the end of the stream, as one piece
                yield sink.drain()
            writer.write_batch(_batch(bars, schema, names, place[bars.symbol]))
    yield sink.drain()


def _batch(bars: Bars, schema: Any, names: Any, place: int) -> Any:
    # Every batch has the dictionary of all symbols, so that the stream sends it once.
    index = _column(_arrow.int32(), np.full(len(bars), place, dtype=np.int32))
    columns: list[Any] = [
        _arrow.DictionaryArray.from_arrays(index, names),
        _column(INSTANT, bars.opened_at),
    ]
    if "session" in schema.names:
        columns.append(_sessions(bars))
    columns += [_column(_arrow.float64(), getattr(bars, name)) for name in OHLCV]
    marks = np.zeros(len(bars), dtype=np.bool_) if bars.synthetic is None else bars.synthetic
    bits = np.packbits(marks, bitorder="little")
    columns.append(_column(_arrow.bool_(), bits, rows=len(bars)))
    return _arrow.RecordBatch.from_arrays(columns, schema=schema)


def _sessions(bars: Bars) -> Any:
    if bars.sessions is None:
        return _arrow.nulls(len(bars), _arrow.date32())
    return _column(_arrow.date32(), bars.sessions.view(np.int64).astype(np.int32))


@lru_cache(maxsize=256)
def _texts(values: tuple[str, ...]) -> Any:
    """Return texts without pyarrow's own conversion, which would import all of pandas."""
    data = [value.encode() for value in values]
    ends = np.cumsum([0, *map(len, data)], dtype=np.int32)
    buffers = [None, _arrow.py_buffer(ends), _arrow.py_buffer(b"".join(data))]
    return _arrow.Array.from_buffers(_arrow.string(), len(data), buffers)


def _column(kind: Any, values: np.ndarray[Any, Any], *, rows: int | None = None) -> Any:
    """Return values as they lie in memory; pyarrow's own conversion looks at each and copies."""
    data = _arrow.py_buffer(np.ascontiguousarray(values))
    return _arrow.Array.from_buffers(kind, len(values) if rows is None else rows, [None, data])
