"""Clients with short waits, and what is done with them said in one kind of error."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pydantic import SecretStr

from simutrador_core.errors import MissingExtraError
from simutrador_service.errors import SettingsError
from simutrador_service.redis.trouble import RedisUnavailableError, trouble_of

if TYPE_CHECKING:
    import redis
    import redis.asyncio
    from redis.backoff import AbstractBackoff

    AnyRedis: TypeAlias = redis.Redis | redis.asyncio.Redis

TIMEOUT_S: Final = 1.0
RETRIES: Final = 2
_FIRST_WAIT_S: Final = 0.02
_LONGEST_WAIT_S: Final = 0.2
_PROBE: Final = "simutrador:probe"


def connect(
    url: str | SecretStr, *, timeout_s: float = TIMEOUT_S, retries: int = RETRIES
) -> redis.Redis:
    """Return a client with a pool of its own, for any number of threads; nothing is opened yet.

    Answers are text, not bytes. Close it when done.

    Args:
        url: `redis://[user:password@]host[:port][/database]`, `rediss://` with TLS, or `unix://`.
        timeout_s: Longest wait for a connection, and for an answer.
        retries: Tries after the first, with a growing random wait, when the connection failed. A
            command may then be done twice.

    Raises:
        SettingsError: `url` cannot be read.
        MissingExtraError: redis-py is not installed.
    """
    library = _library("redis")
    retry = import_module("redis.retry").Retry(_backoff(), retries)
    return _opened(library.Redis, url, timeout_s, retry)


def connect_async(
    url: str | SecretStr, *, timeout_s: float = TIMEOUT_S, retries: int = RETRIES
) -> redis.asyncio.Redis:
    """Return the same for one event loop; end it with `await client.aclose()`.

    Raises:
        SettingsError: `url` cannot be read.
        MissingExtraError: redis-py is not installed.
    """
    library = _library("redis.asyncio")
    retry = import_module("redis.asyncio.retry").Retry(_backoff(), retries)
    return _opened(library.Redis, url, timeout_s, retry)


@contextmanager
def explained(client: AnyRedis) -> Generator[None]:
    """Turn the failures of a server inside this block, awaited or not, into one kind of error.

    A refusal that is a fault of the program, for instance a wrong type of key, passes as it is.

    Raises:
        RedisUnavailableError: the server does not answer, or refuses.
    """
    from redis.exceptions import RedisError

    try:
        yield
    except RedisError as e:
        if is_cancelled():
            raise asyncio.CancelledError from e
        trouble = trouble_of(e)
        if trouble is None:
            raise
        raise RedisUnavailableError(trouble, server=address(client)) from e


def is_cancelled() -> bool:
    """Return whether the present task was asked to end.

    redis-py 8.1 now and then turns a cancellation into an error of its own, and the task goes on.
    """
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no event loop in this thread
        return False
    return task is not None and task.cancelling() > 0


def address(client: AnyRedis) -> str:
    """Return where a client connects to, without its password."""
    pool: Any = client.connection_pool
    options = pool.connection_kwargs
    user = f"{options['username']}@" if options.get("username") else ""
    if "path" in options:
        return f"unix://{user}{options['path']}"
    scheme = "rediss" if "SSL" in pool.connection_class.__name__ else "redis"
    port, database = options.get("port", 6379), options.get("db", 0)
    return f"{scheme}://{user}{options.get('host', 'localhost')}:{port}/{database}"


def ping(client: redis.Redis) -> None:
    """Ask the server to keep a small key for a minute: one that refuses writes shows here too.

    Raises:
        RedisUnavailableError: it does not.
    """
    with explained(client):
        client.set(_PROBE, "1", ex=60)


async def ping_async(client: redis.asyncio.Redis) -> None:
    """Ask the same of an asynchronous client.

    Raises:
        RedisUnavailableError: the server does not answer, or refuses.
    """
    with explained(client):
        await client.set(_PROBE, "1", ex=60)


def _opened(kind: Any, url: str | SecretStr, timeout_s: float, retry: object) -> Any:
    text = url.get_secret_value() if isinstance(url, SecretStr) else url
    try:
        return kind.from_url(
            text,
            decode_responses=True,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=retry,
        )
    except (ValueError, TypeError):  # its text may hold the password
        raise SettingsError(
            "REDIS__URL is not a Redis URL; write redis://HOST:PORT/DATABASE", field="url"
        ) from None


def _backoff() -> AbstractBackoff:
    from redis.backoff import ExponentialWithJitterBackoff

    return ExponentialWithJitterBackoff(cap=_LONGEST_WAIT_S, base=_FIRST_WAIT_S)


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as e:
        raise MissingExtraError("redis", extra="redis", package="simutrador-service-kit") from e
