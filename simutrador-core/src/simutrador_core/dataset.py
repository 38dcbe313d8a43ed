"""`dataset_id`: one name for the exact rows a read returned, whatever store, layout or machine.

sha256 over a header and one line per (symbol, timeframe, adjustment, UTC month), sorted. A line
holds the key and the blake2b-256 of the month's little-endian columns. See docs/decisions/0003.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import numpy as np

from simutrador_core.errors import InvalidBarsError
from simutrador_core.models.bars import F64, OHLCV, Bars

HEADER = b"simutrador-rows-1\n"


def dataset_id(parts: Iterable[Bars], *, actions: Iterable[str] = ()) -> str:
    """Return the hash of the rows in `parts`; each part is one whole series range.

    Args:
        parts: Reads of different series, or of ranges of one series that share no UTC month.
        actions: For adjusted reads, `action_line` of each symbol's corporate actions.

    Returns:
        64 hexadecimal digits. No rows at all give the hash of the header alone.

    Raises:
        InvalidBarsError: a price is NaN, or two parts hold rows of the same month.
    """
    lines = [line for bars in parts for line in month_lines(bars)]
    return combine([*lines, *actions])


def combine(lines: Iterable[str]) -> str:
    """Return the dataset id of lines as `month_lines` gives them, in any order."""
    ordered = sorted(lines)
    keys = [line.rsplit(" ", 1)[0] for line in ordered]
    if len(set(keys)) != len(keys):
        raise InvalidBarsError("two parts hold rows of one month; join them before hashing")
    digest = hashlib.sha256(HEADER)
    for line in ordered:
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def month_lines(bars: Bars) -> Iterator[str]:
    """Yield `symbol timeframe adjustment YYYY-MM digest` for every UTC month that has rows."""
    months = bars.opened_at.view("datetime64[us]").astype("datetime64[M]")
    edges = np.flatnonzero(months[1:] != months[:-1]) + 1
    starts = [0, *edges.tolist()] if len(bars) else []
    for first, last in zip(starts, [*starts[1:], len(bars)], strict=True):
        yield f"{bars.series} {months[first]} {rows_digest(bars.take(slice(first, last)))}"


def rows_digest(bars: Bars) -> str:
    """Return the blake2b-256 of the six columns, little-endian, -0.0 written as 0.0."""
    digest = hashlib.blake2b(digest_size=32)
    digest.update(np.ascontiguousarray(bars.opened_at, dtype="<i8").data)
    for name in OHLCV:
        digest.update(_canonical(getattr(bars, name), name=name, symbol=bars.symbol).data)
    return digest.hexdigest()


def action_line(symbol: str, digest: str) -> str:
    """Return the line that stands for the corporate actions an adjusted read used."""
    return f"{symbol} actions {digest}"


def _canonical(column: F64, *, name: str, symbol: str) -> F64:
    if np.isnan(column).any():
        raise InvalidBarsError(f"{name} of {symbol} holds NaN, which has no dataset id")
    return np.ascontiguousarray(column + 0.0, dtype="<f8")  # -0.0 + 0.0 is 0.0
