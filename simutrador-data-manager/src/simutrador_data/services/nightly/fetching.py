"""The download of one symbol within a run: its turn at the vendor, and how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from simutrador_data.services.downloading import (
    DownloadRequest,
    SymbolProgress,
    SymbolReport,
    download,
)
from simutrador_data.services.nightly.dates import Sessions
from simutrador_data.services.nightly.desk import Desk
from simutrador_data.services.serving.ranges import Range, next_day

TELL_EVERY_S: Final = 1.0

Tell = Callable[[float, int], Awaitable[None]]
"""Told which share of the download is settled, and how many bars it has written."""


class _Latest:
    """Satisfies `Watch`; keeps the last it was told."""

    def __init__(self) -> None:
        self.share, self.rows = 0.0, 0

    def tell(self, progress: SymbolProgress) -> None:
        self.share, self.rows = progress.share, progress.rows


async def fetch_symbol(desk: Desk, symbol: str, sessions: Sessions, tell: Tell) -> SymbolReport:
    """Return what became of the symbol's minutes; it waits until the vendor has a turn free.

    Args:
        desk: What the run works with.
        symbol: Canonical symbol.
        sessions: Which ones.
        tell: Told how far it is, about once a second.

    Raises:
        StoreError: the store cannot be read or written.
    """
    latest = _Latest()
    request = DownloadRequest((symbol,), range=Range(sessions.first, next_day(sessions.last)))
    async with desk.turns, _telling(latest, tell):
        report = await download(
            request,
            providers=desk.providers,
            store=desk.store,
            registry=desk.registry,
            watch=latest,
            cancel=desk.cancel,
            quarantine=desk.quarantine,
            now=desk.now,
            patience=desk.patience,
        )
    return report.symbols[0]


@asynccontextmanager
async def _telling(latest: _Latest, tell: Tell) -> AsyncGenerator[None]:
    async def follow() -> None:
        told = (0.0, 0)
        while True:
            await asyncio.sleep(TELL_EVERY_S)
            now = (latest.share, latest.rows)
            if now != told:
                await tell(*now)
                told = now

    following = asyncio.create_task(follow())
    try:
        yield
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
