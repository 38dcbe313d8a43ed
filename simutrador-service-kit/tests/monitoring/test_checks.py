"""Health checks ask at once, within their limits, once a second, and remember since when."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event

import pytest
import time_machine

from kit_web import logged
from simutrador_service.errors import UnavailableError
from simutrador_service.monitoring import HealthChecks, HealthStatus, Metrics


def checks_with(**checks: Callable[[], None]) -> HealthChecks:
    made = HealthChecks("test", "1.0.0")
    for name, check in checks.items():
        made.add(name, check, time_limit_s=0.2)
    return made


def forget(checks: HealthChecks) -> None:
    """Let a second pass."""
    checks._last = None


def fine() -> None:
    return


def down() -> None:
    raise UnavailableError("Redis at redis://h:6379/0 does not answer; correct REDIS__URL")


async def test_a_service_that_needs_nothing_is_healthy() -> None:
    assert (await checks_with().report()).status is HealthStatus.HEALTHY


async def test_a_failure_is_named_with_its_reason() -> None:
    report = await checks_with(database=fine, redis=down).report()
    assert report.status is HealthStatus.UNHEALTHY
    database, redis = report.results
    assert (database.ok, database.since) == (True, None)
    assert (redis.ok, redis.code) == (False, "unavailable")
    assert redis.reason is not None
    assert "REDIS__URL" in redis.reason


async def test_what_is_not_critical_only_degrades() -> None:
    checks = checks_with(database=fine)
    checks.add("redis", down, critical=False)
    assert (await checks.report()).status is HealthStatus.DEGRADED


async def test_since_is_when_it_began_and_ends_with_recovery() -> None:
    broken = Event()
    broken.set()

    def flaky() -> None:
        if broken.is_set():
            raise UnavailableError("gone")

    checks = checks_with(redis=flaky)
    begin = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
    with logged() as log:
        with time_machine.travel(begin, tick=False):
            await checks.report()
        forget(checks)
        second = (await checks.report()).results[0]
        assert second.since == begin
        forget(checks)
        broken.clear()
        assert (await checks.report()).results[0].since is None
    assert [line["event"] for line in log.lines] == ["check_failed", "check_recovered"]


@pytest.mark.parametrize("kind", ["plain", "coroutine"])
async def test_a_check_that_hangs_fails_alone_and_in_time(kind: str) -> None:
    release, begun = Event(), []

    def hang() -> None:
        begun.append(1)
        release.wait(30)

    async def hang_awaiting() -> None:
        begun.append(1)
        await asyncio.sleep(30)

    checks = HealthChecks("test", "1")
    checks.add("slow", hang if kind == "plain" else hang_awaiting, time_limit_s=0.1)
    checks.add("quick", fine)
    started = time.monotonic()
    report = await checks.report()
    assert time.monotonic() - started < 2.0
    slow, quick = report.results
    assert (slow.ok, quick.ok) == (False, True)
    assert slow.reason == "slow gave no answer within 0.1 s"
    forget(checks)
    await checks.report()
    assert len(begun) == (1 if kind == "plain" else 2)  # a thread that hangs is not doubled
    release.set()


async def test_many_probes_at_once_ask_once() -> None:
    asked: list[int] = []

    async def count() -> None:
        asked.append(1)
        await asyncio.sleep(0.01)

    checks = HealthChecks("test", "1")
    checks.add("counted", count)
    reports = await asyncio.gather(*(checks.report() for _ in range(50)))
    await checks.report()
    assert (len(asked), len(set(map(id, reports)))) == (1, 1)
    forget(checks)
    await checks.report()
    assert len(asked) == 2


async def test_a_probe_that_leaves_does_not_end_the_checks_of_others() -> None:
    checks = HealthChecks("test", "1")
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        begun.set()
        await go_on.wait()

    checks.add("waiting", wait)
    first, second = (asyncio.create_task(checks.report()) for _ in range(2))
    await begun.wait()
    first.cancel()
    go_on.set()
    assert (await second).status is HealthStatus.HEALTHY


async def test_an_unexpected_error_is_a_failure_without_its_secrets() -> None:
    def broken() -> None:
        raise ValueError("postgresql://me:hunter2@db/x token=hunter2")

    with logged() as log:
        (result,) = (await checks_with(database=broken).report()).results
    assert result.code == "check_failed"
    assert "hunter2" not in f"{result.reason}{log.getvalue()}"
    assert "ValueError" in log.lines[0]["exception"]


async def test_the_last_result_is_a_metric() -> None:
    metrics = Metrics("test", "1")
    checks = HealthChecks("test", "1", metrics=metrics)
    checks.add("redis", down)
    checks.add("database", fine)
    await checks.report()
    health = [
        metrics.registry.get_sample_value("system_health", {"component": name})
        for name in ("redis", "database")
    ]
    assert health == [0.0, 1.0]


@pytest.mark.parametrize("name", ["database", "status", "checks"])
def test_a_name_that_is_taken_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is taken"):
        checks_with(database=fine).add(name, fine)


def test_reports_may_be_asked_for_from_one_event_loop_after_another() -> None:
    checks = checks_with(database=fine)
    for _ in range(2):
        forget(checks)
        assert asyncio.run(checks.report()).status is HealthStatus.HEALTHY
