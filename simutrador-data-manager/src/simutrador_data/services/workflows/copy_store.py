"""Copy series from one store to another, whatever their backends, until their rows are the same.

A series whose bars and questions the target holds already is passed over, so a copy that was
interrupted goes on where it stopped. Nothing is deleted: bars that only the target has stay, and
are reported. Provenance is kept by source; older versions are not copied.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final, Protocol, runtime_checkable

import numpy as np

from simutrador_core.errors import UnknownSymbolError
from simutrador_core.interfaces.storage import (
    BarStore,
    Change,
    Commit,
    Coverage,
    Covered,
    SeriesInfo,
)
from simutrador_core.models.bars import BarQuery, Bars, SeriesKey
from simutrador_core.models.enums import OnConflict
from simutrador_data.services.progress.progress import Progress

_BEGIN: Final = datetime(1, 1, 2, tzinfo=UTC)
_END: Final = datetime(9999, 12, 30, tzinfo=UTC)
_MOST_ROWS: Final = 2_000_000
"""Bars of a series read at once; a longer one is copied year by year."""


@runtime_checkable
class Batching(Protocol):
    """A store to which many changes cost little more than one."""

    def commit_many(self, changes: Iterator[Change]) -> list[Commit]:
        """Write changes in order."""
        ...


@dataclass(frozen=True, slots=True)
class CopyReport:
    """What a copy did.

    Attributes:
        copied: Series that were written.
        skipped: Series that the target held already.
        differs: Series whose rows are not the same afterwards.
        rows: Bars added or restated in the target.
        source_id: `dataset_id` of the series in the source.
        target_id: The same of the target; equal when nothing differs.
        cancelled: Whether it was stopped before its end; then nothing was compared.
    """

    copied: tuple[SeriesKey, ...]
    skipped: tuple[SeriesKey, ...]
    differs: tuple[SeriesKey, ...]
    rows: int
    source_id: str = ""
    target_id: str = ""
    cancelled: bool = False


def copy_store(
    source: BarStore,
    target: BarStore,
    *,
    symbols: Sequence[str] = (),
    request: str,
    progress: Progress,
) -> CopyReport:
    """Bring the series of `symbols` (none: every one) to the target and compare what it holds then.

    Args:
        source: Read from.
        target: Written to, in batches where it can.
        symbols: Canonical symbols.
        request: What each commit of the target says was asked for.
        progress: Told how many bars are done; asked whether to stop between series.

    Raises:
        UnknownSymbolError: the source has no series of a symbol.
        ConflictError: others write the same series of the target again and again.
    """
    chosen = _chosen(source, symbols)
    copying = _Copying(source, target, request, progress)
    progress.start(sum(info.rows for info in chosen), "bars", "Copying")
    try:
        commits = _commit_all(target, copying.changes(chosen))
    finally:
        progress.finish()
    rows = sum(commit.added + commit.replaced for commit in commits)
    copied, skipped = tuple(copying.copied), tuple(copying.skipped)
    if progress.cancelled():
        return CopyReport(copied, skipped, (), rows, cancelled=True)
    differs, ids = _compared(source, target, [info.series for info in chosen], progress)
    return CopyReport(copied, skipped, differs, rows, *ids)


def _chosen(source: BarStore, symbols: Sequence[str]) -> list[SeriesInfo]:
    held = source.symbols()
    for symbol in symbols:
        if all(info.symbol != symbol for info in held):
            raise UnknownSymbolError(symbol)
    return [info for info in held if not symbols or info.symbol in symbols]


def _commit_all(target: BarStore, changes: Iterator[Change]) -> list[Commit]:
    if isinstance(target, Batching):
        return target.commit_many(changes)
    return [target.commit(change) for change in changes]


class _Copying:
    """The changes of a copy, made as they are written, and what becomes of each series."""

    def __init__(
        self, source: BarStore, target: BarStore, request: str, progress: Progress
    ) -> None:
        self._source = source
        self._target = target
        self._request = request
        self._progress = progress
        self.copied: list[SeriesKey] = []
        self.skipped: list[SeriesKey] = []

    def changes(self, chosen: Sequence[SeriesInfo]) -> Iterator[Change]:
        """Yield what the target lacks of each series."""
        held = {info.series for info in self._target.symbols()}
        done = 0
        for info in chosen:
            if self._progress.cancelled():
                return
            self._progress.advance(done, str(info.series))
            is_new = info.series not in held
            count = 0
            for window in _windows(info):
                for change in self._of_window(window, is_new=is_new):
                    count += 1
                    yield change
            (self.copied if count else self.skipped).append(info.series)
            done += info.rows
        self._progress.advance(done)

    def _of_window(self, window: BarQuery, *, is_new: bool) -> Iterator[Change]:
        bars = self._source.read(window)
        asked = _begun_in(self._source.coverage(window), window)
        old = None if is_new else self._target.read(window)
        missing = asked if is_new else _not_among(asked, self._target.coverage(window))
        is_same = old is not None and _holds(old, bars)
        if is_same and not missing:
            return
        parts = self._by_source(window, bars, asked)
        if old is not None and len(old) and not is_same:
            for part in parts:
                yield replace(part, covered=(), on_conflict=OnConflict.REPLACE)
        yield from parts

    def _by_source(self, window: BarQuery, bars: Bars, asked: Sequence[Coverage]) -> list[Change]:
        """Return one change for each source of some bars, with the questions it answered.

        A question without bars of its source in the store counts those that stand there.
        """
        series = window.series
        segments = self._source.segments(window)
        owners = np.repeat(
            np.array([segment.source for segment in segments], dtype=object),
            [segment.rows for segment in segments],
        )
        names = dict.fromkeys([*(s.source for s in segments), *(one.provider for one in asked)])
        history = self._source.history(series.symbol, series.timeframe) if names else []
        changes: list[Change] = []
        for name in names:
            answers = [one for one in asked if one.provider == name]
            page = bars.take(np.asarray(owners == name, dtype=np.bool_))
            fetched = [one.asked_at for one in answers]
            fetched += [c.fetched_at or c.at for c in history if c.source == name]
            changes.append(
                Change(
                    [page] if len(page) else [],
                    [Covered(series, one.start, one.end) for one in answers],
                    source=name,
                    request=self._request,
                    fetched_at=min(fetched),  # an older answer is asked for again, no harm
                )
            )
        return changes


def _windows(info: SeriesInfo) -> list[BarQuery]:
    """Return queries that read a whole series, a year each where it is too long for one."""
    key = info.series
    edges = [_BEGIN, _END]
    if info.rows > _MOST_ROWS and info.first and info.last:
        years = range(info.first.year + 1, info.last.year + 1)
        edges[1:1] = [datetime(year, 1, 1, tzinfo=UTC) for year in years]
    return [
        BarQuery(key.symbol, key.timeframe, start, end, adjustment=key.adjustment)
        for start, end in pairwise(edges)
    ]


def _begun_in(asked: Sequence[Coverage], window: BarQuery) -> list[Coverage]:
    return [one for one in asked if window.start <= one.start < window.end]


def _not_among(asked: Sequence[Coverage], known: Sequence[Coverage]) -> list[Coverage]:
    there = {(one.start, one.end, one.provider) for one in known}
    return [one for one in asked if (one.start, one.end, one.provider) not in there]


def _holds(old: Bars, bars: Bars) -> bool:
    """Return whether a target's bars hold each of the source's, sessions and marks included."""
    if len(old) == len(bars):
        return old.equals(bars)
    shared = np.isin(old.opened_at, bars.opened_at, assume_unique=True)
    return bool(shared.sum() == len(bars)) and old.take(shared).equals(bars)


def _compared(
    source: BarStore, target: BarStore, series: Sequence[SeriesKey], progress: Progress
) -> tuple[tuple[SeriesKey, ...], tuple[str, str]]:
    """Return the series whose rows differ, and the `dataset_id` of all of them on both sides."""
    queries = [
        BarQuery(key.symbol, key.timeframe, _BEGIN, _END, adjustment=key.adjustment)
        for key in series
    ]
    progress.start(len(queries), "series", "Comparing")
    try:
        differs: list[SeriesKey] = []
        for done, query in enumerate(queries):
            progress.advance(done, str(query.series))
            if source.dataset_id([query]) != target.dataset_id([query]):
                differs.append(query.series)
    finally:
        progress.finish()
    return tuple(differs), (source.dataset_id(queries), target.dataset_id(queries))


__all__ = ["copy_store", "CopyReport", "Batching"]
