"""The pure rules of `MemoryStore`: rows, versions, and what a change makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from math import isfinite
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from simutrador_core.errors import ConflictError, InvalidBarsError, UnknownSymbolError
from simutrador_core.interfaces.storage import Change, Commit, Coverage, Covered, SeriesInfo
from simutrador_core.models.bars import BarQuery, Bars, SeriesKey, from_us, to_us
from simutrador_core.models.enums import OnConflict

_NOT_A_DAY: Final = np.datetime64("NaT", "D").view(np.int64)


class Row(NamedTuple):
    """One bar without its time; two rows are the same bar when these are equal.

    `session` is days since 1970; None where the bar has none.
    """

    open: float
    high: float
    low: float
    close: float
    volume: float
    session: int | None
    synthetic: bool


class KeptRow(NamedTuple):
    """A stored row, with the source and the commit that gave it."""

    row: Row
    source: str
    commit: int


Rows: TypeAlias = Mapping[int, KeptRow]
"""The rows of one series by open instant, microseconds UTC."""


Question: TypeAlias = tuple[int, int, str]
"""A range, microseconds UTC, and the source that was asked for it."""


@dataclass(frozen=True, slots=True)
class Version:
    """Everything the store holds after one commit; never changed once made."""

    commit: Commit | None = None
    rows: Mapping[SeriesKey, Rows] = field(default_factory=dict[SeriesKey, Rows])
    asked: Mapping[SeriesKey, Mapping[Question, Coverage]] = field(
        default_factory=dict[SeriesKey, Mapping[Question, Coverage]]
    )


@dataclass(slots=True)
class Counts:
    """How many rows a change added, replaced and removed, and how many answers are new."""

    added: int = 0
    replaced: int = 0
    removed: int = 0
    asked: int = 0

    def any(self) -> bool:
        """Return whether the change changed anything."""
        return any((self.added, self.replaced, self.removed, self.asked))


Given: TypeAlias = Mapping[SeriesKey, Mapping[int, Row]]
Ranges: TypeAlias = Mapping[SeriesKey, Sequence[tuple[int, int]]]


def apply(
    version: Version, change: Change, given: Given, ranges: Ranges, *, commit: int
) -> tuple[Version, Counts]:
    """Return what a store holds after a change, and what changed.

    Raises:
        ConflictError: `FAIL` met a different row.
    """
    rows, asked, counts = dict(version.rows), dict(version.asked), Counts()
    for series in {*given, *ranges}:
        new, covered = given.get(series, {}), ranges.get(series, ())
        rows[series] = _put(series, rows.get(series, {}), new, change, commit, counts)
        if change.on_conflict is OnConflict.REPLACE:
            rows[series] = _without_withdrawn(rows[series], new, covered, counts)
        asked[series] = _with_answers(asked.get(series, {}), new, covered, change, counts)
    return Version(None, rows, asked), counts


def sort_key(series: SeriesKey) -> tuple[str, str, str]:
    """Return the order in which series are listed."""
    return (series.symbol, series.timeframe, series.adjustment)


def rows_of(pages: Sequence[Bars]) -> dict[SeriesKey, dict[int, Row]]:
    """Return the rows of a change by series and time.

    Raises:
        InvalidBarsError: a page is incomplete or holds a number that is not finite, or two pages
            disagree.
    """
    found: dict[SeriesKey, dict[int, Row]] = {}
    for bars in pages:
        if not bars.complete:
            raise InvalidBarsError(f"the last bar of {bars.series} is still forming; drop it first")
        for at, row in _rows(bars):
            if not all(isfinite(number) for number in row[:5]):
                raise InvalidBarsError(
                    f"{bars.series} holds NaN or an infinite number at {from_us(at).isoformat()}"
                )
            if found.setdefault(bars.series, {}).setdefault(at, row) != row:
                raise InvalidBarsError(f"two pages of {bars.series} differ at {from_us(at)}")
    return found


def _rows(bars: Bars) -> Iterator[tuple[int, Row]]:
    days = None if bars.sessions is None else bars.sessions.view(np.int64)
    for i in range(len(bars)):
        yield (
            int(bars.opened_at[i]),
            Row(
                float(bars.open[i]),
                float(bars.high[i]),
                float(bars.low[i]),
                float(bars.close[i]),
                float(bars.volume[i]),
                None if days is None or days[i] == _NOT_A_DAY else int(days[i]),
                bars.synthetic is not None and bool(bars.synthetic[i]),
            ),
        )


def ranges_of(covered: Sequence[Covered]) -> dict[SeriesKey, list[tuple[int, int]]]:
    """Return the ranges a change covers by series, microseconds UTC."""
    found: dict[SeriesKey, list[tuple[int, int]]] = {}
    for piece in covered:
        found.setdefault(piece.series, []).append((to_us(piece.start), to_us(piece.end)))
    return found


def _put(
    series: SeriesKey,
    old: Rows,
    new: Mapping[int, Row],
    change: Change,
    commit: int,
    counts: Counts,
) -> Rows:
    """Return the rows of a series after the new ones met them."""
    rows = dict(old)
    for at, row in new.items():
        if at not in rows:
            counts.added += 1
        elif rows[at].row == row or change.on_conflict is OnConflict.KEEP:
            continue
        elif change.on_conflict is OnConflict.FAIL:
            raise ConflictError(
                f"a different bar of {series} stands at {from_us(at).isoformat()}; "
                "commit with REPLACE to restate it, or KEEP to leave it"
            )
        else:
            counts.replaced += 1
        rows[at] = KeptRow(row, change.source, commit)
    return rows


def _without_withdrawn(
    rows: Rows, new: Mapping[int, Row], covered: Sequence[tuple[int, int]], counts: Counts
) -> Rows:
    """Return the rows without those the source no longer gives for a range it was asked for."""
    kept = {at: row for at, row in rows.items() if at in new or not _is_inside(at, covered)}
    counts.removed += len(rows) - len(kept)
    return kept


def _is_inside(at: int, ranges: Sequence[tuple[int, int]]) -> bool:
    return any(start <= at < end for start, end in ranges)


def _with_answers(
    before: Mapping[Question, Coverage],
    new: Mapping[int, Row],
    covered: Sequence[tuple[int, int]],
    change: Change,
    counts: Counts,
) -> Mapping[Question, Coverage]:
    """Return the latest answers, from before and now; the same answer again is not counted."""
    answers = dict(before)
    for start, end in dict.fromkeys(covered):
        rows = sum(start <= at < end for at in new)
        question = (start, end, change.source)
        counts.asked += question not in before or before[question].rows != rows
        answers[question] = Coverage(
            from_us(start), from_us(end), change.fetched_at, change.source, rows
        )
    return answers


def asked_again(versions: Sequence[Version], again: Version) -> list[Version]:
    """Return versions whose answers were confirmed: they say when their source was last asked.

    Args:
        versions: All versions, oldest first.
        again: What the latest one would become by a change that changes no row.
    """
    latest = versions[-1]
    later = {
        id(old): answer
        for series, answers in again.asked.items()
        for question, answer in answers.items()
        if (old := latest.asked[series][question]).asked_at < answer.asked_at
    }
    return [
        replace(
            version,
            asked={
                series: {question: later.get(id(old), old) for question, old in answers.items()}
                for series, answers in version.asked.items()
            },
        )
        for version in versions
    ]


def times_in(rows: Rows, query: BarQuery) -> list[int]:
    """Return the opens inside the query's range, ascending."""
    start, end = to_us(query.start), to_us(query.end)
    return sorted(at for at in rows if start <= at < end)


