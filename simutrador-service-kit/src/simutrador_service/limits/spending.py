"""When a budget lets the next request out, and where that is kept: process, database, Redis.

Every place reserves in one step: it finds the first free instant, keeps it, and says how long to
wait for it. So waiters stand in line, each sleeps once, and nobody asks again and again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from simutrador_service.database import Database
from simutrador_service.database.upsert import insert_absent
from simutrador_service.limits.rules import Rule
from simutrador_service.limits.tables import SpentBudget
from simutrador_service.redis import explained

if TYPE_CHECKING:
    import redis.asyncio

MARGIN_S: Final = 0.05
SPREAD_S: Final = 0.2
MOST_WAIT_S: Final = 600.0  # nobody may choose to wait longer
PREFIX: Final = "simutrador:budget:"
_MICRO: Final = 1_000_000


class Spending(Protocol):
    """Where the instants of one budget are kept."""

    async def reserve(self, name: str, rule: Rule, *, longest_wait_s: float) -> float:
        """Return the seconds until this request may go out; one beyond the bound is not kept.

        Raises:
            UnavailableError: the place does not answer.
        """
        ...


def next_grant(grants: Sequence[float], rule: Rule, *, now: float) -> float:
    """Return the first instant, now or later, at which one more request fits.

    Every window is a little longer than the rule says, and requests of a short one are spread:
    what leaves here in time may arrive there early or late.

    Args:
        grants: Instants already given, ascending, those to come included.
        rule: The windows.
        now: The present, on the same clock.
    """
    at = now
    for window in rule.windows:
        if grants:
            at = max(at, grants[-1] + spread_of(window.seconds, window.limit))
        if len(grants) >= window.limit:
            at = max(at, grants[-window.limit] + window.seconds + MARGIN_S)
    return at


def spread_of(seconds: float, limit: int) -> float:
    """Return the least time between two requests of a window."""
    return min(SPREAD_S, seconds / limit)


def spend(
    grants: list[float], rule: Rule, *, now: float, longest_wait_s: float
) -> tuple[float, list[float]]:
    """Return how long to wait, and what to keep; nothing more when the wait is too long."""
    # An instant further ahead than anybody waits was written before the clock was set back.
    known = [at for at in grants if at <= now + MOST_WAIT_S]
    at = next_grant(known, rule, now=now)
    if at - now > longest_wait_s:
        return at - now, known
    most = max(window.limit for window in rule.windows)
    return at - now, [*known, at][-most:]


class MemorySpending:
    """One process alone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` only moves on."""
        self._clock = clock
        self._grants: dict[str, list[float]] = {}

    async def reserve(self, name: str, rule: Rule, *, longest_wait_s: float) -> float:
        """Return the seconds until this request may go out."""
        wait, self._grants[name] = spend(
            self._grants.get(name, []), rule, now=self._clock(), longest_wait_s=longest_wait_s
        )
        return wait


class DatabaseSpending:
    """Every process that shares a database."""

    def __init__(self, database: Database) -> None:
        """Use a migrated database."""
        self._database = database

    async def reserve(self, name: str, rule: Rule, *, longest_wait_s: float) -> float:
        """Return the seconds until this request may go out; a thread waits for the database."""
        return await asyncio.to_thread(self._reserve, name, rule, longest_wait_s)

    def _reserve(self, name: str, rule: Rule, longest_wait_s: float) -> float:
        with self._database.write() as session:
            insert_absent(session, SpentBudget, name=name, grants=[])
            row = session.scalars(
                select(SpentBudget).where(SpentBudget.name == name).with_for_update()
            ).one()
            now = self._now(session)  # after the lock: time passed while we waited for it
            wait, row.grants = spend(row.grants, rule, now=now, longest_wait_s=longest_wait_s)
        return wait

    def _now(self, session: Session) -> float:
        if self._database.is_sqlite:  # whoever shares a file shares a clock
            return time.time()
        return float(session.scalar(text("SELECT extract(epoch FROM clock_timestamp())")) or 0)


_RESERVE: Final = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local longest, margin = tonumber(ARGV[1]), tonumber(ARGV[2])
local ahead, most = tonumber(ARGV[3]), 0
local function whole(x) return string.format('%.0f', x) end
local function given(place) return tonumber(redis.call('LINDEX', KEYS[1], place) or nil) end
while (given(-1) or 0) > now + ahead do redis.call('RPOP', KEYS[1]) end
local at, keep = now, 0
for i = 4, #ARGV, 3 do
  local size, limit, spread = tonumber(ARGV[i]), tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local last, first = given(-1), given(-limit)
  if last then at = math.max(at, last + spread) end
  if first then at = math.max(at, first + size + margin) end
  most, keep = math.max(most, limit), math.max(keep, size + margin)
end
if at - now <= longest then
  redis.call('RPUSH', KEYS[1], whole(at))
  redis.call('LTRIM', KEYS[1], -most, -1)
  redis.call('PEXPIRE', KEYS[1], whole(math.ceil((at - now + keep) / 1000)))
end
return whole(at - now)
"""


class RedisSpending:
    """Every process that shares a Redis, on its clock; the same rule as `spend`."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        """Use a client of one event loop; its owner closes it."""
        self._client = client
        self._script: Any = client.register_script(_RESERVE)

    async def reserve(self, name: str, rule: Rule, *, longest_wait_s: float) -> float:
        """Return the seconds until this request may go out.

        Raises:
            UnavailableError: Redis does not answer, or refuses.
        """
        windows = [
            part
            for window in rule.windows
            for part in (
                round(window.seconds * _MICRO),
                window.limit,
                round(spread_of(window.seconds, window.limit) * _MICRO),
            )
        ]
        bounds = [round(part * _MICRO) for part in (longest_wait_s, MARGIN_S, MOST_WAIT_S)]
        with explained(self._client):
            wait = await self._script(keys=[PREFIX + name], args=[*bounds, *windows])
        return int(wait) / _MICRO
