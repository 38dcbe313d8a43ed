"""What one Delta commit says besides its files: bar commits, answers given again, compactions.

An `Event` travels as JSON in the commit's metadata, so rows, provenance and coverage change in the
one atomic step that Delta has. One event may hold the commits of many series.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from simutrador_core.errors import StoreFormatError
from simutrador_core.interfaces.storage import Commit
from simutrador_core.models.bars import SeriesKey, from_us
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_data.services.storage.answers import Answer

METADATA: Final = "simutrador"
"""The key of an event in a commit's metadata."""
FORMAT: Final = 1


class Edges(NamedTuple):
    """Instants (us) and sessions (days since the epoch) of the first and last bar of a series."""

    first_us: int
    last_us: int
    first_session: int | None
    last_session: int | None


class Touched(NamedTuple):
    """One series of a bar commit: the change's number in its rows, and how it stands afterwards."""

    key: SeriesKey
    change: int
    rows: int
    edges: Edges | None
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class BarCommit:
    """One commit of the store; counts are rows of all its series, times microseconds UTC."""

    id: int
    at_us: int
    fetched_us: int
    source: str
    request: str
    code_version: str
    added: int
    replaced: int
    removed: int
    touched: tuple[Touched, ...]

    def told(self) -> Commit:
        """Return it as the store tells it."""
        return Commit(
            self.id,
            from_us(self.at_us),
            tuple(one.key for one in self.touched),
            self.added,
            self.replaced,
            self.removed,
            source=self.source,
            request=self.request,
            code_version=self.code_version,
            fetched_at=from_us(self.fetched_us),
        )


class Asked(NamedTuple):
    """A source gave answers on record again, at an instant."""

    source: str
    fetched_us: int
    answers: tuple[tuple[SeriesKey, int, int], ...]


@dataclass(frozen=True, slots=True)
class Event:
    """What one Delta commit says; `compacted` are the numbers in the names of files it wrote."""

    commits: tuple[BarCommit, ...] = ()
    asked: tuple[Asked, ...] = ()
    compacted: tuple[int, ...] = ()


def to_text(event: Event) -> str:
    """Return an event as JSON."""
    document = {
        "format": FORMAT,
        "commits": [
            {
                "id": c.id,
                "at": c.at_us,
                "fetched": c.fetched_us,
                "source": c.source,
                "request": c.request,
                "code": c.code_version,
                "counts": [c.added, c.replaced, c.removed],
                "series": [
                    [*_words(one.key), one.change, one.rows, one.edges, one.answers]
                    for one in c.touched
                ],
            }
            for c in event.commits
        ],
        "asked": [
            [a.source, a.fetched_us, [[*_words(key), start, end] for key, start, end in a.answers]]
            for a in event.asked
        ],
        "compacted": event.compacted,
    }
    return json.dumps(document, separators=(",", ":"))


def from_text(text: str, *, name: str) -> Event:
    """Return the event of a JSON text.

    Raises:
        StoreFormatError: a newer release wrote it.
    """
    document: dict[str, Any] = json.loads(text)
    if document["format"] > FORMAT:
        raise StoreFormatError(
            f"{name} has commits of format {document['format']}, this release reads up to "
            f"{FORMAT}; upgrade simutrador-data-manager"
        )
    return Event(
        tuple(_commit(one) for one in document["commits"]),
        tuple(
            Asked(source, at, tuple((_key(answer), answer[3], answer[4]) for answer in answers))
            for source, at, answers in document["asked"]
        ),
        tuple(document["compacted"]),
    )


def _commit(found: dict[str, Any]) -> BarCommit:
    added, replaced, removed = found["counts"]
    return BarCommit(
        found["id"],
        found["at"],
        found["fetched"],
        found["source"],
        found["request"],
        found["code"],
        added,
        replaced,
        removed,
        tuple(
            Touched(
                _key(one),
                one[3],
                one[4],
                None if one[5] is None else Edges(*one[5]),
                tuple(Answer(*answer) for answer in one[6]),
            )
            for one in found["series"]
        ),
    )


def _words(key: SeriesKey) -> tuple[str, str, str]:
    return key.symbol, str(key.timeframe), str(key.adjustment)


def _key(found: Sequence[Any]) -> SeriesKey:
    return SeriesKey(found[0], Timeframe(found[1]), Adjustment(found[2]))


__all__ = [
    "Event",
    "BarCommit",
    "Touched",
    "Edges",
    "Asked",
    "to_text",
    "from_text",
    "METADATA",
    "FORMAT",
]
