"""An Arrow stream over HTTP as `Bars`, batch by batch: never more than one batch in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np

from simutrador_core.errors import SimutradorError, UnreachableError
from simutrador_core.models._frames import library
from simutrador_core.models.bars import Bars, concat

_END: Final = b"\xff\xff\xff\xff\x00\x00\x00\x00"
"""What an Arrow stream ends with; without it a stream cut between batches would look whole."""
MOST_BYTES: Final = 64 * 1024**2
"""Most bytes of one batch: a thousand for each bar a data manager puts in."""


class _Pieces:
    """A readable file over the pieces of a body as they come."""

    closed = False

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._held = b""
        self.last = b""

    def read(self, size: int = -1) -> bytes:
        """Return `size` bytes; fewer only where the body ends.

        Raises:
            UnreachableError: more are announced at once than a batch has.
        """
        if size > MOST_BYTES:
            raise UnreachableError(
                f"the service sent no Arrow stream of bars: it announces {size} bytes at once, "
                f"above the limit of {MOST_BYTES}"
            )
        parts = [self._held]
        missing = size - len(self._held)
        while size < 0 or missing > 0:
            piece = next(self._pieces, None)
            if piece is None:
                break
            parts.append(piece)
            self.last = (self.last + piece[-len(_END) :])[-len(_END) :]
            missing -= len(piece)
        data = b"".join(parts)
        cut = len(data) if size < 0 else size
        self._held = data[cut:]
        return data[:cut]

    def close(self) -> None:
        """The connection is closed by who opened it."""


def read_batches(pieces: Iterable[bytes]) -> Iterator[Bars]:
    """Yield the bars of each record batch of a stream, in the order sent; none for no bars.

    Args:
        pieces: The body of an answer of `/trading-data/bars?format=arrow` for one symbol.

    Raises:
        InvalidBarsError: the stream holds something else than bars.
        UnreachableError: it breaks off, or is no Arrow stream.
        MissingExtraError: pyarrow is not installed (extra `remote`).
    """
    arrow: Any = library("pyarrow", extra="remote")
    body = _Pieces(pieces)
    try:
        with arrow.ipc.open_stream(arrow.PythonFile(body, mode="r")) as reader:
            for batch in reader:
                table: Any = arrow.Table.from_batches([batch])
                yield _as_stored(Bars.from_arrow(table))
    except SimutradorError:
        raise
    except (arrow.ArrowException, OSError) as e:  # cut inside of a batch it is an OSError
        raise UnreachableError(f"the service broke off, or sent no Arrow stream: {e}") from e
    if body.last != _END:
        raise UnreachableError("the service broke off before the end of its Arrow stream")


def in_parts(batches: Iterable[Bars], rows: int) -> Iterator[Bars]:
    """Yield the same bars in parts of exactly `rows`, the last one shorter."""
    held: list[Bars] = []
    count = 0
    for bars in batches:
        held.append(bars)
        count += len(bars)
        if count < rows:
            continue
        whole = concat(held)
        cut = count - count % rows
        for first in range(0, cut, rows):
            yield whole.take(slice(first, first + rows))
        held, count = [whole.take(slice(cut, None))], count - cut
    if count:
        yield concat(held)


def _as_stored(bars: Bars) -> Bars:
    """Return the bars with columns left out that say nothing, as a store reads them."""
    sessions = bars.sessions
    if sessions is not None and bool(np.isnat(sessions).any()):
        sessions = None
    marks = bars.synthetic
    if marks is not None and not bool(marks.any()):
        marks = None
    if sessions is bars.sessions and marks is bars.synthetic:
        return bars
    return replace(bars, sessions=sessions, synthetic=marks)


__all__ = ["in_parts", "read_batches"]
