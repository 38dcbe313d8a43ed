"""One commit: plan what a change does to each series, then enter it in one transaction.

Everything happens while this writer holds the catalogue, so what was compared is what is changed.
Files are durable before the transaction that names them commits; a failure before that leaves at
most files nobody names.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from typing import Final

import numpy as np

from simutrador_core.errors import ConflictError, InvalidRangeError, InvalidSymbolError
from simutrador_core.interfaces.storage import Change, Commit
from simutrador_core.models.bars import I64, SeriesKey, from_us, to_us
from simutrador_core.models.enums import OnConflict
from simutrador_data.services.storage import blocks
from simutrador_data.services.storage.contents import Contents
from simutrador_data.services.storage.digests import months_of
from simutrador_data.services.storage.merge import Merged, Range, Run, all_enter, join_pages, merge
from simutrador_data.services.storage.segment_list import (
    NewSegment,
    ObjectRef,
    SeriesRow,
    Slice,
    add_object,
    add_segments,
    find_series,
    latest_commit,
    remove_segments,
    slices,
)
from simutrador_data.services.storage.table import (
    OPENED,
    Table,
    from_bars,
    join,
    narrow,
    session_at,
)

_DISTRIBUTION: Final = "simutrador-data-manager"
_NO_TIMES: Final[I64] = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Given:
    """What a change says about one series: its rows, and the ranges asked for."""

    key: SeriesKey
    rows: Table
    covered: list[Range]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a change does to one series, not yet written.

    `cut` are the segments taken off the list and `pieces` those that stand for their rows instead,
    with the instants of all rows that end in `ended`; `fresh` are ranges not on record yet.
    """

    given: Given
    series: SeriesRow | None
    merged: Merged
    cut: list[int]
    pieces: list[NewSegment]
    ended: I64
    fresh: list[Range]


def given_by(change: Change) -> list[Given]:
    """Return what a change says, by series, sorted.

    Raises:
        InvalidBarsError: a page is incomplete, holds NaN or infinity, or disagrees with another.
        InvalidSymbolError: a symbol is empty or no text.
        InvalidRangeError: a covered range is reversed or naive.
    """
    pages: dict[SeriesKey, list[Table]] = {}
    covered: dict[SeriesKey, list[Range]] = {}
    for page in change.pages:
        table = from_bars(page)
        if table.shape[1]:
            pages.setdefault(page.series, []).append(table)
    for piece in change.covered:
        start, end = to_us(piece.start), to_us(piece.end)
        if start > end:
            raise InvalidRangeError(
                f"covered range of {piece.series} starts at {piece.start.isoformat()}, "
                f"after its end {piece.end.isoformat()}"
            )
        covered.setdefault(piece.series, []).append((start, end))
    return [
        Given(_checked(key), join_pages(pages.get(key, []), key), covered.get(key, []))
        for key in sorted({*pages, *covered}, key=_sort_key)
    ]


def _sort_key(key: SeriesKey) -> tuple[str, str, str]:
    return (key.symbol, key.timeframe, key.adjustment)


def _checked(key: SeriesKey) -> SeriesKey:
    try:
        empty = not key.symbol.encode()
    except UnicodeEncodeError as e:
        raise InvalidSymbolError(f"symbol {key.symbol!a} is no text", field="symbol") from e
    if empty:
        raise InvalidSymbolError("a symbol needs at least one character", field="symbol")
    return key


def check_base(connection: sqlite3.Connection, given: Sequence[Given], base: int | None) -> None:
    """Refuse a writer that does not know the latest commit of its series.

    Raises:
        ConflictError: a later commit touched one of them.
    """
    if base is None:
        return
    for part in given:
        series = find_series(connection, part.key)
        if series is not None and series.head > base:
            raise ConflictError(
                f"commit {series.head} changed {part.key} after {base}, the latest this writer "
                "knows; read again and retry"
            )


