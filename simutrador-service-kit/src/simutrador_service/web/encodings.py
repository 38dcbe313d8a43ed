"""Which compression a client wants, and how it is done."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, Final, Protocol

GZIP: Final = "gzip"
ZSTD: Final = "zstd"
_GZIP_LEVEL: Final = 5
_ZSTD_LEVEL: Final = 3
_GZIP_WINDOW: Final = 31  # zlib writes gzip's own frame at 16 + 15


class Compressor(Protocol):
    """Compresses an answer part by part."""

    def compress(self, data: bytes, *, last: bool) -> bytes:
        """Return what can be sent now; with `last` the end, without it all that was given."""
        ...


class _Gzip:
    def __init__(self) -> None:
        self._inner = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)

    def compress(self, data: bytes, *, last: bool) -> bytes:
        mode = zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH
        return self._inner.compress(data) + self._inner.flush(mode)


class _Zstd:
    def __init__(self) -> None:
        import zstandard

        self._inner: Any = zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compressobj()
        self._end: int = zstandard.COMPRESSOBJ_FLUSH_FINISH
        self._block: int = zstandard.COMPRESSOBJ_FLUSH_BLOCK

    def compress(self, data: bytes, *, last: bool) -> bytes:
        written: bytes = self._inner.compress(data)
        return written + self._inner.flush(self._end if last else self._block)


@lru_cache(maxsize=1)
def encodings() -> dict[str, Callable[[], Compressor]]:
    """Return the compressions this installation has, best first; zstd needs the extra `zstd`."""
    found: dict[str, Callable[[], Compressor]] = {}
    if find_spec("zstandard") is not None:
        found[ZSTD] = _Zstd
    found[GZIP] = _Gzip
    return found


@lru_cache(maxsize=256)
def choose_encoding(accept: str) -> str | None:
    """Return the compression that an Accept-Encoding header prefers, or None for none.

    Where it likes several equally, ours comes first: zstd, then gzip.
    """
    weights = dict(_weight(part) for part in accept.split(",") if part.strip())
    others = weights.get("*", 0.0)
    best = max(encodings(), key=lambda name: weights.get(name, others))
    weight = weights.get(best, others)
    return best if weight > 0 and weight >= weights.get("identity", 0.0) else None


def _weight(part: str) -> tuple[str, float]:
    name, *parameters = (word.strip().lower() for word in part.split(";"))
    text = next((word[2:] for word in parameters if word.startswith("q=")), "1")
    try:
        return name, min(1.0, max(0.0, float(text)))
    except ValueError:
        return name, 0.0


__all__ = ["GZIP", "ZSTD", "Compressor", "choose_encoding", "encodings"]
