"""Signals that end a long command in an orderly way."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Generator
from contextlib import contextmanager, suppress


@contextmanager
def cancelled_by_signal(cancel: asyncio.Event) -> Generator[None]:
    """Let the first Ctrl+C (or SIGTERM) set `cancel`, a second one end the process at once."""
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        cancel.set()
        loop.remove_signal_handler(number)

    numbers = (signal.SIGINT, signal.SIGTERM)
    with suppress(NotImplementedError):  # event loops of Windows: Ctrl+C ends at once there
        for number in numbers:
            loop.add_signal_handler(number, stop, number)
    try:
        yield
    finally:
        with suppress(NotImplementedError):
            for number in numbers:
                loop.remove_signal_handler(number)
