"""`query_sql`: one read-only query over the view `bars` of one version of the store."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from simutrador_core.errors import InputError, SimutradorError, StoreError
from simutrador_core.models.bars import SeriesKey
from simutrador_data.services.sql.child import ALARM, NO_MEMORY, Child, lent
from simutrador_data.services.sql.frames import EndedError, TooLargeError
from simutrador_data.services.storage.local_bars import LocalBars

MOST_ROWS: Final = 10_000
TIMEOUT_S: Final = 30.0
MEMORY_MB: Final = 2_000
LEAST_MEMORY_MB: Final = 50
MOST_ANSWER_BYTES: Final = 256_000_000
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
    memory_mb: int = MEMORY_MB,
) -> SqlAnswer:
    """Return what a query over `bars` gives.

    `bars` has `symbol timeframe adjustment opened_at session open high low close volume`: every row
    of one version exactly once, whether it stands in a Parquet file or still in the catalogue.
    Files are compared with their checksums before they are read. The query reaches no other file
    and no network. It runs in a process of its own, which ends with its time or its memory.

    Args:
        store: A store on this machine.
        text: One SELECT (or WITH, FROM, VALUES, DESCRIBE, SUMMARIZE), as DuckDB takes it.
        as_of: A commit id: read that version; None reads the newest.
        max_rows: Most rows to return, at least 1.
        timeout_s: Longest time it may take, seconds, above 0; starting the process is not counted.
        memory_mb: Most memory it may take, millions of bytes, at least 50.

    Raises:
        SqlError: the text is not one query, or DuckDB refuses it.
        InvalidRangeError: there is no such version yet.
        SqlTimeoutError: it took longer than `timeout_s`.
        SqlMemoryError: it needs more than `memory_mb`, or its answer is larger than 256 MB.
        CorruptDataError: a file it would read does not match its checksum.
        MissingExtraError: DuckDB is not installed.
    """
    if max_rows < 1:
        raise InputError(f"max_rows {max_rows} is below the limit of 1", field="max_rows")
    if not timeout_s > 0:
        raise InputError(f"timeout_s {timeout_s} is not above 0", field="timeout_s")
    if memory_mb < LEAST_MEMORY_MB:
        raise InputError(
            f"memory_mb {memory_mb} is below the limit of {LEAST_MEMORY_MB}", field="memory_mb"
        )
    version, keys = store.keys(as_of=as_of)
    limits = _Limits(max_rows, timeout_s, memory_mb)
    with lent() as child:
        limits.begin()
        with child.ending_at(limits.until):
            found = _ask(child, store, text, version, keys, limits)
    if isinstance(found, Exception):
        raise found
    return found


class _Limits:
    """What a query may take, from the moment it begins."""

    def __init__(self, max_rows: int, timeout_s: float, memory_mb: int) -> None:
        self.max_rows = max_rows
        self.timeout_s = timeout_s
        self.memory_mb = memory_mb
        self.until = 0.0

    def begin(self) -> None:
        self.until = monotonic() + self.timeout_s

    def check(self) -> None:
        """Go on, or give up.

        Raises:
            SqlTimeoutError: the time is over.
        """
        if monotonic() >= self.until:
            raise self.timeout()

    def timeout(self) -> SqlTimeoutError:
        return SqlTimeoutError(
            f"the query took longer than {self.timeout_s:g} s and was stopped; ask for fewer "
            "symbols or a shorter time, or allow it more (--timeout)"
        )

    def memory(self) -> SqlMemoryError:
        return SqlMemoryError(
            f"the query needs more than {self.memory_mb:,} MB of memory and was stopped; ask for "
            "fewer symbols or a shorter time, or allow it more (--memory)"
        )


def _ask(
    child: Child,
    store: LocalBars,
    text: str,
    version: int,
    keys: Sequence[SeriesKey],
    limits: _Limits,
) -> SqlAnswer | SimutradorError:
    """Return an answer, or why there is none; the process is free for another query then.

    Raises:
        StoreError: the process ended, or the store gives no rows; it is not to be asked again.
    """
    child.ask(text, [_names(key) for key in keys], limits.memory_mb, limits.timeout_s)
    heard = _Heard(child, limits)
    kind, *facts = heard.until_decided()
    if kind != "series":
        return heard.error(kind, facts)
    places: list[int] = facts[0]
    wanted = [keys[place] for place in places]
    for _ in range(_SNAPSHOTS):
        # Where a file was compacted and vacuumed away meanwhile, the catalogue names another.
        found = store.record(wanted, as_of=version, on_step=limits.check)
        files = [(_names(one.series), one.path, one.row_from, one.row_to) for one in found.files]
        child.ask(files, len(found.loose), limits.max_rows)
        for bars in found.loose:
            child.ask(bars)
        kind, *facts = heard.until_decided()
        if kind == "done":
            heard.free()
            rows, most = heard.rows, limits.max_rows
            return SqlAnswer(facts[0], rows[:most], len(rows) > most, version)
        if kind != "gone":
            return heard.error(kind, facts)
        heard.rows.clear()
    raise StoreError("the store changed too often while it was read; try again")


class _Heard:
    """What a process answers: rows are kept until there is something to decide."""

    def __init__(self, child: Child, limits: _Limits) -> None:
        self.rows: list[tuple[Any, ...]] = []
        self._child = child
        self._limits = limits
        self._left = MOST_ANSWER_BYTES

    def until_decided(self) -> tuple[Any, ...]:
        """Return the next answer that is no rows.

        Raises:
            SqlTimeoutError: the process was ended in time.
            SqlMemoryError: it ended by itself for lack of memory, or the rows are too many.
            SqlError: a value is of a type that cannot be handed over.
            StoreError: it ended for another reason.
        """
        try:
            while True:
                message, size = self._child.hear(most=self._left)
                self._left -= size
                if message[0] != "rows":
                    return message
                self.rows.extend(message[1])
        except EndedError as e:
            raise self._end() from e
        except TooLargeError as e:
            raise SqlMemoryError(
                f"the answer is larger than {MOST_ANSWER_BYTES // 1_000_000} MB; ask for fewer "
                "rows (--limit) or shorter values"
            ) from e
        except pickle.UnpicklingError as e:
            raise SqlError(f"{e}; cast it to VARCHAR", field="query") from e

    def error(self, kind: str, facts: Sequence[Any]) -> SimutradorError:
        """Return the error of an answer that is one."""
        self.free()
        return self._limits.memory() if kind == "memory" else SqlError(facts[0], field="query")

    def free(self) -> None:
        """Hear whether the process may be asked again."""
        _, self._child.is_free = self.until_decided()

    def _end(self) -> StoreError:
        code = self._child.exit_code()
        if self._child.is_late or code == -ALARM:
            return self._limits.timeout()
        if code in NO_MEMORY:
            return self._limits.memory()
        return StoreError(
            f"the query ended its process (exit status {code}); ask in another way, and report it"
        )


def _names(key: SeriesKey) -> tuple[str, str, str]:
    return key.symbol, str(key.timeframe), str(key.adjustment)


__all__ = [
    "LEAST_MEMORY_MB",
    "MEMORY_MB",
    "MOST_ANSWER_BYTES",
    "MOST_ROWS",
    "TIMEOUT_S",
    "SqlAnswer",
    "SqlError",
    "SqlMemoryError",
    "SqlTimeoutError",
    "query_sql",
]
