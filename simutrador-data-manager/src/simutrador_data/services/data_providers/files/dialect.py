"""How a text file is laid out: delimiter, lines before the rows, header, columns, decimal sign."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from simutrador_core.errors import ImportFileError
from simutrador_data.services.data_providers.files.columns import (
    ABSENT,
    PRICES,
    Role,
    find_roles,
    given_roles,
    is_header,
    require,
    usual_order,
)
from simutrador_data.services.data_providers.files.model import (
    DateOrder,
    Facts,
    ImportOptions,
    NotBarsError,
)
from simutrador_data.services.data_providers.files.shapes import find_shape

MAX_COLUMNS: Final = 256
MAX_LINE: Final = 64 * 1024
HEAD_BYTES: Final = 256 * 1024
"""How much of a file is looked at for its layout."""

_DELIMITERS: Final = (",", ";", "\t", "|")
_HEADER_LINES: Final = 30
_TRADE_COLUMNS: Final = 3


@dataclass(frozen=True, slots=True)
class Layout:
    """How a text file is laid out.

    Attributes:
        delimiter: One character.
        skip: Lines before the first row, the header included.
        width: Columns of a row.
        header: Names of the columns; empty where the file has none.
        roles: Position of each role's column.
        decimal_comma: Whether `1,5` is one and a half.
    """

    delimiter: str
    skip: int
    width: int
    header: tuple[str, ...]
    roles: Mapping[Role, int]
    decimal_comma: bool = False


def find_layout(head: bytes, options: ImportOptions, facts: Facts, *, path: str) -> Layout:
    """Return the layout of a text file from its first bytes, noting how each part was decided.

    Raises:
        ImportFileError: it is no text, has lines or rows beyond the limits, or lacks a column.
        NotBarsError: it is a table of something else.
    """
    lines = _lines(head, path=path)
    delimiter = _delimiter(lines, options, facts, path=path)
    rows = [_cells(line, delimiter) for line in lines]
    first = _first_row(rows)
    if first is None:
        raise NotBarsError(
            "this does not look like bars: no row of numbers within the first "
            f"{len(lines)} lines; see --delimiter and --columns",
            path=path,
        )
    body = [row for row in rows[first:] if any(row)]
    if not body:
        raise ImportFileError("has a header but no row of bars; export it again", path=path)
    width = _usual([len(row) for row in body])
    if width > MAX_COLUMNS:
        raise ImportFileError(
            f"has {width} columns, above the limit of {MAX_COLUMNS}; keep the columns of bars only",
            path=path,
        )
    header = _header(rows[:first], width)
    facts.note("header", f"line {first}" if header else "none", "data")
    body = [row for row in body if len(row) == width]
    roles = _roles(header, body[0], options, path=path)
    _note_columns(facts, roles, header, options)
    comma = delimiter != "," and _has_decimal_comma(body, roles)
    if comma:
        facts.note("decimal sign", ",", "data")
    if not header:
        _check_order(body, roles, comma=comma, path=path)
    return Layout(delimiter, first, width, header, roles, decimal_comma=comma)


def _lines(head: bytes, *, path: str) -> list[str]:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ImportFileError("is UTF-16 text; save it as UTF-8", path=path)
    if b"\x00" in head:
        raise ImportFileError("is a binary file, not text; export it as CSV or Parquet", path=path)
    text = head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    lines = re.split(r"\r\n|\n|\r", text)
    longest = max(len(line) for line in lines)
    if longest > MAX_LINE:
        raise ImportFileError(
            f"has a line of more than {MAX_LINE:,} characters; bars have one row a line", path=path
        )
    complete = lines if len(head) < HEAD_BYTES else lines[:-1]
    if not any(line.strip() for line in complete):
        raise ImportFileError("holds nothing but blank lines; export it again", path=path)
    return complete[:1000]


def _delimiter(lines: Sequence[str], options: ImportOptions, facts: Facts, *, path: str) -> str:
    if options.delimiter is not None:
        if len(options.delimiter) != 1:
            raise ImportFileError(
                f"delimiter {options.delimiter!r} is not one character; give one, for instance ;",
                path=path,
            )
        facts.note("delimiter", repr(options.delimiter), "given")
        return options.delimiter
    sample = [line for line in lines[:200] if line.strip()]

    def score(delimiter: str) -> tuple[int, int]:
        widths = [line.count(delimiter) for line in sample]
        usual = _usual(widths)
        return (widths.count(usual) if usual >= _TRADE_COLUMNS - 1 else 0, usual)

    best = max(_DELIMITERS, key=score)
    if ";" in sample[-1] and score(";")[0] >= score(best)[0]:
        best = ";"  # 1,5;2,5: commas inside the numbers are regular too
    if not score(best)[0]:
        raise NotBarsError(
            "this does not look like bars: no line has columns separated by , ; | or tabs; "
            "give --delimiter",
            path=path,
        )
    facts.note("delimiter", repr(best), "data")
    return best


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), list[str]())
    except csv.Error:  # a field beyond the module's limit
        return []


def _usual(widths: Sequence[int]) -> int:
    return max(sorted(set(widths)), key=widths.count)


def _first_row(rows: Sequence[Sequence[str]]) -> int | None:
    """Return the first row whose cells are mostly numbers or times: where the data begin."""
    for at, row in enumerate(rows[:_HEADER_LINES]):
        if len(row) >= _TRADE_COLUMNS and sum(map(_is_value, row)) >= max(3, len(row) // 2):
            return at
    header = next((at for at, row in enumerate(rows[:_HEADER_LINES]) if is_header(row)), None)
    return None if header is None or header + 1 >= len(rows) else header + 1


def _is_value(cell: str) -> bool:
    text = cell.strip()
    if re.fullmatch(r"[$€£]?[+-]?[\d.,]*\d[\d.,]*([eE][+-]?\d+)?", text):
        return True
    return any(find_shape(text, order) is not None for order in DateOrder)


def _header(before: Sequence[Sequence[str]], width: int) -> tuple[str, ...]:
    found = next((row for row in before if is_header(row)), None)
    if found is None:
        found = next((row for row in reversed(before) if len(row) == width), None)
    return () if found is None else tuple(cell.strip() for cell in found)


def _roles(
    header: tuple[str, ...], row: Sequence[str], options: ImportOptions, *, path: str
) -> dict[Role, int]:
    if header:
        roles = find_roles(_time_first(header), options.columns, path=path)
        roles = {role: at for role, at in roles.items() if at < len(row)}
        require(roles, header, options.columns, path=path)
        return roles
    if len(row) == _TRADE_COLUMNS and not options.columns:
        raise NotBarsError(
            "this looks like trades (time, price, size), not bars: three columns, no header; "
            "make bars of it first",
            path=path,
        )
    usual = usual_order(len(row), has_clock=_has_clock(row)) or {}
    waived = {name for name, column in (options.columns or {}).items() if column == ABSENT}
    roles = {role: at for role, at in usual.items() if role not in waived}
    roles |= given_roles(options.columns, len(row), path=path)
    require(roles, [str(at + 1) for at in range(len(row))], options.columns, path=path)
    return roles


def _has_clock(row: Sequence[str]) -> bool:
    """Return whether the second cell is a time of day: `09:31`, or `0931` with one column more."""
    if len(row) < _TRADE_COLUMNS:
        return False
    is_compact = row[1].isdigit() and len(row[1]) in (4, 6) and len(row) in (7, 8)
    return ":" in row[1] or (is_compact and find_shape(row[0], DateOrder.MONTH_FIRST) is not None)


def _time_first(header: tuple[str, ...]) -> tuple[str, ...]:
    """Name a first column without name, and yfinance's `Price`, for what it holds."""
    if header[0] == "" or (header[0].lower() == "price" and "Close" in header):
        return ("date", *header[1:])
    return header


