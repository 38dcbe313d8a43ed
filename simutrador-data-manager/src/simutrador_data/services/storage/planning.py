"""What a change would do to the store: checked, compared and cut, but not yet written.

Everything happens while this writer holds the catalogue, so what is compared is what is changed.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from simutrador_core.errors import ConflictError, InvalidRangeError, InvalidSymbolError
from simutrador_core.interfaces.storage import Change
from simutrador_core.models.bars import I64, SeriesKey, to_us
from simutrador_core.models.enums import OnConflict
from simutrador_data.services.storage.answers import Answer, answers_to, is_any_new
from simutrador_data.services.storage.contents import Contents
from simutrador_data.services.storage.merge import (
    Merged,
    Range,
    Run,
    all_enter,
    join_pages,
    merge,
)
from simutrador_data.services.storage.segment_list import (
    NewSegment,
    SeriesRow,
    Slice,
    find_series,
    is_text,
    slices,
)
from simutrador_data.services.storage.table import OPENED, Table, from_bars, join, session_at

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
    with the instants of all rows that end in `ended`; `answers` are the ranges asked for, `is_news`
    says that one of them is not on record yet with as many rows.
    """

    given: Given
    series: SeriesRow | None
    merged: Merged
    cut: list[int]
    pieces: list[NewSegment]
    ended: I64
    answers: list[Answer]
    is_news: bool


def with_safe_texts(change: Change) -> Change:
    """Return a change whose source and request can be written as UTF-8.

    The name of a file can hold bytes that are no text; they are shown escaped.
    """
    source, request = (
        text.encode(errors="backslashreplace").decode() for text in (change.source, change.request)
    )
    if (source, request) == (change.source, change.request):
        return change
    return replace(change, source=source, request=request)


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
    if not is_text(key.symbol):
        raise InvalidSymbolError(
            f"symbol {key.symbol!a} is empty or holds a lone surrogate, which is no text",
            field="symbol",
        )
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
    answers = answers_to(given.covered, given.rows[OPENED])
    is_news = is_any_new(connection, series, answers, change.source)
    standing: list[Slice] = []
    if series is not None and bounds is not None:
        standing = slices(connection, series, start_us=bounds[0], end_us=bounds[1])
    if not standing:
        merged = all_enter(given.rows)
        return Plan(given, series, merged, [], [], _NO_TIMES, answers, is_news)
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
        offsets = [offset for _, offset in windows]
        cut, pieces = _cut_all(series, touched, offsets, old, owners, merged)
    ended = [old[OPENED, first:last] for first, last in merged.ending]
    times = np.concatenate(ended) if ended else _NO_TIMES
    return Plan(given, series, merged, cut, pieces, times, answers, is_news)


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


def _cut_all(
    series: SeriesRow,
    touched: Sequence[Slice],
    offsets: Sequence[int],
    old: Table,
    owners: I64,
    merged: Merged,
) -> tuple[list[int], list[NewSegment]]:
    """Return the segments that are cut, by id, and the pieces that stand for them."""
    cut: list[int] = []
    pieces: list[NewSegment] = []
    firsts = np.searchsorted(owners, np.arange(len(touched) + 1)).tolist()
    for number, piece in enumerate(touched):
        bounds_in_old = (firsts[number], firsts[number + 1])
        made = _cut(series, piece, offsets[number], old, bounds_in_old, merged)
        if made is not None:
            cut.append(piece.id)
            pieces.extend(made)
    return cut, pieces


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


def changes_something(plan: Plan) -> bool:
    """Return whether a plan changes rows or records an answer not on record yet."""
    return plan.is_news or not plan.merged.changes_nothing


__all__ = [
    "Given",
    "Plan",
    "with_safe_texts",
    "given_by",
    "check_base",
    "plan_series",
    "changes_something",
]
