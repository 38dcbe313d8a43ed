"""Requests counted in Redis, so that processes share a limit and a restart forgets none.

One sorted set a key holds the times of allowed requests, on the clock of the server. A script
judges and counts in one step. The set expires with the longest window.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from simutrador_service.limits.rules import Rule, Verdict, tightest
from simutrador_service.redis import explained

if TYPE_CHECKING:
    import redis.asyncio

PREFIX: Final = "simutrador:limit:"
# Times are microseconds below 2^53, written whole: Lua would round them to 14 digits.
_HIT: Final = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local function whole(x) return string.format('%.0f', x) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', whole(now - tonumber(ARGV[2])))
local answer, refused = {}, false
for i = 2, #ARGV, 2 do
  local size, limit = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
  local count = redis.call('ZCOUNT', KEYS[1], '(' .. whole(now - size), '+inf')
  local place = count >= limit and -limit or -count
  local reset = size
  if count > 0 then
    reset = redis.call('ZRANGE', KEYS[1], place, place, 'WITHSCORES')[2] + size - now
  end
  if count >= limit then refused = true end
  table.insert(answer, count)
  table.insert(answer, whole(reset))
end
if not refused then
  redis.call('ZADD', KEYS[1], whole(now), whole(now) .. ':' .. ARGV[1])
  redis.call('PEXPIRE', KEYS[1], whole(math.ceil(tonumber(ARGV[2]) / 1000)))
end
return answer
"""
_MICRO: Final = 1_000_000


class RedisCounts:
    """When requests of each key were allowed, by whichever process."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        """Use a client of one event loop; its owner closes it."""
        self._client = client
        # The library's own annotations leave scripts half typed.
        self._script: Any = client.register_script(_HIT)

    async def hit(self, key: str, rule: Rule) -> Verdict:
        """Count a request unless it is refused.

        Raises:
            UnavailableError: Redis does not answer, or refuses.
        """
        sizes = [
            part
            for window in rule.windows
            for part in (round(window.seconds * _MICRO), window.limit)
        ]
        with explained(self._client):
            said = await self._script(keys=[PREFIX + key], args=[secrets.token_hex(8), *sizes])
        answers = zip(rule.windows, said[::2], said[1::2], strict=True)
        return tightest(
            [
                Verdict(
                    allowed=int(count) < window.limit,
                    limit=window.limit,
                    remaining=max(0, window.limit - int(count) - 1),
                    reset_s=int(reset) / _MICRO,
                )
                for window, count, reset in answers
            ]
        )
