"""Credentials that do not hold: so many from an address, then it has to wait."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from kit_whole import Whole, opened
from simutrador_service.auth import CallerLimits
from simutrador_service.limits import RateLimiter

HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"
MINUTE_LIMIT, HOUR_LIMIT = 30, 300


class Seconds:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def whole(tmp_path: Path, seconds: Seconds) -> Iterator[Whole]:
    with opened(tmp_path, users=False) as service:
        service.app.state.limits = CallerLimits(RateLimiter(clock=seconds))
        yield service


def wrong(number: int) -> str:
    return f"sk_{number:012x}.{'A' * 43}"


async def ask(whole: Whole, key: str, address: str = HERE) -> httpx.Response:
    async with whole.client(address) as client:
        return await client.get("/auth/me", headers={"X-API-Key": key} if key else {})


async def use_up(whole: Whole, count: int = MINUTE_LIMIT) -> None:
    for number in range(count):
        answer = await ask(whole, wrong(number))
        assert answer.status_code == 401
        assert answer.headers["X-RateLimit-Limit"] == str(MINUTE_LIMIT)
        assert answer.headers["X-RateLimit-Remaining"] == str(MINUTE_LIMIT - number - 1)


async def test_an_address_that_tried_too_many_keys_has_to_wait(
    whole: Whole, seconds: Seconds
) -> None:
    await use_up(whole)
    refused = await ask(whole, wrong(99))
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limit_exceeded")
    assert refused.headers["Retry-After"] == refused.headers["X-RateLimit-Reset"] == "60"
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert (await ask(whole, wrong(99), ELSEWHERE)).status_code == 401
    seconds.now = 61.0
    assert (await ask(whole, wrong(99))).status_code == 401


async def test_who_goes_on_for_long_waits_longer(whole: Whole, seconds: Seconds) -> None:
    for _ in range(HOUR_LIMIT // MINUTE_LIMIT):
        for number in range(MINUTE_LIMIT):
            assert (await ask(whole, wrong(number))).status_code == 401
        seconds.now += 61.0
    refused = await ask(whole, wrong(99))
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) == 3600 - 610


async def test_a_right_key_is_not_looked_at_from_there_unless_it_was_before(whole: Whole) -> None:
    known, new = whole.key("*:read"), whole.key("*:read")
    assert (await ask(whole, known)).status_code == 200
    await use_up(whole)
    assert (await ask(whole, new)).status_code == 429
    assert (await ask(whole, known)).status_code == 200
    assert (await ask(whole, new, ELSEWHERE)).status_code == 200


async def test_a_key_that_was_let_in_and_then_revoked_is_no_way_around(whole: Whole) -> None:
    known = whole.key("*:read")
    assert (await ask(whole, known)).status_code == 200
    whole.accounts.keys.revoke(known.partition(".")[0])
    await use_up(whole, MINUTE_LIMIT)
    assert (await ask(whole, known)).status_code == 429


async def test_no_credential_is_no_guess(whole: Whole) -> None:
    for _ in range(MINUTE_LIMIT + 5):
        assert (await ask(whole, "")).status_code == 401
    assert (await ask(whole, wrong(1))).headers["X-RateLimit-Remaining"] == str(MINUTE_LIMIT - 1)
