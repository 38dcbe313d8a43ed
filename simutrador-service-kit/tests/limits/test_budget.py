"""What leaves for a vendor stays within the budget, however many processes ask."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit_postgres import emptied
from kit_redis import running
from simutrador_core.errors import RateLimitError
from simutrador_service.database import KIT, Database
from simutrador_service.errors import UnavailableError
from simutrador_service.limits import Budget, Rule
from simutrador_service.limits.spending import MemorySpending, Spending, next_grant, spend
from simutrador_service.limits.spent_in_database import DatabaseSpending
from simutrador_service.limits.spent_in_file import FileSpending
from simutrador_service.limits.spent_in_redis import RedisSpending
from simutrador_service.redis import connect_async

SPENDER = Path(__file__).parents[1] / "kit_budget.py"
FIVE = Rule.of("5/min")


def most_in(times: Sequence[float], seconds: float) -> int:
    """Return the largest number that any window of this length holds; the slow, obvious way."""
    return max(bisect_left(times, at + seconds) - place for place, at in enumerate(times))


def test_five_leave_a_fifth_of_a_second_apart_and_the_sixth_a_minute_after_the_first() -> None:
    grants: list[float] = []
    waits: list[float] = []
    for _ in range(6):
        wait, grants = spend(grants, FIVE, now=100.0, longest_wait_s=120)
        waits.append(round(wait, 6))
    assert waits == [0.0, 0.2, 0.4, 0.6, 0.8, 60.05]


def test_a_wait_that_is_too_long_reserves_nothing() -> None:
    grants = [100.0, 100.2, 100.4, 100.6, 100.8]
    wait, kept = spend(grants, FIVE, now=101.0, longest_wait_s=59.0)
    assert (round(wait, 6), kept) == (59.05, grants)


def test_a_clock_that_was_set_back_keeps_nobody_waiting() -> None:
    wait, kept = spend([1600.1], FIVE, now=1000.0, longest_wait_s=60)
    assert (wait, kept) == (0.0, [1000.0])


@given(st.lists(st.floats(0, 3), min_size=1, max_size=80))
def test_no_window_ever_holds_more_than_its_limit(gaps: list[float]) -> None:
    rule, now = Rule.of("3/s, 10/20s"), 0.0
    given_out: list[float] = []
    for gap in gaps:
        now += gap
        given_out.append(next_grant(given_out, rule, now=now))
    assert given_out == sorted(given_out)
    assert most_in(given_out, 1.0) <= 3
    assert most_in(given_out, 20.0) <= 10


@pytest.fixture(
    params=[
        "memory",
        "file",
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.integration),
        pytest.param("redis", marks=pytest.mark.integration),
    ]
)
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Spending]:
    if request.param == "memory":
        yield MemorySpending()
        return
    if request.param == "file":
        yield FileSpending(tmp_path / "budgets.sqlite")
        return
    url = spent_in(request.param, request, tmp_path)
    if request.param == "redis":
        client = connect_async(url)
        yield RedisSpending(client)
        await client.aclose()
    else:
        database = Database(url)
        yield DatabaseSpending(database)
        database.close()


async def test_every_place_reserves_alike(place: Spending) -> None:
    rule, began = Rule.of("2/s, 5/min"), time.monotonic()
    waits = [await place.reserve("v", rule, longest_wait_s=100) for _ in range(6)]
    took = time.monotonic() - began
    # Worked by hand: two a second with 0.05 s to spare and 0.2 s between, five a minute.
    expected = [0.0, 0.2, 1.05, 1.25, 2.1, 60.05]
    for wait, by_hand in zip(waits, expected, strict=True):
        assert by_hand - took - 0.001 <= wait <= by_hand + 0.001
    too_long = await place.reserve("v", rule, longest_wait_s=1)
    assert too_long > 59
    again = await place.reserve("v", rule, longest_wait_s=100)
    assert abs(again - too_long) < 1  # the refused one took no place
    assert await place.reserve("other", rule, longest_wait_s=100) == 0


async def test_a_turn_that_takes_too_long_says_when_to_come_back() -> None:
    budget = Budget("acme", Rule.of("1/h"), longest_wait_s=0.5)
    assert await budget.acquire() == 0.0
    with pytest.raises(RateLimitError, match=r"^acme: rate limit reached") as caught:
        await budget.acquire()
    assert 3599 < caught.value.retry_after.total_seconds() <= 3600.05


async def test_a_waiter_that_gives_up_blocks_nobody() -> None:
    budget = Budget("acme", Rule.of("1/s"))
    await budget.acquire()
    waiting = asyncio.create_task(budget.acquire())
    await asyncio.sleep(0)
    waiting.cancel()
    began = time.monotonic()
    await budget.acquire()
    assert time.monotonic() - began < 2.2  # its own turn, after the one that was given up


@pytest.mark.integration
async def test_without_redis_the_database_keeps_the_budget(database: Database) -> None:
    with running() as server:
        client = connect_async(f"redis://127.0.0.1:{server.port}/0", timeout_s=0.25, retries=0)
        budget = Budget("acme", Rule.of("1/h"), client=client, database=database, longest_wait_s=1)
        await budget.acquire()
    await budget.acquire()
    with pytest.raises(RateLimitError):
        await budget.acquire()
    await client.aclose()


async def test_a_file_that_is_no_budget_is_named_with_the_cure(tmp_path: Path) -> None:
    path = tmp_path / "budgets.sqlite"
    path.write_text("these are the notes of somebody else, and longer than a header of SQLite is")
    with pytest.raises(UnavailableError, match=rf"{path}.*not a database.*remove the file"):
        await Budget("acme", FIVE, file=path).acquire()
    with pytest.raises(UnavailableError, match="unable to open"):
        await Budget("acme", FIVE, file=tmp_path / "absent" / "budgets.sqlite").acquire()


def test_a_budget_in_a_file_loads_no_database_library(tmp_path: Path) -> None:
    script = (
        "import asyncio, pathlib, sys\n"
        "from simutrador_service.limits import Budget, Rule\n"
        f"budget = Budget('acme', Rule.of('5/s'), file=pathlib.Path({str(tmp_path / 'b')!r}))\n"
        "heavy = {'sqlalchemy', 'alembic', 'starlette'}\n"
        "print(asyncio.run(budget.acquire()), *heavy & {*sys.modules})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["0.0"]


def test_a_budget_too_large_to_remember_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 5000"):
        Budget("acme", Rule.of("5001/day"))
    with pytest.raises(ValueError, match="longest_wait_s=601"):
        Budget("acme", Rule.of("5/day"), longest_wait_s=601)


@pytest.mark.integration
@pytest.mark.parametrize("where", ["file", "sqlite", "postgresql", "redis"])
def test_processes_together_stay_within_the_budget(
    where: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = spent_in(where, request, tmp_path)
    spenders = [
        subprocess.Popen(
            [sys.executable, str(SPENDER), url, "5/s", "2.5"], stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    times = sorted(
        float(line) for spender in spenders for line in spender.communicate(timeout=60)[0].split()
    )
    assert [spender.returncode for spender in spenders] == [0] * 3
    assert most_in(times, 1.0) <= 8  # five, and one of each process that a busy machine kept
    assert len(times) > 10  # and little of the budget is wasted


def spent_in(where: str, request: pytest.FixtureRequest, folder: Path) -> str:
    if where == "redis":
        return request.getfixturevalue("redis_url")
    if where == "file":
        return str(folder / "budgets.sqlite")
    url = f"sqlite:///{folder / 'shared.db'}"
    if where == "postgresql":
        url = emptied(request.getfixturevalue("postgres"))
    database = Database(url)
    KIT.upgrade(database)
    database.close()
    return url
