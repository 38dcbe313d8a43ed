"""Verify, inside the catalogue: rows against their sums, and what is remembered against the rows.

What follows from other rows (the counts and bounds of a series, the digest of a month) is mended.
The rest comes back from a backup. A row that does not match its sum is only believed to be mended
when it matches its sum afterwards: otherwise something else in it is wrong too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from simutrador_core.errors import CorruptDataError, VersionGoneError
from simutrador_core.models.bars import Bars
from simutrador_data.services.storage import digests
from simutrador_data.services.storage.catalogue import Catalogue
from simutrador_data.services.storage.contents import Contents
from simutrador_data.services.storage.digests import Memo, Month
from simutrador_data.services.storage.reading import spans_of, with_fresh_snapshots
from simutrador_data.services.storage.retention import check_kept
from simutrador_data.services.storage.row_sums import SUMS
from simutrador_data.services.storage.segment_list import SeriesRow, list_series, slices
from simutrador_data.services.storage.table import OPENED, Table, join, to_bars

_UNSOUND: Final = "SELECT count(*) FROM {} WHERE NOT is_sound"
_NAMES: Final = "SELECT id, symbol || ' ' || timeframe || ' ' || adjustment FROM series ORDER BY 1"
_SERIES: Final = """SELECT since, head, rows, first_us, last_us, first_session, last_session,
    is_sound, row_sum FROM series WHERE id = ?"""
_LISTED: Final = """SELECT coalesce(sum(row_to - row_from), 0), min(first_us), max(last_us)
    FROM segments WHERE series_id = ? AND superseded IS NULL"""
_FOLLOWS: Final = """UPDATE series SET
    since = (SELECT min(commit_id) FROM commit_series WHERE series_id = ?1),
    head = (SELECT max(commit_id) FROM commit_series WHERE series_id = ?1),
    rows = (SELECT coalesce(sum(row_to - row_from), 0) FROM segments
        WHERE series_id = ?1 AND superseded IS NULL),
    (first_us, first_session) = (SELECT first_us, first_session FROM segments
        WHERE series_id = ?1 AND superseded IS NULL ORDER BY last_us LIMIT 1),
    (last_us, last_session) = (SELECT last_us, last_session FROM segments
        WHERE series_id = ?1 AND superseded IS NULL ORDER BY last_us DESC LIMIT 1)
    WHERE id = ?1"""
# A digest stands for every version from its commit on until the month changes again. Where the
# oldest version kept is a later one, that one is read.
_MEMOS: Final = """SELECT m.month, m.commit_id, m.digest, m.first_us, m.last_us, m.memo_sum,
    m.is_sound, m.row_sum, max(m.commit_id, s.kept_from)
    FROM months m JOIN series s ON s.id = m.series_id
    WHERE m.series_id = ? AND m.digest IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM months later WHERE later.series_id = m.series_id AND later.month = m.month
        AND later.commit_id > m.commit_id AND later.commit_id <= s.kept_from)
    ORDER BY 9, m.month"""
_MEMO: Final = """SELECT is_sound, row_sum FROM months
    WHERE series_id = ? AND month = ? AND commit_id = ?"""
_MONTHS_READ: Final = 12
_MONTHS_READ_OF_DAYS: Final = 240


class Found(NamedTuple):
    """What was wrong, and how much of it was mended."""

    problems: list[str]
    mended: int


class _Kept(NamedTuple):
    memo: Memo
    memo_sum: int | None
    is_sound: int
    row_sum: int
    version: int


def unsound_rows(catalogue: Catalogue) -> Iterator[str]:
    """Yield which tables have rows that do not match their sums."""
    with catalogue.read() as connection:
        for table in SUMS:
            (count,) = connection.execute(_UNSOUND.format(table)).fetchone()
            if count:
                yield (
                    f"{catalogue.path}: {count} rows of {table} do not match their sums; restore "
                    "the catalogue from a backup"
                )


def check_series(catalogue: Catalogue, *, may_change: bool) -> Found:
    """Compare the counts and bounds of every series with its segments."""
    problems: list[str] = []
    mended = 0
    with catalogue.read() as connection:
        names = dict(connection.execute(_NAMES).fetchall())
        wrong = {one: name for one, name in names.items() if _is_wrong(connection, one)}
    for one, name in wrong.items():
        is_mended = may_change and _mend_series(catalogue, one)
        mended += is_mended
        done = "it was mended" if is_mended else "restore the catalogue from a backup"
        problems.append(f"series {name} counts other rows than it lists; {done}")
    return Found(problems, mended)


def _is_wrong(connection: sqlite3.Connection, series_id: int) -> bool:
    """Return whether a row differs from what follows from others; nothing is changed."""
    row = connection.execute(_SERIES, (series_id,)).fetchone()
    if not row[7]:
        return True
    live = connection.execute(_LISTED, (series_id,)).fetchone()
    return tuple(row[2:5]) != tuple(live)


def _mend_series(catalogue: Catalogue, series_id: int) -> bool:
    with catalogue.write() as connection:
        before = connection.execute(_SERIES, (series_id,)).fetchone()
        connection.execute("SAVEPOINT mending")
        connection.execute(_FOLLOWS, (series_id,))
        after = connection.execute(_SERIES, (series_id,)).fetchone()
        is_mended = bool(before[7]) or after[8] == before[8]
        if not is_mended:
            connection.execute("ROLLBACK TO mending")
        connection.execute("RELEASE mending")
    return is_mended


def check_memos(catalogue: Catalogue, contents: Contents, *, may_change: bool) -> Found:
    """Hash the rows of every month whose digest is kept, and compare.

    Months with rows that cannot be read are left out: what is wrong there is reported as damage of
    the object that holds them.
    """
    problems: list[str] = []
    mended = 0
    try:
        with catalogue.read() as connection:
            stored = list_series(connection, None)
    except CorruptDataError:  # of a row that is reported: what it says of versions is not known
        return Found([], 0)
    for series in stored:
        with catalogue.read() as connection:
            kept = [_kept(series, row) for row in connection.execute(_MEMOS, (series.id,))]
        for right, one in _compared(catalogue, contents, series, kept):
            is_mended = may_change and _mend_memo(catalogue, right, one)
            mended += is_mended
            done = "it was mended" if is_mended else "restore the catalogue from a backup"
            problems.append(
                f"the digest kept of month {one.memo.month.number} of {series.key} is not that of "
                f"its rows; {done}"
            )
    return Found(problems, mended)


def _kept(series: SeriesRow, row: Sequence[int]) -> _Kept:
    month = Month(*row[:5])  # pyright: ignore[reportArgumentType]
    return _Kept(Memo(series.id, month), *row[5:])


def _compared(
    catalogue: Catalogue, contents: Contents, series: SeriesRow, kept: Sequence[_Kept]
) -> Iterator[tuple[Memo, _Kept]]:
    """Yield each memo that is not what the rows say, behind what they say."""
    step = _MONTHS_READ if series.key.timeframe.is_intraday else _MONTHS_READ_OF_DAYS

    def window(one: _Kept) -> tuple[int, int]:
        return one.version, one.memo.month.number // step

    for (version, _), group in groupby(kept, key=window):
        memos = list(group)
        months = [one.memo.month.number for one in memos]
        start, end = digests.bounds(months[0])[0], digests.bounds(months[-1])[1]
        try:
            table = _rows(catalogue, contents, series, (start, end), version)
        except (CorruptDataError, VersionGoneError):
            continue
        for one in memos:
            right = Memo(series.id, digests.digested(one.memo.month, _of(table, one, series)))
            if right != one.memo or one.memo_sum != digests.memo_sum(right):
                yield right, one


def _of(table: Table, one: _Kept, series: SeriesRow) -> Bars:
    first, last = table[OPENED].searchsorted(digests.bounds(one.memo.month.number)).tolist()
    return to_bars(table[:, first:last], series.key)


def _rows(
    catalogue: Catalogue,
    contents: Contents,
    series: SeriesRow,
    bounds: tuple[int, int],
    version: int,
) -> Table:
    """Return the rows of a version; instants outside of the bounds may be among them."""

    def attempt() -> Table:
        with catalogue.read() as connection:
            check_kept(connection, series, version)
            found = slices(
                connection, series, start_us=bounds[0], end_us=bounds[1], version=version
            )
        return join([contents.rows_once(*span) for span in spans_of(found)])

    return with_fresh_snapshots(attempt)


def _mend_memo(catalogue: Catalogue, right: Memo, one: _Kept) -> bool:
    place = (right.series_id, right.month.number, right.month.commit)
    with catalogue.write() as connection:
        if connection.execute(_MEMO, place).fetchone() != (one.is_sound, one.row_sum):
            return False  # it is another by now
        connection.execute("SAVEPOINT mending")
        digests.write(connection, [right])
        (_, row_sum) = connection.execute(_MEMO, place).fetchone()
        is_mended = bool(one.is_sound) or row_sum == one.row_sum
        if not is_mended:
            connection.execute("ROLLBACK TO mending")
        connection.execute("RELEASE mending")
    return is_mended


__all__ = ["Found", "check_memos", "check_series", "unsound_rows"]
