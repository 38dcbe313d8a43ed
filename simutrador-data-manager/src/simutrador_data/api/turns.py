"""Short work of the processor, one piece after the other, in a thread beside the event loop.

Threads that all compute only take the interpreter from each other and from the event loop: on two
cores eight of them serve half as many requests as one. Long work has the usual pool of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

T = TypeVar("T")


class Turns:
    """A thread at a time for work of a few milliseconds; who comes later waits."""

    def __init__(self) -> None:
        self._limiter = CapacityLimiter(1)

    async def run(self, act: Callable[[], T]) -> T:
        """Return what `act` returns, called in a thread when its turn comes."""
        return await to_thread.run_sync(act, limiter=self._limiter)
