"""A process of its own for a query, from the side that asks: started, asked, and ended in time."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from time import monotonic
from typing import Any, Final

from simutrador_core.errors import MissingExtraError, StoreError
from simutrador_data.services.sql.frames import EndedError, receive_values, send

ALARM: Final = 14
NO_MEMORY: Final = frozenset({-6, -7, -9, 3})
"""How a process ends that gets no memory: aborted by a library, killed, or by itself."""
_START_S: Final = 60.0
_COMMAND: Final = (sys.executable, "-P", "-m", "simutrador_data.services.sql.worker")
# Allocators map room that may never be used: 64 MB for each thread, and Arrow's own a gigabyte.
_ENVIRONMENT: Final = {"MALLOC_ARENA_MAX": "2", "ARROW_DEFAULT_MEMORY_POOL": "system"}
_idle: list[Child] = []


class Child:
    """A running process that answers one query at a time."""

    def __init__(self) -> None:
        """Start it; `deadline` waits until it listens."""
        self.pid = os.getpid()
        self.is_late = False
        self.is_free = False
        self._is_ready = False
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter, no word from outside
            _COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | _ENVIRONMENT,
            start_new_session=True,  # an interrupt from the keyboard is ours to handle
        )

    def ask(self, *message: Any) -> None:
        """Send a message; that nobody hears it shows when an answer is awaited."""
        assert self._process.stdin is not None
        with suppress(EndedError):
            send(self._process.stdin, message)

    def hear(self, *, most: int) -> tuple[tuple[Any, ...], int]:
        """Return the next answer and its length in bytes.

        Raises:
            EndedError: the process ended; `is_late` says whether we ended it.
            TooLargeError: the answer has more than `most` bytes.
        """
        assert self._process.stdout is not None
        return receive_values(self._process.stdout, most=most)

    def wait_until_ready(self) -> None:
        """Wait until the process listens.

        Raises:
            StoreError: it does not.
        """
        if self._is_ready:
            return
        try:
            with self.ending_at(monotonic() + _START_S):
                self.hear(most=1_000)
        except EndedError as e:
            raise StoreError(
                "the process for queries does not start; is there enough memory? Try again"
            ) from e
        self._is_ready = True

    @contextmanager
    def ending_at(self, moment: float) -> Generator[None]:
        """End the process at a moment of the monotonic clock, should we still be inside then."""
        timer = threading.Timer(max(moment - monotonic(), 0), self._end_late)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()

    def _end_late(self) -> None:
        self.is_late = True
        self._process.kill()

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def exit_code(self) -> int:
        """Return how the process ended, minus the signal's number where one ended it."""
        try:
            return self._process.wait(_START_S)
        except subprocess.TimeoutExpired:  # it closed its end, and goes on
            self._process.kill()
            return self._process.wait()

    def end(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):  # what was not sent is lost
                    stream.close()


def prepare() -> None:
    """Start a process that will be asked soon; it loads its libraries meanwhile."""
    if _is_installed() and not _idle:
        _idle.append(Child())


@contextmanager
def lent() -> Generator[Child]:
    """Give a process that listens: one that is free, or a new one; after an error it is ended.

    Raises:
        MissingExtraError: DuckDB is not installed.
        StoreError: no process can be started.
    """
    if not _is_installed():
        raise MissingExtraError("duckdb", extra="sql", package="simutrador-data-manager")
    child = _taken() or Child()
    child.is_free = False
    try:
        child.wait_until_ready()
        yield child
    except BaseException:
        child.end()
        raise
    if child.is_free and not (child.is_late or _idle):
        _idle.append(child)
    else:
        child.end()


def _taken() -> Child | None:
    with suppress(IndexError):
        while True:
            child = _idle.pop()
            if child.pid != os.getpid():  # our parent's: it is not ours to end
                continue
            if child.is_alive:
                return child
            child.end()
    return None


def _is_installed() -> bool:
    try:
        return find_spec("duckdb") is not None
    except ValueError:
        return False


@atexit.register
def end_idle() -> None:
    """End the process that waits for another query, if there is one."""
    for child in _own():
        child.end()


def _own() -> Iterator[Child]:
    while child := _taken():
        yield child


__all__ = ["ALARM", "NO_MEMORY", "Child", "end_idle", "lent", "prepare"]
