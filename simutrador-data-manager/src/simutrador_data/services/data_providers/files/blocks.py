"""A text file in blocks of whole lines, each parsed into columns of strings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simutrador_core.errors import ImportFileError
from simutrador_core.models.bars import I64
from simutrador_data.services.data_providers.files._arrow import Strings, byte_lengths, csv, pa
from simutrador_data.services.data_providers.files.model import (
    BLOCK_BYTES,
    TEXT_LIMIT,
    RejectedRow,
)
from simutrador_data.services.data_providers.files.source import Stream

MAX_LINES: Final = 2**20
"""Most lines of a block; one of bars has 80,000 to 400,000."""

_QUOTE: Final = ord('"')
_NEWLINE: Final = ord("\n")


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Rows of a block as string columns, the line of each, and the lines that are no rows."""

    columns: Sequence[Strings]
    lines: I64
    misfits: tuple[RejectedRow, ...]
    position: float
    delimiter: str = ","

    def texts(self, rows: I64) -> list[str]:
        """Return the text of rows, cut to 200 characters."""
        index = pa.array(rows)
        cells = [column.take(index).to_pylist() for column in self.columns]
        return [self.delimiter.join(row)[:TEXT_LIMIT] for row in zip(*cells, strict=True)]


def read_text(stream: Stream, *, path: str, size: int = BLOCK_BYTES) -> Iterator[bytes]:
    """Yield the bytes of a text file in parts that end with a whole line.

    Raises:
        ImportFileError: a line is longer than a whole part.
    """
    rest = newline = b""
    is_last = False
    while not is_last:
        part = stream.read(size - len(rest))
        is_last = len(part) < size - len(rest)
        rest += part
        if not newline:
            rest = rest.removeprefix(b"\xef\xbb\xbf")
            newline = b"\r" if b"\r" in rest and b"\n" not in rest else b"\n"
        if newline == b"\r":
            rest = rest.replace(b"\r", b"\n")
        if is_last and rest.strip():
            rest += b"\n"
        end = rest.rfind(b"\n") + 1
        if end and not (is_last and not rest.strip()):
            yield _tidy(rest[:end])
        elif len(rest) >= size:
            raise ImportFileError(
                f"has a line of more than {size:,} bytes; bars have one row a line", path=path
            )
        rest = rest[end:]


def _tidy(text: bytes) -> bytes:
    """Return UTF-8 whose only line ends are newlines."""
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b" ")
    if text.isascii():
        return text
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1").encode("utf-8")
    return text


@dataclass(slots=True)
class BlockParser:
    """Turns parts of text into blocks, keeping count of the file's lines."""

    width: int
    delimiter: str
    skip: int
    path: str
    _line: int = field(default=1, init=False)

    def parse(self, text: bytes, *, position: float, is_last: bool = False) -> Block:
        """Return the rows of a part.

        Lines with another number of columns, blank lines and quotes that do not close on their
        line become misfits; blank lines at the end of the file do not count.
        """
        if is_last:
            text = text.rstrip(b"\r\n \t") + b"\n"
        text, first = self._without_head(text)
        total = text.count(b"\n")
        if total > MAX_LINES:
            raise ImportFileError(
                f"has more than {MAX_LINES:,} lines in {BLOCK_BYTES:,} bytes; bars need more room",
                path=self.path,
            )
        self._line = first + total
        text, lines, misfits = _without_open_quotes(text, first)
        skipped: list[tuple[int, str]] = []

        def skip(row: Any) -> str:
            skipped.append((row.number - 1, row.text))
            return "skip"

        columns = _to_columns(text, self.width, self.delimiter, skip, path=self.path)
        for at, line in skipped:
            misfits.append(_misfit(int(lines[at]), line, self.width, self.delimiter))
        if skipped:
            lines = np.delete(lines, [at for at, _ in skipped])
        return self._without_blanks(columns, lines, misfits, position)

    def _without_head(self, text: bytes) -> tuple[bytes, int]:
        at = 0
        while self.skip and at < len(text):
            at = text.index(b"\n", at) + 1
            self.skip -= 1
            self._line += 1
        return text[at:], self._line

    def _without_blanks(
        self, columns: list[Strings], lines: I64, misfits: list[RejectedRow], position: float
    ) -> Block:
        blank = np.ones(len(lines), dtype=np.bool_)
        for column in columns:
            if not blank.any():
                break
            blank &= byte_lengths(column) == 0
        if blank.any():
            misfits += [
                RejectedRow(line, "blank line", "the line is blank", "")
                for line in lines[blank].tolist()
            ]
            keep = pa.array(np.flatnonzero(~blank))
            columns = [column.take(keep) for column in columns]
            lines = lines[~blank]
        misfits.sort(key=lambda row: row.line)
        return Block(columns, lines, tuple(misfits), position, self.delimiter)


def _misfit(line: int, text: str, width: int, delimiter: str) -> RejectedRow:
    found = text.count(delimiter) + 1
    reason = f"the row has {found} columns, expected {width}"
    return RejectedRow(line, "column count", reason, text[:TEXT_LIMIT])


def _without_open_quotes(text: bytes, first: int) -> tuple[bytes, I64, list[RejectedRow]]:
    """Take out lines with an odd number of quotes: they would swallow the lines after them."""
    lines = np.arange(first, first + text.count(b"\n"), dtype=np.int64)
    if b'"' not in text:
        return text, lines, []
    data = np.frombuffer(text, dtype=np.uint8)
    ends = np.flatnonzero(data == _NEWLINE)
    of_line = np.searchsorted(ends, np.flatnonzero(data == _QUOTE))
    odd = np.flatnonzero(np.bincount(of_line, minlength=len(ends)) % 2)
    if not len(odd):
        return text, lines, []
    starts = np.concatenate([[0], ends[:-1] + 1])
    misfits = [
        RejectedRow(
            int(lines[at]),
            "open quote",
            "a quoted field does not end on its line",
            text[starts[at] : ends[at]].decode("utf-8", "replace")[:TEXT_LIMIT],
        )
        for at in odd.tolist()
    ]
    keep = np.ones(len(data), dtype=np.bool_)
    for at in odd.tolist():
        keep[starts[at] : ends[at] + 1] = False
    kept: NDArray[np.uint8] = data[keep]
    return kept.tobytes(), np.delete(lines, odd), misfits


def _to_columns(
    text: bytes, width: int, delimiter: str, skip: object, *, path: str
) -> list[Strings]:
    names = [str(at) for at in range(width)]
    if not text:
        return [pa.array([], type=pa.string()) for _ in names]
    try:
        table = csv.read_csv(
            pa.BufferReader(text),
            read_options=csv.ReadOptions(
                use_threads=False, column_names=names, block_size=len(text) + 1
            ),
            parse_options=csv.ParseOptions(
                delimiter=delimiter, ignore_empty_lines=False, invalid_row_handler=skip
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowException as e:
        raise ImportFileError(f"cannot be read as a table: {e}", path=path) from e
    return [column.combine_chunks() for column in table.columns]
