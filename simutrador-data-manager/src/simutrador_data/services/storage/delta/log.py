"""One Delta table and its log: opened or made, brought up to date, and committed to.

A commit is the creation of the next numbered file of the log, which fails when another writer has
made it: the store decides itself what that means, so the library never retries.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple

from simutrador_core.errors import StoreError, StoreFormatError, VersionGoneError
from simutrador_core.models.bars import SeriesKey, from_us
from simutrador_data.services.storage.delta.chronicle import Chronicle
from simutrador_data.services.storage.delta.errors import translated
from simutrador_data.services.storage.delta.events import METADATA
from simutrador_data.services.storage.delta.files import Files, delta
from simutrador_data.services.storage.delta.index import FileRef, Index, index_of
from simutrador_data.services.storage.delta.place import Place
from simutrador_data.services.storage.file_ops import disk_errors

PARTITION: Final = ("symbol", "timeframe", "adjustment")
_TRUSTED_S: Final = 10.0
_FOREVER: Final = "interval 36500 days"
_CONFIGURATION: Final = {
    # Every version stays readable: neither its log nor the files it names may be cleaned away.
    "delta.logRetentionDuration": _FOREVER,
    "delta.deletedFileRetentionDuration": _FOREVER,
    "delta.checkpointInterval": "50",
}


class Columns(NamedTuple):
    """What a table is: its name with format, its columns as (name, Delta type), its partition."""

    name: str
    columns: tuple[tuple[str, str], ...]
    partition: tuple[str, ...]


class Log:
    """A Delta table as a list of files and a list of what each commit said."""

    def __init__(self, place: Place, kind: Columns, files: Files, *, create: bool) -> None:
        """Open the table, making it when there is none and `create` says so.

        Raises:
            StoreError: there is no table, or it cannot be reached.
            StoreFormatError: it is no table of ours, or of a newer format.
        """
        self.place = place
        self.files = files
        self.chronicle = Chronicle(files, place.url)
        self._kind = kind
        self._schema = _schema(kind)
        self._trusted_until = time.monotonic() + _TRUSTED_S
        with translated(place):
            self._table = self._open(create=create)
        found = str(self._table.metadata().name)
        if found != kind.name:
            raise StoreFormatError(
                f"{place.url} is the Delta table {found!r}, not {kind.name!r}; give the folder of "
                "a store, or upgrade simutrador-data-manager when a newer release made it"
            )

    def _open(self, *, create: bool) -> Any:
        library = delta()
        missing = delta("exceptions").TableNotFoundError
        try:
            return self._opened(library)
        except (missing, FileNotFoundError):
            if not create:
                raise StoreError(
                    f"{self.place.url} holds no bar store; correct the address, or copy bars there "
                    "first"
                ) from None
        if self.place.path is not None:
            self.place.path.mkdir(parents=True, exist_ok=True)
        with suppress(delta("exceptions").DeltaError):  # another process made it meanwhile
            return library.DeltaTable.create(
                self.place.url,
                self._schema,
                name=self._kind.name,
                partition_by=list(self._kind.partition) or None,
                configuration=_CONFIGURATION,
                storage_options=dict(self.place.options),
            )
        return self._opened(library)

    def _opened(self, library: Any) -> Any:
        return library.DeltaTable(self.place.url, storage_options=dict(self.place.options))

    @property
    def version(self) -> int:
        """The newest version this handle knows."""
        return int(self._table.version())

    def refresh(self) -> int:
        """Learn what was committed meanwhile and return the newest version.

        A commit is the next numbered file, so one look tells whether there is any. Now and then
        the library looks itself: another program may have cleaned that file away.
        """
        now = time.monotonic()
        if now < self._trusted_until and not self.files.exists(_name(self.version + 1)):
            return self.version
        with translated(self.place):
            self._table.update_incremental()
        self._trusted_until = now + _TRUSTED_S
        return self.version

    def index(self) -> Index:
        """Return the files of the version this handle knows, by series."""
        with translated(self.place):
            return index_of(self._table.get_add_actions(flatten=True), self.place.url)

    def index_at(self, version: int) -> Index:
        """Return the files of an older version, by series.

        Raises:
            VersionGoneError: another program cleaned its log away.
        """
        with translated(self.place):
            try:
                older = delta().DeltaTable(
                    self.place.url, version=version, storage_options=dict(self.place.options)
                )
            except delta("exceptions").DeltaError as e:
                raise VersionGoneError(
                    f"{self.place.url}: version {version} of the table is no longer in its log; "
                    "another program cleaned it away: read a later one"
                ) from e
            return index_of(older.get_add_actions(flatten=True), self.place.url)

    def commit(
        self,
        text: str,
        *,
        added: Mapping[SeriesKey, Iterable[FileRef]],
        removed: Mapping[SeriesKey, Iterable[FileRef]],
        data_change: bool = True,
    ) -> bool:
        """Make the next version; return whether this writer was the one who made it.

        The handle is up to date afterwards. False also after a failure that left it open whether
        the version was made: look whether the log holds the text.

        Raises:
            StoreError: the table cannot be written.
        """
        library = delta()
        before = self.version
        properties = library.CommitProperties(
            custom_metadata={METADATA: text}, max_commit_retries=0
        )
        refused: Exception | None = None
        with translated(self.place):
            try:
                self._table.create_write_transaction(
                    _actions(added, removed, data_change=data_change),
                    "append",
                    self._schema,
                    list(self._kind.partition),
                    commit_properties=properties,
                    # Nothing of the log is ever cleaned away; looking costs a listing.
                    post_commithook_properties=library.PostCommitHookProperties(
                        cleanup_expired_logs=False
                    ),
                )
            except delta("exceptions").CommitFailedError as e:
                refused = e
            self._table.update_incremental()
            if refused is not None and self.version == before:
                raise refused
        if refused is None:
            self._sync(before + 1)
            self.chronicle.gather_last(before + 1)
        return refused is None

    def _sync(self, version: int) -> None:
        """Wait until a commit is on the disk: the library does not."""
        if self.place.path is None or os.name == "nt":
            return
        log = self.place.path / _name(version)
        for path, flags in ((log, os.O_RDWR), (log.parent, os.O_RDONLY)):
            with disk_errors():
                descriptor = os.open(path, flags)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)


def _name(version: int) -> str:
    return f"_delta_log/{version:020}.json"


def _actions(
    added: Mapping[SeriesKey, Iterable[FileRef]],
    removed: Mapping[SeriesKey, Iterable[FileRef]],
    *,
    data_change: bool,
) -> list[Any]:
    transaction = delta("transaction")
    now = int(time.time() * 1000)
    actions: list[Any] = []
    for key, refs in removed.items():
        values = partition_of(key)
        actions.extend(
            transaction.RemoveAction(ref.path, data_change, now, ref.size, values) for ref in refs
        )
    for key, refs in added.items():
        values = partition_of(key)
        actions.extend(
            transaction.AddAction(ref.path, ref.size, values, now, data_change, _stats(ref))
            for ref in refs
        )
    return actions


def partition_of(key: SeriesKey) -> dict[str, str | None]:
    """Return the partition values of a series."""
    words = (key.symbol, str(key.timeframe), str(key.adjustment))
    return dict(zip(PARTITION, words, strict=True))


def _schema(kind: Columns) -> Any:
    library = delta()
    return library.Schema([library.Field(name, type_) for name, type_ in kind.columns])


def _stats(ref: FileRef) -> str:
    return json.dumps(
        {
            "numRecords": ref.rows,
            "minValues": {"opened_at": _instant(ref.first_us)},
            "maxValues": {"opened_at": _instant(ref.last_us)},
            "nullCount": {"opened_at": 0},
        }
    )


def _instant(us: int) -> str:
    return from_us(us).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


__all__ = ["Log", "Columns", "PARTITION", "partition_of"]
