"""Carries a request to stop from a job to the coroutines that do its work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from simutrador_service.jobs import JobContext

LOOK_EVERY_S: Final = 0.1


@asynccontextmanager
async def cancel_event(ctx: JobContext) -> AsyncGenerator[asyncio.Event]:
    """Yield an event that is set once the run is to stop; downloads take it as `cancel`."""
    event = asyncio.Event()

    async def follow() -> None:
        while not ctx.cancelled():  # noqa: ASYNC110  (the flag belongs to another thread)
            await asyncio.sleep(LOOK_EVERY_S)
        event.set()

    following = asyncio.ensure_future(follow())
    try:
        yield event
    finally:
        following.cancel()