def _note_columns(
    facts: Facts, roles: Mapping[Role, int], header: Sequence[str], options: ImportOptions
) -> None:
    shown = ", ".join(f"{role}={header[at] if header else at + 1}" for role, at in roles.items())
    how = "given" if options.columns else "header" if header else "usual order"
    facts.note("columns", shown, how)


def _has_decimal_comma(rows: Sequence[Sequence[str]], roles: Mapping[Role, int]) -> bool:
    cells = [row[roles[role]].strip() for row in rows for role in PRICES if role in roles]
    with_comma = [cell for cell in cells if "," in cell]
    return bool(with_comma) and all(
        re.fullmatch(r"[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+", cell) for cell in with_comma
    )


def _check_order(
    rows: Sequence[Sequence[str]], roles: Mapping[Role, int], *, comma: bool, path: str
) -> None:
    """Refuse a file without header whose columns are not open, high, low, close."""
    wrong = 0
    for row in rows:
        try:
            cells = [row[roles[role]] for role in PRICES]
            opened, high, low, close = (
                float(cell.replace(",", ".") if comma else cell) for cell in cells
            )
        except ValueError:
            continue
        wrong += not low <= min(opened, close) <= max(opened, close) <= high
    if wrong * 2 > len(rows):
        raise ImportFileError(
            "has no header, and its columns are not time, open, high, low, close, volume: "
            "the high is not the highest; say which is which, for instance "
            "--columns open=5,high=3,low=4,close=2",
            path=path,
        )
