"""What sources were asked for and what they gave: the answers that coverage is made of.

The answer of a source to a question (a range of a series) is the newest one recorded up to a
version. One that is given again without news is not recorded again: its time moves forward.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from simutrador_core.interfaces.storage import Change, Coverage
from simutrador_core.models.bars import I64, from_us, to_us
from simutrador_data.services.storage.row_sums import check
from simutrador_data.services.storage.segment_list import SeriesRow

_LATEST_ROWS = """SELECT rows FROM coverage WHERE series_id = ? AND start_us = ? AND end_us = ?
    AND provider = ? ORDER BY commit_id DESC LIMIT 1"""
_RECORD = """INSERT INTO coverage
    (series_id, start_us, end_us, provider, commit_id, asked_us, rows)
    VALUES (?, ?, ?, ?, ?, ?, ?)"""
_ASKED_AGAIN = """UPDATE coverage SET asked_us = ? WHERE asked_us < ? AND series_id = ?
    AND start_us = ? AND end_us = ? AND provider = ? AND commit_id = (
        SELECT max(commit_id) FROM coverage c WHERE c.series_id = coverage.series_id
        AND c.start_us = coverage.start_us AND c.end_us = coverage.end_us
        AND c.provider = coverage.provider)"""
_WITHDRAW = """INSERT OR REPLACE INTO coverage
    (series_id, start_us, end_us, provider, commit_id, asked_us, rows)
    SELECT series_id, start_us, end_us, provider, ?1, asked_us, -1 FROM
        (SELECT *, max(commit_id) FROM coverage WHERE series_id = ?2 AND start_us < ?4
         AND end_us > ?3 GROUP BY start_us, end_us, provider) WHERE rows > 0"""
_COVERAGE = """SELECT start_us, end_us, asked_us, provider, rows, max(commit_id) AS latest, is_sound
    FROM coverage WHERE series_id = ? AND start_us < ? AND end_us > ? AND commit_id <= ?
    GROUP BY start_us, end_us, provider ORDER BY start_us, end_us, asked_us, latest"""


class Answer(NamedTuple):
    """A range `[start, end)` in microseconds UTC that a source was asked for, and rows it gave."""

    start: int
    end: int
    rows: int


def answers_to(covered: Sequence[tuple[int, int]], times: I64) -> list[Answer]:
    """Return each range asked for once, with how many of the rows given open inside it."""
    found: list[Answer] = []
    for start, end in dict.fromkeys(covered):
        first, last = np.searchsorted(times, [start, end]).tolist()
        found.append(Answer(start, end, last - first))
    return found


def is_any_new(
    connection: sqlite3.Connection,
    series: SeriesRow | None,
    answers: Sequence[Answer],
    source: str,
) -> bool:
    """Return whether a question is new, or was answered with another number of rows before."""
    if series is None:
        return bool(answers)
    return any(
        connection.execute(_LATEST_ROWS, (series.id, start, end, source)).fetchone() != (rows,)
        for start, end, rows in answers
    )


def record(
    connection: sqlite3.Connection,
    series_id: int,
    answers: Sequence[Answer],
    change: Change,
    *,
    commit: int,
) -> None:
    """Enter the answers of a commit."""
    asked_us = to_us(change.fetched_at)
    connection.executemany(
        _RECORD,
        (
            (series_id, start, end, change.source, commit, asked_us, rows)
            for start, end, rows in answers
        ),
    )


def note_asked_again(
    connection: sqlite3.Connection, series_id: int, answers: Sequence[Answer], change: Change
) -> None:
    """Move the time of answers on record forward to when the same was answered again."""
    asked_us = to_us(change.fetched_at)
    connection.executemany(
        _ASKED_AGAIN,
        ((asked_us, asked_us, series_id, start, end, change.source) for start, end, _ in answers),
    )


def coverage(
    connection: sqlite3.Connection,
    series: SeriesRow,
    *,
    start_us: int,
    end_us: int,
    version: int | None,
) -> list[Coverage]:
    """Return the whole ranges asked for that overlap `[start_us, end_us)`, by start."""
    known = series.head if version is None else version
    # With max(), SQLite takes the other columns from the row that holds it.
    rows = connection.execute(_COVERAGE, (series.id, end_us, start_us, known))
    found: list[Coverage] = []
    for start, end, asked, provider, given, _, is_sound in rows:
        check(is_sound, "coverage", (series.id, start, end, provider))
        if given >= 0:  # otherwise withdrawn
            found.append(Coverage(from_us(start), from_us(end), from_us(asked), provider, given))
    return found


def withdraw(
    connection: sqlite3.Connection, series_id: int, *, start_us: int, end_us: int, commit: int
) -> None:
    """Withdraw, with a commit, the answers that gave rows and overlap `[start_us, end_us)`."""
    connection.execute(_WITHDRAW, (commit, series_id, start_us, end_us))


__all__ = [
    "Answer",
    "answers_to",
    "is_any_new",
    "record",
    "note_asked_again",
    "coverage",
    "withdraw",
]
