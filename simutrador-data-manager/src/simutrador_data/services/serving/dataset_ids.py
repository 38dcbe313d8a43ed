"""Hashes of ranges asked for before, so that asking again does not read and hash rows again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Final

from simutrador_core.interfaces.storage import BarSource
from simutrador_core.models.bars import BarQuery

KEPT: Final = 4_096
"""Most requests remembered: about 4 MB."""
_MOST_QUERIES: Final = 4
"""Requests of more series than this are not remembered; each takes a kilobyte or so."""


class DatasetIds:
    """`dataset_id` with a memory. Threads may share one.

    Only queries of a fixed version (`as_of`) are remembered: what they read never changes.
    """

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._kept: OrderedDict[tuple[BarQuery, ...], str] = OrderedDict()
        self._lock = Lock()

    def of(self, source: BarSource, queries: Sequence[BarQuery]) -> str:
        """Return `source.dataset_id(queries)`; always asked of the same source.

        Raises:
            UnknownSymbolError: a series is not stored.
            InvalidRangeError: there is no such version yet.
        """
        found = self.known(queries)
        if found is None:
            found = source.dataset_id(queries)
            self.keep(queries, found)
        return found

    def known(self, queries: Sequence[BarQuery]) -> str | None:
        """Return the hash of what these queries read, where it is remembered."""
        key = tuple(queries)
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def keep(self, queries: Sequence[BarQuery], dataset_id: str) -> None:
        """Remember the hash of what queries of a fixed version read."""
        key = tuple(queries)
        if len(key) <= _MOST_QUERIES and all(query.as_of is not None for query in key):
            with self._lock:
                self._kept[key] = dataset_id
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
