"""The data files of a table: written before the log names them, never changed afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, NamedTuple, Protocol

from simutrador_core.errors import CorruptDataError, MissingExtraError
from simutrador_data.services.storage.delta.errors import translated
from simutrador_data.services.storage.delta.place import Place
from simutrador_data.services.storage.file_ops import DiskError, FileOps, disk_errors, make_folders


class FileGoneError(CorruptDataError):
    """A version names a file that is not there."""


class Found(NamedTuple):
    """A file that lies in the table's folder: path inside it, bytes, last change."""

    path: str
    size: int
    changed_at: datetime


class Files(Protocol):
    """Where the data files of one table lie."""

    def put(self, path: str, data: bytes) -> None:
        """Write a new file; it is durable when this returns."""
        ...

    def read(self, path: str) -> bytes:
        """Return the bytes of a file.

        Raises:
            FileGoneError: there is no such file.
        """
        ...

    def open(self, path: str) -> Any:
        """Return what pyarrow reads a file from.

        Raises:
            FileGoneError: there is no such file, although the table names it.
        """
        ...

    def exists(self, path: str) -> bool:
        """Return whether there is such a file."""
        ...

    def listing(self) -> list[Found]:
        """Return every data file of the table, named by it or not."""
        ...

    def remove(self, path: str) -> None:
        """Delete a file; nothing happens when it is gone."""
        ...


def files_of(place: Place, ops: FileOps) -> Files:
    """Return the files of the table at a place."""
    return LocalFiles(place, ops) if place.path is not None else ObjectFiles(place)


class LocalFiles:
    """Files in a folder of this machine; satisfies `Files`."""

    def __init__(self, place: Place, ops: FileOps) -> None:
        """Keep the folder and the disk."""
        assert place.path is not None
        self._root = place.path
        self._ops = ops

    def put(self, path: str, data: bytes) -> None:
        """Write a new file and wait until it and its name are on the disk."""
        target = self._root / path
        with disk_errors():
            make_folders(self._ops, target.parent)
            self._ops.create(target, [data])
            self._ops.sync_folder(target.parent)

    def read(self, path: str) -> bytes:
        """Return the bytes of a file."""
        target = self._root / path
        try:
            with disk_errors():
                return self._ops.read(target)
        except DiskError as e:
            if isinstance(e.__cause__, FileNotFoundError):
                raise _gone(str(target)) from e
            raise

    def open(self, path: str) -> Any:
        """Return what pyarrow reads a file from."""
        target = self._root / path
        try:
            return import_module("pyarrow").OSFile(str(target))
        except FileNotFoundError as e:
            raise _gone(str(target)) from e

    def exists(self, path: str) -> bool:
        """Return whether there is such a file."""
        return (self._root / path).exists()

    def listing(self) -> list[Found]:
        """Return every data file below the folder."""
        found: list[Found] = []
        with disk_errors():
            for path in self._ops.files(self._root):
                name = path.relative_to(self._root).as_posix()
                with suppress(FileNotFoundError):  # vacuumed meanwhile
                    facts = path.stat()
                    when = datetime.fromtimestamp(facts.st_mtime, UTC)
                    found.append(Found(name, facts.st_size, when))
        return [one for one in found if not one.path.startswith("_")]

    def remove(self, path: str) -> None:
        """Delete a file."""
        with disk_errors():
            self._ops.remove(self._root / path)


class ObjectFiles:
    """Files in an object store; satisfies `Files`."""

    def __init__(self, place: Place) -> None:
        """Keep the address; nothing is asked yet."""
        self._place = place
        handler = delta("fs").DeltaStorageHandler(place.url, dict(place.options))
        # The public handler wraps what is written in pyarrow buffers, which its own store refuses
        # (deltalake 1.6), so the store is spoken to itself.
        self._store = handler._handler  # noqa: SLF001
        self._reader = import_module("pyarrow.fs").PyFileSystem(handler)

    def put(self, path: str, data: bytes) -> None:
        """Write a new object; the server has it when this returns."""
        with translated(self._place):
            stream = self._store.open_output_stream(path)
            stream.write(data)
            stream.close()

    def read(self, path: str) -> bytes:
        """Return the bytes of an object."""
        with translated(self._place), self.open(path) as file:
            return file.read()

    def open(self, path: str) -> Any:
        """Return what pyarrow reads an object from, by ranges."""
        try:
            with translated(self._place):
                return self._reader.open_input_file(path)
        except FileNotFoundError as e:
            raise _gone(f"{self._place.url}/{path}") from e

    def exists(self, path: str) -> bool:
        """Return whether there is such an object."""
        try:  # asking for its facts lists a folder of that name when there is none
            self.open(path).close()
        except FileGoneError:
            return False
        return True

    def listing(self) -> list[Found]:
        """Return every data object of the table."""
        return [one for one in self._listed() if not one.path.startswith("_")]

    def _listed(self) -> Iterator[Found]:
        selector = import_module("pyarrow.fs").FileSelector("", recursive=True)
        with translated(self._place):
            found = self._reader.get_file_info(selector)
        for info in found:
            if info.is_file:
                yield Found(info.path, int(info.size), info.mtime)

    def remove(self, path: str) -> None:
        """Delete an object."""
        with translated(self._place), suppress(FileNotFoundError):
            self._store.delete_file(path)


def delta(module: str = "") -> Any:
    """Return a module of `deltalake`, the one place that imports it.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return import_module(f"deltalake.{module}" if module else "deltalake")
    except ImportError as e:
        raise MissingExtraError(
            "deltalake", extra="delta", package="simutrador-data-manager"
        ) from e


def _gone(name: str) -> FileGoneError:
    return FileGoneError(
        f"{name} is gone although the table names it (was it vacuumed by another tool?); restore "
        "it, or fetch its bars again"
    )


__all__ = ["Files", "Found", "FileGoneError", "files_of", "delta"]
