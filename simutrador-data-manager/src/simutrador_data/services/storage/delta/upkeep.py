"""Compact, verify and vacuum a Delta table. None of them changes what any version reads."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import Final, NamedTuple

import numpy as np

from simutrador_core.errors import CorruptDataError
from simutrador_core.interfaces.storage import Report
from simutrador_core.models.bars import SeriesKey, from_us
from simutrador_core.models.enums import Maintenance
from simutrador_data.services.storage.delta.events import Event, to_text
from simutrador_data.services.storage.delta.index import FileRef
from simutrador_data.services.storage.delta.rows import CHANGE, in_order
from simutrador_data.services.storage.delta.state import State
from simutrador_data.services.storage.delta.writing import write_file
from simutrador_data.services.storage.table import EARLIEST_US, LATEST_US, OPENED, Table

GRACE: Final = timedelta(days=1)
"""How long a file may lie unnamed: a writer may be about to name it."""
_AT_ONCE: Final = 500
"""Series that one Delta commit compacts."""
_NUMBER: Final = re.compile(r"-([0-9a-f]{16})\.parquet$")


def maintain(state: State, task: Maintenance, *, now: datetime) -> Report:
    """Do a task and report what it did."""
    state.refresh()
    if task is Maintenance.COMPACT:
        return compact(state)
    if task is Maintenance.VERIFY:
        return verify(state)
    return vacuum(state, now=now)


class _Joined(NamedTuple):
    """Files of a series that one new file stands for."""

    key: SeriesKey
    old: list[FileRef]
    new: FileRef
    number: int


def compact(state: State) -> Report:
    """Join small files of a series and year; `checked` counts files, `changed` those written.

    A file is joined only with others of about its size, so that the same rows are seldom written
    again: what compaction replaces stays for the versions that name it.
    """
    state.log.chronicle.gather_missed()
    every = {key: refs for key, refs in list(state.index.items()) if len(refs) > 1}
    checked = sum(len(refs) for refs in list(state.index.values()))
    keys = sorted(every, key=str)
    changed = sum(
        _compact_some(state, {key: every[key] for key in keys[first : first + _AT_ONCE]})
        for first in range(0, len(keys), _AT_ONCE)
    )
    return Report(Maintenance.COMPACT, checked=checked, changed=changed)


def _compact_some(state: State, series: dict[SeriesKey, tuple[FileRef, ...]]) -> int:
    joined = [
        _join(state, key, label, old)
        for key, refs in series.items()
        for label, old in _to_join(key, refs)
    ]
    while joined:
        with state.lock:
            state.refresh()
            good = [one for one in joined if set(one.old) <= set(state.index.get(one.key, ()))]
            if len(good) == len(joined) and _enter(state, good):
                return len(good)
        for one in joined:
            if one not in good:  # a writer replaced its files; the next compaction sees to it
                state.files.remove(one.new.path)
        joined = good
    return 0


def _to_join(key: SeriesKey, refs: Sequence[FileRef]) -> Iterator[tuple[str, list[FileRef]]]:
    """Yield label and files of what should be one file."""

    def label(ref: FileRef) -> str:
        return f"{from_us(ref.first_us).year:04d}" if key.timeframe.is_intraday else "all"

    for name, year in groupby(sorted(refs, key=label), key=label):
        small: list[FileRef] = []
        rows = 0
        for ref in sorted(year, key=lambda ref: ref.rows):
            if small and ref.rows > 2 * rows:
                break
            small.append(ref)
            rows += ref.rows
        if len(small) > 1:
            yield name, small


def _join(state: State, key: SeriesKey, label: str, old: list[FileRef]) -> _Joined:
    number = secrets.randbits(62)
    rows = in_order([_whole(state, ref) for ref in old])
    name = f"{label}-{number:016x}"
    new = write_file(state, rows, key, name=name, source_of=state.ledger.source_of)
    return _Joined(key, old, new, number)


def _whole(state: State, ref: FileRef) -> Table:
    file = state.open(ref)
    try:
        return file.read(EARLIEST_US, LATEST_US + 1, changes=True)
    finally:
        file.close()


def _enter(state: State, joined: Sequence[_Joined]) -> bool:
    added: dict[SeriesKey, list[FileRef]] = {}
    removed: dict[SeriesKey, list[FileRef]] = {}
    for one in joined:
        added.setdefault(one.key, []).append(one.new)
        removed.setdefault(one.key, []).extend(one.old)
    event = Event(compacted=tuple(one.number for one in joined))
    if state.log.commit(to_text(event), added=added, removed=removed, data_change=False):
        state.take_in(event, added=added, removed=removed)
        return True
    state.catch_up()
    return set(event.compacted) <= state.ledger.written


def verify(state: State) -> Report:
    """Read every file and compare it, and each series, with what the log says."""
    with state.lock:
        index = dict(state.index)
        rows = {key: _counted(state, key) for key in state.ledger.series()}
    problems: list[str] = []
    checked = 0
    for key in sorted({*index, *rows}, key=str):
        times: list[Table] = []
        for ref in index.get(key, ()):
            checked += 1
            try:
                table = _whole(state, ref)
            except CorruptDataError as e:
                problems.append(str(e))
                continue
            problems.extend(_file_errors(state, ref, table))
            times.append(table)
        found = in_order(times)[OPENED]
        if bool(np.any(found[1:] == found[:-1])):
            problems.append(f"{key} holds two bars of one instant")
        if len(times) == len(index.get(key, ())) and len(found) != rows.get(key, 0):
            problems.append(f"{key} holds {len(found)} bars but its log counts {rows.get(key, 0)}")
    return Report(Maintenance.VERIFY, checked=checked, problems=tuple(problems))


def _counted(state: State, key: SeriesKey) -> int:
    newest = state.ledger.newest(key)
    return newest.touched.rows if newest else 0


def _file_errors(state: State, ref: FileRef, table: Table) -> Iterator[str]:
    name = f"{state.log.place.url}/{ref.path}"
    times = table[OPENED].tolist()
    ends = (times[0], times[-1]) if times else (None, None)
    if (len(times), *ends) != (ref.rows, ref.first_us, ref.last_us):
        yield f"{name} holds {len(times)} bars, other than the {ref.rows} its log describes"
    if any(later <= earlier for earlier, later in pairwise(times)):
        yield f"{name} holds bars out of order"
    unknown = set(np.unique(table[CHANGE]).tolist()) - state.ledger.changes.keys()
    if unknown:
        yield f"{name} holds bars of {len(unknown)} changes its log does not know"


def vacuum(state: State, *, now: datetime) -> Report:
    """Delete files that no version names and that have lain there for a day.

    They are left by writers that were killed or overtaken.
    """
    listing = state.files.listing()  # before the log is looked at again: a writer may name one
    state.refresh()
    deleted = freed = 0
    for found in listing:
        number = _NUMBER.search(found.path)
        if number is None or now - found.changed_at < GRACE:
            continue
        if int(number[1], 16) not in state.ledger.written:
            state.files.remove(found.path)
            deleted += 1
            freed += found.size
    return Report(Maintenance.VACUUM, checked=len(listing), changed=deleted, freed_bytes=freed)


__all__ = ["maintain", "compact", "verify", "vacuum", "GRACE"]
