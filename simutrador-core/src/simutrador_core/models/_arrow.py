"""`Bars` to and from Arrow tables, without a copy and without pandas.

pyarrow's own conversions (`pa.array(ndarray)`, `to_numpy`) import pandas where it is installed,
half a second in a cold process, so the buffers are handed over as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simutrador_core.errors import InvalidBarsError
from simutrador_core.models._frames import library
from simutrador_core.models.bars import D64, OHLCV, Bars, BoolArray
from simutrador_core.models.enums import Adjustment, Timeframe

if TYPE_CHECKING:
    import pyarrow as pa


def to_arrow(bars: Bars) -> pa.Table:
    """Return the bars as an Arrow table whose metadata holds the series key."""
    arrow: Any = library("pyarrow", extra="arrow")
    columns: dict[str, Any] = {
        "opened_at": _array(arrow, arrow.timestamp("us", tz="UTC"), bars.opened_at)
    }
    columns |= {name: _array(arrow, arrow.float64(), getattr(bars, name)) for name in OHLCV}
    if bars.sessions is not None:
        columns["session"] = _dates(arrow, bars.sessions)
    if bars.synthetic is not None:
        bits = np.packbits(bars.synthetic, bitorder="little")
        columns["synthetic"] = _array(arrow, arrow.bool_(), bits, rows=len(bars))
    metadata = {
        "symbol": bars.symbol,
        "timeframe": str(bars.timeframe),
        "adjustment": str(bars.adjustment),
        "complete": str(bars.complete).lower(),
    }
    return arrow.table(columns, metadata=metadata)


def from_arrow(table: pa.Table) -> Bars:
    """Return the bars of a table that `to_arrow` made (or one read back from IPC or Parquet).

    Raises:
        InvalidBarsError: the metadata or a column is absent, of a wrong type, or holds nulls.
    """
    arrow: Any = library("pyarrow", extra="arrow")
    names = set(table.column_names)
    missing = [name for name in ("opened_at", *OHLCV) if name not in names]
    if missing:
        raise InvalidBarsError(f"not a table of bars: column {', '.join(missing)} is absent")
    try:
        metadata = {k.decode(): v.decode() for k, v in (table.schema.metadata or {}).items()}
        symbol, complete = metadata["symbol"], metadata.get("complete", "true") == "true"
        timeframe = Timeframe(metadata["timeframe"])
        adjustment = Adjustment(metadata["adjustment"])
    except (KeyError, ValueError) as e:
        raise InvalidBarsError(
            f"not a table of bars: series metadata is absent or wrong: {e}"
        ) from e
    instants = arrow.timestamp("us", tz="UTC")
    numbers = {name: _numbers(arrow, table, name, arrow.float64(), "f8") for name in OHLCV}
    return Bars(
        symbol,
        timeframe,
        adjustment,
        _numbers(arrow, table, "opened_at", instants, "i8"),
        **numbers,
        sessions=_read_dates(arrow, table) if "session" in names else None,
        complete=complete,
        synthetic=_read_marks(arrow, table) if "synthetic" in names else None,
    )


def _array(
    arrow: Any, kind: Any, values: NDArray[Any], *, rows: int | None = None, valid: Any = None
) -> Any:
    length = len(values) if rows is None else rows
    return arrow.Array.from_buffers(kind, length, [valid, arrow.py_buffer(values)])


def _dates(arrow: Any, sessions: D64) -> Any:
    absent = np.isnat(sessions)
    days = np.where(absent, 0, sessions.view(np.int64)).astype(np.int32)
    valid = arrow.py_buffer(np.packbits(~absent, bitorder="little")) if absent.any() else None
    return _array(arrow, arrow.date32(), days, valid=valid)


def _chunks(arrow: Any, table: Any, name: str, kind: Any) -> Any:
    try:
        return table.column(name).cast(kind).chunks
    except (arrow.ArrowInvalid, arrow.ArrowNotImplementedError) as e:
        raise InvalidBarsError(f"column {name} cannot be read as {kind}: {e}") from e


def _numbers(arrow: Any, table: Any, name: str, kind: Any, dtype: str) -> NDArray[Any]:
    parts: list[NDArray[Any]] = []
    for chunk in _chunks(arrow, table, name, kind):
        if chunk.null_count:
            raise InvalidBarsError(f"column {name} holds {chunk.null_count} nulls")
        parts.append(_values(chunk, dtype))
    return _join(parts, dtype)


def _values(chunk: Any, dtype: str) -> NDArray[Any]:
    if not len(chunk):
        return np.empty(0, dtype=dtype)
    size = np.dtype(dtype).itemsize
    return np.frombuffer(chunk.buffers()[1], dtype, len(chunk), offset=chunk.offset * size)


def _bits(buffer: Any, chunk: Any) -> BoolArray:
    packed = np.frombuffer(buffer, dtype=np.uint8)
    unpacked = np.unpackbits(packed, count=chunk.offset + len(chunk), bitorder="little")
    return unpacked[chunk.offset :].astype(np.bool_)


def _read_dates(arrow: Any, table: Any) -> D64:
    parts: list[D64] = []
    for chunk in _chunks(arrow, table, "session", arrow.date32()):
        days = _values(chunk, "i4").astype("datetime64[D]")
        if chunk.null_count:
            days[~_bits(chunk.buffers()[0], chunk)] = np.datetime64("NaT", "D")
        parts.append(days)
    return _join(parts, "datetime64[D]")


def _read_marks(arrow: Any, table: Any) -> BoolArray:
    parts: list[BoolArray] = []
    for chunk in _chunks(arrow, table, "synthetic", arrow.bool_()):
        if chunk.null_count:
            raise InvalidBarsError(f"column synthetic holds {chunk.null_count} nulls")
        parts.append(_bits(chunk.buffers()[1], chunk) if len(chunk) else np.empty(0, dtype=bool))
    return _join(parts, "bool")


def _join(parts: list[NDArray[Any]], dtype: str) -> NDArray[Any]:
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([np.empty(0, dtype=dtype), *parts])
