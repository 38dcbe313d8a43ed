"""What the tests of the data manager share: a failing disk, an object store, asserts explained."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest

from simutrador_data.services.storage.file_ops import Buffer, FileOps

pytest.register_assert_rewrite(
    "simutrador_core.testing._commit_contract",
    "simutrador_core.testing._store_cases",
    "simutrador_core.testing._version_contract",
    "simutrador_core.testing.comparing",
    "simutrador_core.testing.provider_contract",
    "simutrador_core.testing.source_contract",
    "simutrador_core.testing.store_contract",
)


class Crash(BaseException):
    """The process died. Nothing may handle it, so it is no `Exception`."""


class Fault(StrEnum):
    """What happens at the k-th file operation."""

    EIO = "eio"
    ENOSPC = "enospc"
    SHORT_WRITE = "short write"
    CRASH = "crash"
    POWER_LOSS = "power loss"


STOPS: Final = frozenset({Fault.CRASH, Fault.POWER_LOSS})
"""After these the store is gone; after the others the same object goes on."""


class FaultyOps(FileOps):
    """The real disk, with one fault at the k-th operation and a memory of what is durable.

    A power loss takes away what was not synced: bytes without fsync of their file, names without
    fsync of their folder. Once stopped, every further operation is refused, as in a dead process.
    """

    def __init__(self, synced: list[int]) -> None:
        """Start without a fault; `synced` lists the inodes fsync was called on, in order."""
        self.calls = 0
        self.fired = False
        self._fault: Fault | None = None
        self._at = 0
        self._stopped = False
        self._synced = synced
        self._loose_files: list[Path] = []
        self._loose_names: list[Path] = []

    def arm(self, fault: str, at: int) -> None:
        """Count from here; let `fault` happen at operation `at`, 1 being the next."""
        self.calls, self.fired = 0, False
        self._fault, self._at = Fault(fault), at

    def disarm(self) -> None:
        """Let no fault happen any more."""
        self._fault = None

    def cut_power(self) -> None:
        """Lose what is not durable, and refuse every further operation."""
        self._stopped = True
        self._lose_what_is_not_durable()

    def before(self, operation: str, path: Path) -> None:
        if self._stopped:
            raise Crash
        self.calls += 1
        if self._fault is not None and self.calls == self._at:
            self.fired = True
            self._strike(path)

    def create(self, path: Path, parts: Sequence[Buffer]) -> None:
        self._cut_short(path, parts)
        mark = len(self._synced)
        super().create(path, parts)
        self._made(path, mark)

    def create_derived(self, path: Path, parts: Sequence[Buffer]) -> None:
        self._cut_short(path, parts)
        mark = len(self._synced)
        super().create_derived(path, parts)
        self._made(path, mark)

    def rename(self, source: Path, target: Path) -> None:
        super().rename(source, target)
        self._loose_files = [target if path == source else path for path in self._loose_files]
        self._loose_names.append(target)

    def make_folder(self, path: Path) -> None:
        fresh, mark = not path.exists(), len(self._synced)
        super().make_folder(path)
        if fresh:
            self._loose_names.append(path)
        self._settle(path.parent, mark)

    def sync_folder(self, path: Path) -> None:
        mark = len(self._synced)
        super().sync_folder(path)
        self._settle(path, mark)

    def _made(self, path: Path, mark: int) -> None:
        self._loose_names.append(path)
        if path.stat().st_ino not in self._synced[mark:]:
            self._loose_files.append(path)

    def _settle(self, folder: Path, mark: int) -> None:
        if folder.stat().st_ino in self._synced[mark:]:
            self._loose_names = [name for name in self._loose_names if name.parent != folder]

    def _cut_short(self, path: Path, parts: Sequence[Buffer]) -> None:
        if self._fault is Fault.SHORT_WRITE and self.calls + 1 == self._at and not self._stopped:
            whole = b"".join(bytes(memoryview(part).cast("B")) for part in parts)
            path.write_bytes(whole[: len(whole) // 2])

    def _strike(self, path: Path) -> None:
        if self._fault in STOPS:
            self._stopped = True
            if self._fault is Fault.POWER_LOSS:
                self.cut_power()
            raise Crash
        code = errno.EIO if self._fault is Fault.EIO else errno.ENOSPC
        raise OSError(code, os.strerror(code), str(path))

    def _lose_what_is_not_durable(self) -> None:
        for path in self._loose_files:
            if path.exists():
                os.truncate(path, path.stat().st_size // 2)
        for path in self._loose_names:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


class Disk:
    """Gives tests faulty disks, and the exception that stands for the death of the process."""

    Crash = Crash
    stops = STOPS

    def __init__(self) -> None:
        self.synced: list[int] = []

    def ops(self) -> FaultyOps:
        """Return a disk without a fault yet."""
        return FaultyOps(self.synced)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """Return a maker of faulty disks; fsync is noted instead of waited for."""
    made = Disk()

    def note(descriptor: int) -> None:
        made.synced.append(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fsync", note)
    return made


MEMORY_DISK: Final = Path("/dev/shm")
ENOUGH_BYTES: Final = 256 * 1024**2


@pytest.fixture
def fast_path(tmp_path: Path) -> Iterator[Path]:
    """Return an empty folder, in memory where the system has one with room: fsync is free there.

    For tests that stop processes or plant faults; none of them cuts the real power.
    """
    roomy = MEMORY_DISK.is_dir() and shutil.disk_usage(MEMORY_DISK).free > ENOUGH_BYTES
    if not roomy or not os.access(MEMORY_DISK, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=MEMORY_DISK, prefix="simutrador-") as folder:
        yield Path(folder)


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """A bucket of an S3-compatible server, and what opens it."""

    bucket: str
    options: dict[str, str]

    def url(self, name: str) -> str:
        """Return the URL of a folder in the bucket."""
        return f"s3://{self.bucket}/{name}"


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """Return the address of an S3-compatible server of this test run's own."""
    command = [sys.executable, str(Path(__file__).with_name("s3_server.py"))]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"


@pytest.fixture
def object_store(s3_endpoint: str) -> ObjectStore:
    """Return an empty bucket."""
    bucket = f"bars-{uuid4().hex}"
    made = Request(f"{s3_endpoint}/{bucket}", method="PUT")
    with urlopen(made):
        pass
    return ObjectStore(
        bucket,
        {
            "AWS_ENDPOINT_URL": s3_endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "an-access-key",
            "AWS_SECRET_ACCESS_KEY": "a-secret-nobody-may-see",
        },
    )
