"""A page of a file from its raw rows: each symbol's rows judged, the rest listed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simutrador_core.errors import InvalidSymbolError
from simutrador_core.models.bars import I64, Bars
from simutrador_core.sessions.calendar import Calendar
from simutrador_core.utils.validation import parse_symbol
from simutrador_data.services.data_providers.files.calendars import Calendars
from simutrador_data.services.data_providers.files.model import FilePage, RejectedRow
from simutrador_data.services.data_providers.files.names import pair
from simutrador_data.services.data_providers.files.planning import Decided
from simutrador_data.services.data_providers.files.rows import RawRows, sort_rows


def to_page(
    raw: RawRows,
    decided: Decided,
    calendars: Calendars,
    *,
    number: int,
    misfits: Sequence[RejectedRow] = (),
    position: float = 1.0,
) -> FilePage:
    """Return one page; `misfits` are lines that did not even make a row."""
    bars: list[Bars] = []
    rejected = list(misfits)
    duplicates = unadjusted = 0
    for text, rows in _by_symbol(raw, decided):
        try:
            symbol = decided.symbol or pair(parse_symbol(text.strip()))
        except InvalidSymbolError as e:
            texts = raw.texts(rows)
            lines = raw.lines[rows].tolist()
            rejected += [
                RejectedRow(line, "symbol", str(e), shown)
                for line, shown in zip(lines, texts, strict=True)
            ]
            continue

        def calendar(symbol: str = symbol) -> Calendar:
            name = decided.calendar or calendars.name_of(symbol)
            return calendars.get(name)

        done = sort_rows(raw, rows, symbol, decided.plan, calendar)
        bars += done.bars
        rejected += done.rejected
        duplicates += done.duplicates
        unadjusted += done.unadjusted
    rejected.sort(key=lambda row: row.line)
    return FilePage(
        number,
        len(raw) + len(misfits),
        tuple(bars),
        tuple(rejected),
        duplicates,
        unadjusted,
        position,
    )


def _by_symbol(raw: RawRows, decided: Decided) -> list[tuple[str, I64]]:
    if decided.symbol is not None or raw.symbols is None:
        return [(decided.symbol or "", np.arange(len(raw)))]
    codes, names = raw.symbols
    order = np.argsort(codes, kind="stable")
    edges = np.searchsorted(codes[order], np.arange(len(names) + 1))
    return [(name, order[edges[at] : edges[at + 1]]) for at, name in enumerate(names)]
