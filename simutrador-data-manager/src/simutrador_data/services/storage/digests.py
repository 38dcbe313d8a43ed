"""`dataset_id` with the digest of each month kept in the catalogue.

The `months` table says which commits changed a month, so a month of a version is known by the
newest of them: its digest is computed once and never becomes stale. A digest is a memo: when it
cannot be written (read-only store, busy writer), or does not agree with the sum kept beside it, the
next reader computes it again.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from simutrador_core import dataset
from simutrador_core.errors import StoreError
from simutrador_core.models.bars import I64, BarQuery, Bars, SeriesKey, to_us
from simutrador_data.services.storage.catalogue import Catalogue
from simutrador_data.services.storage.contents import Contents
from simutrador_data.services.storage.reading import bars_of, known_series, with_fresh_snapshots
from simutrador_data.services.storage.segment_list import SeriesRow

_MONTHS = """SELECT month, max(commit_id), digest, first_us, last_us, memo_sum FROM months
    WHERE series_id = ? AND month BETWEEN ? AND ? AND commit_id <= ? GROUP BY month"""
_KEEP: Final = """UPDATE months SET digest = ?, first_us = ?, last_us = ?, memo_sum = ?
    WHERE series_id = ? AND month = ? AND commit_id = ?"""
_PATIENCE_S: Final = 0.2


class Month(NamedTuple):
    """A UTC month of a series as of a commit; `digest` is empty when it holds no rows."""

    number: int
    commit: int
    digest: str | None
    first_us: int | None
    last_us: int | None


class Memo(NamedTuple):
    """A digest worth keeping: of which series and month, and the rows' first and last instant."""

    series_id: int
    month: Month


def months_of(times: I64) -> list[int]:
    """Return the UTC months ascending instants lie in, counted from January 1970, ascending."""
    if not len(times):
        return []
    first, last = _month(times[[0, -1]]).tolist()
    if first == last:
        return [first]
    months = np.array(range(first + 1, last + 1), dtype=np.int64)
    edges = [0, *np.searchsorted(times, _begin(months)).tolist(), len(times)]
    return [first + at for at, (begin, end) in enumerate(pairwise(edges)) if begin < end]


def lines(
    catalogue: Catalogue,
    contents: Contents,
    query: BarQuery,
    *,
    version: int,
    read_once: Callable[[int, int], Bars],
    memos: list[Memo],
) -> list[str]:
    """Return the lines of `dataset.month_lines` for the rows of a query.

    Where every month is known it is one look at the catalogue, and of months that are cut the rows
    inside the range are read and hashed.

    Args:
        catalogue: Knows the months.
        contents: Where the rows are.
        query: The series and range.
        version: The version to read.
        read_once: Returns the bars of a range of that version, for months that are hashed for good:
            a long series is not mapped into memory for it.
        memos: Digests computed on the way are appended here.

    Raises:
        UnknownSymbolError: the series is not stored at that version.
        InvalidRangeError: there is no such version yet.
    """
    start_us, end_us = to_us(query.start), to_us(query.end)
    fresh: dict[int, Month] = {}

    def attempt() -> list[str]:
        while True:
            with catalogue.read() as connection:
                series = known_series(connection, query.series, version=version)
                months = [
                    fresh.get(month.number, month)
                    for month in _changed(connection, series, start_us, end_us, version)
                ]
                unknown = [month for month in months if month.digest is None]
                if not unknown:
                    read = partial(bars_of, connection, contents, series, version=version)
                    return list(_lines(series.key, months, read, start_us=start_us, end_us=end_us))
            for month in unknown:
                fresh[month.number] = digested(month, read_once(*bounds(month.number)))
                memos.append(Memo(series.id, fresh[month.number]))

    return with_fresh_snapshots(attempt)


def lines_of(
    connection: sqlite3.Connection,
    series: SeriesRow,
    bars: Bars,
    *,
    start_us: int,
    end_us: int,
    version: int | None,
) -> list[str] | None:
    """Return the lines of bars that were read; None when the digest of a month is not known yet."""
    if start_us >= end_us:
        return []
    known = series.head if version is None else version
    months = _changed(connection, series, start_us, end_us, known)
    if any(month.digest is None for month in months):
        return None

    def read(*, start_us: int, end_us: int) -> Bars:
        return bars.between(start_us, end_us)

    return list(_lines(series.key, months, read, start_us=start_us, end_us=end_us))


def _changed(
    connection: sqlite3.Connection, series: SeriesRow, start_us: int, end_us: int, version: int
) -> list[Month]:
    """Return the months of a range that ever held rows, as of a version."""
    first, last = (int(_month(np.array([at]))[0]) for at in (start_us, end_us - 1))
    rows = connection.execute(_MONTHS, (series.id, first, last, version))
    return [_trusted(series.id, Month(*row[:5]), row[5]) for row in rows]


def _trusted(series_id: int, month: Month, found: object) -> Month:
    if month.digest is None or found == memo_sum(Memo(series_id, month)):
        return month
    return Month(month.number, month.commit, None, None, None)


def memo_sum(memo: Memo) -> int:
    """Return the sum kept beside a digest: of all of it, and of which month it is."""
    text = " ".join(map(str, (memo.series_id, *memo.month)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest())


def _lines(
    key: SeriesKey,
    months: Sequence[Month],
    read: Callable[..., Bars],
    *,
    start_us: int,
    end_us: int,
) -> Iterator[str]:
    for month in months:
        if month.first_us is None or month.last_us is None:
            continue
        if start_us <= month.first_us and month.last_us < end_us:
            yield f"{key} {np.datetime64(month.number, 'M')} {month.digest}"
            continue
        start, end = bounds(month.number)
        yield from dataset.month_lines(read(start_us=max(start, start_us), end_us=min(end, end_us)))


def keep(catalogue: Catalogue, memos: Sequence[Memo]) -> None:
    """Write digests into the catalogue, unless that fails or a writer is busy."""
    if not memos:
        return
    with suppress(StoreError), catalogue.write(patience_s=_PATIENCE_S) as connection:
        write(connection, memos)


def write(connection: sqlite3.Connection, memos: Iterable[Memo]) -> None:
    """Enter digests; the caller holds the catalogue for writing."""
    connection.executemany(
        _KEEP,
        (
            (m.digest, m.first_us, m.last_us, memo_sum(memo), memo.series_id, m.number, m.commit)
            for memo in memos
            for m in [memo.month]
        ),
    )


def digested(month: Month, bars: Bars) -> Month:
    """Return a month with what its bars say, all of them."""
    if not len(bars):
        return Month(month.number, month.commit, "", None, None)
    first, last = int(bars.opened_at[0]), int(bars.opened_at[-1])
    return Month(month.number, month.commit, dataset.rows_digest(bars), first, last)


def _month(times: I64) -> I64:
    return times.view("datetime64[us]").astype("datetime64[M]").view(np.int64)


def bounds(month: int) -> tuple[int, int]:
    """Return the first instant of a month, and the first after it."""
    start, end = _begin(np.array([month, month + 1])).tolist()
    return start, end


def _begin(months: I64) -> I64:
    return months.view("datetime64[M]").astype("datetime64[us]").view(np.int64)


__all__ = [
    "Memo",
    "Month",
    "months_of",
    "lines",
    "lines_of",
    "memo_sum",
    "keep",
    "write",
    "digested",
    "bounds",
]
