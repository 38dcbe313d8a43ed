"""Reads many series as they stood at one moment, whatever is committed meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from simutrador_core import dataset
from simutrador_core.errors import StoreError
from simutrador_core.interfaces.storage import BarSource, SeriesInfo, VersionedSource
from simutrador_core.models.bars import BarQuery, Bars

T = TypeVar("T")
_LOOKS: Final = 5


class ChangedError(StoreError):
    """Bars changed between two reads that shall be of one version: read all of them again."""

    code = "bars_changed"


class OneVersion:
    """A source at one version: all it returns after `symbols` belongs together.

    A source that knows its versions is read at the newest commit. Of any other one, the bars read
    are hashed and compared with what the source says of them in the end.
    """

    def __init__(self, source: BarSource) -> None:
        """Look at the source; series that come later are not seen."""
        self._source = source
        self.symbols: list[SeriesInfo] = source.symbols()
        self._as_of = source.latest_commit() if isinstance(source, VersionedSource) else None

    def read(self, query: BarQuery) -> Bars:
        """Return the bars of a query, oldest first; see `BarSource.read`."""
        return self._source.read(replace(query, as_of=self._as_of))

    def dataset_id(self, queries: Sequence[BarQuery], bars: Sequence[Bars]) -> str:
        """Return the hash of the bars that these queries read.

        Raises:
            ChangedError: the source now gives others, so they may not belong together.
        """
        if self._as_of is not None:
            return self._source.dataset_id([replace(query, as_of=self._as_of) for query in queries])
        found = dataset.dataset_id(bars)
        if self._source.dataset_id(queries) != found:
            raise ChangedError("the bars changed while they were read; try again")
        return found


def of_one_version(source: BarSource, use: Callable[[OneVersion], T]) -> T:
    """Return what `use` makes of one version, looking again when the bars changed under it.

    Raises:
        ChangedError: they changed each time.
    """
    for _ in range(_LOOKS - 1):
        try:
            return use(OneVersion(source))
        except ChangedError:
            continue
    return use(OneVersion(source))


__all__ = ["ChangedError", "OneVersion", "of_one_version"]
