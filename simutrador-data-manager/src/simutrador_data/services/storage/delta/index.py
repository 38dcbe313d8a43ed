"""Which data files hold which bars: read from the table's log, and kept up to date in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any, NamedTuple, TypeAlias

from simutrador_core.errors import StoreFormatError
from simutrador_core.models.bars import SeriesKey
from simutrador_core.models.enums import Adjustment, Timeframe


class FileRef(NamedTuple):
    """One data file: its path in the table, bytes, rows, and the instants its bars span (us)."""

    path: str
    size: int
    rows: int
    first_us: int
    last_us: int


Index: TypeAlias = dict[SeriesKey, tuple[FileRef, ...]]
"""The files of each series, by first instant; a series without bars has none."""


def index_of(actions: Any, name: str) -> Index:
    """Return the index of a table.

    Args:
        actions: The table's files as Delta lists them (`get_add_actions`, flattened).
        name: What errors call the table.

    Raises:
        StoreFormatError: a file lacks what a store's own files have.
    """
    arrow = import_module("pyarrow")
    # `pyarrow.table(...)` would import pandas.
    table = arrow.RecordBatchReader.from_stream(actions).read_all()
    if not table.num_rows:
        return {}
    columns: list[list[Any]] = [
        table.column(column).to_pylist() for column in ("path", "size_bytes", "num_records")
    ]
    columns.extend(
        table.column(column).cast(arrow.int64()).to_pylist()
        for column in ("min.opened_at", "max.opened_at")
    )
    keys = [
        table.column(f"partition.{column}").to_pylist()
        for column in ("symbol", "timeframe", "adjustment")
    ]
    found: dict[SeriesKey, list[FileRef]] = {}
    for symbol, timeframe, adjustment, *facts in zip(*keys, *columns, strict=True):
        if None in facts:
            raise StoreFormatError(
                f"{name}/{facts[0]} was written by another program without row counts and times; "
                "import its bars into a store of their own"
            )
        key = SeriesKey(symbol, Timeframe(timeframe), Adjustment(adjustment))
        found.setdefault(key, []).append(FileRef(*facts))
    return {key: in_time_order(refs) for key, refs in found.items()}


def in_time_order(refs: Iterable[FileRef]) -> tuple[FileRef, ...]:
    """Return files by first instant."""
    return tuple(sorted(refs, key=lambda ref: (ref.first_us, ref.path)))


def changed(
    index: Index,
    removed: Mapping[SeriesKey, Iterable[FileRef]],
    added: Mapping[SeriesKey, Iterable[FileRef]],
) -> None:
    """Bring an index up to date; the files of a series change at once for who looks meanwhile."""
    for key in {*removed, *added}:
        gone = {ref.path for ref in removed.get(key, ())}
        stay = [ref for ref in index.get(key, ()) if ref.path not in gone]
        index[key] = in_time_order([*stay, *added.get(key, ())])


def overlapping(refs: Iterable[FileRef], start_us: int, end_us: int) -> list[FileRef]:
    """Return the files with bars that may open in `[start_us, end_us)`."""
    return [ref for ref in refs if ref.first_us < end_us and ref.last_us >= start_us]


__all__ = ["FileRef", "Index", "index_of", "in_time_order", "changed", "overlapping"]
