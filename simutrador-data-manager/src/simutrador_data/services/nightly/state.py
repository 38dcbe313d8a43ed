"""`RunState`: the rows of a run's symbols while it runs, written under the fence of its job."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from simutrador_data.models.nightly_update_api import SymbolProgress, SymbolStatus
from simutrador_data.services.nightly.progress import QUEUED, UNITS, units_done
from simutrador_data.services.nightly.run import NightlyRun
from simutrador_data.services.nightly.runs import busy_symbols, new_rows
from simutrador_data.services.nightly.table import MAX_ERROR, MAX_STEP, SymbolRow
from simutrador_service.database.json_values import to_text
from simutrador_service.jobs import Job, JobContext

_AGAIN: Final = frozenset({SymbolStatus.FAILED, SymbolStatus.PARTIAL})


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a symbol stands when a run takes it up.

    Attributes:
        symbol: Canonical symbol.
        status: `completed` where an earlier attempt did it whole.
        percent: How far it was.
        attempts: How often it was tried.
        candles: Bars written by those attempts.
        first, last: The sessions that were chosen for it, where they were.
        started_at: When it was first taken up.
    """

    symbol: str
    status: SymbolStatus
    percent: float = 0.0
    attempts: int = 0
    candles: int = 0
    first: date | None = None
    last: date | None = None
    started_at: datetime | None = None


class RunState:
    """Where each symbol of a run stands; its methods write, so call them in a thread."""

    def __init__(self, ctx: JobContext, run: NightlyRun, now: Callable[[], datetime]) -> None:
        """Belong to one run of the job."""
        self._ctx = ctx
        self._run = run
        self._now = now
        self._told: dict[str, SymbolProgress] = {}

    def open(self) -> tuple[list[Standing], Mapping[str, str]]:
        """Return where the symbols stand, and those that another run is about, with its id.

        Rows are made where there are none. A job that was revived by hand tries failed symbols
        again; one that goes on after a crash does not. Rows of runs that were forgotten go.

        Raises:
            LostLeaseError: another worker has the job.
        """
        with self._ctx.effect({"opened": True}) as session:
            known = select(Job.id)
            session.execute(delete(SymbolRow).where(SymbolRow.job_id.not_in(known)))
            rows = self._rows(session)
            if not rows:
                session.add_all(new_rows(self._ctx.job_id, self._run.symbols))
                session.flush()
                rows = self._rows(session)
            for row in rows:
                self._reset(row)
            session.flush()
            job = session.get_one(Job, self._ctx.job_id)
            busy = busy_symbols(session, self._run.symbols, before=job)
            standings = [_standing(row) for row in rows]
            self._told = {row.symbol: _progress(row) for row in rows}
        self._tell_job("")
        return standings, busy

    def write(self, symbol: str, status: SymbolStatus, step: str, **values: Any) -> None:
        """Write where a symbol stands; its percentage never falls.

        Args:
            symbol: Which one.
            status: What is done about it.
            step: The same in words.
            values: Other columns of its row.

        Raises:
            LostLeaseError: another worker has the job; nothing was written.
        """
        before = self._told[symbol]
        percent = max(before.progress_percentage, values.get("percent", 0.0))
        error = values.get("error", before.error_message)
        text = None if error is None else to_text(error, most=MAX_ERROR)
        said = to_text(step, most=MAX_STEP)
        columns = {**values, "status": status, "step": said, "percent": percent, "error": text}
        with self._ctx.effect({"symbol": symbol}) as session:
            here = (SymbolRow.job_id == self._ctx.job_id, SymbolRow.symbol == symbol)
            session.execute(update(SymbolRow).where(*here).values(**columns))
        self._told[symbol] = before.model_copy(
            update={
                "status": status,
                "progress_percentage": percent,
                "current_step": said,
                "error_message": text,
            }
        )
        self._tell_job(symbol)

    def _tell_job(self, symbol: str) -> None:
        told = list(self._told.values())
        self._ctx.progress(units_done(told), UNITS * len(told), symbol)

    def _rows(self, session: Session) -> Sequence[SymbolRow]:
        wanted = select(SymbolRow).where(SymbolRow.job_id == self._ctx.job_id)
        return session.scalars(wanted.order_by(SymbolRow.position)).all()

    def _reset(self, row: SymbolRow) -> None:
        status = SymbolStatus(row.status)
        again = self._ctx.attempt == 1 and status in _AGAIN
        if again or not status.is_final:
            row.status, row.step = SymbolStatus.PENDING, QUEUED
        if again:
            row.percent, row.attempts, row.error, row.ended_at = 0.0, 0, None, None


def tried_again(standing: Standing, *, candles: int, percent: float) -> Standing:
    """Return where a symbol stands after a try that failed."""
    return replace(
        standing,
        attempts=standing.attempts + 1,
        candles=candles,
        percent=max(standing.percent, percent),
    )


def _standing(row: SymbolRow) -> Standing:
    return Standing(
        row.symbol,
        SymbolStatus(row.status),
        row.percent,
        row.attempts,
        row.candles,
        row.first_session,
        row.last_session,
        row.started_at,
    )


def _progress(row: SymbolRow) -> SymbolProgress:
    return SymbolProgress(
        symbol=row.symbol,
        status=SymbolStatus(row.status),
        progress_percentage=row.percent,
        current_step=row.step,
        error_message=row.error,
    )
