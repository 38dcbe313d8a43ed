"""Record batches to raw rows: the columns of a Parquet file read by their types and roles.

Prices stored as float32 are taken as the shortest decimal that they stand for: 1.08127, not
1.0812699794769287. Decimals become the nearest double of their digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from simutrador_core.models.bars import F64, I64, BoolArray
from simutrador_data.services.data_providers.files._arrow import pa, pc, real_numbers, whole_numbers
from simutrador_data.services.data_providers.files.columns import PRICES, Role
from simutrador_data.services.data_providers.files.instants import (
    AFTER_US,
    DAY_US,
    FIRST_US,
    Moments,
    parse_moments,
)
from simutrador_data.services.data_providers.files.model import TEXT_LIMIT, DateOrder
from simutrador_data.services.data_providers.files.numbers import parse_numbers
from simutrador_data.services.data_providers.files.rows import RawRows
from simutrador_data.services.data_providers.files.text_rows import ADJUSTED


@dataclass(frozen=True, slots=True)
class ColumnFormat:
    """Which column holds what, by name, and how values are read."""

    names: Mapping[Role, str]
    order: DateOrder
    scale: float


def to_raw(batch: Any, how: ColumnFormat, *, first: int) -> RawRows:
    """Return the rows of a record batch as numbers; `first` is the number of the first row."""
    columns = {role: batch.column(name) for role, name in how.names.items()}
    n = len(batch)
    zeros = np.zeros(n)
    prices = {
        str(role): _numbers(columns[role]) if role in columns else zeros
        for role in (*PRICES, Role.VOLUME)
    }
    if how.scale != 1.0:
        prices |= {str(role): prices[role] / how.scale for role in PRICES}
    times = columns[Role.TIME]
    return RawRows(
        np.arange(first, first + n, dtype=np.int64),
        _moments(times, how.order),
        prices,
        lambda rows: _texts(batch, rows.tolist()),
        whole_numbers(times.is_null()) > 0,
        _adjusted(columns),
        _symbols(columns.get(Role.SYMBOL)),
    )


def _adjusted(columns: Mapping[Role, Any]) -> dict[str, F64]:
    if Role.ADJ_CLOSE not in columns:
        return {}
    whole = all(role in columns for role in list(ADJUSTED)[:4])
    wanted = ADJUSTED if whole else {Role.ADJ_CLOSE: "close"}
    return {name: _numbers(columns[role]) for role, name in wanted.items() if role in columns}


def _symbols(column: Any) -> tuple[Any, list[str]] | None:
    if column is None:
        return None
    encoded = pc.dictionary_encode(pc.fill_null(pc.cast(column, pa.string()), ""))
    return whole_numbers(encoded.indices), encoded.dictionary.to_pylist()


def _numbers(column: Any) -> F64:
    kind = column.type
    if pa.types.is_decimal(kind) or pa.types.is_float32(kind):
        column = pc.cast(column, pa.string())
        kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return parse_numbers(pc.fill_null(pc.cast(column, pa.string()), ""))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return real_numbers(pc.cast(column, pa.float64(), safe=False))
    return np.full(len(column), np.nan)


def _moments(column: Any, order: DateOrder) -> Moments:
    kind = column.type
    n = len(column)
    there = whole_numbers(column.is_null()) == 0
    if pa.types.is_date(kind):
        days = _whole(pc.cast(column, pa.date32()), pa.int32())
        return _plausible(days * DAY_US, np.zeros(n, np.int64), np.zeros(n, np.bool_), there)
    if not pa.types.is_timestamp(kind):
        if pa.types.is_floating(kind):
            column = pc.cast(column, pa.int64(), safe=False)
        texts = pc.utf8_trim_whitespace(pc.fill_null(pc.cast(column, pa.string()), ""))
        return parse_moments(texts, order=order)
    aware = np.full(n, kind.tz is not None)
    utc = _whole(pc.cast(column, pa.timestamp("us", kind.tz), safe=False), pa.int64())
    if kind.tz is None:
        return _plausible(utc, np.zeros(n, np.int64), aware, there)
    wall = pc.local_timestamp(pc.cast(column, pa.timestamp("us", kind.tz), safe=False))
    local = _whole(wall, pa.int64())
    return _plausible(local, local - utc, aware, there)


def _plausible(local: I64, offset: I64, aware: BoolArray, there: BoolArray) -> Moments:
    ok = there & (local >= FIRST_US) & (local < AFTER_US)
    return Moments(np.where(ok, local, 0), np.where(ok, offset, 0), aware & ok, ok)


def _whole(column: Any, kind: Any) -> I64:
    return whole_numbers(pc.fill_null(pc.cast(column, kind), 0))


def _texts(batch: Any, rows: list[int]) -> list[str]:
    found = batch.take(pa.array(rows, pa.int64()))
    # Cast, for Python's own dates end where a damaged one begins.
    cells = [pc.fill_null(pc.cast(column, pa.string()), "").to_pylist() for column in found.columns]
    return [",".join(row)[:TEXT_LIMIT] for row in zip(*cells, strict=True)]
