"""Health checks that really ask: all at once, each with its time limit, at most once a second."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from threading import Thread
from typing import Any, ClassVar, Final, TypeAlias

from simutrador_core.errors import SimutradorError
from simutrador_service.errors import UnavailableError
from simutrador_service.logging.loggers import get_logger
from simutrador_service.logging.secrets import mask_text
from simutrador_service.monitoring.metrics import Metrics

Details: TypeAlias = Mapping[str, Any] | None
Check: TypeAlias = Callable[[], Details | Awaitable[Details]]

TIME_LIMIT_S: Final = 2.0
_FRESH_FOR_S: Final = 1.0
_RESERVED: Final = frozenset({"status", "service", "version", "timestamp", "services", "checks"})

_log = get_logger(__name__)


class CheckFailedError(UnavailableError):
    """Something a service needs is not as it must be; raised by checks."""

    code: ClassVar[str] = "check_failed"


class HealthStatus(StrEnum):
    """How a service, or a part of it, is."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found.

    Attributes:
        critical: Without it the service cannot serve.
        since: When it began to fail; None while it is well.
        code: Stable word of the failure; `reason` is for people, with addresses, without secrets.
        duration_ms: How long the check took.
        details: What it found out, small and JSON-like.
    """

    name: str
    critical: bool
    ok: bool
    duration_ms: float
    since: datetime | None = None
    code: str | None = None
    reason: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class HealthReport:
    """What all checks found at one moment."""

    at: datetime
    results: tuple[CheckResult, ...]

    @property
    def status(self) -> HealthStatus:
        """Healthy; degraded while only what is not critical fails; else unhealthy."""
        failed = [result for result in self.results if not result.ok]
        if any(result.critical for result in failed):
            return HealthStatus.UNHEALTHY
        return HealthStatus.DEGRADED if failed else HealthStatus.HEALTHY


@dataclass(slots=True)
class _Entry:
    """One check, and what is remembered of it between two runs."""

    name: str
    check: Check
    critical: bool
    time_limit_s: float
    pending: asyncio.Future[Details] | None = None
    failing_since: datetime | None = None


class HealthChecks:
    """The checks of one application."""

    def __init__(self, service: str, version: str, *, metrics: Metrics | None = None) -> None:
        """Begin without checks: a service that needs nothing is healthy.

        Args:
            service: For instance `simutrador-data-manager`.
            version: Its version.
            metrics: Where `system_health` shows the last result of each check.
        """
        self.service: Final = service
        self.version: Final = version
        self._metrics = metrics
        self._entries: dict[str, _Entry] = {}
        self._running: asyncio.Task[HealthReport] | None = None
        self._last: tuple[float, HealthReport] | None = None

    def add(
        self, name: str, check: Check, *, critical: bool = True, time_limit_s: float = TIME_LIMIT_S
    ) -> None:
        """Add a check: it raises when something is wrong, and may return details.

        Args:
            name: A word, unique; also the key of its details in `/health`.
            check: A coroutine function, or a plain one, which gets a thread.
            critical: False where the service can serve without, as without Redis behind an outbox.
            time_limit_s: A check that takes longer has failed.
        """
        if name in self._entries or name in _RESERVED:
            raise ValueError(f"a health check cannot be named {name!r}: the name is taken")
        self._entries[name] = _Entry(name, check, critical, time_limit_s)

    async def report(self) -> HealthReport:
        """Run all checks at once, or return a report that is less than a second old."""
        if self._last is not None and time.monotonic() - self._last[0] < _FRESH_FOR_S:
            return self._last[1]
        running = self._running
        if (
            running is None
            or running.done()
            or running.get_loop() is not asyncio.get_running_loop()
        ):
            running = self._running = asyncio.create_task(self._run())
        return await asyncio.shield(running)

    async def _run(self) -> HealthReport:
        results = await asyncio.gather(*(self._ask(entry) for entry in self._entries.values()))
        report = HealthReport(datetime.now(UTC), tuple(results))
        self._last = (time.monotonic(), report)
        return report

    async def _ask(self, entry: _Entry) -> CheckResult:
        begun = time.perf_counter()
        error: Exception | None = None
        details: Details = None
        try:
            details = await _answer(entry)
        except Exception as e:  # noqa: BLE001  (whatever a check raises is its answer)
            error = e
        result = self._judged(entry, error, details, (time.perf_counter() - begun) * 1000)
        if self._metrics is not None:
            self._metrics.health.labels(entry.name).set(result.ok)
        return result

    def _judged(
        self, entry: _Entry, error: Exception | None, details: Details, took_ms: float
    ) -> CheckResult:
        took_ms = round(took_ms, 3)
        if error is None:
            if entry.failing_since is not None:
                _log.info("check_recovered", check=entry.name, failed_since=entry.failing_since)
            entry.failing_since = None
            return CheckResult(entry.name, entry.critical, True, took_ms, details=details or {})
        expected = isinstance(error, SimutradorError)
        reason = mask_text(str(error) if expected else f"{type(error).__name__}: {error}")
        if entry.failing_since is None:
            entry.failing_since = datetime.now(UTC)
            _log.error(
                "check_failed",
                check=entry.name,
                critical=entry.critical,
                reason=reason,
                exc_info=None if expected else error,
            )
        return CheckResult(
            entry.name,
            entry.critical,
            False,
            took_ms,
            since=entry.failing_since,
            code=error.code if isinstance(error, SimutradorError) else "check_failed",
            reason=reason,
        )


async def _answer(entry: _Entry) -> Details:
    """Wait for a check, no longer than its limit; one that hangs is not begun a second time."""
    loop = asyncio.get_running_loop()
    pending = entry.pending
    if pending is None or pending.done() or pending.get_loop() is not loop:
        pending = entry.pending = _begun(entry.check)
        pending.add_done_callback(_heard)
    done, _ = await asyncio.wait([pending], timeout=entry.time_limit_s)
    if not done:
        if isinstance(pending, asyncio.Task):  # a thread cannot be ended: the next run waits for it
            pending.cancel()
        raise CheckFailedError(f"{entry.name} gave no answer within {entry.time_limit_s:g} s")
    return pending.result()


def _heard(answer: asyncio.Future[Details]) -> None:
    """Take note of an answer that came too late, or asyncio complains that nobody did."""
    if not answer.cancelled():
        answer.exception()


def _begun(check: Check) -> asyncio.Future[Details]:
    if inspect.iscoroutinefunction(check):
        return asyncio.ensure_future(check())
    answer: Future[Details] = Future()

    def run() -> None:
        try:
            answer.set_result(_plain(check()))
        except Exception as e:  # noqa: BLE001  (handed to whoever waits)
            answer.set_exception(e)

    # A thread of its own: one that hangs holds up neither a pool nor the end of the process.
    Thread(target=run, name="health-check", daemon=True).start()
    return asyncio.wrap_future(answer)


def _plain(details: Details | Awaitable[Details]) -> Details:
    if isinstance(details, Mapping) or details is None:
        return details
    raise TypeError("a check is a coroutine function or a plain one, not one that returns either")