def read(version: Version, query: BarQuery) -> Bars:
    """Return the rows a query asks for.

    Raises:
        UnknownSymbolError: no such series is stored at that version.
    """
    if query.series not in version.rows:
        raise UnknownSymbolError(query.symbol)
    rows = version.rows[query.series]
    times = times_in(rows, query)
    if not times:
        return Bars.empty(query.symbol, query.timeframe, query.adjustment)
    found = [rows[at].row for at in times]
    dated = all(row.session is not None for row in found)
    marked = any(row.synthetic for row in found)
    return Bars(
        query.symbol,
        query.timeframe,
        query.adjustment,
        np.array(times, dtype=np.int64),
        open=np.array([row.open for row in found]),
        high=np.array([row.high for row in found]),
        low=np.array([row.low for row in found]),
        close=np.array([row.close for row in found]),
        volume=np.array([row.volume for row in found]),
        sessions=np.array([row.session for row in found]).view("M8[D]") if dated else None,
        synthetic=np.array([row.synthetic for row in found]) if marked else None,
    )


def describe(series: SeriesKey, rows: Rows) -> SeriesInfo:
    """Return first, last and number of rows of a series."""
    if not rows:
        return SeriesInfo(series, None, None, 0)
    first, last = min(rows), max(rows)
    return SeriesInfo(
        series,
        from_us(first),
        from_us(last),
        len(rows),
        _session(rows[first].row),
        _session(rows[last].row),
    )


def _session(row: Row) -> date | None:
    if row.session is None:
        return None
    return np.datetime64(row.session, "D").astype(date)
