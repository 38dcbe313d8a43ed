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


def byte_lengths(texts: Strings) -> NDArray[np.int64]:
    """Return how many bytes each text has, int64 (n,)."""
    return np.asarray(pc.binary_length(texts), dtype=np.int64)


def byte_matrix(texts: Strings, width: int) -> NDArray[np.uint8]:
    """Return texts that are all `width` bytes long as a matrix uint8 (n, width)."""
    if not len(texts) or not width:
        return np.empty((len(texts), width), dtype=np.uint8)
    offsets = np.frombuffer(texts.buffers()[1], dtype=np.int32)
    first = int(offsets[texts.offset])
    data = np.frombuffer(texts.buffers()[2], dtype=np.uint8)
    return data[first : first + len(texts) * width].reshape(len(texts), width)
