"""A DuckDB in memory that sees one version of the store as the view `bars`, and nothing else."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

import numpy as np
import pyarrow as pa

from simutrador_core.errors import MissingExtraError
from simutrador_core.models.bars import OHLCV, Bars
from simutrador_data.services.storage.record import FilePart

# Neither library ships types: what comes from them is `Any` inside this package.
_arrow: Final[Any] = pa

MEMORY_MB: Final = 2_000
COLUMNS: Final = {
    "symbol": "VARCHAR",
    "timeframe": "VARCHAR",
    "adjustment": "VARCHAR",
    "opened_at": "TIMESTAMPTZ",
    "session": "DATE",
    **dict.fromkeys(OHLCV, "DOUBLE"),
}
"""What `bars` looks like."""

_CLOSED: Final = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    # Names of our own variables are no tables.
    "python_enable_replacements": False,
    "temp_directory": "",
}
_PARTS: Final = """CREATE VIEW bars AS
    SELECT part.symbol, part.timeframe, part.adjustment, row.opened_at, {session} AS session,
        {prices}
    FROM read_parquet({files}, union_by_name = true, filename = true, file_row_number = true) AS row
    JOIN inside.parts AS part ON row.filename = part.path
        AND row.file_row_number >= part.row_from AND row.file_row_number < part.row_to
    UNION ALL FROM inside.loose"""
_DESCRIBE: Final = "DESCRIBE FROM read_parquet({files}, union_by_name = true)"
_LOOSE_ONLY: Final = "CREATE VIEW bars AS FROM inside.loose"


def duckdb() -> Any:
    """Return the library.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return import_module("duckdb")
    except ImportError as e:
        raise MissingExtraError("duckdb", extra="sql", package="simutrador-data-manager") from e


@contextmanager
def opened(memory_mb: int = MEMORY_MB) -> Generator[Any]:
    """Give a connection to an empty database in memory; it is closed at the end."""
    config = {**_CLOSED, "memory_limit": f"{memory_mb}MB"}
    connection = duckdb().connect(":memory:", config=config)
    try:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()


def add_bars(connection: Any, files: Sequence[FilePart], loose: Iterable[Bars]) -> None:
    """Make the view `bars` of rows in Parquet files and of loose rows."""
    _add_loose(connection, loose)
    if not files:
        connection.execute(_LOOSE_ONLY)
        return
    connection.register("given", _parts_table(files))
    connection.execute("CREATE TABLE inside.parts AS FROM given")
    connection.unregister("given")
    paths = ", ".join(_quoted(path) for path in dict.fromkeys(part.path for part in files))
    found: list[Any] = connection.execute(_DESCRIBE.format(files=f"[{paths}]")).fetchall()
    dated = any(row[0] == "session" for row in found)
    connection.execute(
        _PARTS.format(
            files=f"[{paths}]",
            session="row.session" if dated else "NULL::DATE",
            prices=", ".join(f"row.{name}::DOUBLE AS {name}" for name in OHLCV),
        )
    )


def close_off(connection: Any, paths: Iterable[str]) -> None:
    """Let queries reach these files, read-only by `check_is_query`, and no other and no network."""
    listed = ", ".join(_quoted(path) for path in dict.fromkeys(paths))
    connection.execute(f"SET allowed_paths = [{listed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _add_loose(connection: Any, loose: Iterable[Bars]) -> None:
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    connection.execute("CREATE SCHEMA inside")
    connection.execute(f"CREATE TABLE inside.loose ({columns})")
    for bars in loose:
        connection.register("given", _loose_table(bars))
        connection.execute("INSERT INTO inside.loose FROM given")
        connection.unregister("given")


def _parts_table(files: Sequence[FilePart]) -> Any:
    return _arrow.table(
        {
            "symbol": [part.series.symbol for part in files],
            "timeframe": [str(part.series.timeframe) for part in files],
            "adjustment": [str(part.series.adjustment) for part in files],
            "path": [part.path for part in files],
            "row_from": _arrow.array([part.row_from for part in files], type=_arrow.int64()),
            "row_to": _arrow.array([part.row_to for part in files], type=_arrow.int64()),
        }
    )


def _loose_table(bars: Bars) -> Any:
    rows = len(bars)
    days = bars.sessions
    return _arrow.table(
        {
            "symbol": [bars.symbol] * rows,
            "timeframe": [str(bars.timeframe)] * rows,
            "adjustment": [str(bars.adjustment)] * rows,
            "opened_at": _arrow.array(bars.opened_at.view("datetime64[us]")).cast(
                _arrow.timestamp("us", tz="UTC")
            ),
            "session": _arrow.nulls(rows, _arrow.date32())
            if days is None
            else _arrow.array(days, mask=np.isnat(days)),
            **{name: _arrow.array(getattr(bars, name)) for name in OHLCV},
        }
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


__all__ = ["COLUMNS", "MEMORY_MB", "add_bars", "close_off", "duckdb", "opened"]
