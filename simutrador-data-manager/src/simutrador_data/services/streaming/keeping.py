"""`Keeper`: writes what the stream brings, and asks over REST for the rest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from random import SystemRandom
from typing import Final

import numpy as np

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.interfaces.data_provider import DataProvider
from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.bars import Bars, from_us, to_us
from simutrador_data.services.downloading import (
    DownloadRequest,
    DownloadStatus,
    SymbolReport,
    download,
)
from simutrador_data.services.downloading.asking import in_thread
from simutrador_data.services.serving.ranges import Range
from simutrador_data.services.streaming.buffer import LiveBuffer
from simutrador_data.services.streaming.reach import reach
from simutrador_data.services.streaming.series import LiveSeries
from simutrador_data.services.streaming.watching import LiveWatch
from simutrador_data.services.streaming.writing import disputed, write_new

LOOK_S: Final = 0.5
"""So often it is looked whether a bar is overdue, though nothing came."""

GATHER_S: Final = 0.02
"""Bars that come within so short a time are one commit: vendors send all symbols' together."""

_RANDOM: Final = SystemRandom()


class Keeper:
    """Keeps every followed series without a hole."""

    def __init__(
        self,
        series: Mapping[str, LiveSeries],
        *,
        provider: DataProvider,
        store: BarStore,
        registry: AssetRegistry,
        watch: LiveWatch,
        now: Callable[[], datetime],
        cancel: asyncio.Event,
    ) -> None:
        """Keep what is needed; `run` begins."""
        self._series = series
        self._provider, self._store, self._registry = provider, store, registry
        self._watch, self._now, self._cancel = watch, now, cancel
        self._buffer = LiveBuffer()
        self._news = asyncio.Event()

    def take(self, bars: Bars) -> None:
        """Take bars of the stream; they are written in a while.

        They are judged now: what is of the future today would not be when it is written.
        """
        if bars.symbol in self._series:
            sound = self._series[bars.symbol].sound(bars, to_us(self._now()))
            self._buffer.add(sound)
            self._news.set()

    def connected(self) -> None:
        """Note that the stream is open: what was missed is asked for while bars come in."""
        now = to_us(self._now())
        for one in self._series.values():
            one.reconnect(now)
        self._news.set()

    def wake(self) -> None:
        """Let it look at once."""
        self._news.set()

    async def run(self) -> None:
        """Go on until every bar until the end is settled or given up, or it is cancelled.

        Raises:
            StoreError: the store cannot be read or written.
        """
        await self._news.wait()  # for the first attempt to connect: the stream comes first
        while not self._cancel.is_set():
            self._news.clear()
            await asyncio.sleep(GATHER_S)
            await self._ask()
            await self._write()
            if self._is_over():
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._news.wait()
        await self._write()

    async def _write(self) -> None:
        """Commit what waits and is new, all series at once; the rest is checked against REST."""
        now = self._now()
        new: list[tuple[LiveSeries, Bars]] = []
        for bars in self._buffer.take():
            one = self._series[bars.symbol]
            again, later = one.split(bars)
            if len(again):
                await self._compare(one, again)
            if len(later):
                new.append((one, later))
        if not new:
            return
        pages = [(bars, one.hours) for one, bars in new]
        source = self._provider.name
        await in_thread(lambda: write_new(self._store, pages, source=source, fetched_at=now))
        for one, bars in new:
            one.add(bars)
            self._tell(bars)

    async def _compare(self, one: LiveSeries, bars: Bars) -> None:
        differing = await in_thread(lambda: disputed(self._store, bars))
        one.dispute(differing)
        self._tell(bars.take(~np.isin(bars.opened_at, differing.opened_at)))

    def _tell(self, bars: Bars) -> None:
        for opened_at in bars.opened_at.tolist():
            self._watch.bar(bars.symbol, from_us(opened_at))

    async def _ask(self) -> None:
        """Ask for what is absent; series that lack the same stretch are asked for side by side."""
        groups: dict[int, list[LiveSeries]] = {}
        now, at = to_us(self._now()), time.monotonic()
        for one in self._series.values():
            if one.wants(now, at):
                groups.setdefault(one.settled, []).append(one)
        for start, group in groups.items():
            await self._backfill(start, group)

    async def _backfill(self, start: int, group: list[LiveSeries]) -> None:
        report = await download(
            DownloadRequest(
                tuple(one.series.symbol for one in group),
                group[0].series.timeframe,
                Range(from_us(start), group[0].end),
            ),
            providers=[self._provider],
            store=self._store,
            registry=self._registry,
            now=self._now,
            cancel=self._cancel,
        )
        for one, answer in zip(group, report.symbols, strict=True):
            now = to_us(self._now())
            reached = await in_thread(
                lambda one=one, now=now: reach(self._store, one.series, one.hours, one.settled, now)
            )
            wait = one.asks.next_wait(since_s=0.0, jitter=_RANDOM.random())
            one.answer(
                reached,
                written=answer.result.written,
                failure=_failure(answer),
                now=now,
                ask_at=time.monotonic() + wait,
            )
            self._watch.backfilled(one.series.symbol, answer.result.written)

    def _is_over(self) -> bool:
        now = to_us(self._now())
        return all(one.is_complete() or one.is_hopeless(now) for one in self._series.values())


def _failure(answer: SymbolReport) -> str:
    if answer.status in {DownloadStatus.COMPLETED, DownloadStatus.CANCELLED}:
        return ""
    reasons = [answer.message, *(one.reason for one in answer.failures)]
    return next((reason for reason in reasons if reason), str(answer.status))
