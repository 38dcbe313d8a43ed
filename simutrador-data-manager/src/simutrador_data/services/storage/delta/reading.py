"""Reading a series: only the files and row groups that can hold what is asked for."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import numpy as np

from simutrador_core.errors import CorruptDataError, VersionGoneError
from simutrador_core.interfaces.storage import Segment
from simutrador_core.models.bars import from_us
from simutrador_data.services.storage.delta.files import FileGoneError
from simutrador_data.services.storage.delta.index import FileRef, overlapping
from simutrador_data.services.storage.delta.ledger import Ledger
from simutrador_data.services.storage.delta.rows import CHANGE, in_order
from simutrador_data.services.storage.delta.state import Snapshot, State
from simutrador_data.services.storage.table import OPENED, Table, join


@contextmanager
def of_a_kept_version(snapshot: Snapshot) -> Generator[None, None, None]:
    """Say that an older version is gone when a file of it is: another tool vacuumed the table.

    Raises:
        VersionGoneError: it was an older version.
    """
    try:
        yield
    except FileGoneError as e:
        if snapshot.is_newest:
            raise
        raise VersionGoneError(
            f"version {snapshot.entry.commit} of {snapshot.entry.touched.key} was vacuumed away by "
            "another tool; read a later one"
        ) from e


def read_table(
    state: State,
    snapshot: Snapshot,
    *,
    start_us: int,
    end_us: int,
    changes: bool = False,
) -> Table:
    """Return the rows of a series that open in `[start_us, end_us)`, ascending.

    Raises:
        CorruptDataError: a file is gone or damaged, or two hold a bar of one instant.
        VersionGoneError: a file of an older version is gone.
    """
    tables: list[Table] = []
    with of_a_kept_version(snapshot):
        for ref in overlapping(snapshot.files, start_us, end_us):
            file = state.open(ref)
            try:
                tables.append(file.read(start_us, end_us, changes=changes))
            finally:
                file.close()
    table = in_order(tables)
    _check_unique(state, table)
    return table


def _check_unique(state: State, table: Table) -> None:
    times = table[OPENED]
    again = times[1:] == times[:-1]
    if again.any():
        at = from_us(int(times[1:][again][0])).isoformat()
        raise CorruptDataError(
            f"{state.log.place.url} holds two bars of one series at {at}; another program wrote "
            "into it: go back to an older version of the table with that program"
        )


def stream_tables(
    state: State, snapshot: Snapshot, *, start_us: int, end_us: int, rows: int
) -> Iterator[Table]:
    """Yield the same rows in parts of `rows`, the last one shorter.

    No more is in memory than a part, and a row group of each file that overlaps it in time.
    """
    with of_a_kept_version(snapshot):
        yield from _parts_of(state, snapshot, start_us=start_us, end_us=end_us, rows=rows)


def _parts_of(
    state: State, snapshot: Snapshot, *, start_us: int, end_us: int, rows: int
) -> Iterator[Table]:
    waiting: list[Table] = []
    count = 0
    for table in _merged(state, overlapping(snapshot.files, start_us, end_us), start_us, end_us):
        waiting.append(table)
        count += table.shape[1]
        while count >= rows:
            whole = join(waiting)
            yield whole[:, :rows]
            waiting, count = [whole[:, rows:]], count - rows
    if count:
        yield join(waiting)


class _Head:
    """The next rows of one file."""

    def __init__(self, parts: Iterator[Table]) -> None:
        self._parts = parts
        self.table = join([])
        self.fill()

    def fill(self) -> None:
        """Take the next row group when the last one is used up."""
        if not self.table.shape[1]:
            self.table = next(self._parts, join([]))

    def cut(self, until_us: int) -> Table:
        """Return the rows that open up to an instant and keep the rest."""
        number = int(np.searchsorted(self.table[OPENED], until_us, side="right"))
        taken, self.table = self.table[:, :number], self.table[:, number:]
        return taken


def _merged(state: State, files: Sequence[FileRef], start_us: int, end_us: int) -> Iterator[Table]:
    """Yield the rows of files in time order; a file is opened when its first bar is due."""
    waiting = sorted(files, key=lambda ref: ref.first_us, reverse=True)
    heads: list[_Head] = []
    while waiting or heads:
        due = min((int(head.table[OPENED, -1]) for head in heads), default=None)
        while waiting and (due is None or waiting[-1].first_us <= due):
            heads.append(_Head(_parts(state, waiting.pop(), start_us, end_us)))
            heads = [head for head in heads if head.table.shape[1]]
            due = min((int(head.table[OPENED, -1]) for head in heads), default=None)
        if due is None:
            continue
        table = in_order([head.cut(due) for head in heads])
        _check_unique(state, table)
        yield table
        for head in heads:
            head.fill()
        heads = [head for head in heads if head.table.shape[1]]


def _parts(state: State, ref: FileRef, start_us: int, end_us: int) -> Iterator[Table]:
    file = state.open(ref)
    try:
        yield from file.parts(start_us, end_us)
    finally:
        file.close()


def segments_of(table: Table, ledger: Ledger) -> list[Segment]:
    """Return one segment for every run of stored rows that one commit gave."""
    if not table.shape[1]:
        return []
    times, changes = table[OPENED], table[CHANGE]
    edges = [0, *(np.flatnonzero(changes[1:] != changes[:-1]) + 1).tolist(), len(times)]
    found: list[Segment] = []
    for first, last in pairwise(edges):
        commit = ledger.commit(ledger.changes[int(changes[first])])
        end = from_us(int(times[last - 1]) + 1)
        found.append(
            Segment(from_us(int(times[first])), end, last - first, commit.source, commit.id)
        )
    return found


__all__ = ["read_table", "stream_tables", "segments_of"]
