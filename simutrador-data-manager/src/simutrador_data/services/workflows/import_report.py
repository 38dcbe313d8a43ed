"""What an import did, file by file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from simutrador_core.models.bars import SeriesKey
from simutrador_data.services.data_providers.files import Description, RejectedRow


class FileStatus(StrEnum):
    """How the import of one file ended."""

    IMPORTED = "imported"
    UNCHANGED = "unchanged"
    PARTIAL = "partial"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    FAILED = "failed"


class ImportStatus(StrEnum):
    """How an import ended as a whole."""

    COMPLETED = "completed"
    PARTIAL = "partial"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file.

    Attributes:
        path: The file, as it was named.
        status: `partial` when rows were rejected or stood in the store with other values.
        description: What the file was taken for; None when it could not be read.
        rows: Rows read.
        added: Bars that were new; a file with adjusted prices gives two bars a row.
        replaced: Bars that took the place of different ones.
        unchanged: Bars that stood in the store already, with the same values.
        kept: Bars whose place is taken by different ones, which were kept.
        duplicates: Rows that repeat another row of the file exactly.
        unadjusted: Rows without a usable adjusted price: only the raw bar was stored.
        rejected: How many rows were not stored, by kind of fault.
        examples: The first rejected rows.
        series: The series that the file has bars of.
        commits: Ids of the commits made.
        message: Why it failed or was skipped, or what else there is to say.
        quarantine: The file that lists every rejected row, where one was written.
    """

    path: str
    status: FileStatus
    description: Description | None = None
    rows: int = 0
    added: int = 0
    replaced: int = 0
    unchanged: int = 0
    kept: int = 0
    duplicates: int = 0
    unadjusted: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict[str, int])
    examples: tuple[RejectedRow, ...] = ()
    series: tuple[SeriesKey, ...] = ()
    commits: tuple[int, ...] = ()
    message: str = ""
    quarantine: str | None = None

    @property
    def rejected_rows(self) -> int:
        """How many rows were rejected in all."""
        return sum(self.rejected.values())

    def to_json(self) -> dict[str, object]:
        """Return the report as plain values for JSON."""
        return {
            "path": self.path,
            "status": str(self.status),
            "message": self.message,
            "description": None if self.description is None else self.description.to_json(),
            "rows": self.rows,
            "added": self.added,
            "replaced": self.replaced,
            "unchanged": self.unchanged,
            "kept": self.kept,
            "duplicates": self.duplicates,
            "unadjusted": self.unadjusted,
            "rejected": dict(self.rejected),
            "rejected_rows": self.rejected_rows,
            "examples": [
                {"line": row.line, "kind": row.kind, "reason": row.reason, "text": row.text}
                for row in self.examples
            ],
            "series": [
                {"symbol": s.symbol, "timeframe": str(s.timeframe), "adjustment": str(s.adjustment)}
                for s in self.series
            ],
            "commits": list(self.commits),
            "quarantine": self.quarantine,
        }


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of every file of an import, in the order they were read."""

    files: tuple[FileReport, ...]

    @property
    def status(self) -> ImportStatus:
        """`completed` only when every row of every file is stored; skipped files do not count."""
        states = {file.status for file in self.files}
        if FileStatus.CANCELLED in states:
            return ImportStatus.CANCELLED
        if states and states <= {FileStatus.FAILED}:
            return ImportStatus.PARTIAL if self._stored else ImportStatus.FAILED
        if states & {FileStatus.FAILED, FileStatus.PARTIAL}:
            return ImportStatus.PARTIAL
        return ImportStatus.COMPLETED

    @property
    def _stored(self) -> bool:
        """Whether a file that failed left whole pages in the store."""
        return any(file.commits for file in self.files)

    @property
    def exit_code(self) -> int:
        """0 completed, 1 failed, 3 partly done or cancelled."""
        return {ImportStatus.COMPLETED: 0, ImportStatus.FAILED: 1}.get(self.status, 3)

    def total(self, name: str) -> int:
        """Return the sum of a count over all files: `rows`, `added`, `rejected_rows`, ..."""
        return sum(getattr(file, name) for file in self.files)

    def to_json(self) -> dict[str, object]:
        """Return the report as plain values for JSON."""
        counts = ("rows", "added", "replaced", "unchanged", "kept", "duplicates", "rejected_rows")
        return {
            "status": str(self.status),
            **{name: self.total(name) for name in counts},
            "files": [file.to_json() for file in self.files],
        }
