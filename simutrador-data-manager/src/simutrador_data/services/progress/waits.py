"""What a task is waiting for, said from deep inside: a rate limit, a retry. Nobody need listen.

    with listening(tell):                      # the one who shows progress
        ...
            with waiting("rate limit", 12.0):  # the one who waits, many calls below
                await asyncio.sleep(12.0)

The listener belongs to the current context: each asyncio task may have its own.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, TypeAlias


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait that has begun: what for, and how many seconds, None where nobody knows."""

    reason: str
    seconds: float | None = None


Listener: TypeAlias = Callable[[Wait | None], None]
"""Told of a wait that begins, and None when it is over."""

_LISTENER: Final[ContextVar[Listener | None]] = ContextVar("waits", default=None)


@contextmanager
def listening(listener: Listener) -> Generator[None]:
    """Tell `listener` of every wait inside this context."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


@contextmanager
def waiting(reason: str, seconds: float | None = None) -> Generator[None]:
    """Say what is being waited for while the block runs."""
    listener = _LISTENER.get()
    if listener is None:
        yield
        return
    listener(Wait(reason, seconds))
    try:
        yield
    finally:
        listener(None)
