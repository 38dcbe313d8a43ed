"""Limits hold in any window of time, in one process and in several, with Redis and without."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from kit_redis import running
from simutrador_core.errors import InputError
from simutrador_service.errors import TooManyRequestsError, UnavailableError
from simutrador_service.limits import LimitHeaders, RateLimiter, Rule, Verdict, note_verdict
from simutrador_service.limits.memory import MemoryCounts
from simutrador_service.redis import connect_async

LOGIN = Rule.of("5/min, 20/h")


class Elapsed:
    """Seconds that the test decides."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def shared(redis_url: str) -> AsyncIterator[RateLimiter]:
    client = connect_async(redis_url, timeout_s=0.25, retries=0)
    yield RateLimiter(client)
    await client.aclose()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("5/min", "5/60s"),
        ("5/min, 20/h", "20/3600s,5/60s"),
        ("100/1s", "100/1s"),
        (" 40 / 10s ", "40/10s"),
        ("1000/day", "1000/86400s"),
    ],
)
def test_a_rule_is_read_from_words(text: str, name: str) -> None:
    assert str(Rule.of(text)) == name


@pytest.mark.parametrize("text", ["", "5", "5/", "0/min", "-1/min", "5/year", "5/min,", "200000/s"])
def test_words_that_say_no_limit_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="is no limit"):
        Rule.of(text)


def test_the_sixth_in_a_minute_waits_until_the_first_is_a_minute_old() -> None:
    elapsed = Elapsed()
    counts = MemoryCounts(clock=elapsed)
    for second in range(5):
        elapsed.now = 1000.0 + second
        verdict = counts.hit("ann", LOGIN)
        assert (verdict.allowed, verdict.limit, verdict.remaining) == (True, 5, 4 - second)
    elapsed.now = 1010.5
    refused = counts.hit("ann", LOGIN)
    assert refused == Verdict(False, 5, 0, 49.5)
    assert refused.headers == {
        "Retry-After": "50",
        "X-RateLimit-Limit": "5",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": "50",
    }
    with pytest.raises(TooManyRequestsError) as caught:
        refused.check()
    assert caught.value.headers == refused.headers
    elapsed.now = 1059.9
    assert not counts.hit("ann", LOGIN).allowed
    elapsed.now = 1060.0
    assert counts.hit("ann", LOGIN).allowed
    assert not counts.hit("ann", LOGIN).allowed
    assert counts.hit("bob", LOGIN).allowed


def test_the_longer_window_holds_too() -> None:
    elapsed = Elapsed()
    counts = MemoryCounts(clock=elapsed)
    for _ in range(20):
        assert counts.hit("ann", LOGIN).allowed
        elapsed.now += 60
    refused = counts.hit("ann", LOGIN)
    assert (refused.allowed, refused.limit, refused.retry_after_s) == (False, 20, 3600 - 20 * 60)


@given(st.lists(st.floats(0, 30), max_size=60))
def test_no_window_ever_holds_more_than_its_limit(gaps: list[float]) -> None:
    elapsed, rule = Elapsed(), Rule.of("3/10s, 7/60s")
    counts = MemoryCounts(clock=elapsed)
    allowed: list[float] = []
    for gap in gaps:
        elapsed.now += gap
        if counts.hit("k", rule).allowed:
            allowed.append(elapsed.now)
    for limit, seconds in ((3, 10.0), (7, 60.0)):
        for first, last in zip(allowed, allowed[limit:], strict=False):
            assert last - first >= seconds - 1e-9


def test_memory_is_bounded_and_forgets_who_was_silent_longest() -> None:
    rule = Rule.of("1/h")
    counts = MemoryCounts(most_keys=3)
    for key in ("a", "b", "c", "a", "d"):
        counts.hit(key, rule)
    assert not counts.hit("a", rule).allowed
    assert counts.hit("b", rule).allowed


async def test_without_redis_the_process_counts_and_is_well() -> None:
    limiter = RateLimiter()
    assert [(await limiter.hit("k", LOGIN)).allowed for _ in range(6)] == [True] * 5 + [False]
    limiter.check()


