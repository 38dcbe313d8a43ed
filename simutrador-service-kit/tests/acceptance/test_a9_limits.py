"""A9: log-ins and keys have a share of a minute, which neither a restart nor a sibling renews."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from unittest.mock import patch

import httpx
import pytest

from kit_whole import FAULT, PEOPLE, Whole, opened, process
from simutrador_core.models.enums import UserPlan
from simutrador_core.testing.acceptance import Figure, at_scale
from simutrador_service.auth import CallerLimits

PLANS = {
    UserPlan.FREE: 100,
    **at_scale({}, {UserPlan.PROFESSIONAL: 1000, UserPlan.ENTERPRISE: 10_000}),
}


@contextmanager
def each_process_counts_alone() -> Iterator[None]:
    """Never ask Redis: each process and each start has a share of its own."""
    os.environ[FAULT] = "count-alone"
    yield
    del os.environ[FAULT]


@contextmanager
def keys_are_not_counted() -> Iterator[None]:
    """Let everybody who is known ask as often as they like."""

    async def ignore(*_: object) -> None:
        return None

    with patch.object(CallerLimits, "count_request", ignore):
        yield


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Whole]:
    with opened(tmp_path) as service:
        yield service


def check_refused(answer: httpx.Response, limit: int) -> None:
    """Check a refusal against the documented status, headers and body."""
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limit_exceeded")
    assert answer.headers["content-type"] == "application/problem+json"
    wait = int(answer.headers["Retry-After"])
    assert 1 <= wait <= 60
    assert answer.headers["X-RateLimit-Limit"] == str(limit)
    assert answer.headers["X-RateLimit-Remaining"] == "0"
    assert answer.headers["X-RateLimit-Reset"] == str(wait)
    assert answer.json()["retry_after_s"] == wait


@pytest.mark.integration
@pytest.mark.acceptance("A9", package="service-kit", breaks=each_process_counts_alone)
def test_five_log_ins_a_minute_whichever_process_and_start(
    tmp_path: Path, redis_url: str, figure: Figure
) -> None:
    asked = {"REDIS__URL": redis_url, PEOPLE: "1", "AUTH__ENABLED": "true"}
    names = count()

    def log_in(address: str) -> httpx.Response:
        body = {"username": f"nobody{next(names)}", "password": "wrong"}
        return httpx.post(f"{address}/auth/token", json=body, timeout=10)

    with process(tmp_path, **asked) as one, process(tmp_path, **asked) as two:
        for left, address in zip((4, 3, 2, 1, 0), (one, two, one, two, one), strict=True):
            answer = log_in(address)
            assert answer.status_code == 401
            assert answer.headers["X-RateLimit-Remaining"] == str(left)
        for address in (one, two):
            check_refused(log_in(address), 5)
    with process(tmp_path, **asked) as again:
        check_refused(log_in(again), 5)
    figure("5 log-ins over two processes, the 6th refused by both, and after a restart")


@pytest.mark.acceptance("A9", package="service-kit", breaks=keys_are_not_counted)
async def test_a_key_has_the_share_of_its_plan(whole: Whole, figure: Figure) -> None:
    keys = whole.accounts.keys
    for plan, limit in PLANS.items():
        made = keys.create("ann", scopes=["*:read"], plan=plan).key
        spare = keys.create("ann", scopes=["*:read"], plan=plan).key
        async with whole.client() as client:
            for number in range(limit):
                answer = await client.get("/auth/me", headers={"X-API-Key": made})
                assert answer.status_code == 200
                assert answer.headers["X-RateLimit-Limit"] == str(limit)
                assert answer.headers["X-RateLimit-Remaining"] == str(limit - number - 1)
            for headers in ({"X-API-Key": made}, {"Authorization": f"Bearer {made}"}):
                check_refused(await client.get("/auth/me", headers=headers), limit)
            own = await client.get("/auth/me", headers={"X-API-Key": spare})
            assert own.status_code == 200
    figure(", ".join(f"{plan} {limit}/min" for plan, limit in PLANS.items()))
