"""One symbol's download: plan, then ask each provider of the chain for what is still missing."""

from __future__ import annotations

import hashlib
import logging
import time
from datetime import datetime
from typing import Final

from simutrador_core.errors import CorruptDataError, InputError, SimutradorError, StoreError
from simutrador_core.interfaces.data_provider import DataProvider
from simutrador_core.models.bars import SeriesKey
from simutrador_core.models.enums import Timeframe
from simutrador_core.utils.timeframe_utils import timeframe_us
from simutrador_data.services.downloading.asking import Asking, in_thread
from simutrador_data.services.downloading.asks import Failure
from simutrador_data.services.downloading.desk import Desk
from simutrador_data.services.downloading.outstanding import (
    Wanted,
    neighbours,
    outstanding,
    stored_since,
    to_wanted,
)
from simutrador_data.services.downloading.planning import split_by_history
from simutrador_data.services.downloading.pursuit import Pursuit
from simutrador_data.services.downloading.report import DownloadStatus, SymbolReport
from simutrador_data.services.downloading.tallies import Tally
from simutrador_data.services.downloading.watching import Stage, SymbolProgress
from simutrador_data.services.progress.waits import Wait, listening
from simutrador_data.services.serving.ranges import Range, resolve
from simutrador_data.services.storage.names import encode_name
from simutrador_data.services.validation.spans import Spans
from simutrador_data.services.workflows.quarantine import Quarantine

NOTHING_MISSING: Final = "nothing to ask for: all that is due was asked for already"
CANCELLED: Final = "cancelled; the next update goes on where this one stopped"

# Not structlog: before it is set up, in a command, it writes to standard output.
_log = logging.getLogger(__name__)


