"""Pages of a file into the store: one commit a page, compared first so that nothing is lost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import numpy as np

from simutrador_core.errors import UnknownSymbolError
from simutrador_core.interfaces.storage import BarStore, Change, Covered
from simutrador_core.models.bars import OHLCV, BarQuery, Bars, SeriesKey, from_us, to_us
from simutrador_core.models.enums import OnConflict, Timeframe
from simutrador_core.utils.timeframe_utils import timeframe_us
from simutrador_data.services.data_providers.files import Description, FilePage, RejectedRow
from simutrador_data.services.workflows.import_report import FileReport, FileStatus

EXAMPLES: Final = 100
"""How many rejected rows a report carries; the quarantine file has them all."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where bars come from: the file's name and digest, and the digest of the options.

    `whole` is the range of which the file says that it holds every bar.
    """

    name: str
    digest: str
    options: str
    whole: tuple[datetime, datetime] | None = None

    @property
    def source(self) -> str:
        """What the store calls the source."""
        return f"file:{self.name}"

    def request(self, page: int) -> str:
        """Return what a commit of one page says was asked."""
        return f"import {self.name} sha256:{self.digest} options:{self.options} page:{page}"

    @property
    def complete(self) -> str:
        """What the commit of the last page says, when no row was rejected."""
        return f"import {self.name} sha256:{self.digest} options:{self.options} complete"


def is_complete(store: BarStore, description: Description, origin: Origin) -> int | None:
    """Return the commit after which this very file stands in the store whole, or None.

    Any later commit on the series makes the file be read again: its rows may have been replaced.
    """
    if description.symbol is None:
        return None
    latest = store.history(description.symbol, description.timeframe, newest=1)
    return latest[0].id if latest and latest[0].request == origin.complete else None


@dataclass(slots=True)
class PageWriter:
    """Writes the pages of one file and counts what happens.

    A kill between two pages costs nothing that was committed: the next run finds those bars in the
    store and goes on.
    """

    store: BarStore
    origin: Origin
    now: datetime
    on_conflict: OnConflict
    rows: int = 0
    added: int = 0
    replaced: int = 0
    unchanged: int = 0
    kept: int = 0
    duplicates: int = 0
    unadjusted: int = 0
    rejected: Counter[str] = field(default_factory=Counter[str])
    examples: list[RejectedRow] = field(default_factory=list[RejectedRow])
    series: dict[SeriesKey, None] = field(default_factory=dict[SeriesKey, None])
    commits: list[int] = field(default_factory=list[int])
    _reach: dict[SeriesKey, tuple[int, int]] = field(
        default_factory=dict[SeriesKey, tuple[int, int]]
    )

    def write(self, page: FilePage, *, is_last: bool) -> None:
        """Commit a page's bars and count its rows.

        Raises:
            ConflictError: `FAIL` met a different bar; the page was not stored.
            StoreError: the store could not write; the page was not stored.
        """
        self._count(page)
        if not page.bars:
            return
        is_clean = is_last and not self.rejected and not self.kept
        same = different = 0
        for bars in page.bars:
            found = _compare(self.store, bars)
            same, different = same + found[0], different + found[1]
        if self.on_conflict is OnConflict.KEEP and different:
            is_clean = False
        change = Change(
            page.bars,
            self._covered(page.bars, is_last=is_last),
            self.origin.source,
            self.origin.complete if is_clean else self.origin.request(page.number),
            self.now,
            self.on_conflict,
        )
        commit = self.store.commit(change)
        self.series.update(dict.fromkeys(bars.series for bars in page.bars))
        rows = sum(len(bars) for bars in page.bars)
        written = 0 if commit.no_op else commit.added + commit.replaced
        if self.on_conflict is not OnConflict.KEEP:
            different = 0
        elif written + same + different != rows:  # another writer came between look and commit
            different = sum(_compare(self.store, bars)[1] for bars in page.bars)
        self.kept += different
        self.unchanged += rows - written - different
        if not commit.no_op:
            self.added += commit.added
            self.replaced += commit.replaced
            self.commits.append(commit.id)

    def report(
        self,
        path: str,
        status: FileStatus,
        description: Description | None,
        *,
        message: str = "",
        quarantine: str | None = None,
    ) -> FileReport:
        """Return what became of the file so far."""
        return FileReport(
            path,
            status,
            description,
            self.rows,
            self.added,
            self.replaced,
            self.unchanged,
            self.kept,
            self.duplicates,
            self.unadjusted,
            dict(self.rejected.most_common()),
            tuple(self.examples),
            tuple(self.series),
            tuple(self.commits),
            message,
            quarantine,
        )

    def _count(self, page: FilePage) -> None:
        self.rows += page.rows
        self.duplicates += page.duplicates
        self.unadjusted += page.unadjusted
        self.rejected.update(row.kind for row in page.rejected)
        self.examples += page.rejected[: EXAMPLES - len(self.examples)]

    def _covered(self, pages: tuple[Bars, ...], *, is_last: bool) -> list[Covered]:
        """Return which ranges the file settles: from page to page without a hole in between.

        The last page settles all the time that the file is known to hold whole.
        With `REPLACE` none, for there a covered range would remove what stands in it.
        """
        if self.on_conflict is OnConflict.REPLACE:
            return []
        found: list[Covered] = []
        for bars in pages:
            start, end = int(bars.opened_at[0]), _end_us(bars)
            before, after = self._reach.get(bars.series, (start, end))
            self._reach[bars.series] = (min(start, before), max(end, after))
            if before < start:
                start = min(start, after)
            elif before > start:
                end = max(end, before)
            if is_last and self.origin.whole is not None:
                first, last = self.origin.whole
                start, end = min(start, to_us(first)), max(end, to_us(last))
            found.append(Covered(bars.series, from_us(start), from_us(end)))
        return found


def _end_us(bars: Bars) -> int:
    """Return where the last bar ends; of a weekly or monthly one, a day after it opens."""
    step = timeframe_us(bars.timeframe if bars.timeframe.is_intraday else Timeframe.DAILY)
    return int(bars.opened_at[-1]) + step


def _compare(store: BarStore, bars: Bars) -> tuple[int, int]:
    """Return how many bars stand in the store with the same, and with other values."""
    first, last = int(bars.opened_at[0]), int(bars.opened_at[-1])
    query = BarQuery(
        bars.symbol, bars.timeframe, from_us(first), from_us(last + 1), bars.adjustment
    )
    try:
        stored = store.read(query)
    except UnknownSymbolError:
        return 0, 0
    _, mine, theirs = np.intersect1d(
        bars.opened_at, stored.opened_at, assume_unique=True, return_indices=True
    )
    same = np.ones(len(mine), dtype=np.bool_)
    for name in OHLCV:
        same &= getattr(bars, name)[mine] == getattr(stored, name)[theirs]
    return int(same.sum()), int((~same).sum())
