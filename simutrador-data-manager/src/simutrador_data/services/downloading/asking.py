"""One provider, one series: ask, judge, commit, until the pursuit has nothing left to ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from random import SystemRandom
from typing import Final, TypeVar

from simutrador_core.errors import (
    AuthenticationError,
    DataProviderError,
    InputError,
    RateLimitError,
)
from simutrador_core.interfaces.data_provider import BarPage, BarRequest, DataProvider
from simutrador_core.models.bars import Bars, from_us, to_us
from simutrador_data.services.data_providers.http.errors import VendorUnavailableError
from simutrador_data.services.downloading.asks import Ask, Taken
from simutrador_data.services.downloading.checking import PageFault
from simutrador_data.services.downloading.committing import write_page
from simutrador_data.services.downloading.desk import Desk
from simutrador_data.services.downloading.pursuit import Pursuit
from simutrador_data.services.downloading.tallies import Contribution, Tally
from simutrador_data.services.progress.waits import waiting
from simutrador_data.services.validation.spans import Spans
from simutrador_data.services.workflows.quarantine import Quarantine

T = TypeVar("T")

_RANDOM: Final = SystemRandom()


class Asking:
    """Asks one provider; every page is one commit, made in a thread."""

    def __init__(
        self,
        desk: Desk,
        provider: DataProvider,
        pursuit: Pursuit,
        *,
        tally: Tally,
        listed: Quarantine | None,
        tell: Callable[[], None],
    ) -> None:
        """Begin a contribution of the provider in `tally`; `tell` is called after each page."""
        self._desk = desk
        self._provider = provider
        self._pursuit = pursuit
        self._tally = tally
        self._listed = listed
        self._tell = tell
        self._given = Contribution(provider.name)
        tally.sources.append(self._given)

    async def run(self) -> None:
        """Ask until all is settled or given up.

        Raises:
            StoreError: the store could not write.
        """
        while (ask := self._pursuit.next_ask()) is not None:
            self._given.requests += 1
            await self._answer(ask)
            wait = self._pursuit.wait_s * _RANDOM.uniform(0.5, 1.0)
            if wait and len(self._pursuit.todo):
                with waiting("asking again", wait):
                    await asyncio.sleep(wait)

    async def _answer(self, ask: Ask) -> None:
        series, pursuit = self._pursuit.series, self._pursuit
        request = BarRequest(
            series.symbol,
            series.timeframe,
            from_us(ask.start),
            from_us(ask.end),
            series.adjustment,
        )
        try:
            async with closing(self._provider.fetch_bars(request)) as pages:
                asked_at = self._desk.now()
                async for page in pages:
                    self._desk.answered.add(self._provider.name)
                    await in_thread(lambda page=page, at=asked_at: self._store(page, at))
                    self._tell()
                    asked_at = self._desk.now()
            await in_thread(self._end)
        except (PageFault, InputError) as e:
            pursuit.fault(str(e))
        except RateLimitError as e:
            await self._limited(e)
        except AuthenticationError as e:
            if self._provider.name not in self._desk.answered:
                self._desk.refused[self._provider.name] = str(e)
            pursuit.give_up(str(e))
        except VendorUnavailableError as e:
            pursuit.outage(str(e))
        except DataProviderError as e:
            if e.retryable:
                pursuit.fault(str(e))
            else:
                pursuit.give_up_ask(str(e))

    def _store(self, page: BarPage, asked_at: datetime) -> None:
        now_us = to_us(self._desk.now())
        taken = self._pursuit.take(page, now_us=now_us, asked_us=to_us(asked_at))
        if self._listed is not None:
            self._listed.add(taken.rejected)
        self._commit(taken)

    def _end(self) -> None:
        confirmed = self._pursuit.end_answer(now_us=to_us(self._desk.now()))
        if len(confirmed):
            series = self._pursuit.series
            nothing = Bars.empty(series.symbol, series.timeframe, series.adjustment)
            self._commit(Taken(nothing, confirmed, 0, (), self._tally.unfinished, 0))

    def _commit(self, taken: Taken) -> None:
        series, name = self._pursuit.series, self._provider.name
        written = write_page(
            self._desk.store,
            taken.bars,
            taken.covered,
            source=name,
            request=f"update {series.symbol} {series.timeframe} from {name}{_span(taken.covered)}",
            fetched_at=self._desk.now(),
        )
        self._tally.count(taken, written, of=self._given)

    async def _limited(self, error: RateLimitError) -> None:
        wait = error.retry_after.total_seconds()
        if wait > self._desk.patience.longest_wait_s:
            self._pursuit.give_up(str(error))
            return
        self._pursuit.outage(str(error))
        if len(self._pursuit.todo):
            with waiting("rate limit", wait):
                await asyncio.sleep(wait)


async def in_thread(call: Callable[[], T]) -> T:
    """Return what `call` gives, run in a thread; a cancelled caller still waits for its end.

    So nothing is written after the one who asked for it has left.
    """
    work = asyncio.create_task(asyncio.to_thread(call))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait({work})
        if not work.cancelled():
            work.exception()  # seen: the caller is leaving for another reason
        raise


@asynccontextmanager
async def closing(pages: AsyncIterator[T]) -> AsyncGenerator[AsyncIterator[T]]:
    """Yield the pages of a provider, and close what is open of them at the end."""
    try:
        yield pages
    finally:
        close = getattr(pages, "aclose", None)
        if close is not None:
            await close()


def _span(covered: Spans) -> str:
    if not len(covered):
        return ""
    first, last = from_us(int(covered.starts[0])), from_us(int(covered.ends[-1]))
    return f", {first.isoformat()} to {last.isoformat()}"
