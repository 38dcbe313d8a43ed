"""`LoopThread`: an event loop in a thread of its own, for a server that a test starts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

_PATIENCE_S: Final = 10.0


class LoopThread:
    """Runs coroutines for whoever asks, from any thread. Its loop watches sockets by selector."""

    def __init__(self, name: str) -> None:
        """Name the thread; it starts with `start`."""
        self._loop = asyncio.SelectorEventLoop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def run(self, act: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there and return what it returns; at most ten seconds are waited."""
        return asyncio.run_coroutine_threadsafe(act, self._loop).result(_PATIENCE_S)

    def stop(self) -> None:
        """Stop the thread and close its loop; what still runs there is left undone."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE_S)
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