def plan_series(
    connection: sqlite3.Connection, contents: Contents, given: Given, change: Change
) -> Plan:
    """Return what a change does to one series.

    Raises:
        ConflictError: `FAIL` met a different row.
    """
    series = find_series(connection, given.key)
    replaces = change.on_conflict is OnConflict.REPLACE
    covered = given.covered if replaces else []
    bounds = _bounds(given.rows[OPENED], covered)
    standing: list[Slice] = []
    if series is not None and bounds is not None:
        standing = slices(connection, series, start_us=bounds[0], end_us=bounds[1])
    if not standing:
        fresh = _fresh(connection, series, given.covered, change.source)
        return Plan(given, series, all_enter(given.rows), [], [], _NO_TIMES, fresh)
    touched = [piece for piece in standing if _is_touched(piece, given.rows[OPENED], covered)]
    windows = [_window(connection, contents, piece, bounds) for piece in touched]
    old = join([table for table, _ in windows])
    owners = np.repeat(np.arange(len(windows)), [table.shape[1] for table, _ in windows])
    merged = merge(
        old,
        given.rows,
        series=given.key,
        on_conflict=change.on_conflict,
        covered=covered,
        owners=owners,
        fences=_fences(standing, touched),
    )
    cut: list[int] = []
    pieces: list[NewSegment] = []
    if series is not None and not merged.changes_nothing:
        firsts = np.searchsorted(owners, np.arange(len(windows) + 1)).tolist()
        for number, piece in enumerate(touched):
            bounds_in_old = (firsts[number], firsts[number + 1])
            made = _cut(series, piece, windows[number][1], old, bounds_in_old, merged)
            if made is not None:
                cut.append(piece.id)
                pieces.extend(made)
    ended = [old[OPENED, first:last] for first, last in merged.ending]
    return Plan(
        given,
        series,
        merged,
        cut,
        pieces,
        np.concatenate(ended) if ended else _NO_TIMES,
        _fresh(connection, series, given.covered, change.source),
    )


def _bounds(times: I64, covered: Sequence[Range]) -> Range | None:
    """Return the range of instants a change can touch."""
    ranges = [*covered, (int(times[0]), int(times[-1]) + 1)] if len(times) else covered
    if not ranges:
        return None
    return min(start for start, _ in ranges), max(end for _, end in ranges)


def _is_touched(piece: Slice, times: I64, covered: Sequence[Range]) -> bool:
    first, last = np.searchsorted(times, [piece.first_us, piece.last_us + 1])
    return bool(first < last) or any(
        start <= piece.last_us and piece.first_us < end for start, end in covered
    )


def _window(
    connection: sqlite3.Connection, contents: Contents, piece: Slice, bounds: Range | None
) -> tuple[Table, int]:
    """Return the rows of a segment a change can touch, one more on each side, and where they begin.

    The extra row always stays, so what lies outside of the window can be joined to it.
    """
    assert bounds is not None
    table = contents.rows(piece.object, piece.row_from, piece.row_to, connection)
    first, last = np.searchsorted(table[OPENED], bounds).tolist()
    first = max(first - 1, 0)
    return table[:, first : last + 1], first


def _fences(standing: Sequence[Slice], touched: Sequence[Slice]) -> I64:
    loaded = {piece.id for piece in touched}
    return np.array([p.first_us for p in standing if p.id not in loaded], dtype=np.int64)


def _cut(
    series: SeriesRow, piece: Slice, offset: int, old: Table, bounds: Range, merged: Merged
) -> list[NewSegment] | None:
    """Return the segments that stand for a segment's rows after the change, or None if it stays.

    Cutting keeps `added`, so every older version still reads the same rows. The commit that ends
    a piece is not known yet: -1 stands for it.
    """
    first, last = bounds
    staying = _within(merged.staying, first, last)
    ending = _within(merged.ending, first, last)
    if not ending and len(staying) == 1:
        return None
    made: list[NewSegment] = []
    for run, superseded in [*((r, None) for r in staying), *((r, -1) for r in ending)]:
        starts_inside = run[0] > first or offset == 0
        ends_inside = run[1] < last or offset + (last - first) == piece.rows
        row_from = run[0] - first + offset if starts_inside else 0
        row_to = run[1] - first + offset if ends_inside else piece.rows
        made.append(
            NewSegment(
                series.id,
                piece.object.id,
                piece.row_from + row_from,
                piece.row_from + row_to,
                int(old[OPENED, run[0]]) if row_from else piece.first_us,
                int(old[OPENED, run[1] - 1]) if row_to < piece.rows else piece.last_us,
                session_at(old, run[0]) if row_from else piece.first_session,
                session_at(old, run[1] - 1) if row_to < piece.rows else piece.last_session,
                piece.added,
                superseded,
            )
        )
    return made


