"""`query_sql`: one read-only query over the view `bars` of one version of the store."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from simutrador_core.errors import InputError, StoreError
from simutrador_core.models.bars import SeriesKey
from simutrador_data.services.sql.database import add_bars, close_off, duckdb, opened
from simutrador_data.services.sql.pruning import readable_series
from simutrador_data.services.storage.local_bars import LocalBars

MOST_ROWS: Final = 10_000
TIMEOUT_S: Final = 30.0
_SNAPSHOTS: Final = 3


class SqlError(InputError):
    """DuckDB refuses the query; the text is DuckDB's."""

    code = "sql"


class SqlTimeoutError(StoreError):
    """The query took longer than it may."""

    code = "sql_timeout"


class SqlMemoryError(StoreError):
    """The query needs more memory than it may take."""

    code = "sql_memory"


@dataclass(frozen=True, slots=True)
class SqlAnswer:
    """What a query gave.

    Attributes:
        columns: Names, in order.
        rows: The rows as Python values, at most as many as were allowed.
        is_cut: Whether there were more.
        as_of: The version that was read.
    """

    columns: list[str]
    rows: list[tuple[Any, ...]]
    is_cut: bool
    as_of: int


def query_sql(
    store: LocalBars,
    text: str,
    *,
    as_of: int | None = None,
    max_rows: int = MOST_ROWS,
    timeout_s: float = TIMEOUT_S,
) -> SqlAnswer:
    """Return what a query over `bars` gives.

    `bars` has `symbol timeframe adjustment opened_at session open high low close volume`: every row
    of one version exactly once, whether it stands in a Parquet file or still in the catalogue.
    Files are compared with their checksums before they are read. The query reaches no other file
    and no network.

    Args:
        store: A store on this machine.
        text: One SELECT (or WITH, FROM, VALUES, DESCRIBE, SUMMARIZE), as DuckDB takes it.
        as_of: A commit id: read that version; None reads the newest.
        max_rows: Most rows to return, at least 1.
        timeout_s: Longest time it may take, seconds, above 0.

    Raises:
        SqlError: the text is not one query, or DuckDB refuses it.
        InvalidRangeError: there is no such version yet.
        SqlTimeoutError: it took longer than `timeout_s`.
        SqlMemoryError: it needs more than 2 GB.
        CorruptDataError: a file it would read does not match its checksum.
        MissingExtraError: DuckDB is not installed.
    """
    if max_rows < 1:
        raise InputError(f"max_rows {max_rows} is below the limit of 1", field="max_rows")
    if not timeout_s > 0:
        raise InputError(f"timeout_s {timeout_s} is not above 0", field="timeout_s")
    library = duckdb()
    limit = _Limit(timeout_s)
    try:
        query = check_is_query(text)
        version, keys = store.keys(as_of=as_of)
        with opened() as connection:
            wanted = limit.watched(connection, lambda: readable_series(connection, query, keys))
        for _ in range(_SNAPSHOTS):
            # Where a file was compacted and vacuumed away meanwhile, the catalogue names another.
            with suppress(library.IOException):
                return _ask(store, query, wanted, version, max_rows=max_rows, limit=limit)
        raise StoreError("the store changed too often while it was read; try again")
    except library.InterruptException as e:
        raise limit.error() from e
    except library.OutOfMemoryException as e:
        raise SqlMemoryError(
            f"the query needs too much memory ({_first_line(e)}); ask for fewer symbols or a "
            "shorter time"
        ) from e
    except library.Error as e:
        raise _refused(e) from e


def check_is_query(text: str) -> str:
    """Return the one query a text holds, without its semicolon.

    Raises:
        SqlError: it holds none or several, or changes something.
    """
    library = duckdb()
    try:
        statements: list[Any] = library.extract_statements(text)
    except library.Error as e:
        raise _refused(e) from e
    if len(statements) != 1:
        raise SqlError(f"give one query, not {len(statements)}", field="query")
    (statement,) = statements
    if statement.type != library.StatementType.SELECT:
        raise SqlError(
            f"a statement of type {statement.type.name} is not taken; write a query: FROM bars ...",
            field="query",
        )
    return str(statement.query).strip().rstrip(";")


class _Limit:
    """A point in time after which everything is given up."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._until = monotonic() + timeout_s

    def error(self) -> SqlTimeoutError:
        return SqlTimeoutError(
            f"the query took longer than {self._timeout_s:g} s and was stopped; ask for fewer "
            "symbols or a shorter time, or allow it more (--timeout)"
        )

    def check(self) -> None:
        """Go on, or give up.

        Raises:
            SqlTimeoutError: the time is over.
        """
        if monotonic() >= self._until:
            raise self.error()

    def watched(self, connection: Any, act: Callable[[], Any]) -> Any:
        """Return what `act` returns; DuckDB is interrupted when the time is over."""
        self.check()
        timer = threading.Timer(self._until - monotonic(), connection.interrupt)
        timer.start()
        try:
            return act()
        finally:
            timer.cancel()
            timer.join()


def _ask(
    store: LocalBars,
    query: str,
    wanted: list[SeriesKey],
    version: int,
    *,
    max_rows: int,
    limit: _Limit,
) -> SqlAnswer:
    record = store.record(wanted, as_of=version, on_step=limit.check)
    with opened() as connection:

        def run() -> Any:
            add_bars(connection, record.files, record.loose)
            close_off(connection, (part.path for part in record.files))
            result = connection.execute(f"FROM (\n{query}\n) LIMIT {max_rows + 1}")
            return [column[0] for column in result.description], result.fetchall()

        columns, rows = limit.watched(connection, run)
    return SqlAnswer(columns, rows[:max_rows], len(rows) > max_rows, version)


def _refused(error: Exception) -> SqlError:
    # Behind it stands the line with a mark below, in which our own words stand too.
    return SqlError(str(error).partition("\n\nLINE ")[0], field="query")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


__all__ = [
    "MOST_ROWS",
    "TIMEOUT_S",
    "SqlAnswer",
    "SqlError",
    "SqlMemoryError",
    "SqlTimeoutError",
    "check_is_query",
    "query_sql",
]
