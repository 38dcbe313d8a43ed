"""The border to pyarrow, which carries no types: its modules and the few calls made of them."""

from __future__ import annotations

from importlib import import_module
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Strings: TypeAlias = Any
"""A pyarrow string array without nulls."""

pa: Any = import_module("pyarrow")
pc: Any = import_module("pyarrow.compute")
csv: Any = import_module("pyarrow.csv")


def parquet() -> Any:
    """Return `pyarrow.parquet`, imported when the first Parquet file is met."""
    return import_module("pyarrow.parquet")


def strings(values: list[str]) -> Strings:
    """Return a string array of a list."""
    return pa.array(values, type=pa.string())


def pick(texts: Strings, rows: NDArray[np.int64]) -> Strings:
    """Return the texts at `rows`."""
    return texts.take(pa.array(rows))


def whole_numbers(column: Any) -> NDArray[np.int64]:
    """Return an integer or boolean array without nulls as int64 (n,)."""
    return _values(pc.cast(column, pa.int64()), np.dtype(np.int64))


def real_numbers(column: Any) -> NDArray[np.float64]:
    """Return a double array as float64 (n,), NaN where it is null."""
    return _values(pc.fill_null(column, float("nan")), np.dtype(np.float64))


def _values(column: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    # Array.to_numpy would import pandas, half a second in a fresh process.
    if not len(column):
        return np.empty(0, dtype=dtype)
    data = np.frombuffer(column.buffers()[1], dtype=dtype)
    return data[column.offset : column.offset + len(column)]


def byte_lengths(texts: Strings) -> NDArray[np.int64]:
    """Return how many bytes each text has, int64 (n,)."""
    return whole_numbers(pc.binary_length(texts))


def byte_matrix(texts: Strings, width: int) -> NDArray[np.uint8]:
    """Return texts that are all `width` bytes long as a matrix uint8 (n, width)."""
    if not len(texts) or not width:
        return np.empty((len(texts), width), dtype=np.uint8)
    offsets = np.frombuffer(texts.buffers()[1], dtype=np.int32)
    first = int(offsets[texts.offset])
    data = np.frombuffer(texts.buffers()[2], dtype=np.uint8)
    return data[first : first + len(texts) * width].reshape(len(texts), width)
