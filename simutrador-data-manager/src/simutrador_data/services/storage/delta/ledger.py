"""What all events of a store add up to: commits, how each series stands, and what was asked.

Pure: events go in, in the order of their Delta versions. Commit ids are 1, 2, 3, ... over the
store.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Final, NamedTuple

from simutrador_core.errors import CorruptDataError, InvalidRangeError, UnknownSymbolError
from simutrador_core.interfaces.storage import Commit, Coverage
from simutrador_core.models.bars import SeriesKey, from_us
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_data.services.storage.answers import Answer
from simutrador_data.services.storage.delta.events import Asked, BarCommit, Event, Touched


class Entry(NamedTuple):
    """A commit in one series: its id, the Delta version it came with, and the series after it."""

    commit: int
    version: int
    touched: Touched


class _Given(NamedTuple):
    """An answer on record: since which commit, when last given, and how many rows."""

    commit: int
    asked_us: int
    rows: int


_Question = tuple[int, int, str]
NEVER: Final = -1
"""The version before any event."""


class Ledger:
    """Everything a store says about itself except its bars."""

    def __init__(self) -> None:
        """Begin with the empty store."""
        self.version = NEVER
        self.changes: dict[int, int] = {}
        """The commit of each change number found in rows."""
        self.written: set[int] = set()
        """The numbers in the names of files that some version of the table named."""
        self._commits: list[BarCommit] = []
        self._entries: dict[SeriesKey, list[Entry]] = {}
        self._answers: dict[SeriesKey, dict[_Question, list[_Given]]] = {}

    def add(self, version: int, event: Event) -> None:
        """Take in the event of the next Delta version; one without news moves the version only.

        Raises:
            CorruptDataError: a commit does not follow the one before it.
        """
        for commit in event.commits:
            if commit.id != self.latest + 1:
                raise CorruptDataError(
                    f"the log holds commit {commit.id} at version {version}, after {self.latest}; "
                    "another program changed it: restore it from a backup"
                )
            self._commits.append(commit)
            for touched in commit.touched:
                self._enter(commit, touched, version)
        for asked in event.asked:
            self._ask_again(asked)
        self.written.update(event.compacted)
        self.version = version

    def _enter(self, commit: BarCommit, touched: Touched, version: int) -> None:
        self.changes[touched.change] = commit.id
        self.written.add(touched.change)
        entry = Entry(commit.id, version, touched)
        self._entries.setdefault(touched.key, []).append(entry)
        known = self._answers.setdefault(touched.key, {})
        for start, end, rows in touched.answers:
            given = _Given(commit.id, commit.fetched_us, rows)
            known.setdefault((start, end, commit.source), []).append(given)

    def _ask_again(self, asked: Asked) -> None:
        for key, start, end in asked.answers:
            given = self._answers[key][start, end, asked.source]
            given[-1] = given[-1]._replace(asked_us=max(given[-1].asked_us, asked.fetched_us))

    @property
    def latest(self) -> int:
        """The id of the newest commit; 0 in an empty store."""
        return len(self._commits)

    @property
    def latest_us(self) -> int:
        """The instant of the newest commit, microseconds UTC; the epoch in an empty store."""
        return self._commits[-1].at_us if self._commits else 0

    def commit(self, number: int) -> BarCommit:
        """Return a commit by its id."""
        return self._commits[number - 1]

    def source_of(self, change: int) -> str:
        """Return who gave the rows of a change."""
        return self.commit(self.changes[change]).source

    def series(self, timeframe: Timeframe | None = None) -> list[SeriesKey]:
        """Return every series (of a timeframe), sorted."""
        found = (key for key in self._entries if timeframe in (None, key.timeframe))
        return sorted(found, key=lambda key: (key.symbol, key.timeframe, key.adjustment))

    def newest(self, key: SeriesKey) -> Entry | None:
        """Return the newest commit of a series, or None for an unknown one."""
        entries = self._entries.get(key)
        return entries[-1] if entries else None

    def check(self, as_of: int | None) -> None:
        """Refuse a version there is none of: what it reads would change with the next commit.

        Raises:
            InvalidRangeError: it is negative or above the latest commit.
        """
        if as_of is not None and not 0 <= as_of <= self.latest:
            raise InvalidRangeError(
                f"as_of {as_of} is no version of this store; its commits are 0 to {self.latest}",
                field="as_of",
            )

    def entry(self, key: SeriesKey, as_of: int | None) -> Entry:
        """Return the newest commit of a series up to a version.

        Raises:
            InvalidRangeError: there is no such version yet.
            UnknownSymbolError: no commit touched the series up to it.
        """
        self.check(as_of)
        entries = self._entries.get(key, [])
        count = len(entries)
        if as_of is not None:
            count = bisect_right(entries, as_of, key=lambda entry: entry.commit)
        if not count:
            raise UnknownSymbolError(key.symbol)
        return entries[count - 1]

    def history(self, symbol: str, timeframe: Timeframe, *, newest: int | None) -> list[Commit]:
        """Return the commits of a symbol and timeframe, oldest first; see `BarStore.history`."""
        found: set[int] = set()
        for adjustment in Adjustment:
            key = SeriesKey(symbol, timeframe, adjustment)
            found.update(entry.commit for entry in self._entries.get(key, []))
        ids = sorted(found)
        if newest is not None:
            ids = ids[max(0, len(ids) - newest) :]
        return [self.commit(number).told() for number in ids]

    def is_news(self, key: SeriesKey, answer: Answer, source: str) -> bool:
        """Return whether a question is new, or was answered with another number of rows before."""
        given = self._answers.get(key, {}).get((answer.start, answer.end, source))
        return given is None or given[-1].rows != answer.rows

    def is_later(self, key: SeriesKey, answer: Answer, source: str, asked_us: int) -> bool:
        """Return whether an answer on record was last given before an instant."""
        given = self._answers.get(key, {}).get((answer.start, answer.end, source))
        return given is not None and given[-1].asked_us < asked_us

    def coverage(
        self, key: SeriesKey, *, start_us: int, end_us: int, as_of: int | None
    ) -> list[Coverage]:
        """Return the whole ranges asked for that overlap `[start_us, end_us)`, in time order.

        Raises:
            InvalidRangeError: there is no such version yet.
        """
        self.check(as_of)
        found: list[Coverage] = []
        for (start, end, source), given in self._answers.get(key, {}).items():
            known = [one for one in given if as_of is None or one.commit <= as_of]
            if known and start < end_us and start_us < end:
                last = known[-1]
                asked_at = from_us(last.asked_us)
                found.append(Coverage(from_us(start), from_us(end), asked_at, source, last.rows))
        return sorted(found, key=lambda one: (one.start, one.end, one.asked_at))


__all__ = ["Ledger", "Entry", "NEVER"]
