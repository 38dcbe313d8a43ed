"""Short work of the processor, one piece after the other, in a thread beside the event loop.

Threads that all compute only take the interpreter from each other and from the event loop: on two
cores eight of them serve half as many requests as one. Long work has the usual pool of threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")


class Turns:
    """A thread for work of a few milliseconds; who comes later waits.

    The thread takes the next piece of work by itself: while the event loop sends one answer, the
    next is made.
    """

    def __init__(self) -> None:
        """Start no thread before there is work."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="turns")

    async def run(self, act: Callable[[], T]) -> T:
        """Return what `act` returns, called in the thread when its turn comes.

        Whoever stops waiting leaves the thread to what it has begun; what has not begun is dropped.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, copy_context().run, act)

    def close(self) -> None:
        """Wait for what has begun, and drop the rest."""
        self._thread.shutdown(cancel_futures=True)
