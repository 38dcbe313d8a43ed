"""Which reader a file needs, by what is in it; the name's ending is not asked."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

from simutrador_core.models.bars import to_us
from simutrador_data.services.data_providers.files.calendars import Calendars
from simutrador_data.services.data_providers.files.model import (
    BLOCK_BYTES,
    BarFile,
    ImportOptions,
    NotBarsError,
)
from simutrador_data.services.data_providers.files.source import open_source

SUFFIXES: Final = (".csv", ".txt", ".tsv", ".gz", ".zip", ".parquet", ".pq")
"""Endings of the files that an import of a folder looks at."""

_PARQUET: Final = b"PAR1"
_MARKUP: Final = (b"<!", b"<?xml", b"<html", b"<head", b"<body")


def open_bar_file(
    path: Path,
    options: ImportOptions | None = None,
    *,
    calendars: Calendars,
    now: datetime | None = None,
    page_bytes: int = BLOCK_BYTES,
) -> BarFile:
    """Return a file as bars, ready to be read; nothing but its beginning was read yet.

    Args:
        path: A CSV (plain, gzip or zip), Parquet or Lean file.
        options: What the user says about it; None detects everything.
        calendars: Where exchange calendars come from.
        now: Bars that end later are rejected as not finished; None takes all.
        page_bytes: How much text of a CSV file makes a page.

    Raises:
        ImportFileError: the file is absent, damaged, beyond the limits, or not understood; the
            text names the cause and what to do.
        NotBarsError: it is sound but holds something else than bars.
        InvalidSymbolError: the symbol given is none.
        InputError: the zone given is none.
    """
    # The readers load what parses columns of text (10 MB); who only names rows goes without.
    from simutrador_data.services.data_providers.files.csv_file import open_csv, read_head
    from simutrador_data.services.data_providers.files.lean_zip import find_lean, open_lean
    from simutrador_data.services.data_providers.files.parquet_file import open_parquet

    chosen = options or ImportOptions()
    now_us = None if now is None else to_us(now)
    source = open_source(path)
    head = read_head(source)
    if head.startswith(_PARQUET):
        return open_parquet(source, chosen, calendars, now_us=now_us)
    text = head[:1024].removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] in (b"{", b"["):
        raise NotBarsError("is JSON; import reads CSV, Parquet and Lean files", path=str(path))
    if text.lower().startswith(_MARKUP):
        raise NotBarsError(
            "is a web page or XML, not a table of bars; download the table itself", path=str(path)
        )
    place = find_lean(source, head)
    if place is not None:
        return open_lean(source, place, head, chosen, calendars, now_us=now_us)
    return open_csv(source, chosen, calendars, now_us=now_us, block_bytes=page_bytes)
