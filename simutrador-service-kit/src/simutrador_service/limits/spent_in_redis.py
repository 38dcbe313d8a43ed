"""A budget kept in Redis: the same rule as `spend`, as a script that runs there in one step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from simutrador_service.limits.rules import Rule
from simutrador_service.limits.spending import MARGIN_S, MOST_WAIT_S, spread_of
from simutrador_service.redis import explained

if TYPE_CHECKING:
    import redis.asyncio

PREFIX: Final = "simutrador:budget:"
_MICRO: Final = 1_000_000
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