def _within(runs: Sequence[Run], first: int, last: int) -> Sequence[Run]:
    return runs[bisect_left(runs, (first, 0)) : bisect_left(runs, (last, 0))]


def _fresh(
    connection: sqlite3.Connection,
    series: SeriesRow | None,
    covered: Sequence[Range],
    source: str,
) -> list[Range]:
    wanted = dict.fromkeys(covered)
    if series is None:
        return list(wanted)
    query = """SELECT 1 FROM coverage
        WHERE series_id = ? AND start_us = ? AND end_us = ? AND provider = ?"""
    return [
        (start, end)
        for start, end in wanted
        if connection.execute(query, (series.id, start, end, source)).fetchone() is None
    ]


def changes_something(plan: Plan) -> bool:
    """Return whether a plan changes rows or records a range for the first time."""
    return bool(plan.fresh) or not plan.merged.changes_nothing


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
        remove_segments(connection, plan.cut)
        add_segments(
            connection,
            (p._replace(superseded=commit) if p.superseded else p for p in plan.pieces),
        )
        entering = _new_segments(connection, contents, plan, series_id, commit, written)
        add_segments(connection, list(entering))
        times = plan.merged.rows[OPENED]
        if len(plan.ended):
            times = np.concatenate((times, plan.ended))
        connection.executemany(
            "INSERT INTO months (series_id, month, commit_id) VALUES (?, ?, ?)",
            ((series_id, month, commit) for month in months_of(times)),
        )
    _update_series(connection, series_id, plan.merged, commit)
    times = plan.given.rows[OPENED]
    connection.executemany(
        "INSERT INTO coverage VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (
                series_id,
                start,
                end,
                change.source,
                to_us(change.fetched_at),
                int(np.diff(np.searchsorted(times, [start, end]))[0]),
                commit,
            )
            for start, end in plan.fresh
        ),
    )


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
    for label, first, last in parts_by_year(rows[OPENED], key):
        object_id = store(
            connection, contents, rows[:, first:last], key, label=label, written=written
        )
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
    years = times[[0, -1]].view("datetime64[us]").astype("datetime64[Y]")
    if years[0] == years[1]:
        yield str(years[0]), 0, len(times)
        return
    years = times.view("datetime64[us]").astype("datetime64[Y]")
    edges = [0, *(np.flatnonzero(years[1:] != years[:-1]) + 1).tolist(), len(times)]
    for first, last in pairwise(edges):
        yield str(years[first]), first, last


def store(
    connection: sqlite3.Connection,
    contents: Contents,
    rows: Table,
    key: SeriesKey,
    *,
    label: str,
    written: list[ObjectRef],
) -> int:
    """Write rows as a block, or as a file when they are many; return the object's id."""
    rows = narrow(rows)
    if rows.shape[1] <= blocks.MAX_ROWS:
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
    ref = contents.write_file(rows, key, place="bars", label=label)
    written.append(ref)
    return name_file(connection, contents, ref, place="bars")


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
    edge = """SELECT first_us, first_session, last_us, last_session FROM segments
        INDEXED BY segments_live WHERE series_id = ? AND superseded IS NULL ORDER BY last_us {}"""
    first = connection.execute(edge.format("LIMIT 1"), (series_id,)).fetchone()
    last = connection.execute(edge.format("DESC LIMIT 1"), (series_id,)).fetchone()
    bounds = (None,) * 4 if first is None else (first[0], last[2], first[1], last[3])
    connection.execute(
        """UPDATE series SET head = ?, rows = rows + ?, first_us = ?, last_us = ?,
        first_session = ?, last_session = ? WHERE id = ?""",
        (commit, merged.added - merged.removed, *bounds, series_id),
    )


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
    """Return the commit of a change that changed nothing: the latest id, counts of 0."""
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
    )


__all__ = ["given_by", "check_base", "plan_series", "changes_something", "enter", "nothing_done"]
