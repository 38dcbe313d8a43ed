"""Files of one array (`.npy`) mapped into memory, with what follows the array.

Python's own map keeps a file descriptor for as long as somebody reads from it, and a process may
have a thousand of those; Arrow's does not, but importing it takes longer than a whole cold read.
So who maps many files has the first of them mapped by Python and the others by Arrow.
"""

from __future__ import annotations

import mmap
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from simutrador_data.services.storage.table import Table


def map_array(path: Path, *, keeps_descriptor: bool) -> tuple[Table, bytes]:
    """Return the int64 matrix of a file, read-only, and the bytes behind it.

    Args:
        path: The file.
        keeps_descriptor: Whether the map may keep a descriptor until nobody reads from it.

    Raises:
        OSError: there is no such file, or it cannot be mapped.
        ValueError: it holds no such matrix, or not all of it.
    """
    with path.open("rb") as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError("another version of .npy")
        shape, is_by_column, dtype = np.lib.format.read_array_header_1_0(file)
        begin = file.tell()
        data: Any
        if keeps_descriptor:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        else:
            data = _map_by_arrow(path)
    if len(shape) != 2 or is_by_column or dtype != np.int64:
        raise ValueError("another array")
    table: Table = np.frombuffer(data, np.int64, shape[0] * shape[1], begin).reshape(shape)
    return table, bytes(memoryview(data)[begin + table.nbytes :])


def _map_by_arrow(path: Path) -> Any:
    with import_module("pyarrow").memory_map(str(path), "r") as file:
        return file.read_buffer()


__all__ = ["map_array"]
