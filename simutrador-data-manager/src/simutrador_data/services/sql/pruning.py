"""Which series a query can read at all, so that only their files are checked and opened.

DuckDB is asked for its plan over an empty stand-in of `bars`: the conditions it would apply while
it scans are evaluated on the list of series. Conditions on anything else than the series, and those
it only applies later, cut nothing off.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyarrow as pa

from simutrador_core.models.bars import SeriesKey
from simutrador_data.services.sql.database import COLUMNS, close_off, duckdb

_arrow: Final[Any] = pa
_LATER: Final = "optional:"
_PLACES: Final = "SELECT place FROM series WHERE {}"


def readable_series(connection: Any, query: str, keys: Sequence[SeriesKey]) -> list[SeriesKey]:
    """Return those of `keys` whose rows a query may read.

    Args:
        connection: An empty database of its own; no file can be reached from it afterwards.
        query: A checked query (`check_is_query`).
        keys: Every stored series.

    Raises:
        duckdb.Error: the query is wrong.
    """
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    connection.execute(f"CREATE TABLE bars ({columns})")
    # Statistics of an empty table would cut every condition off.
    connection.execute("SET disabled_optimizers = 'statistics_propagation'")
    close_off(connection, ())
    rows = connection.execute(f"EXPLAIN (FORMAT JSON) {query}").fetchall()
    plans: list[Any] = [plan for _, text in rows for plan in json.loads(text)]
    connection.register("given", _series_table(keys))
    connection.execute("CREATE TABLE series AS FROM given")
    scans = list(_scans(plans))
    if not scans and "bars" in query.casefold():
        return list(keys)  # answered without a scan: nothing is known
    found: set[int] = set()
    for conditions in scans:
        found |= _matching(connection, conditions)
    return [key for place, key in enumerate(keys) if place in found]


def _scans(nodes: Sequence[Any]) -> Iterator[list[str]]:
    """Yield the conditions of every scan of `bars` in a plan."""
    for node in nodes:
        info: dict[str, Any] = node.get("extra_info") or {}
        if str(info.get("Table", "")).rpartition(".")[2] == "bars":
            filters: Any = info.get("Filters", [])
            yield [filters] if isinstance(filters, str) else list(filters)
        yield from _scans(node.get("children", []))


def _matching(connection: Any, conditions: Sequence[str]) -> set[int]:
    """Return the places of the series for which none of the conditions is false."""
    kept = [
        f"({condition})"
        for condition in conditions
        if not condition.startswith(_LATER) and _is_of_series(connection, condition)
    ]
    where = " AND ".join(kept) or "true"
    rows: list[Any] = connection.execute(_PLACES.format(where)).fetchall()
    return {int(row[0]) for row in rows}


def _is_of_series(connection: Any, condition: str) -> bool:
    try:
        connection.execute(_PLACES.format(condition))
    except duckdb().Error:  # it is of another column, or DuckDB shows it in words of its own
        return False
    return True


def _series_table(keys: Sequence[SeriesKey]) -> Any:
    return _arrow.table(
        {
            "place": _arrow.array(range(len(keys)), type=_arrow.int64()),
            "symbol": _arrow.array([key.symbol for key in keys], type=_arrow.string()),
            "timeframe": _arrow.array([str(key.timeframe) for key in keys], type=_arrow.string()),
            "adjustment": _arrow.array([str(key.adjustment) for key in keys], type=_arrow.string()),
        }
    )


__all__ = ["readable_series"]
