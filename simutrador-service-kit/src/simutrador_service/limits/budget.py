"""`Budget`: how much we may ask of a vendor, all our processes together."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from simutrador_core.errors import RateLimitError
from simutrador_service.errors import UnavailableError
from simutrador_service.limits.limiter import TRY_AGAIN_S
from simutrador_service.limits.rules import Rule
from simutrador_service.limits.spending import MOST_WAIT_S, MemorySpending, Spending
from simutrador_service.limits.spent_in_file import FileSpending
from simutrador_service.limits.spent_in_redis import RedisSpending
from simutrador_service.logging.loggers import get_logger

if TYPE_CHECKING:
    import redis.asyncio

    from simutrador_service.database import Database

LONGEST_WAIT_S: Final = 60.0
# More would make each reservation write a long list.
MOST_IN_WINDOW: Final = 5_000

_log = get_logger(__name__)


class Budget:
    """Lets requests out so that no window of the rule ever holds more than its limit.

    Shared through Redis where there is one, else through the service's database or a file, else
    counted in this process. While Redis does not answer the next place is used: at each such
    change up to twice the budget may go out within one window.
    """

    def __init__(
        self,
        name: str,
        rule: Rule,
        *,
        client: redis.asyncio.Redis | None = None,
        database: Database | None = None,
        file: Path | None = None,
        longest_wait_s: float = LONGEST_WAIT_S,
    ) -> None:
        """Share the budget `name`, for instance a vendor and its key's label.

        Args:
            name: Processes that use the same name share one budget; give them the same rule.
            rule: At most 5,000 requests in a window.
            client: Redis, of this event loop; its owner closes it.
            database: A migrated database: for processes of several machines.
            file: A file of budgets, in a folder that is there: for processes of this machine.
            longest_wait_s: Nobody waits longer for their turn; at most 600.
        """
        if any(window.limit > MOST_IN_WINDOW for window in rule.windows):
            raise ValueError(f"{rule}: a budget has at most {MOST_IN_WINDOW} in a window")
        if not 0 <= longest_wait_s <= MOST_WAIT_S:
            raise ValueError(
                f"longest_wait_s={longest_wait_s:g} is not within 0 and {MOST_WAIT_S:g}"
            )
        self.name: Final = name
        self.rule: Final = rule
        self._longest_wait_s = longest_wait_s
        self._shared: Spending | None = None if client is None else RedisSpending(client)
        self._local = _place(database, file)
        self._try_shared_at = 0.0

    async def acquire(self) -> float:
        """Wait until one more request may go out, and return the seconds waited.

        Raises:
            RateLimitError: the wait would be longer than the bound; nothing was reserved.
            UnavailableError: neither Redis nor the place beside it answers.
        """
        wait = await self._reserve()
        if wait > self._longest_wait_s:
            raise RateLimitError(provider=self.name, retry_after=timedelta(seconds=wait))
        await asyncio.sleep(wait)
        return wait

    async def _reserve(self) -> float:
        if self._shared is not None and time.monotonic() >= self._try_shared_at:
            try:
                return await self._ask(self._shared)
            except UnavailableError as e:
                self._try_shared_at = time.monotonic() + TRY_AGAIN_S
                _log.warning("budget_not_in_redis", budget=self.name, reason=str(e))
        return await self._ask(self._local)

    async def _ask(self, place: Spending) -> float:
        return await place.reserve(self.name, self.rule, longest_wait_s=self._longest_wait_s)


def _place(database: Database | None, file: Path | None) -> Spending:
    if database is not None:
        from simutrador_service.limits.spent_in_database import DatabaseSpending  # SQLAlchemy

        return DatabaseSpending(database)
    return MemorySpending() if file is None else FileSpending(file)
