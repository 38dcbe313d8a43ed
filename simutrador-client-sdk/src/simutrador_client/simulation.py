"""One simulation on the client's side: messages wait in order, one task works on them."""

from __future__ import annotations

import asyncio
import logging
from asyncio import Queue, Task
from collections.abc import Callable
from typing import Final

from simutrador_client.connection import Data
from simutrador_client.errors import SessionError, SessionTimeoutError
from simutrador_client.payloads import End, HistorySnapshot
from simutrador_client.runner import Acknowledge, StrategyRunner, Submit
from simutrador_client.store import Store

INBOX: Final = 1024
"""Messages of one simulation that may wait before reading stops."""

_log = logging.getLogger(__name__)


class Simulation:
    """The inbox of one simulation, the task that empties it, and how it ended.

    Args:
        session_id: The server's name for it.
        strategy: Whose callbacks are called.
        submit: As of `StrategyRunner`.
        ack: As of `StrategyRunner`.
        relieve: Called when the inbox has room again.
        max_bars: As of `Store`.
    """

    def __init__(
        self,
        session_id: str,
        strategy: object,
        *,
        submit: Submit,
        ack: Acknowledge,
        relieve: Callable[[], None],
        max_bars: int | None = None,
    ) -> None:
        self.id = session_id
        self.runner = StrategyRunner(
            session_id, strategy, store=Store(max_bars=max_bars), submit=submit, ack=ack
        )
        self._relieve = relieve
        self._inbox: Queue[tuple[str, Data | SessionError]] = Queue()
        self._over = asyncio.Event()
        self._failure: Exception | None = None
        self._told = False
        self._idle_since: float | None = None
        self._worker: Task[None] = asyncio.create_task(self._work())

    @property
    def is_over(self) -> bool:
        """Whether it has ended or failed."""
        return self._over.is_set()

    @property
    def is_crowded(self) -> bool:
        """Whether more messages wait than should."""
        return self._inbox.qsize() >= INBOX

    def put(self, kind: str, data: Data | SessionError) -> None:
        """Take a message, or trouble; what comes after the end is dropped."""
        if not self.is_over:
            self._inbox.put_nowait((kind, data))

    async def wait_ready(self) -> None:
        """Return when the warm-up bars are in the store; raise what went wrong before."""
        ready = self.runner.ready
        waits = [asyncio.create_task(event.wait()) for event in (ready, self._over)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if not ready.is_set():
            self._raise_failure()
            raise SessionError("the simulation ended without a history", session_id=self.id)

    async def wait_history(self) -> HistorySnapshot:
        """Return the history; raise what went wrong before it came."""
        await self.wait_ready()
        if self.runner.snapshot is None:
            raise SessionError("the server sent ticks but no history", session_id=self.id)
        return self.runner.snapshot

    async def wait_end(self, *, stall_s: float) -> End:
        """Return the results, also when they came long ago.

        Raises:
            SessionTimeoutError: nothing came for `stall_s` seconds while the server was to speak.
            SessionError: the simulation failed, or a callback of it waits for its own end.
            Exception: what a callback raised.
        """
        if asyncio.current_task() is self._worker:
            raise SessionError("a callback cannot wait for its own simulation", session_id=self.id)
        while not self.is_over:
            try:
                async with asyncio.timeout(max(stall_s - self._idle_s(), 0)):
                    await self._over.wait()
            except TimeoutError:
                if self._idle_s() >= stall_s:
                    text = f"nothing came from the server for {stall_s:g} s"
                    self.fail(SessionTimeoutError(text, session_id=self.id))
        self._raise_failure()
        assert self.runner.end is not None
        return self.runner.end

    def fail(self, error: Exception) -> None:
        """End it with an error, unless it is over; messages still waiting are dropped."""
        if not self.is_over:
            self._failure = error
            self._finish()

    async def close(self) -> None:
        """Stop working; what failed and nobody was told goes to the log."""
        self.fail(SessionError("the session was closed", session_id=self.id))
        if asyncio.current_task() is not self._worker:
            self._worker.cancel()
            await asyncio.wait([self._worker])
        if not self._told and not isinstance(self._failure, SessionError | None):
            _log.error("simulation %s failed unnoticed", self.id, exc_info=self._failure)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while not self.is_over:
                if self._inbox.empty():
                    self._idle_since = loop.time()
                kind, data = await self._inbox.get()
                self._idle_since = None
                if self._inbox.qsize() == INBOX - 1:
                    self._relieve()
                await self._work_on(kind, data)
        except Exception as e:  # noqa: BLE001 - comes out of run() and every wait
            self.fail(e)

    async def _work_on(self, kind: str, data: Data | SessionError) -> None:
        if isinstance(data, SessionError):
            await self.runner.trouble(data)
        else:
            await self.runner.handle(kind, data)
        if self.runner.end is not None:
            self._finish()

    def _finish(self) -> None:
        self._over.set()
        self._inbox = Queue()
        self._relieve()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            self._told = True
            raise self._failure

    def _idle_s(self) -> float:
        if self._idle_since is None or self.runner.may_be_silent:
            return 0.0
        return asyncio.get_running_loop().time() - self._idle_since
