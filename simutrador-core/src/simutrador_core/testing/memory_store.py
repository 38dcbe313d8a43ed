"""`MemoryStore`: a `BarStore` in a dictionary, the slow and obvious version others are held to.

Every version keeps its own copy of what it changed, so that reading an older one is a look-up and
nothing has to be undone. It serves as a fake in tests and as the oracle of the contract suite.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from simutrador_core.dataset import dataset_id
from simutrador_core.errors import ConflictError, InvalidRangeError
from simutrador_core.interfaces.storage import (
    Change,
    Commit,
    Coverage,
    Report,
    Segment,
    SeriesInfo,
    check_as_stored,
)
from simutrador_core.models.bars import BarQuery, Bars, SeriesKey, from_us
from simutrador_core.models.enums import Maintenance, Timeframe
from simutrador_core.testing._memory_rows import (
    Version,
    apply,
    asked_again,
    describe,
    ranges_of,
    read,
    rows_of,
    sort_key,
    times_in,
)


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryStore:
    """Bars in memory; satisfies `BarStore`, for one process and any number of threads.

    A series is known once a commit touched it, by rows or by a covered range alone. Commit ids are
    1, 2, 3, ... over the whole store. Sources and requests are kept, bytes are not: maintenance has
    nothing to do.
    """

    CODE_VERSION: Final = "memory"

    def __init__(self, *, clock: Callable[[], datetime] = _now) -> None:
        """Start empty; `clock` gives the instant of each commit, aware UTC."""
        self._clock = clock
        self._lock = threading.Lock()
        self._versions: list[Version] = [Version()]

    def read(self, query: BarQuery, /) -> Bars:
        """Return the bars that open in the query's range, oldest first.

        `synthetic` is None unless a bar of the answer is; `sessions` is None for intraday bars
        unless each bar of the answer has one.

        Raises:
            UnknownSymbolError: no such series is stored at that version.
            InvalidRangeError: there is no such version yet.
        """
        check_as_stored(query)
        return read(self._at(query.as_of), query)

    def stream(self, query: BarQuery, *, rows: int = 65_536) -> Iterator[Bars]:
        """Yield the same bars in parts of at most `rows`, of the version of the first `next`.

        Raises:
            InvalidRangeError: `rows` is below 1.
        """
        if rows < 1:
            raise InvalidRangeError(f"rows {rows} is below the limit of 1", field="rows")
        bars = self.read(query)
        for first in range(0, len(bars), rows):
            yield bars.take(slice(first, first + rows))

    def symbols(self, timeframe: Timeframe | None = None) -> list[SeriesInfo]:
        """Return every stored series (of a timeframe), sorted by symbol, timeframe, adjustment."""
        version = self._at(None)
        return [
            describe(series, version.rows[series])
            for series in sorted(version.rows, key=sort_key)
            if timeframe in (None, series.timeframe)
        ]

    def latest_commit(self) -> int:
        """Return the id of the newest commit, 0 before the first."""
        return len(self._versions) - 1

    def dataset_id(self, queries: Sequence[BarQuery]) -> str:
        """Return the hash of the exact rows these queries read; see `simutrador_core.dataset`.

        Raises:
            UnknownSymbolError: a series is not stored.
            InvalidBarsError: two queries read rows of one series and month.
        """
        return dataset_id([self.read(query) for query in queries])

    def commit(self, change: Change, *, base: int | None = None) -> Commit:
        """Write a change and return its commit; see `BarStore.commit`.

        Raises:
            ConflictError: a later commit than `base` touched one of the series, or `FAIL` met a
                different row.
            InvalidBarsError: a page is incomplete or holds a number that is not finite, or two
                pages disagree.
        """
        given, asked = rows_of(change.pages), ranges_of(change.covered)
        series = tuple(sorted({*given, *asked}, key=sort_key))
        with self._lock:
            self._check_base(series, base)
            latest = len(self._versions) - 1
            version, counts = apply(self._versions[-1], change, given, asked, commit=latest + 1)
            commit = Commit(
                latest + 1,
                self._now(),
                series,
                counts.added,
                counts.replaced,
                counts.removed,
                source=change.source,
                request=change.request,
                code_version=self.CODE_VERSION,
                fetched_at=change.fetched_at,
            )
            if not counts.any():
                self._versions = asked_again(self._versions, version)
                return replace(commit, id=latest, no_op=True)
            self._versions.append(replace(version, commit=commit))
            return commit

    def history(
        self, symbol: str, timeframe: Timeframe, *, newest: int | None = None
    ) -> list[Commit]:
        """Return the commits (only so many of the newest) of a symbol and timeframe, in order."""
        found = [
            version.commit
            for version in self._versions
            if version.commit is not None
            and any(s.symbol == symbol and s.timeframe == timeframe for s in version.commit.series)
        ]
        return found if newest is None else found[max(0, len(found) - newest) :]

    def segments(self, query: BarQuery) -> list[Segment]:
        """Return one segment for every run of bars that one commit gave, in time order.

        A segment reaches from its first bar's open to just after its last bar's open.
        """
        rows = self._at(query.as_of).rows.get(query.series, {})
        found: list[Segment] = []
        for at in times_in(rows, query):
            kept = rows[at]
            if found and found[-1].commit == kept.commit:
                last = found.pop()
                found.append(
                    Segment(last.start, from_us(at + 1), last.rows + 1, kept.source, kept.commit)
                )
            else:
                found.append(Segment(from_us(at), from_us(at + 1), 1, kept.source, kept.commit))
        return found

    def coverage(self, query: BarQuery) -> list[Coverage]:
        """Return the whole ranges asked for that overlap the query's, by start.

        Of several answers of one source to one range, the latest.
        """
        asked = self._at(query.as_of).asked.get(query.series, {}).values()
        found = [c for c in asked if c.start < query.end and query.start < c.end]
        return sorted(found, key=lambda c: (c.start, c.end, c.asked_at))

    def maintain(self, task: Maintenance) -> Report:
        """Return an empty report: there is nothing to compact, verify or delete."""
        return Report(task, checked=len(self._at(None).rows))

    def _now(self) -> datetime:
        latest = self._versions[-1].commit
        return self._clock() if latest is None else max(latest.at, self._clock())

    def _at(self, as_of: int | None) -> Version:
        latest = len(self._versions) - 1
        if as_of is None:
            return self._versions[latest]
        if not 0 <= as_of <= latest:
            raise InvalidRangeError(
                f"as_of {as_of} is no version of this store; its commits are 0 to {latest}",
                field="as_of",
            )
        return self._versions[as_of]

    def _check_base(self, series: Sequence[SeriesKey], base: int | None) -> None:
        if base is None:
            return
        for version in self._versions[base + 1 :]:
            commit = version.commit
            late = set(series) & set(commit.series if commit else ())
            if commit and late:
                raise ConflictError(
                    f"commit {commit.id} changed {min(late, key=sort_key)} after {base}, "
                    "the latest this writer knows; read again and retry"
                )
