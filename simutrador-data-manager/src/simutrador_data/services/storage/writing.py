"""Entering a planned change: objects first, then the rows of the catalogue that name them.

Files are durable before the transaction that names them commits; a failure before that leaves at
most files nobody names.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from typing import Final

import numpy as np

from simutrador_core.interfaces.storage import Change, Commit
from simutrador_core.models.bars import I64, SeriesKey, from_us, to_us
from simutrador_data.services.storage import blocks
from simutrador_data.services.storage.answers import note_asked_again, record
from simutrador_data.services.storage.contents import Contents
from simutrador_data.services.storage.digests import months_of
from simutrador_data.services.storage.merge import Merged
from simutrador_data.services.storage.planning import Plan
from simutrador_data.services.storage.segment_list import (
    NewSegment,
    ObjectRef,
    add_object,
    add_segments,
    latest_commit,
    remove_segments,
)
from simutrador_data.services.storage.table import OPENED, Table, narrow, session_at

_DISTRIBUTION: Final = "simutrador-data-manager"
_UPDATE: Final = """UPDATE series SET head = ?, rows = rows + ?,
    (first_us, first_session) = (SELECT first_us, first_session
        FROM segments INDEXED BY segments_live
        WHERE series_id = series.id AND superseded IS NULL ORDER BY last_us LIMIT 1),
    (last_us, last_session) = (SELECT last_us, last_session
        FROM segments INDEXED BY segments_live
        WHERE series_id = series.id AND superseded IS NULL ORDER BY last_us DESC LIMIT 1)
    WHERE id = ?"""


def enter(
    connection: sqlite3.Connection,
    contents: Contents,
    plans: Sequence[Plan],
    change: Change,
    *,
    at_us: int,
    written: list[ObjectRef],
) -> Commit:
    """Enter a planned change and return its commit; the caller commits the transaction.

    Files are appended to `written` as they are made, so that a failure can delete them.
    """
    commit = Commit(
        latest_commit(connection) + 1,
        from_us(at_us),
        tuple(plan.given.key for plan in plans),
        added=sum(plan.merged.added for plan in plans),
        replaced=sum(plan.merged.replaced for plan in plans),
        removed=sum(plan.merged.removed for plan in plans),
        source=change.source,
        request=change.request,
        code_version=code_version(),
        fetched_at=from_us(to_us(change.fetched_at)),
    )
    connection.execute(
        "INSERT INTO commits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            commit.id,
            at_us,
            change.source,
            change.request,
            to_us(change.fetched_at),
            str(change.on_conflict),
            commit.code_version,
            commit.added,
            commit.replaced,
            commit.removed,
        ),
    )
    for plan in plans:
        _enter_series(connection, contents, plan, change, commit.id, written)
    return commit


def _enter_series(
    connection: sqlite3.Connection,
    contents: Contents,
    plan: Plan,
    change: Change,
    commit: int,
    written: list[ObjectRef],
) -> None:
    series_id = plan.series.id if plan.series else _new_series(connection, plan.given.key, commit)
    connection.execute("INSERT INTO commit_series VALUES (?, ?)", (series_id, commit))
    if not plan.merged.changes_nothing:
        if plan.cut:
            remove_segments(connection, plan.cut)
            add_segments(
                connection,
                (p._replace(superseded=commit) if p.superseded else p for p in plan.pieces),
            )
        entering = _new_segments(connection, contents, plan, series_id, commit, written)
        add_segments(connection, list(entering))
        months = {*months_of(plan.merged.rows[OPENED]), *months_of(plan.ended)}
        connection.executemany(
            "INSERT INTO months (series_id, month, commit_id) VALUES (?, ?, ?)",
            ((series_id, month, commit) for month in sorted(months)),
        )
    _update_series(connection, series_id, plan.merged, commit)
    record(connection, series_id, plan.answers, change, commit=commit)


def _new_series(connection: sqlite3.Connection, key: SeriesKey, commit: int) -> int:
    cursor = connection.execute(
        "INSERT INTO series (symbol, timeframe, adjustment, since, head) VALUES (?, ?, ?, ?, ?)",
        (key.symbol, str(key.timeframe), str(key.adjustment), commit, commit),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def _new_segments(
    connection: sqlite3.Connection,
    contents: Contents,
    plan: Plan,
    series_id: int,
    commit: int,
    written: list[ObjectRef],
) -> Iterator[NewSegment]:
    rows, key = plan.merged.rows, plan.given.key
    parts = list(parts_by_year(rows[OPENED], key))
    tables = [(label, narrow(rows[:, first:last])) for label, first, last in parts]
    ids = _store(connection, contents, tables, key, written)
    for (_, first, last), object_id in zip(parts, ids, strict=True):
        for run in plan.merged.entering:
            run_first, run_last = max(run[0], first), min(run[1], last)
            if run_first < run_last:
                yield NewSegment(
                    series_id,
                    object_id,
                    run_first - first,
                    run_last - first,
                    int(rows[OPENED, run_first]),
                    int(rows[OPENED, run_last - 1]),
                    session_at(rows, run_first),
                    session_at(rows, run_last - 1),
                    commit,
                    None,
                )


def parts_by_year(times: I64, key: SeriesKey) -> Iterator[tuple[str, int, int]]:
    """Yield `(label, first, last)` for each object some rows go into: a UTC year, or all."""
    if not len(times):
        return
    if not key.timeframe.is_intraday:
        yield "all", 0, len(times)
        return
    years = from_us(int(times[0])).year, from_us(int(times[-1])).year
    if years[0] == years[1]:  # as a rule
        yield f"{years[0]:04d}", 0, len(times)
        return
    begins = [to_us(datetime(year, 1, 1, tzinfo=UTC)) for year in range(years[0] + 1, years[1] + 1)]
    edges = [0, *np.searchsorted(times, begins).tolist(), len(times)]
    for year, (first, last) in enumerate(pairwise(edges), start=years[0]):
        if first < last:
            yield f"{year:04d}", first, last


def _store(
    connection: sqlite3.Connection,
    contents: Contents,
    parts: Sequence[tuple[str, Table]],
    key: SeriesKey,
    written: list[ObjectRef],
) -> list[int]:
    """Write labelled rows, few as a block and many as a file; return the objects' ids."""
    large = [part for part in parts if part[1].shape[1] > blocks.MAX_ROWS]
    files = iter(contents.write_files(large, key, place="bars", written=written))
    return [
        name_file(connection, contents, next(files), place="bars")
        if rows.shape[1] > blocks.MAX_ROWS
        else _store_block(connection, contents, rows)
        for _, rows in parts
    ]


