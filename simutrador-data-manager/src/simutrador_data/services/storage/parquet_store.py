"""`ParquetStore`: the embedded bar store, safe under kill, with several writers and time travel.

A store is a list of immutable segments: rows of a Parquet file, or of a small block inside the
SQLite catalogue, valid from the commit that added them until the commit that superseded them.

- Each row of an object belongs to exactly one segment, and segments of one version are disjoint.
  Replacing rows cuts a segment into pieces: those that stay keep the commit that added them, those
  that end are marked with the new commit. Nothing older versions read is ever changed.
- Compaction writes the rows of many objects into one file and points their segments there. The
  list says the same as before, so history, `as_of` and provenance stay, and no commit is made.
  A writer does it by itself for a year that is in many pieces.
- Vacuum deletes what no segment names. Every version stays readable until vacuum is told since
  when versions are kept.

The whole guarantee, the fsync rule and recovery are in docs/store.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from simutrador_core.errors import StoreError
from simutrador_core.interfaces.storage import Change, Commit, Report
from simutrador_core.models.bars import to_us
from simutrador_core.models.enums import Maintenance
from simutrador_data.services.storage import planning, reading, writing
from simutrador_data.services.storage.catalogue import Catalogue, open_catalogue
from simutrador_data.services.storage.compaction import compact
from simutrador_data.services.storage.contents import Contents, ObjectGoneError
from simutrador_data.services.storage.file_ops import FileOps, disk_errors
from simutrador_data.services.storage.local_bars import LocalBars, utc_now
from simutrador_data.services.storage.mirrors import Mirrors
from simutrador_data.services.storage.planning import Plan
from simutrador_data.services.storage.segment_list import ObjectRef, SeriesRow, latest_instant
from simutrador_data.services.storage.table import OPENED
from simutrador_data.services.storage.tidying import Crowd, crowds, tidy
from simutrador_data.services.storage.vacuum import vacuum
from simutrador_data.services.storage.verification import verify
from simutrador_data.services.storage.watching import Watch, nobody

MIRROR_LIMIT_BYTES: Final = 8 * 1024**3


class ParquetStore(LocalBars):
    """Bars in a folder on this machine; satisfies `BarStore`.

    Any number of threads, processes and instances may use one folder at once: writers take turns,
    readers never wait for them.
    """

    def __init__(
        self,
        root: Path,
        *,
        ops: FileOps | None = None,
        clock: Callable[[], datetime] = utc_now,
        mirror_limit_bytes: int = MIRROR_LIMIT_BYTES,
    ) -> None:
        """Open a store, making folder and catalogue when there are none.

        Args:
            root: The store's folder.
            ops: The disk; tests pass one that fails.
            clock: Gives the instant of a commit, aware UTC. Versions are ordered by id, not by it.
            mirror_limit_bytes: Most bytes of `.npy` mirrors; 0 makes none.

        Raises:
            StoreFormatError: a newer release wrote it, or the catalogue is another program's.
            CorruptDataError: the catalogue is damaged, or gone while bars are still there.
        """
        self._ops = ops or FileOps()
        self._clock = clock
        self._untidy: set[int] = set()
        root = Path(root)
        catalogue = open_catalogue(root, self._ops)
        self._open(root, catalogue, self._ops, mirror_limit_bytes=mirror_limit_bytes)

    def commit(self, change: Change, *, base: int | None = None) -> Commit:
        """Write a change atomically and durably; see `BarStore.commit`.

        When every row already stands there and every covered range is on record for that source
        with as many rows, the answer is a `no_op` with the latest id of the store, and the record
        says that the source was asked again. A range asked for the first time makes a commit, even
        without rows.

        Raises:
            ConflictError: a later commit than `base` touched one of the series, or `FAIL` met a
                different row.
            InvalidBarsError: a page is incomplete, holds NaN or infinity, or contradicts another.
            InvalidSymbolError: a symbol is empty or no text.
            DiskError: the disk is full, read-only or failing. The store holds the old state, or
                the new one when the very last step failed; committing again is safe.
        """
        change = planning.with_safe_texts(change)
        given = planning.given_by(change)
        commit, crowded = self._commit(change, given, base)
        for crowd in crowded:
            self._tidy(crowd)
        return commit

    def _commit(
        self, change: Change, given: list[planning.Given], base: int | None
    ) -> tuple[Commit, list[Crowd]]:
        at_us = to_us(self._clock())
        written: list[ObjectRef] = []
        with self._catalogue.write() as connection:
            try:
                planning.check_base(connection, given, base)
                plans = [
                    planning.plan_series(connection, self._contents, part, change) for part in given
                ]
                at_us = max(at_us, latest_instant(connection))  # a clock may be set back
                if not any(planning.changes_something(plan) for plan in plans):
                    return writing.nothing_done(connection, plans, change, at_us=at_us), []
                commit = writing.enter(
                    connection, self._contents, plans, change, at_us=at_us, written=written
                )
                return commit, crowds(connection, _written(plans))
            except Exception as e:
                # The transaction did not commit, so nobody names these files.
                self._contents.remove_unnamed(written)
                if isinstance(e, ObjectGoneError):
                    raise reading.lost(e) from e
                raise

    def _tidy(self, crowd: Crowd) -> None:
        """Compact a year in many pieces; one that cannot be is left to `compact`."""
        if crowd.series.id in self._untidy:
            return
        try:
            tidy(self._catalogue, self._contents, self._mirrors, crowd)
        except (StoreError, OSError):  # the commit stands, whatever becomes of this
            self._untidy.add(crowd.series.id)

    def maintain(self, task: Maintenance) -> Report:
        """Compact, verify or vacuum; readers and writers may go on meanwhile.

        Raises:
            CorruptDataError: compaction met rows that do not match their checksum; run `VERIFY`.
        """
        tasks: dict[Maintenance, Callable[[], Report]] = {
            Maintenance.COMPACT: self.compact,
            Maintenance.VERIFY: self.verify,
            Maintenance.VACUUM: self.vacuum,
        }
        return tasks[task]()

    def compact(self, *, watch: Watch = nobody) -> Report:
        """Gather the rows of each series in one file a year; `watch` is told of series done.

        Raises:
            CorruptDataError: rows do not match their checksum; run `verify`.
        """
        with disk_errors():
            return compact(*self._parts(), watch=watch)

    def verify(self, *, watch: Watch = nobody) -> Report:
        """Check every object, put damaged ones aside and list what to fetch again.

        `watch` is told of objects done.
        """
        with disk_errors():
            return verify(*self._parts(), at_us=to_us(self._clock()), watch=watch)

    def vacuum(self, *, keep_versions_since: int | datetime | None = None) -> Report:
        """Delete what no version reads; versions before the one given are dropped first.

        Args:
            keep_versions_since: The oldest version to keep: a commit, or the one that was newest
                at an instant. None keeps all. The newest version is always kept.

        Raises:
            InvalidRangeError: there is no such commit, or the instant is naive.
        """
        with disk_errors():
            return vacuum(*self._parts(), keep_versions_since=keep_versions_since)

    def _parts(self) -> tuple[Path, Catalogue, Contents, Mirrors, FileOps]:
        return self.root, self._catalogue, self._contents, self._mirrors, self._ops


def _written(plans: Sequence[Plan]) -> Iterator[tuple[SeriesRow, int]]:
    """Yield the series that stood before and got rows, each with the instant of its last one."""
    for plan in plans:
        if plan.series is not None and plan.merged.rows.shape[1]:
            yield plan.series, int(plan.merged.rows[OPENED, -1])


__all__ = ["ParquetStore", "MIRROR_LIMIT_BYTES"]
