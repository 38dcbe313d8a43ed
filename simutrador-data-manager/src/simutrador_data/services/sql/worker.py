"""The process that runs queries: whatever one does, the process that asked goes on.

DuckDB's own limits end at its buffers: a single text of 2 GB, or a plan that is computed before
anything is read, know neither limit. Here the system enforces them: address space beyond what the
process needs by itself, an alarm in case nobody ends it, and no byte written to any file.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import IO, Any, Final, NoReturn

from simutrador_core.models.bars import Bars, SeriesKey
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_data.services.sql.checking import RefusedError, check_is_query, first_part
from simutrador_data.services.sql.database import add_bars, close_off, duckdb, opened
from simutrador_data.services.sql.frames import EndedError, receive, send
from simutrador_data.services.sql.pruning import readable_series
from simutrador_data.services.storage.record import FilePart

MEGABYTE: Final = 1_000_000
_ROWS: Final = 1_000
_GRACE_S: Final = 1.0
_NO_MEMORY: Final = 3
_LARGE: Final = 256 * MEGABYTE
"""A process that kept more than this of a query's memory is not used for another."""


def main() -> None:
    """Answer queries until nobody asks any more."""
    questions = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing a library prints is an answer
    with opened() as connection:  # threads and libraries are part of what it needs by itself
        readable_series(connection, "FROM bars", [])
        own = _address_space()  # while its threads, each with a stack, are there
    _write_nothing()
    send(answers, ("ready",))
    while True:
        try:
            _answer(questions, answers, own)
        except EndedError:
            return
        send(answers, ("free", _address_space() - own < _LARGE))


def _answer(questions: IO[bytes], answers: IO[bytes], own: int) -> None:
    """Answer one query: first which series it reads, then, given their rows, what it returns."""
    text, keys, memory_mb, timeout_s = receive(questions)
    _limit(own + memory_mb * MEGABYTE, timeout_s + _GRACE_S)
    query = ""

    def prune() -> tuple[Any, ...]:
        nonlocal query
        query = check_is_query(text)
        with opened(memory_mb) as connection:
            listed = [SeriesKey(s, Timeframe(t), Adjustment(a)) for s, t, a in keys]
            found = set(readable_series(connection, query, listed))
        return ("series", [place for place, key in enumerate(listed) if key in found])

    done = _reported(prune)
    send(answers, done)
    while done[0] in {"series", "gone"}:
        files, count, max_rows = receive(questions)
        loose = [receive(questions)[0] for _ in range(count)]
        parts = [_file_part(*one) for one in files]
        done = _reported(lambda: _run(answers, query, parts, loose, max_rows, memory_mb))  # noqa: B023
        send(answers, done)
    _limit(None, 0)


def _run(
    answers: IO[bytes],
    query: str,
    files: Sequence[FilePart],
    loose: Sequence[Bars],
    max_rows: int,
    memory_mb: int,
) -> tuple[Any, ...]:
    with opened(memory_mb) as connection:
        add_bars(connection, files, loose)
        close_off(connection, (part.path for part in files))
        result = connection.execute(f"FROM (\n{query}\n) LIMIT {max_rows + 1}")
        columns = [column[0] for column in result.description]
        while rows := result.fetchmany(_ROWS):
            send(answers, ("rows", rows))
    return ("done", columns)


def _reported(act: Callable[[], tuple[Any, ...]]) -> tuple[Any, ...]:
    """Return what `act` returns, or what kept it from that."""
    library = duckdb()
    try:
        return act()
    except RefusedError as e:
        return ("refused", str(e))
    except (MemoryError, library.OutOfMemoryException):
        return ("memory",)
    except library.IOException:
        return ("gone",)
    except library.Error as e:
        return ("refused", first_part(e))


def _file_part(names: Sequence[str], path: str, row_from: int, row_to: int) -> FilePart:
    symbol, timeframe, adjustment = names
    key = SeriesKey(symbol, Timeframe(timeframe), Adjustment(adjustment))
    return FilePart(key, path, row_from, row_to)


if sys.platform == "win32":

    def _address_space() -> int:
        return 0

    def _write_nothing() -> None:
        """Do nothing: only DuckDB's own limits hold here."""

    def _limit(memory: int | None, seconds: float) -> None:
        """Do nothing: who asked ends the process."""

else:
    import resource

    def _address_space() -> int:
        """Return how many bytes this process has mapped; 0 where the system does not say."""
        try:
            with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - as little as can be
                return int(file.read().split()[0]) * resource.getpagesize()
        except OSError:
            return 0

    def _write_nothing() -> None:
        """Let the system refuse every byte written to a file, and any dump of this memory."""
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def _limit(memory: int | None, seconds: float) -> None:
        """Set the most address space, and when the system ends this process; 0 for never."""
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        soft = most if memory is None else memory
        if most != resource.RLIM_INFINITY:
            soft = min(soft, most)
        resource.setrlimit(resource.RLIMIT_AS, (soft, most))
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _end(code: int) -> NoReturn:
    # Without the interpreter's own end, in which a library may hang.
    os._exit(code)


if __name__ == "__main__":
    try:
        main()
    except MemoryError:
        _end(_NO_MEMORY)
    _end(0)
