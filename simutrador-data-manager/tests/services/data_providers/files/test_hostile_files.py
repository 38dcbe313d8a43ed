"""Files that are damaged or made to do harm: each is refused, quickly, with its cause."""

from __future__ import annotations

import gzip
import io
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simutrador_core.errors import ImportFileError
from simutrador_data.services.data_providers.files import ImportOptions, open_bar_file

HEADER = b"date,open,high,low,close,volume\n"
ROW = b"2013-10-07,10,12,9,11,100\n"
MIB = 2**20


def zipped(*files: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def a_link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("spy.csv")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def declaring(size: int) -> bytes:
    """Return a zip whose directory says that its file is `size` bytes long."""
    data = bytearray(zipped(("spy.csv", HEADER + ROW)))
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = size.to_bytes(4, "little")
    return bytes(data)


def refusal(path: Path, calendars: Any) -> str:
    """Return the text of the refusal to read a file whole."""
    with pytest.raises(ImportFileError) as caught:
        for _ in open_bar_file(path, ImportOptions(symbol="SPY"), calendars=calendars).pages():
            pass
    assert str(path) in str(caught.value)
    return str(caught.value)


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "is empty"),
    "binary": (lambda: bytes(range(256)) * 10, "binary file, not text"),
    "utf-16": (lambda: (HEADER + ROW).decode().encode("utf-16"), "UTF-16"),
    "picture": (lambda: b"\x89PNG\r\n\x1a\n\x00\x00", "binary file"),
    "truncated gzip": (lambda: gzip.compress(HEADER + ROW * 9000)[:-30], "cannot be read"),
    "gzip of noise": (lambda: b"\x1f\x8b" + bytes(100), "cannot be read"),
    "truncated zip": (lambda: zipped(("spy.csv", HEADER + ROW * 99))[:-40], "damaged zip"),
    "empty zip": (zipped, "holds 0 files"),
    "many files": (lambda: zipped(("a.csv", ROW), ("b.csv", ROW)), "holds 2 files"),
    "zip slip": (lambda: zipped(("../../spy.csv", HEADER + ROW)), "unsafe name"),
    "absolute name": (lambda: zipped(("/etc/cron.d/x", HEADER + ROW)), "unsafe name"),
    "drive name": (lambda: zipped(("C:\\x.csv", HEADER + ROW)), "unsafe name"),
    "link in zip": (lambda: zipped((a_link(), b"/etc/passwd")), "symbolic link"),
    "3 GiB declared": (lambda: declaring(3 * 2**30), "declares 3,221,225,472 bytes"),
    "zip bomb": (lambda: zipped(("spy.csv", HEADER + ROW * (40 * MIB // 26))), "above the limit"),
    "gzip bomb": (lambda: gzip.compress(HEADER + ROW * (40 * MIB // 26)), "unpacks to more than"),
    "bomb of zeros": (lambda: gzip.compress(bytes(64 * MIB)), "binary file"),
    "one giant line": (lambda: b"1," * (10 * MIB), "line of more than"),
    "giant line inside": (lambda: HEADER + ROW * 20_000 + b"x" * (17 * MIB), "line of more than"),
    "a million columns": (lambda: b",".join([b"1"] * 1_000_000) + b"\n", "line of more than"),
    "300 columns": (lambda: (b",".join([b"1"] * 300) + b"\n") * 3, "300 columns, above the limit"),
    "lines of nothing": (lambda: HEADER + ROW + b"\n" * (9 * MIB) + ROW, "more than 1,048,576"),
    "parquet of noise": (lambda: b"PAR1" + bytes(range(200)) + b"PAR1", "damaged Parquet"),
    "parquet with a huge footer": (lambda: b"PAR1" + b"\xff" * 67 + b"\x7fPAR1", "damaged"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_with_its_cause(write: Any, calendars: Any, name: str) -> None:
    make, cause = HOSTILE[name]
    ending = {"zip": ".zip", "gzi": ".gz"}.get(name[:3], ".csv")
    path = write(b"", f"spy{ending}x")
    path.write_bytes(make())
    assert cause in refusal(path, calendars)


def test_absent_files_folders_and_devices_are_refused(tmp_path: Path, calendars: Any) -> None:
    assert "there is no such file" in refusal(tmp_path / "absent.csv", calendars)
    assert "is a folder" in refusal(tmp_path, calendars)
    assert "no regular file" in refusal(Path("/dev/zero"), calendars)


def test_quotes_that_never_close_swallow_no_rows(read: Any) -> None:
    page = read(HEADER + ROW + b'2013-10-08,"1,2,1,2,5\n' + ROW.replace(b"07", b"09"))
    assert [row.line for row in page.rejected] == [3]
    assert len(page.bars[0]) == 2
