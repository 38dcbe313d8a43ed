"""`RateLimiter`: how much one caller may ask of a service."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from simutrador_service.errors import UnavailableError
from simutrador_service.limits.memory import MemoryCounts
from simutrador_service.limits.rules import Rule, Verdict
from simutrador_service.limits.shared import RedisCounts
from simutrador_service.logging.loggers import get_logger

if TYPE_CHECKING:
    import redis.asyncio

TRY_AGAIN_S: Final = 1.0

_log = get_logger(__name__)


class RateLimiter:
    """Counts requests, in Redis where there is one, else in this process.

    While Redis does not answer, each process counts alone, beginning with what it allowed itself:
    several processes then allow more between them, none allows more than the rule. `check` says so
    to `/health/ready`, and Redis is tried again every second.
    """

    def __init__(
        self,
        client: redis.asyncio.Redis | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Count.

        Args:
            client: Redis, made with `connect_async(url, timeout_s=0.25, retries=0)`: a request
                waits for it, and a command that is tried again would count twice.
            clock: Seconds that only move on.
        """
        self._shared = None if client is None else RedisCounts(client)
        self.clock: Final = clock
        self._own = MemoryCounts(clock=clock)
        self._trouble: UnavailableError | None = None
        self._try_at = 0.0

    async def hit(self, key: str, rule: Rule) -> Verdict:
        """Count a request of `key` unless it is refused; the same key counts apart in each rule."""
        name = f"{rule}:{key}"
        verdict = await self._hit_shared(name, rule)
        if verdict is None:
            return self._own.hit(name, rule)
        if verdict.allowed:
            self._own.note(name, rule)
        return verdict

    def check(self) -> None:
        """Say whether limits are shared as they should be: a health check that is not critical.

        Raises:
            UnavailableError: each process counts alone for now.
        """
        if self._trouble is not None:
            raise UnavailableError(
                f"rate limits are counted by each process alone: {self._trouble}"
            ) from self._trouble

    async def _hit_shared(self, name: str, rule: Rule) -> Verdict | None:
        """Return what Redis says, None where there is none to ask just now."""
        if self._shared is None:
            return None
        if self._trouble is not None:
            if self.clock() < self._try_at:
                return None
            self._try_at = self.clock() + TRY_AGAIN_S  # the others need not wait for this try
        try:
            verdict = await self._shared.hit(name, rule)
        except UnavailableError as e:
            if self._trouble is None:
                _log.warning("rate_limits_alone", reason=str(e))
            self._trouble, self._try_at = e, self.clock() + TRY_AGAIN_S
            return None
        if self._trouble is not None:
            _log.info("rate_limits_shared_again")
            self._trouble = None
        return verdict
