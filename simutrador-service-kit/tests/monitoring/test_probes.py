"""Probes of real servers: gone, full, back again; and of a disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit_redis import closed, running, unused_port
from simutrador_service.database import Database
from simutrador_service.monitoring import (
    CheckFailedError,
    HealthChecks,
    HealthReport,
    HealthStatus,
    check_database,
    check_disk,
    check_redis,
)
from simutrador_service.redis import connect, connect_async


async def fresh(checks: HealthChecks) -> HealthReport:
    checks._last = None
    return await checks.report()


@pytest.mark.integration
async def test_redis_gone_full_and_back_is_told(tmp_path: Path) -> None:
    port = unused_port()
    checks = HealthChecks("test", "1")
    with closed(connect(f"redis://127.0.0.1:{port}/0", timeout_s=0.2)) as client:
        checks.add("redis", check_redis(client))
        assert "does not answer" in str((await fresh(checks)).results[0].reason)
        with running(port):
            assert (await fresh(checks)).status is HealthStatus.HEALTHY
            client.config_set("maxmemory", "1mb")
            assert "raise its maxmemory" in str((await fresh(checks)).results[0].reason)
            client.config_set("maxmemory", "0")
            assert (await fresh(checks)).status is HealthStatus.HEALTHY


@pytest.mark.integration
async def test_an_asynchronous_client_is_checked_too(redis_url: str) -> None:
    client = connect_async(redis_url)
    checks = HealthChecks("test", "1")
    checks.add("redis", check_redis(client))
    assert (await checks.report()).status is HealthStatus.HEALTHY
    await client.aclose()


async def test_a_database_that_answers_is_healthy(database: Database) -> None:
    checks = HealthChecks("test", "1")
    checks.add("database", check_database(database))
    assert (await checks.report()).status is HealthStatus.HEALTHY


async def test_a_database_that_is_gone_is_named_without_its_password() -> None:
    gone = Database(f"postgresql://me:hunter2@127.0.0.1:{unused_port()}/x")
    checks = HealthChecks("test", "1")
    checks.add("database", check_database(gone))
    reason = str((await checks.report()).results[0].reason)
    assert "check DATABASE__URL" in reason
    assert "hunter2" not in reason
    gone.close()


def test_a_disk_with_room_says_how_much(tmp_path: Path) -> None:
    found = check_disk(tmp_path, least_free_bytes=1)()
    assert isinstance(found, dict)
    assert found["free_bytes"] > 0


def test_a_disk_without_room_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckFailedError, match="bytes left, at least"):
        check_disk(tmp_path, least_free_bytes=2**62)()


def test_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckFailedError, match="none cannot be written"):
        check_disk(tmp_path / "none")()
