"""The records of a file import: what the user may set, what was detected, what a page holds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from simutrador_core.errors import ImportFileError
from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Adjustment, Timeframe

BLOCK_BYTES: Final = 8 * 2**20
"""How much text is in memory at a time; some 150,000 rows."""

TEXT_LIMIT: Final = 200
"""How many characters of a rejected row are kept."""


class Label(StrEnum):
    """Which end of a bar the file's time names."""

    OPEN = "open"
    CLOSE = "close"


class Quotes(StrEnum):
    """Which side of a quote file becomes the bars."""

    MID = "mid"
    BID = "bid"
    ASK = "ask"


class DateOrder(StrEnum):
    """How an all-digit date with separators is read: `03/04/2017` is March 4 or April 3."""

    MONTH_FIRST = "mdy"
    DAY_FIRST = "dmy"


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the user says about a file; None means: detect it.

    Attributes:
        symbol: Canonical symbol of every row.
        timeframe: How long each bar lasts.
        zone: IANA zone of times without an offset; with offsets, it accepts several in one file.
        delimiter: One character.
        columns: Column of each role, by header name or 1-based position: `{"volume": "Vol."}`;
            `none` says that the file has no such column.
        adjustment: What the prices were corrected for by whoever made the file.
        label: Whether times name the open or the close of a bar.
        calendar: Exchange calendar, for instance `XNYS`.
        price_scale: What prices are divided by.
        quotes: Which side of a quote file to take.
        date_order: How `03/04/2017` is read.
    """

    symbol: str | None = None
    timeframe: Timeframe | None = None
    zone: str | None = None
    delimiter: str | None = None
    columns: Mapping[str, str] | None = None
    adjustment: Adjustment | None = None
    label: Label | None = None
    calendar: str | None = None
    price_scale: float | None = None
    quotes: Quotes | None = None
    date_order: DateOrder | None = None

    def digest(self) -> str:
        """Return 8 hexadecimal digits that differ where an option differs."""
        given = [f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.name != "columns"]
        given.append(f"columns={sorted((self.columns or {}).items())}")
        return hashlib.sha256(";".join(given).encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing detected about a file, and how it was decided (`given` when the user said it)."""

    name: str
    value: str
    how: str


@dataclass(frozen=True, slots=True)
class Description:
    """What a file was taken for; shown before and after an import.

    `symbol` is None where a column of the file names the symbol of each row. `whole` is the range
    `[start, end)`, aware, of which the format says that the file holds every bar; None where it
    says nothing.
    """

    format: str
    symbol: str | None
    timeframe: Timeframe
    adjustments: tuple[Adjustment, ...]
    facts: tuple[Fact, ...]
    cautions: tuple[str, ...] = ()
    whole: tuple[datetime, datetime] | None = None

    def value(self, name: str) -> str:
        """Return the value of a fact, or an empty text where there is none of that name."""
        return next((fact.value for fact in self.facts if fact.name == name), "")

    def how(self, name: str) -> str:
        """Return how a fact was decided, or an empty text."""
        return next((fact.how for fact in self.facts if fact.name == name), "")

    def to_json(self) -> dict[str, object]:
        """Return the description as plain values for JSON."""
        return {
            "format": self.format,
            "symbol": self.symbol,
            "timeframe": str(self.timeframe),
            "adjustments": [str(a) for a in self.adjustments],
            "detected": {f.name: {"value": f.value, "how": f.how} for f in self.facts},
            "cautions": list(self.cautions),
        }


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that was not stored: its line (1-based), the kind of fault, the reason, its text."""

    line: int
    kind: str
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class FilePage:
    """A part of a file: sound bars, by series, and the rows that were not sound.

    Attributes:
        number: 1, 2, ...
        rows: How many rows the page had; bars, duplicates and rejected rows add up to it.
        bars: Sound bars; of each symbol one `Bars`, and a second one where the file has adjusted
            prices too.
        rejected: Rows with a fault, by line.
        duplicates: Rows that repeat another one exactly.
        unadjusted: Sound rows without a usable adjusted price: only the raw bar was taken.
        position: How much of the file was read, a fraction of 1.
    """

    number: int
    rows: int
    bars: tuple[Bars, ...]
    rejected: tuple[RejectedRow, ...] = ()
    duplicates: int = 0
    unadjusted: int = 0
    position: float = 1.0


class BarFile(Protocol):
    """An opened file of bars. Reading it again starts again; pages are bounded in memory."""

    @property
    def description(self) -> Description:
        """What the file was taken for."""
        ...

    def pages(self) -> Iterator[FilePage]:
        """Yield the file's rows in file order.

        Raises:
            ImportFileError: the file cannot be read on.
        """
        ...


class NotBarsError(ImportFileError):
    """The file is sound but holds something else than bars; folders skip such files."""


@dataclass(slots=True)
class Facts:
    """Collects facts while a file is looked at."""

    found: list[Fact] = field(default_factory=list[Fact])

    def note(self, name: str, value: object, how: str) -> None:
        """Add a fact, replacing one of the same name."""
        self.found = [fact for fact in self.found if fact.name != name]
        self.found.append(Fact(name, str(value), how))
