"""`dataset_id` with the digest of each month kept in the catalogue.

The `months` table says which commits changed a month, so a month of a version is known by the
newest of them: its digest is computed once and never becomes stale. A digest is a memo: when it
cannot be written (read-only store, busy writer), the next reader computes it again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from simutrador_core import dataset
from simutrador_core.errors import StoreError
from simutrador_core.models.bars import I64, Bars
from simutrador_data.services.storage.catalogue import Catalogue
from simutrador_data.services.storage.segment_list import SeriesRow

_MONTHS = """SELECT month, max(commit_id), digest, first_us, last_us FROM months
    WHERE series_id = ? AND month BETWEEN ? AND ? AND commit_id <= ? GROUP BY month"""
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


def changed_months(
    connection: sqlite3.Connection, series: SeriesRow, *, start_us: int, end_us: int, version: int
) -> list[Month]:
    """Return the months of a range that ever held rows, as of a version."""
    first, last = (int(_month(np.array([at]))[0]) for at in (start_us, end_us - 1))
    rows = connection.execute(_MONTHS, (series.id, first, last, version))
    return [Month(*row) for row in rows]


def lines(
    series: SeriesRow,
    months: Sequence[Month],
    read: Callable[[int, int], Bars],
    *,
    read_once: Callable[[int, int], Bars],
    start_us: int,
    end_us: int,
    memos: list[Memo],
) -> Iterator[str]:
    """Yield the lines of `dataset.month_lines` for the rows of a range.

    Args:
        series: Whose months they are.
        months: What `changed_months` returned.
        read: Returns the bars of a range of the same version, which may be asked for again.
        read_once: The same for months that are hashed for good: a long series is not mapped into
            memory for it.
        start_us: First instant of the range.
        end_us: First instant after the range.
        memos: Digests computed on the way are appended here.
    """
    for month in months:
        start, end = _bounds(month.number)
        if month.digest is None:
            month = _digested(month, read_once(start, end))  # noqa: PLW2901
            memos.append(Memo(series.id, month))
        if month.first_us is None or month.last_us is None:
            continue
        if start_us <= month.first_us and month.last_us < end_us:
            yield f"{series.key} {np.datetime64(month.number, 'M')} {month.digest}"
        else:
            yield from dataset.month_lines(read(max(start, start_us), min(end, end_us)))


def keep(catalogue: Catalogue, memos: Sequence[Memo]) -> None:
    """Write digests into the catalogue, unless that fails or a writer is busy."""
    if not memos:
        return
    with suppress(StoreError), catalogue.write(patience_s=_PATIENCE_S) as connection:
        connection.executemany(
            """UPDATE months SET digest = ?, first_us = ?, last_us = ?
            WHERE series_id = ? AND month = ? AND commit_id = ?""",
            (
                (m.digest, m.first_us, m.last_us, series_id, m.number, m.commit)
                for series_id, m in memos
            ),
        )


def _digested(month: Month, bars: Bars) -> Month:
    if not len(bars):
        return Month(month.number, month.commit, "", None, None)
    first, last = int(bars.opened_at[0]), int(bars.opened_at[-1])
    return Month(month.number, month.commit, dataset.rows_digest(bars), first, last)


def _month(times: I64) -> I64:
    return times.view("datetime64[us]").astype("datetime64[M]").view(np.int64)


def _bounds(month: int) -> tuple[int, int]:
    start, end = _begin(np.array([month, month + 1])).tolist()
    return start, end


def _begin(months: I64) -> I64:
    return months.view("datetime64[M]").astype("datetime64[us]").view(np.int64)


__all__ = ["Memo", "Month", "months_of", "changed_months", "lines", "keep"]
