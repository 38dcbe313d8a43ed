"""Waits said deep inside, heard where progress is shown."""

from __future__ import annotations

import asyncio

from simutrador_data.services.progress.waits import Wait, listening, waiting


def test_a_listener_hears_a_wait_begin_and_end() -> None:
    heard: list[Wait | None] = []
    with listening(heard.append):
        with waiting("rate limit", 12.0):
            assert heard == [Wait("rate limit", 12.0)]
        assert heard[-1] is None
    with waiting("nobody listens"):
        assert len(heard) == 2


async def test_each_task_has_its_own_listener() -> None:
    async def task(name: str) -> list[Wait | None]:
        heard: list[Wait | None] = []
        with listening(heard.append):
            await asyncio.sleep(0)
            with waiting(name):
                await asyncio.sleep(0)
        return heard

    one, two = await asyncio.gather(task("one"), task("two"))
    assert one == [Wait("one"), None]
    assert two == [Wait("two"), None]