class SymbolDownload:
    """The download of one series; `run` it once, `report` at any time."""

    def __init__(
        self, desk: Desk, series: SeriesKey, wanted: Range, *, only: Spans | None = None
    ) -> None:
        """Keep what is asked for; nothing happens yet.

        Args:
            desk: Whom to ask, and where bars go.
            series: Which series.
            wanted: The range; what of it is missing is asked for.
            only: Nothing outside of these ranges is asked for, int us UTC. Those that one answer
                can hold are asked for together.
        """
        self._desk = desk
        self._series = series
        self._range = wanted
        self._only = only
        self._tally = Tally()
        self._status: DownloadStatus | None = DownloadStatus.CANCELLED
        self._message = CANCELLED
        self._quarantined: str | None = None
        self._begun = self._ended = 0.0
        self._stage, self._provider = Stage.QUEUED, ""
        self._pursuit: Pursuit | None = None
        self._before = 0
        self._wait: Wait | None = None
        self._tell()

    async def run(self) -> None:
        """Download; whatever goes wrong with this symbol alone ends in its report.

        Raises:
            StoreError: the store cannot be read or written.
        """
        self._begun = time.monotonic()
        listed = self._quarantine()
        try:
            with listening(self._hear):
                await self._run(listed)
            self._status = None
        except StoreError as e:
            if not isinstance(e, CorruptDataError):
                raise
            self._fail(str(e))
        except SimutradorError as e:
            self._fail(str(e))
        except Exception as e:  # noqa: BLE001 - others' code: the other symbols must go on
            _log.exception("the download of %s broke", self._series)
            self._fail(f"unforeseen {type(e).__name__}: {e}")
        finally:
            self._ended = time.monotonic()
            if listed is not None:
                self._quarantined = listed.close()
            self._stage, self._wait = Stage.DONE, None
            self._tell()

    def report(self) -> SymbolReport:
        """Return what has become of it; cancelled where it was not run to its end."""
        if self._status is DownloadStatus.CANCELLED and self._pursuit is not None:
            lost = [self._pursuit.todo, *(Spans.range(f.start, f.end) for f in self._lost())]
            self._tally.failed = Spans.joined(lost)
        return self._tally.report(
            self._series,
            status=self._status,
            seconds=(self._ended or time.monotonic()) - self._begun if self._begun else 0.0,
            message=self._message or (CANCELLED if self._status else ""),
            quarantine=self._quarantined,
        )

    async def _run(self, listed: Quarantine | None) -> None:
        self._stage = Stage.PLANNING
        self._tell()
        wanted = await in_thread(self._wanted)
        failed: Spans | None = None
        for provider in self._desk.providers:
            asks = await in_thread(lambda p=provider: self._outstanding(p, wanted))
            if failed is None:
                self._tally.requested = self._tally.failed = asks
                self._message = "" if len(asks) else NOTHING_MISSING
                if not len(asks):
                    return
            else:
                asks = asks.within(failed)
            if not len(asks):
                continue
            self._stage, self._provider = Stage.FETCHING, provider.name
            given = await self._ask(provider, wanted, asks, listed)
            failed = given if failed is None else Spans.joined([failed.without(asks), given])
            self._tally.failed = failed

    async def _ask(
        self, provider: DataProvider, wanted: Wanted, asks: Spans, listed: Quarantine | None
    ) -> Spans:
        """Ask one provider; return what it did not give."""
        known = await in_thread(lambda: neighbours(self._desk.store, self._series, asks))
        self._pursuit = Pursuit(
            self._series,
            wanted.hours,
            asks,
            self._desk.patience,
            stored=known,
            page_us=self._page_us(provider),
        )
        self._before = asks.length
        reason = self._unable(provider)
        if reason:
            self._pursuit.give_up(reason)
        else:
            self._pursuit.todo, lost = split_by_history(asks, self._oldest(provider))
            if len(lost):
                days = provider.capabilities.history
                self._pursuit.failures += _failures(lost, f"keeps no more than {days}")
            asking = Asking(
                self._desk,
                provider,
                self._pursuit,
                tally=self._tally,
                listed=listed,
                tell=self._tell,
            )
            await asking.run()
        failures = self._lost()
        self._tally.fail(failures, provider=provider.name)
        return Spans.joined([Spans.range(one.start, one.end) for one in failures])

    def _lost(self) -> list[Failure]:
        return [] if self._pursuit is None else self._pursuit.failures

    def _unable(self, provider: DataProvider) -> str:
        """Return why there is no use in asking a provider, or ``."""
        series, can = self._series, provider.capabilities
        if series.timeframe not in can.timeframes:
            offered = ", ".join(sorted(can.timeframes))
            return f"{provider.name} offers no {series.timeframe} bars, only {offered}"
        if series.adjustment not in can.adjustments:
            offered = ", ".join(sorted(can.adjustments))
            return f"{provider.name} offers no {series.adjustment} prices, only {offered}"
        return self._desk.refused.get(provider.name, "")

    def _oldest(self, provider: DataProvider) -> datetime | None:
        history = provider.capabilities.history
        return None if history is None else self._desk.now() - history

    def _outstanding(self, provider: DataProvider, wanted: Wanted) -> Spans:
        found = outstanding(
            self._desk.store,
            wanted,
            provider=provider.name,
            capabilities=provider.capabilities,
        )
        return found if self._only is None else found.within(self._only)

    def _page_us(self, provider: DataProvider) -> int:
        """Return how much time one answer can hold where holes are asked for; else pages tell."""
        if self._only is None:
            return 0
        timeframe = self._series.timeframe
        step = timeframe_us(timeframe if timeframe.is_intraday else Timeframe.DAILY)
        return provider.capabilities.rows_per_request * step

    def _wanted(self) -> Wanted:
        asset = self._desk.registry.get(self._series.symbol)
        calendar, now = self._desk.calendars(asset.calendar), self._desk.now()
        start, end = resolve(self._range, lambda: calendar)
        if self._range.start is None:
            since = stored_since(self._desk.store, self._series)
            if since is None:
                raise InputError(
                    f"nothing is stored of {self._series} yet; say since when, for instance "
                    "--start 2020-01-02",
                    field="start",
                )
            start = min(since, end)
        return to_wanted(self._series, start, end, asset=asset, calendar=calendar, now=now)

    def _quarantine(self) -> Quarantine | None:
        if self._desk.quarantine is None:
            return None
        name = f"{encode_name(self._series.symbol)}-{self._series.timeframe}"
        digest = hashlib.sha256(f"{self._series} {self._desk.now().isoformat()}".encode())
        return Quarantine(self._desk.quarantine, name, digest.hexdigest())

    def _fail(self, message: str) -> None:
        self._status, self._message = DownloadStatus.FAILED, message

    def _hear(self, wait: Wait | None) -> None:
        self._wait = wait
        self._tell()

    def _tell(self) -> None:
        settled = 1.0 if self._stage is Stage.DONE else 0.0
        if self._pursuit is not None and self._before and self._stage is not Stage.DONE:
            settled = 1 - self._pursuit.todo.length / self._before
        self._desk.watch.tell(
            SymbolProgress(
                symbol=self._series.symbol,
                stage=self._stage,
                provider=self._provider,
                rows=self._tally.written,
                share=settled,
                elapsed_s=(self._ended or time.monotonic()) - self._begun if self._begun else 0.0,
                wait=self._wait,
                note=str(self.report().status) if self._stage is Stage.DONE else "",
            )
        )


def _failures(spans: Spans, reason: str) -> list[Failure]:
    return [Failure(start, end, reason) for start, end in spans.pairs()]
