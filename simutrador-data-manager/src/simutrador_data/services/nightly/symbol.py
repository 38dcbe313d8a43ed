"""One symbol of a run: choose its sessions, judge, fetch, make longer timeframes, judge again."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simutrador_core.errors import SimutradorError, UnknownSymbolError
from simutrador_core.models.bars import SeriesKey
from simutrador_core.models.enums import Timeframe
from simutrador_data.models.nightly_update_api import (
    SymbolStatus,
    SymbolUpdateResult,
    ValidationSummary,
)
from simutrador_data.services.downloading import DownloadStatus, SymbolReport
from simutrador_data.services.downloading.asking import in_thread
from simutrador_data.services.nightly.dates import Sessions, local_date, sessions_to_update
from simutrador_data.services.nightly.desk import Desk
from simutrador_data.services.nightly.fetching import fetch_symbol
from simutrador_data.services.nightly.judging import Judgement, judge_sessions
from simutrador_data.services.nightly.progress import (
    CHECKING,
    DONE,
    DOWNLOADING,
    RESAMPLING,
    VALIDATING,
    downloading_percent,
)
from simutrador_data.services.nightly.resampling import resample_symbol
from simutrador_data.services.nightly.state import Standing
from simutrador_data.services.serving.reading import calendar_of
from simutrador_data.services.workflows.validate_store import find_info
from simutrador_service.errors import LostLeaseError
from simutrador_service.jobs import JobCancelled
from simutrador_service.jobs.rules import error_text
from simutrador_service.logging.loggers import get_logger

NOTHING_TO_DO = "No updates needed"
FAILURES_NAMED = 3

_log = get_logger(__name__)


@dataclass(slots=True)
class _Account:
    """What becomes of the symbol in this attempt."""

    status: SymbolStatus = SymbolStatus.FAILED
    candles: int = 0
    before: ValidationSummary | None = None
    after: Judgement = field(default_factory=lambda: Judgement(()))
    made: dict[Timeframe, int] = field(default_factory=dict[Timeframe, int])
    failed: dict[Timeframe, str] = field(default_factory=dict[Timeframe, str])
    errors: list[str] = field(default_factory=list[str])
    warnings: list[str] = field(default_factory=list[str])


class SymbolUpdate:
    """The update of one symbol; `run` it once."""

    def __init__(self, desk: Desk, standing: Standing) -> None:
        """Keep where the symbol stands; nothing happens yet."""
        self._desk = desk
        self._standing = standing
        self._symbol = standing.symbol
        self._began = time.monotonic()
        self._account = _Account(candles=standing.candles)
        self._sessions: Sessions | None = None

    async def run(self) -> SymbolUpdateResult:
        """Update the symbol; whatever goes wrong with it alone ends in its result.

        Raises:
            LostLeaseError: another worker has the run.
            JobCancelled: the run is to stop; what was stored stays.
        """
        account = self._account
        try:
            await self._run()
        except (LostLeaseError, JobCancelled):
            raise
        except SimutradorError as e:
            account.errors.append(error_text(e))
        except Exception as e:  # noqa: BLE001  (the other symbols must go on)
            _log.exception("nightly_symbol_failed", symbol=self._symbol)
            account.errors.append(error_text(e))
        if account.errors and account.status is not SymbolStatus.FAILED:
            account.status = SymbolStatus.PARTIAL
        return self._result()

    async def _run(self) -> None:
        began = {"started_at": self._standing.started_at or self._desk.now()}
        await self._tell(
            SymbolStatus.VALIDATING, "Choosing sessions", CHECKING, error=None, **began
        )
        sessions = self._sessions = await in_thread(self._choose)
        if sessions is None:
            self._account.status = SymbolStatus.COMPLETED
            self._account.warnings.append(await in_thread(self._why_nothing))
            return
        chosen = {"first_session": sessions.first, "last_session": sessions.last}
        text = f"Judging what is stored of {sessions.first} to {sessions.last}"
        await self._tell(SymbolStatus.VALIDATING, text, VALIDATING, **chosen)
        if self._desk.validates:
            self._account.before = (await self._judge(sessions)).summary
        await self._fetch(sessions)
        if self._account.status is SymbolStatus.FAILED:
            return
        await self._resample(sessions)
        if self._desk.validates:
            await self._tell(SymbolStatus.VALIDATING, "Judging what is stored now", 95.0)
            self._account.after = await self._judge(sessions)
            self._account.warnings += self._account.after.warnings

    async def _fetch(self, sessions: Sessions) -> None:
        text = f"Downloading {sessions.first} to {sessions.last}"
        await self._tell(SymbolStatus.DOWNLOADING, text, DOWNLOADING)
        earlier = self._account.candles

        async def tell(share: float, rows: int) -> None:
            percent = downloading_percent(share)
            await self._tell(SymbolStatus.DOWNLOADING, text, percent, candles=earlier + rows)

        report = await fetch_symbol(self._desk, self._symbol, sessions, tell)
        self._account.candles = earlier + report.result.written
        self._stop_if_asked()
        self._take(report)

    def _take(self, report: SymbolReport) -> None:
        account = self._account
        if report.status is DownloadStatus.COMPLETED:
            account.status = SymbolStatus.COMPLETED
        else:
            some = report.status is DownloadStatus.PARTIAL or account.candles > 0
            account.status = SymbolStatus.PARTIAL if some else SymbolStatus.FAILED
            account.errors.append(failure_text(report))
        if report.result.rejected:
            account.warnings.append(f"{report.result.rejected} rows were rejected")
        if kept := sum(source.kept for source in report.sources):
            account.warnings.append(f"{kept} bars differ from other sources', which stay")

    async def _resample(self, sessions: Sessions) -> None:
        targets = self._desk.targets
        for at, timeframe in enumerate(targets):
            self._stop_if_asked()
            share = (95.0 - RESAMPLING) * at / len(targets)
            await self._tell(
                SymbolStatus.RESAMPLING,
                f"Making {timeframe} bars",
                RESAMPLING + share,
                candles=self._account.candles,
            )
            await self._make(timeframe, sessions)
        if self._account.failed:
            said = "; ".join(f"{one}: {text}" for one, text in self._account.failed.items())
            self._account.errors.append(f"resampling failed for {said}")

    async def _make(self, timeframe: Timeframe, sessions: Sessions) -> None:
        desk, account = self._desk, self._account
        try:
            made = await in_thread(
                lambda: resample_symbol(
                    desk.store,
                    desk.registry,
                    self._symbol,
                    timeframe,
                    sessions=sessions,
                    now=desk.now(),
                )
            )
        except Exception as e:  # noqa: BLE001  (the other timeframes must go on)
            _log.exception("nightly_timeframe_failed", symbol=self._symbol, timeframe=timeframe)
            account.failed[timeframe] = error_text(e)
            return
        if made is not None and made.error:
            account.failed[timeframe] = made.error
        elif made is not None:
            account.made[timeframe] = made.added + made.replaced

    async def _judge(self, sessions: Sessions) -> Judgement:
        desk = self._desk
        return await in_thread(
            lambda: judge_sessions(
                desk.store,
                desk.registry,
                self._symbol,
                sessions,
                section=desk.section,
                now=desk.now(),
            )
        )

    def _choose(self) -> Sessions | None:
        standing, desk = self._standing, self._desk
        if standing.first is not None and standing.last is not None:
            return Sessions(standing.first, standing.last)
        return sessions_to_update(
            desk.run.dates,
            asset=desk.registry.get(self._symbol),
            calendar=calendar_of(self._symbol, desk.registry),
            stored=self._stored(),
            now=desk.now(),
        )

    def _stored(self) -> datetime | None:
        try:
            return find_info(self._desk.store, SeriesKey(self._symbol, Timeframe.MINUTE_1)).last
        except UnknownSymbolError:
            return None

    def _why_nothing(self) -> str:
        asset = self._desk.registry.get(self._symbol)
        today = local_date(self._desk.now(), calendar_of(self._symbol, self._desk.registry))
        if asset.delisted is not None and asset.delisted <= today:
            return f"{NOTHING_TO_DO}: {self._symbol} has not traded since {asset.delisted}"
        return f"{NOTHING_TO_DO}: no session lies in the range"

    def _stop_if_asked(self) -> None:
        if self._desk.cancel.is_set():
            raise JobCancelled(f"the update of {self._symbol} was stopped")

    async def _tell(self, status: SymbolStatus, step: str, percent: float, **values: Any) -> None:
        values["percent"] = percent
        await in_thread(lambda: self._desk.state.write(self._symbol, status, step, **values))

    def _result(self) -> SymbolUpdateResult:
        account, sessions = self._account, self._sessions
        return SymbolUpdateResult(
            symbol=self._symbol,
            start_date=None if sessions is None else sessions.first,
            end_date=None if sessions is None else sessions.last,
            success=account.status is SymbolStatus.COMPLETED,
            candles_updated=account.candles,
            update_duration_seconds=round(time.monotonic() - self._began, 3),
            validation_results=list(account.after.sessions),
            validation_summary=account.after.summary,
            resampling_results=account.made,
            total_resampled_candles=sum(account.made.values()),
            error_message="; ".join(account.errors) or None,
            warnings=account.warnings,
            status=account.status,
            validation_before=account.before,
            resampling_errors=account.failed,
            attempts=self._standing.attempts + 1,
        )


def failure_text(report: SymbolReport) -> str:
    """Return why a download is not whole, in one line."""
    named = [
        f"{one.start:%Y-%m-%d %H:%M} to {one.end:%Y-%m-%d %H:%M}: {one.reason} ({one.provider})"
        for one in report.failures[:FAILURES_NAMED]
    ]
    more = len(report.failures) - len(named)
    if more:
        named.append(f"and {more} more ranges")
    said = [report.message] if report.message else []
    return "; ".join([*said, *named]) or f"the download ended as {report.status}"


def finished_values(result: SymbolUpdateResult, now: datetime) -> dict[str, Any]:
    """Return the columns of a symbol that nothing more is done for."""
    return {
        "percent": DONE,
        "error": result.error_message,
        "ended_at": now,
        "attempts": result.attempts,
        "candles": result.candles_updated,
        "result": result.model_dump(mode="json"),
    }
