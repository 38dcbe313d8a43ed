"""Blocks of strings to raw rows: the columns of a text file parsed by their roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from simutrador_core.models.bars import F64, I64
from simutrador_data.services.data_providers.files._arrow import (
    Strings,
    byte_lengths,
    pc,
    whole_numbers,
)
from simutrador_data.services.data_providers.files.blocks import Block
from simutrador_data.services.data_providers.files.columns import PRICES, Role
from simutrador_data.services.data_providers.files.dialect import Layout
from simutrador_data.services.data_providers.files.instants import DAY_US, Moments, parse_moments
from simutrador_data.services.data_providers.files.model import DateOrder, Quotes
from simutrador_data.services.data_providers.files.numbers import mid, parse_numbers
from simutrador_data.services.data_providers.files.rows import RawRows
from simutrador_data.services.data_providers.files.shapes import is_numeric_date

ADJUSTED: Final[Mapping[Role, str]] = {
    Role.ADJ_OPEN: "open",
    Role.ADJ_HIGH: "high",
    Role.ADJ_LOW: "low",
    Role.ADJ_CLOSE: "close",
    Role.ADJ_VOLUME: "volume",
}
_ASK_AT: Final = 6


@dataclass(frozen=True, slots=True)
class TextFormat:
    """How the cells of a text file are read.

    `day` is the date of a file whose times are milliseconds since midnight; `quotes` the side to
    take of a file with bid and ask columns.
    """

    layout: Layout
    order: DateOrder = DateOrder.MONTH_FIRST
    scale: float = 1.0
    day: date | None = None
    quotes: Quotes | None = None


def to_raw(block: Block, how: TextFormat) -> RawRows:
    """Return the rows of a block as numbers, in file order."""
    roles = how.layout.roles
    times = time_texts(block, how.layout)
    symbols = None
    if Role.SYMBOL in roles:
        encoded = pc.dictionary_encode(block.columns[roles[Role.SYMBOL]])
        symbols = whole_numbers(encoded.indices), encoded.dictionary.to_pylist()
    return RawRows(
        block.lines,
        _since_midnight(times, how.day) if how.day else parse_moments(times, order=how.order),
        _prices(block, how),
        block.texts,
        byte_lengths(times) == 0,
        _adjusted(block, how.layout),
        symbols,
    )


def time_texts(block: Block, layout: Layout) -> Strings:
    """Return the time of each row as text, date and time of day joined."""
    texts = pc.utf8_trim_whitespace(block.columns[layout.roles[Role.TIME]])
    if Role.CLOCK in layout.roles:
        clock = pc.utf8_trim_whitespace(block.columns[layout.roles[Role.CLOCK]])
        texts = pc.binary_join_element_wise(texts, clock, " ")
        texts = pc.utf8_trim_whitespace(texts)
    return texts


def find_date_order(texts: Strings) -> tuple[DateOrder, str] | None:
    """Return whether `03/04/2017` begins with the month, and how that was decided.

    None where the times are not written that way. The order under which more rows are dates wins;
    if both fit, the one under which time runs more evenly; else slashes mean month first.
    """
    sample = texts[:2000].to_pylist()
    example = next((text for text in sample if is_numeric_date(text)), None)
    if example is None:
        return None
    both = {order: parse_moments(texts, order=order) for order in DateOrder}
    fits = {order: int(found.ok.sum()) for order, found in both.items()}
    if len(set(fits.values())) > 1:
        return max(DateOrder, key=fits.__getitem__), "data: the other order gives impossible dates"
    turns = {order: _turns(found) for order, found in both.items()}
    if len(set(turns.values())) > 1:
        return min(DateOrder, key=turns.__getitem__), "data: time runs evenly that way"
    usual = DateOrder.MONTH_FIRST if "/" in example else DateOrder.DAY_FIRST
    return usual, "assumed: both orders fit; overrule with date_order"


def _turns(found: Moments) -> int:
    steps = np.sign(np.diff(found.local_us[found.ok]))
    return int((steps[1:] != steps[:-1]).sum())


def _since_midnight(texts: Strings, day: date) -> Moments:
    ms = parse_numbers(texts)
    ok = (ms >= 0) & (ms < DAY_US // 1000) & (ms == np.rint(ms))
    midnight = (day - date(1970, 1, 1)).days * DAY_US
    local: I64 = midnight + np.where(ok, ms, 0).astype(np.int64) * 1000
    zeros = np.zeros(len(ms), dtype=np.int64)
    return Moments(local, zeros, np.zeros(len(ms), dtype=np.bool_), ok)


def _prices(block: Block, how: TextFormat) -> dict[str, F64]:
    comma = how.layout.decimal_comma
    if how.quotes is not None:
        return _quote_side(block, how.quotes, how.scale)
    found: dict[str, F64] = {}
    for role in (*PRICES, Role.VOLUME):
        at = how.layout.roles.get(role)
        if at is None:
            found[role] = np.zeros(len(block.lines))
            continue
        found[role] = parse_numbers(block.columns[at], decimal_comma=comma)
        if role is not Role.VOLUME and how.scale != 1.0:
            found[role] = found[role] / how.scale
    return found


def _quote_side(block: Block, side: Quotes, scale: float) -> dict[str, F64]:
    """Return one side, or the middle of both, of rows `time, bid ohlc, size, ask ohlc, size`."""
    found: dict[str, F64] = {"volume": np.zeros(len(block.lines))}
    for at, role in enumerate(PRICES, start=1):
        bid = parse_numbers(block.columns[at]) / scale
        ask = parse_numbers(block.columns[at + _ASK_AT - 1]) / scale
        found[role] = {Quotes.BID: bid, Quotes.ASK: ask}.get(side, bid)
        if side is Quotes.MID:
            found[role] = mid(bid, ask)
    return found


def _adjusted(block: Block, layout: Layout) -> dict[str, F64]:
    if Role.ADJ_CLOSE not in layout.roles:
        return {}
    whole = all(role in layout.roles for role in list(ADJUSTED)[:4])
    wanted = ADJUSTED if whole else {Role.ADJ_CLOSE: "close"}
    found = {
        name: parse_numbers(block.columns[layout.roles[role]], decimal_comma=layout.decimal_comma)
        for role, name in wanted.items()
        if role in layout.roles
    }
    return {} if bool(np.isnan(found["close"]).all()) else found
