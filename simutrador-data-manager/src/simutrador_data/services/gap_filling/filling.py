"""One symbol: find its gaps, ask each provider for what it never answered, learn the reasons."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from simutrador_core.errors import CorruptDataError, SimutradorError, StoreError
from simutrador_core.interfaces.data_provider import DataProvider
from simutrador_core.models.bars import SeriesKey, from_us
from simutrador_data.services.downloading import DownloadStatus, SymbolReport
from simutrador_data.services.downloading.asking import in_thread
from simutrador_data.services.downloading.desk import Desk
from simutrador_data.services.downloading.symbol import SymbolDownload
from simutrador_data.services.gap_filling.case import Case
from simutrador_data.services.gap_filling.confirmation import Confirmation
from simutrador_data.services.gap_filling.periods import Periods
from simutrador_data.services.gap_filling.report import SymbolFill
from simutrador_data.services.gap_filling.results import Asked, to_results
from simutrador_data.services.serving.ranges import Range
from simutrador_data.services.validation.spans import Spans

NO_GAPS: Final = "no bar is absent that somebody could have"
ALL_ASKED: Final = "everybody was asked for every gap before; see who has nothing in the ledger"
CANCELLED: Final = "cancelled; the next run goes on where this one stopped"

_log = logging.getLogger(__name__)


class SymbolFilling:
    """The gaps of one series; `run` it once, `report` at any time."""

    def __init__(
        self,
        desk: Desk,
        series: SeriesKey,
        wanted: Range,
        *,
        max_attempts: int,
        trades_from: Sequence[DataProvider],
    ) -> None:
        """Keep what is wanted; nothing happens yet."""
        self._desk = desk
        self._series = series
        self._range = wanted
        self._most = max_attempts
        self._trades_from = tuple(trades_from)
        self._downloads: list[SymbolReport] = []
        self._confirmation: Confirmation | None = None
        self._report = SymbolFill(series, DownloadStatus.CANCELLED, message=CANCELLED)

    async def run(self) -> None:
        """Fill and explain; whatever goes wrong with this symbol alone ends in its report.

        Raises:
            StoreError: the store cannot be read or written.
        """
        try:
            self._report = await self._run()
        except StoreError as e:
            if not isinstance(e, CorruptDataError):
                raise
            self._fail(str(e))
        except SimutradorError as e:
            self._fail(str(e))
        except Exception as e:  # noqa: BLE001 - others' code: the other symbols must go on
            _log.exception("filling the gaps of %s broke", self._series)
            self._fail(f"unforeseen {type(e).__name__}: {e}")

    def report(self) -> SymbolFill:
        """Return what has become of it; cancelled where it was not run to its end."""
        return self._report

    async def _run(self) -> SymbolFill:
        case = await in_thread(lambda: Case.of(self._desk, self._series))
        found = await in_thread(lambda: Periods.of(case.ledger(self._range)))
        self._confirmation = confirmation = Confirmation(case)
        due = await in_thread(lambda: self._due(case, confirmation, found))
        chosen = found.take(due[: self._most])
        left = len(due) - len(chosen)
        before = await in_thread(lambda: case.opens(found))
        for provider in self._desk.providers:
            await self._fetch(case, provider, chosen)
        if self._trades_from:
            absent = await in_thread(lambda: Periods.of(case.ledger(self._range)))
            spans = await in_thread(lambda: confirmation.unasked(absent))
            await confirmation.ask_for_trades(spans.within(chosen.spans), self._trades_from)
        return await in_thread(lambda: self._end(case, found, chosen, left, before))

    def _due(self, case: Case, confirmation: Confirmation, found: Periods) -> np.ndarray:
        """Return the places of the periods that somebody can be asked for, oldest first."""
        asks = [case.asks(found, provider) for provider in self._desk.providers]
        if self._trades_from:
            asks.append(confirmation.unasked(found))
        return np.flatnonzero(found.touched(Spans.joined(asks)))

    async def _fetch(self, case: Case, provider: DataProvider, chosen: Periods) -> None:
        asks = await in_thread(lambda: case.asks(chosen, provider))
        if not len(asks):
            return
        alone = replace(self._desk, providers=(provider,))
        wanted = Range(from_us(int(asks.starts[0])), from_us(int(asks.ends[-1])))
        download = SymbolDownload(alone, self._series, wanted, only=asks)
        await download.run()
        self._downloads.append(download.report())

    def _end(
        self, case: Case, found: Periods, chosen: Periods, left: int, before: np.ndarray
    ) -> SymbolFill:
        """Return what has become of the gaps, once what can be concluded is noted."""
        assert self._confirmation is not None
        absent = Periods.of(case.ledger(self._range))
        self._confirmation.conclude(absent)
        after = case.ledger(self._range)
        still = Periods.of(after)
        came = found.count(case.opens(found)) - found.count(before)
        told = np.isin(found.starts, chosen.starts) | (came > 0)
        results = to_results(
            found.take(told),
            came[told],
            asked=Asked(chosen, tuple(self._downloads), self._confirmation),
            after=after,
            asset=case.asset,
            providers=[provider.name for provider in self._desk.providers],
        )
        failed = any(r.attempted and not r.success and not r.vendor_unavailable for r in results)
        good = any(r.success or r.vendor_unavailable for r in results)
        sources: dict[str, int] = {}
        for one in self._downloads:
            for source in one.sources:
                sources[source.provider] = sources.get(source.provider, 0) + source.added
        return SymbolFill(
            self._series,
            _status(is_whole=not failed and not left, is_some=good or not failed),
            periods=len(found),
            left=left,
            requests=self._requests(),
            confirmed=int(absent.expected.sum() - still.expected.sum()),
            results=results,
            sources=tuple(sources.items()),
            commits=(
                *(commit for one in self._downloads for commit in one.commits),
                *self._confirmation.commits,
            ),
            message=_message(len(found), len(chosen), left),
        )

    def _requests(self) -> int:
        asked = sum(source.requests for one in self._downloads for source in one.sources)
        return asked + (0 if self._confirmation is None else self._confirmation.requests)

    def _fail(self, message: str) -> None:
        self._report = SymbolFill(
            self._series, DownloadStatus.FAILED, requests=self._requests(), message=message
        )


def _status(*, is_whole: bool, is_some: bool) -> DownloadStatus:
    if is_whole:
        return DownloadStatus.COMPLETED
    return DownloadStatus.PARTIAL if is_some else DownloadStatus.FAILED


def _message(found: int, chosen: int, left: int) -> str:
    if not found:
        return NO_GAPS
    if not chosen:
        return ALL_ASKED
    return f"{left:,} periods are left for the next run: max_gap_fill_attempts" if left else ""
