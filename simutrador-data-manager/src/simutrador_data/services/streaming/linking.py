"""`Link`: keeps a stream connected, with patience, and hands on what it brings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import SystemRandom
from typing import Final

from simutrador_core.models.bars import Bars
from simutrador_data.services.data_providers.http import BadAnswerError
from simutrador_data.services.streaming.backoff import Backoff
from simutrador_data.services.streaming.connection import (
    End,
    LiveConnection,
    RefusedError,
    UnreachableError,
    open_connection,
)
from simutrador_data.services.streaming.patience import LivePatience
from simutrador_data.services.streaming.source import LiveSource, refusal_in
from simutrador_data.services.streaming.watching import LiveWatch
from simutrador_service.logging.loggers import get_logger

LONGEST_ASKED_S: Final = 3600.0
"""A vendor that asks for a longer wait is asked again after this one."""

_HOPELESS: Final = frozenset({400, 401, 404, 410, 451})
"""Refusals that no waiting cures; after a connection was had once, they may yet pass."""

_RANDOM: Final = SystemRandom()
_log = get_logger(__name__)


class HopelessError(Exception):
    """The stream never opened and will not; a verdict for the caller."""


@dataclass(slots=True)
class LinkTally:
    """How often what happened to the connections of one stream."""

    connections: int = 0
    refused: int = 0
    stale: int = 0
    cut: int = 0


class Link:
    """One stream, connected again whenever it ends."""

    def __init__(
        self,
        url: str,
        live: LiveSource,
        *,
        patience: LivePatience,
        watch: LiveWatch,
        connected: Callable[[], None],
        failed: Callable[[], None],
        take: Callable[[Bars], None],
    ) -> None:
        """Keep what is needed; nothing happens yet.

        Args:
            url: The stream's address.
            live: Reads its messages.
            patience: Bounds.
            watch: Told what happens.
            connected: Called whenever the stream is open again.
            failed: Called whenever it could not be opened, or did not last.
            take: Given every closed bar.
        """
        self.tally = LinkTally()
        self._url, self._live = url, live
        self._patience, self._watch = patience, watch
        self._connected, self._failed, self._take = connected, failed, take
        self._backoff = Backoff(
            patience.first_backoff_s, patience.most_backoff_s, patience.least_between_connects_s
        )
        self._attempted_at = float("-inf")
        self._unread = False

    async def run(self) -> None:
        """Keep the stream connected until cancelled.

        Raises:
            HopelessError: it never opened, for a reason that does not pass.
            InputError: the address is none.
        """
        while True:
            wait_s = await self._once()
            await asyncio.sleep(wait_s)

    async def _once(self) -> float:
        """Connect and listen until it ends; return the seconds to wait before the next time."""
        asked_s = 0.0
        try:
            if await self._listen() is End.RENEWED:
                return self._backoff.floor_wait(since_s=self._since_s())
        except RefusedError as e:
            self.tally.refused += 1
            self._watch.refused(e.status)
            if e.status in _HOPELESS and not self.tally.connections:
                raise HopelessError(f"the vendor refused the stream with {e.status}") from None
            asked_s = min(LONGEST_ASKED_S, e.retry_after_s or 0.0)
        except UnreachableError as e:
            _log.warning("stream unreachable", reason=str(e))
        self._failed()
        wait = self._backoff.next_wait(since_s=self._since_s(), jitter=_RANDOM.random())
        self._watch.backoff(max(wait, asked_s))
        return max(wait, asked_s)

    async def _listen(self) -> End:
        try:
            connection = await open_connection(self._url, self._patience)
        finally:
            # Counted from its end: so the vendor, too, sees two attempts no closer than we mean.
            self._attempted_at = time.monotonic()
        try:
            return await self._hear(connection)
        finally:
            await connection.close()

    async def _hear(self, connection: LiveConnection) -> End:
        self.tally.connections += 1
        self._unread = False
        self._watch.connected()
        self._connected()
        end = await connection.listen(self._message)
        self._backoff.note_healthy(connection.healthy_s)
        if end is End.STALE:
            self.tally.stale += 1
            self._watch.stale(connection.silent_s)
        elif end is End.CUT:
            self.tally.cut += 1
        return end

    def _message(self, message: str | bytes) -> None:
        code = refusal_in(message)
        if code is not None:
            raise RefusedError(code)
        try:
            bars = self._live.parse(message)
        except BadAnswerError as e:
            if not self._unread:  # once a connection: a vendor in error repeats itself
                _log.warning("stream message not understood", reason=str(e))
            self._unread = True
            return
        if bars is not None:
            self._take(bars)

    def _since_s(self) -> float:
        return time.monotonic() - self._attempted_at
