"""Row blocks: the rows of a small commit as bytes inside the catalogue.

Layout, little-endian: magic `SB`, codec (1 byte), width (1 byte), rows (u32), then the table's
int64 rows one after the other. Codec 0 holds them as they are, codec 1 with the bytes of each row
grouped by significance and deflated. The catalogue keeps the SHA-256 of the whole.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from typing import Final

import numpy as np

from simutrador_core.errors import CorruptDataError
from simutrador_data.services.storage.table import NARROW, WIDE, Table

MAX_ROWS: Final = 8_192
"""More rows than this in one commit and year go into a Parquet file."""
_HEADER: Final = struct.Struct("<2sBBI")
_MAGIC: Final = b"SB"
_PLAIN, _DEFLATED = 0, 1
_PLAIN_ROWS: Final = 512
"""Up to this size a block is not deflated: it would cost more time than the write it saves."""


def encode(table: Table) -> bytes:
    """Return a table as a block."""
    width, rows = table.shape
    plain = np.ascontiguousarray(table, dtype="<i8")
    codec = _PLAIN if rows <= _PLAIN_ROWS else _DEFLATED
    head = _HEADER.pack(_MAGIC, codec, width, rows)
    if codec == _PLAIN:
        return head + plain.tobytes()
    shuffled = plain.view(np.uint8).reshape(width, rows, 8).transpose(0, 2, 1)
    return head + zlib.compress(shuffled.tobytes(), level=1)


def decode(data: bytes) -> Table:
    """Return the table of a block, read-only.

    Raises:
        CorruptDataError: these are not the bytes of a block.
    """
    try:
        magic, codec, width, rows = _HEADER.unpack_from(data)
        body = data[_HEADER.size :] if codec == _PLAIN else zlib.decompress(data[_HEADER.size :])
    except (struct.error, zlib.error) as e:
        raise CorruptDataError(f"a row block cannot be decoded: {e}") from e
    shaped = magic == _MAGIC and NARROW <= width <= WIDE and codec in (_PLAIN, _DEFLATED)
    if not shaped or len(body) != width * rows * 8:
        raise CorruptDataError("a row block has the wrong shape")
    if codec == _DEFLATED:
        shuffled = np.frombuffer(body, dtype=np.uint8).reshape(width, 8, rows)
        body = shuffled.transpose(0, 2, 1).tobytes()
    return np.frombuffer(body, dtype="<i8").reshape(width, rows)


def digest_of(data: bytes | memoryview) -> str:
    """Return the SHA-256 of a stored object's bytes, as the catalogue keeps it."""
    return hashlib.sha256(data).hexdigest()


__all__ = ["encode", "decode", "digest_of", "MAX_ROWS"]
