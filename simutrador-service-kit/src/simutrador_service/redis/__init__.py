"""Redis, or any server that speaks its protocol: connect with short waits, say what is wrong.

No call waits longer than `(retries + 1)` times the timeout and some tenths of a second between.
Wrap what you do with a client in `explained(client)`: it names the server without its password,
tells a silent server from one that refuses, and says which setting to change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simutrador_service.redis.clients import (
    address,
    connect,
    connect_async,
    explained,
    is_cancelled,
    ping,
    ping_async,
)
from simutrador_service.redis.trouble import RedisTrouble, RedisUnavailableError, trouble_of

if TYPE_CHECKING:
    from simutrador_service.redis.clients import AnyRedis as AnyRedis

__all__ = [
    "RedisTrouble",
    "RedisUnavailableError",
    "address",
    "connect",
    "connect_async",
    "explained",
    "is_cancelled",
    "ping",
    "ping_async",
    "trouble_of",
]
