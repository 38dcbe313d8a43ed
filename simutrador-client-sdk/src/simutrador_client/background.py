"""Small helpers about tasks and time."""

from __future__ import annotations

from asyncio import Task
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from simutrador_client.errors import SessionError, SessionTimeoutError


class BackgroundTask(Task[dict[str, Any]]):
    """A task that remembers whether somebody looked at how it ended."""

    looked_at = False

    def __await__(self) -> Generator[Any, None, dict[str, Any]]:
        """Wait for the result."""
        self.looked_at = True
        return super().__await__()


@contextmanager
def naming_timeouts(timeout_s: float | None, what: str) -> Generator[None]:
    """Turn a timeout into a `SessionTimeoutError` that says what did not come."""
    try:
        yield
    except TimeoutError as e:
        if isinstance(e, SessionError):
            raise
        raise SessionTimeoutError(f"{what} within {timeout_s:g} s") from None
