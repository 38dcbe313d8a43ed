"""Answers packed as the client asks for it (`Accept-Encoding`), part by part."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import Any, Final, Protocol

import zstandard

LEAST_BYTES: Final = 1_024
"""Smaller answers are not packed: it would cost more time than it saves."""

_GZIP_LEVEL: Final = 1
_ZSTD_LEVEL: Final = 1
_GZIP_WINDOW: Final = 31  # a gzip head and the largest window


class Coding(StrEnum):
    """A way to pack an answer, by its name in HTTP."""

    ZSTD = "zstd"
    GZIP = "gzip"


class _Packer(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


def _zstd() -> _Packer:
    packer: Any = zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compressobj()
    return packer


def _gzip() -> _Packer:
    packer: Any = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    return packer


_PACKERS: Final[dict[Coding, Callable[[], _Packer]]] = {Coding.ZSTD: _zstd, Coding.GZIP: _gzip}


def packed(chunks: Iterable[bytes], coding: Coding) -> Iterator[bytes]:
    """Yield the chunks packed, in little memory: what one chunk fills is handed on at once."""
    packer = _PACKERS[coding]()
    for chunk in chunks:
        data = packer.compress(chunk)
        if data:
            yield data
    yield packer.flush()
