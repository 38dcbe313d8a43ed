"""A file as a stream of bytes, whatever it is packed in, within limits.

Nothing is ever unpacked to disk: names inside an archive cannot lead anywhere, and a bomb is met
while it is read, in blocks.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

from simutrador_core.errors import ImportFileError
from simutrador_data.services.data_providers.files.model import NotBarsError

MAX_UNPACKED: Final = 4 * 2**30
"""Most bytes a packed file may hold."""
MAX_RATIO: Final = 200
"""Most bytes one packed byte may stand for, beyond the first 16 MiB; bars pack 5 to 20 to one."""

_FREE: Final = 16 * 2**20
_ENCRYPTED: Final = 0x1
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK"
_UNREADABLE: Final = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError)


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read: `packing` is `plain`, `gzip` or `zip`; `member` the name inside a zip."""

    path: Path
    packing: str
    size: int
    member: str = ""
    unpacked: int | None = None

    @property
    def name(self) -> str:
        """The name of what is read: of the file inside, where it is packed."""
        if self.packing == "zip":
            return PurePosixPath(self.member).name
        return self.path.name.removesuffix(".gz")

    @contextmanager
    def open(self) -> Generator[Stream]:
        """Open the bytes for reading; damage met on the way is an `ImportFileError`."""
        try:
            with self.path.open("rb") as raw:
                if self.packing == "gzip":
                    with gzip.GzipFile(fileobj=raw) as unpacked:
                        yield Stream(self, unpacked, raw)
                elif self.packing == "zip":
                    with zipfile.ZipFile(raw) as archive, archive.open(self.member) as unpacked:
                        yield Stream(self, unpacked, raw)
                else:
                    yield Stream(self, raw, raw)
        except _UNREADABLE as e:
            raise ImportFileError(
                f"cannot be read: {e}; get the file again", path=str(self.path)
            ) from e


class Stream:
    """Bytes of a source, counted against the limits."""

    def __init__(self, source: Source, data: IO[bytes] | gzip.GzipFile, raw: IO[bytes]) -> None:
        """Read `data`, which unpacks `raw`."""
        self._source = source
        self._data = data
        self._raw = raw
        self._count = 0

    def read(self, n: int) -> bytes:
        """Return up to `n` bytes, fewer only at the end.

        Raises:
            ImportFileError: the file unpacks to more than the limits allow.
        """
        part = self._data.read(n)
        self._count += len(part)
        if self._source.packing != "plain":
            self._check()
        return part

    @property
    def position(self) -> float:
        """How much of the file was read, a fraction of 1."""
        if self._source.unpacked:
            return min(1.0, self._count / self._source.unpacked)
        return min(1.0, self._raw.tell() / max(1, self._source.size))

    def _check(self) -> None:
        limit = min(MAX_UNPACKED, max(_FREE, MAX_RATIO * self._source.size))
        if self._count > limit:
            raise ImportFileError(
                f"unpacks to more than {limit:,} bytes, above the limit for {self._source.size:,} "
                "packed bytes; unpack it yourself if you trust it",
                path=str(self._source.path),
            )


def open_source(path: Path) -> Source:
    """Return how a file is to be read, having looked at its first bytes.

    Raises:
        ImportFileError: it is absent, a folder, no regular file, empty, unreadable or an unsafe
            archive.
    """
    text = str(path)
    try:
        info = path.stat()
        if stat.S_ISDIR(info.st_mode):
            raise ImportFileError("is a folder, not a file; import the folder itself", path=text)
        if not stat.S_ISREG(info.st_mode):
            raise ImportFileError("is no regular file", path=text)
        with path.open("rb") as file:
            head = file.read(4)
    except FileNotFoundError as e:
        raise ImportFileError("there is no such file; check the path", path=text) from e
    except OSError as e:
        raise ImportFileError(f"cannot be opened: {e.strerror or e}", path=text) from e
    if not head:
        raise ImportFileError("is empty (0 bytes); export it again", path=text)
    if head.startswith(_GZIP):
        return Source(path, "gzip", info.st_size)
    if head.startswith(_ZIP):
        return _zip_member(path, info.st_size)
    return Source(path, "plain", info.st_size)


def _zip_member(path: Path, size: int) -> Source:
    text = str(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
    except _UNREADABLE as e:
        raise ImportFileError(f"is a damaged zip file: {e}; get it again", path=text) from e
    if len(members) != 1:
        raise NotBarsError(
            f"holds {len(members)} files, expected one; unpack it and import the folder", path=text
        )
    member = members[0]
    _check_member(member, size, path=text)
    return Source(path, "zip", size, member.filename, member.file_size)


def _check_member(member: zipfile.ZipInfo, size: int, *, path: str) -> None:
    name = PurePosixPath(member.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or ":" in member.filename:
        raise ImportFileError(f"holds a file with the unsafe name {member.filename!r}", path=path)
    if stat.S_ISLNK(member.external_attr >> 16):
        raise ImportFileError(f"holds a symbolic link, {member.filename!r}", path=path)
    if member.flag_bits & _ENCRYPTED:
        raise ImportFileError("is encrypted; unpack it first", path=path)
    limit = min(MAX_UNPACKED, max(_FREE, MAX_RATIO * size))
    if member.file_size > limit:
        raise ImportFileError(
            f"declares {member.file_size:,} bytes, above the limit of {limit:,} for {size:,} "
            "packed bytes; unpack it yourself if you trust it",
            path=path,
        )


def file_digest(path: Path) -> str:
    """Return the sha256 of a file, 64 hexadecimal digits.

    Raises:
        ImportFileError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as e:
        raise ImportFileError(f"cannot be read: {e.strerror or e}", path=os.fspath(path)) from e
