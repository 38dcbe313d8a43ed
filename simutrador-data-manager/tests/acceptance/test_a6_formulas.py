"""A6: no cell of an export is run by a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from unittest.mock import patch

import pytest

from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.testing.builders import make_bars
from simutrador_data.services.serving import text_formats
from simutrador_data.services.serving.answer import Answer

# OWASP, "CSV Injection", read 2026-11-20: the characters that begin a formula.
STARTS = ("=", "+", "-", "@", "\t", "\r")


def writes_cells_as_they_are() -> AbstractContextManager[object]:
    """Fault: a symbol goes into its cell unchanged."""
    return patch.object(text_formats, "neutral", str)


@pytest.mark.acceptance("A6", package="data-manager", breaks=writes_cells_as_they_are)
def test_no_cell_begins_like_a_formula(figure: Callable[[str], None]) -> None:
    symbols = tuple(f'{start}HYPERLINK("x")' for start in STARTS)
    answer = Answer(symbols, Timeframe.DAILY, Adjustment.RAW, "00", 1)
    parts = [make_bars(symbol, Timeframe.DAILY, n=2) for symbol in symbols]
    text = b"".join(text_formats.csv_parts(answer, parts)).decode()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert [row[0] for row in rows[1::2]] == [f"'{symbol}" for symbol in symbols]
    assert not [cell for row in rows for cell in row if cell.startswith(STARTS)]
    figure(f"{len(STARTS)} beginnings, 0 cells run")