@pytest.mark.integration
async def test_redis_says_the_same_as_memory(shared: RateLimiter) -> None:
    elapsed = Elapsed()
    memory = MemoryCounts(clock=elapsed)
    for _ in range(7):
        here, there = memory.hit("k", LOGIN), await shared.hit("k", LOGIN)
        assert (here.allowed, here.limit, here.remaining) == (
            (there.allowed, there.limit, there.remaining)
        )
        assert here.reset_s - 5 < there.reset_s <= here.reset_s


@pytest.mark.integration
async def test_redis_forgets_by_itself(shared: RateLimiter, redis_url: str) -> None:
    rule = Rule.of("2/1s")
    assert [(await shared.hit("k", rule)).allowed for _ in range(3)] == [True, True, False]
    refused = await shared.hit("k", rule)
    await asyncio.sleep(refused.reset_s + 0.01)
    assert (await shared.hit("k", rule)).allowed
    client = connect_async(redis_url)
    (name,) = await client.keys("simutrador:limit:*")
    assert 0 < await client.pttl(name) <= 1000
    await client.aclose()


@pytest.mark.integration
async def test_a_restarted_service_and_its_siblings_share_one_count(redis_url: str) -> None:
    for turn in range(6):
        client = connect_async(redis_url, timeout_s=0.25, retries=0)
        verdict = await RateLimiter(client).hit("ann", LOGIN)
        await client.aclose()
        assert verdict.allowed is (turn < 5)


@pytest.mark.integration
async def test_many_at_once_are_counted_one_by_one(redis_url: str) -> None:
    clients = [connect_async(redis_url, timeout_s=2, retries=0) for _ in range(4)]
    limiters = [RateLimiter(client) for client in clients]
    rule = Rule.of("50/min")
    verdicts = await asyncio.gather(*(limiters[turn % 4].hit("k", rule) for turn in range(200)))
    assert sum(verdict.allowed for verdict in verdicts) == 50
    for client in clients:
        await client.aclose()


@pytest.mark.integration
async def test_while_redis_is_gone_the_process_counts_on_and_says_so() -> None:
    elapsed = Elapsed()
    with running() as server:
        port = server.port
        client = connect_async(f"redis://127.0.0.1:{port}/0", timeout_s=0.25, retries=0)
        limiter = RateLimiter(client, clock=elapsed)
        for _ in range(3):
            await limiter.hit("k", LOGIN)
        limiter.check()
    later = [(await limiter.hit("k", LOGIN)).allowed for _ in range(3)]
    assert later == [True, True, False]  # the three before are not forgotten
    with pytest.raises(UnavailableError, match=r"each process alone: Redis at .*REDIS__URL"):
        limiter.check()
    with running(port=port):
        assert not (await limiter.hit("k", LOGIN)).allowed  # it is not tried again yet
        elapsed.now += 1.0
        assert (await limiter.hit("k", LOGIN)).allowed  # a new Redis knows nothing
        limiter.check()
    await client.aclose()


async def answer_with(
    *verdicts: Verdict, own: tuple[tuple[bytes, bytes], ...] = ()
) -> list[object]:
    """Return the headers of an answer to which these verdicts were noted."""
    started: list[object] = []

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        for verdict in verdicts:
            note_verdict(dict(scope), verdict)
        await send({"type": "http.response.start", "status": 200, "headers": list(own)})

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        started.extend(message["headers"])

    await LimitHeaders(app)({"type": "http", "headers": []}, receive, send)
    return started


async def test_an_answer_tells_of_the_tightest_limit() -> None:
    assert await answer_with(Verdict(True, 100, 40, 30.2), Verdict(True, 5, 3, 59.0)) == [
        (b"x-ratelimit-limit", b"5"),
        (b"x-ratelimit-remaining", b"3"),
        (b"x-ratelimit-reset", b"59"),
    ]
    assert await answer_with() == []
    own = ((b"x-ratelimit-limit", b"7"),)
    told = await answer_with(Verdict(True, 5, 3, 59.0), own=own)
    assert (b"x-ratelimit-limit", b"7") in told
    assert (b"x-ratelimit-limit", b"5") not in told