def _store_block(connection: sqlite3.Connection, contents: Contents, rows: Table) -> int:
    data = blocks.encode(rows)
    digest = blocks.digest_of(data)
    return add_object(
        connection,
        place="block",
        path=None,
        digest=digest,
        rows=rows.shape[1],
        size=len(data),
        data=data,
    )


def name_file(
    connection: sqlite3.Connection, contents: Contents, ref: ObjectRef, *, place: str
) -> int:
    """Enter a file that is already durable; return the object's id."""
    return add_object(
        connection,
        place=place,
        path=ref.path,
        digest=ref.digest,
        rows=ref.rows,
        size=contents.size_of(ref),
        data=None,
    )


def _update_series(
    connection: sqlite3.Connection, series_id: int, merged: Merged, commit: int
) -> None:
    connection.execute(_UPDATE, (commit, merged.added - merged.removed, series_id))


@cache
def code_version() -> str:
    """Return which release writes: distribution and version."""
    try:
        return f"{_DISTRIBUTION} {version(_DISTRIBUTION)}"
    except PackageNotFoundError:
        return _DISTRIBUTION


def nothing_done(
    connection: sqlite3.Connection, plans: Sequence[Plan], change: Change, *, at_us: int
) -> Commit:
    """Return the commit of a change that changed nothing: the latest id, counts of 0.

    That its source was asked again is noted with the answers on record.
    """
    for plan in plans:
        if plan.series is not None:
            note_asked_again(connection, plan.series.id, plan.answers, change)
    return Commit(
        latest_commit(connection),
        from_us(at_us),
        tuple(plan.given.key for plan in plans),
        added=0,
        replaced=0,
        removed=0,
        no_op=True,
        source=change.source,
        request=change.request,
        code_version=code_version(),
        fetched_at=from_us(to_us(change.fetched_at)),
    )


__all__ = ["enter", "nothing_done", "name_file", "parts_by_year"]
