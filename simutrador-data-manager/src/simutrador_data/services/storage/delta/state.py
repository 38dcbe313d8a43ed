"""What a store knows of its table at one version: the files of each series, and the ledger."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final, NamedTuple

from simutrador_core.models.bars import SeriesKey
from simutrador_data.services.storage.delta.events import Event, from_text
from simutrador_data.services.storage.delta.index import FileRef, Index, changed
from simutrador_data.services.storage.delta.ledger import Entry, Ledger
from simutrador_data.services.storage.delta.log import Log
from simutrador_data.services.storage.delta.rows import BarFile

_OLDER_VERSIONS: Final = 8


class Snapshot(NamedTuple):
    """A series at one version: its newest commit there, its files, and if it is the newest."""

    entry: Entry
    files: tuple[FileRef, ...]
    is_newest: bool


class State:
    """The table of bars and what is known of it. Everything happens under its lock."""

    def __init__(self, log: Log, ledger: Ledger) -> None:
        """Keep the log and a ledger that may be behind; `refresh` brings it up."""
        self.log = log
        self.files = log.files
        self.ledger = ledger
        self.lock = threading.RLock()
        self.index: Index = {}
        self._indexed = -1
        self._older: OrderedDict[int, Index] = OrderedDict()

    def refresh(self) -> None:
        """Learn what was committed meanwhile."""
        with self.lock:
            self.log.refresh()
            self.catch_up()

    def catch_up(self) -> None:
        """Take in the commits that the log's handle knows and the ledger does not."""
        texts = self.log.chronicle.texts(self.ledger.version, self.log.version)
        for version, text in texts:
            event = Event() if text is None else from_text(text, name=self.log.place.url)
            self.ledger.add(version, event)
        if self._indexed != self.log.version:
            self.index = self.log.index()
            self._indexed = self.log.version

    def take_in(
        self,
        event: Event,
        *,
        added: dict[SeriesKey, list[FileRef]],
        removed: dict[SeriesKey, list[FileRef]],
    ) -> None:
        """Take in what this writer committed just now, without reading it again."""
        if self.log.version == self._indexed + 1 == self.ledger.version + 1:
            self.ledger.add(self.log.version, event)
            changed(self.index, removed, added)
            self._indexed = self.log.version
        else:
            self.catch_up()

    def snapshot(self, key: SeriesKey, as_of: int | None) -> Snapshot:
        """Return a series as of a version, newest when None.

        Raises:
            InvalidRangeError: there is no such version yet.
            UnknownSymbolError: no commit touched the series up to it.
        """
        with self.lock:
            self.refresh()
            entry = self.ledger.entry(key, as_of)
            if entry is self.ledger.newest(key):
                return Snapshot(entry, self.index.get(key, ()), is_newest=True)
            # What came with one Delta version touched each series once, so the table at that
            # version holds the series as its commit left it.
            files = self._older_index(entry.version).get(key, ())
            return Snapshot(entry, files, is_newest=False)

    def _older_index(self, version: int) -> Index:
        if version not in self._older:
            self._older[version] = self.log.index_at(version)
            while len(self._older) > _OLDER_VERSIONS:
                self._older.popitem(last=False)
        self._older.move_to_end(version)
        return self._older[version]

    def open(self, ref: FileRef) -> BarFile:
        """Return a data file, opened.

        Raises:
            CorruptDataError: it is gone or damaged.
        """
        return BarFile(self.files.open(ref.path), f"{self.log.place.url}/{ref.path}")


__all__ = ["State", "Snapshot"]
