"""What reads and stores bars: `BarSource` and `BarStore`, and the records they exchange.

The contract suite in `simutrador_core.testing.store_contract` runs on every implementation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol, runtime_checkable

from simutrador_core.errors import InputError
from simutrador_core.models.bars import BarQuery, Bars, SeriesKey
from simutrador_core.models.enums import Adjustment, Maintenance, OnConflict, Timeframe
from simutrador_core.models.series import check_range


@dataclass(frozen=True, slots=True)
class SeriesInfo:
    """One series: the instants its first and last bars open, and how many there are.

    `derived` marks an adjusted one that is not stored but made of the raw one when it is read.
    """

    series: SeriesKey
    first: datetime | None
    last: datetime | None
    rows: int
    first_session: date | None = None
    last_session: date | None = None
    derived: bool = False

    @property
    def symbol(self) -> str:
        """The symbol of the series."""
        return self.series.symbol


@dataclass(frozen=True, slots=True)
class Covered:
    """A range `[start, end)` of one series that a source was asked for, rows or not.

    Raises:
        InvalidRangeError: an end is naive, or they are reversed.
    """

    series: SeriesKey
    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Refuse a naive or reversed range."""
        check_range(self.start, self.end)


@dataclass(frozen=True, slots=True)
class Change:
    """What one commit writes, atomically.

    Attributes:
        pages: Bars to write, of one or more series; pages of a series may overlap only if equal.
        covered: Ranges asked for. Without pages they mean "asked, nothing there"; with `REPLACE`,
            old rows inside them that the pages do not hold are removed.
        source: Who gave the bars: a provider's name or `file:NAME`.
        request: What was asked, for people: the command, the file's digest.
        fetched_at: When the source answered, aware UTC.
        on_conflict: What happens where a different row stands at the same instant.
    """

    pages: Sequence[Bars]
    covered: Sequence[Covered]
    source: str
    request: str
    fetched_at: datetime
    on_conflict: OnConflict = OnConflict.KEEP


@dataclass(frozen=True, slots=True)
class Commit:
    """What a change did. Counts are rows. A `no_op` changed no row and repeats the latest id.

    `at` is when it was written, never before that of an earlier commit; `fetched_at` is when the
    source answered, None where that is not known.
    """

    id: int
    at: datetime
    series: tuple[SeriesKey, ...]
    added: int
    replaced: int
    removed: int
    no_op: bool = False
    source: str = ""
    request: str = ""
    code_version: str = ""
    fetched_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A range `[start, end)` of a read that one source gave in one commit: provenance."""

    start: datetime
    end: datetime
    rows: int
    source: str
    commit: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """A range `[start, end)` a source was asked for, when, and how many rows it gave."""

    start: datetime
    end: datetime
    asked_at: datetime
    provider: str
    rows: int


@dataclass(frozen=True, slots=True)
class Report:
    """What a maintenance task did. `problems` is empty when all is well; each names its place.

    `refetch` lists the ranges whose rows were found damaged and put aside: fetch them again.
    """

    task: Maintenance
    checked: int = 0
    changed: int = 0
    freed_bytes: int = 0
    problems: tuple[str, ...] = field(default_factory=tuple)
    refetch: tuple[Covered, ...] = field(default_factory=tuple)


def check_as_stored(query: BarQuery) -> None:
    """Refuse a query for an adjustment that a source of stored series cannot make.

    Raises:
        InputError: `actions_as_of` is given for an adjusted series, which is stored as its source
            adjusted it.
    """
    if query.actions_as_of is not None and query.adjustment is not Adjustment.RAW:
        raise InputError(
            f"{query.series} is stored as its source adjusted it, not by the actions known on "
            f"{query.actions_as_of}; leave actions_as_of out, or read the raw series",
            field="actions_as_of",
        )


@runtime_checkable
class BarSource(Protocol):
    """Something bars can be read from. Synchronous: shells call it through `asyncio.to_thread`.

    A source that keeps adjusted series as they were given, and adjusts none itself, refuses
    `actions_as_of` for them (`check_as_stored`) rather than answer another question.
    """

    def read(self, query: BarQuery, /) -> Bars:
        """Return the bars that open in the query's range, oldest first.

        A known series without bars in the range gives empty `Bars`.

        Raises:
            UnknownSymbolError: no such series is stored (at that version).
            InvalidRangeError: `as_of` is above the latest commit: what it reads is not settled
                yet. Every method that takes a query refuses it.
            VersionGoneError: `as_of` was deleted to save space.
        """
        ...

    def stream(self, query: BarQuery, *, rows: int = 65_536) -> Iterator[Bars]:
        """Yield the same bars in parts of at most `rows`, in bounded memory, of one version."""
        ...

    def symbols(self, timeframe: Timeframe | None = None) -> list[SeriesInfo]:
        """Return every stored series (of a timeframe), sorted by symbol."""
        ...

    def dataset_id(self, queries: Sequence[BarQuery]) -> str:
        """Return the hash of the exact rows these queries read; see `simutrador_core.dataset`."""
        ...


@runtime_checkable
class VersionedSource(BarSource, Protocol):
    """A source that says which version is its newest, so that many reads can be of one."""

    def latest_commit(self) -> int:
        """Return the id of the newest commit, 0 before the first.

        As `as_of` it reads every series that `symbols` listed before.
        """
        ...


@runtime_checkable
class BarStore(VersionedSource, Protocol):
    """A source that can be written to; every change is one atomic, recorded commit."""

    def commit(self, change: Change, *, base: int | None = None) -> Commit:
        """Write a change atomically and durably.

        Args:
            change: What to write.
            base: The latest commit id of these series that the writer knows; None skips the check.

        Returns:
            The commit; `no_op` when every row already stood there.

        Raises:
            ConflictError: a later commit touched one of the series, or `FAIL` met a different row.
            InvalidBarsError: a page is incomplete (its last bar is forming) or holds NaN.
        """
        ...

    def history(
        self, symbol: str, timeframe: Timeframe, *, newest: int | None = None
    ) -> list[Commit]:
        """Return the commits that touched a symbol and timeframe, oldest first.

        Args:
            symbol: Canonical symbol; one that is not stored gives none.
            timeframe: Which of its series.
            newest: Only so many of the newest; a long history costs time. None gives all.
        """
        ...

    def segments(self, query: BarQuery) -> list[Segment]:
        """Return where the rows of a read came from, in time order."""
        ...

    def coverage(self, query: BarQuery) -> list[Coverage]:
        """Return what was asked of whom inside the query's range, in time order.

        The latest answer of each source to each range, as of the version. `asked_at` is when the
        source last gave it: asking again without news moves it forward, in older versions too.
        """
        ...

    def maintain(self, task: Maintenance) -> Report:
        """Compact, verify or vacuum; readers and writers may go on meanwhile."""
        ...
