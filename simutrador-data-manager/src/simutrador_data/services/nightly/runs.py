"""`NightlyRuns`: start runs, look at them, cancel them and do their rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session, defer

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import InputError
from simutrador_core.sessions.calendar import Calendar
from simutrador_core.sessions.exchange import get_calendar
from simutrador_data.core.nightly_settings import NightlyUpdateSection
from simutrador_data.models.nightly_update_api import NightlyUpdateRequest, RunStatus
from simutrador_data.services.nightly.dates import check_dates
from simutrador_data.services.nightly.errors import RunConflictError, UnknownRunError
from simutrador_data.services.nightly.progress import QUEUED
from simutrador_data.services.nightly.run import KIND, NightlyRun
from simutrador_data.services.nightly.table import SymbolRow
from simutrador_data.services.nightly.views import run_of, status_of, unfinished
from simutrador_service.jobs import Job, Jobs, JobState
from simutrador_service.jobs.asked import Asked
from simutrador_service.jobs.rules import time_left
from simutrador_service.jobs.table import ACTIVE

_LOCK: Final = 0x4E494748  # any number that nobody else locks: "NIGH"


class NightlyRuns:
    """The nightly updates of one service; each is a job, and a row for each of its symbols."""

    def __init__(self, jobs: Jobs) -> None:
        """Keep the jobs, which serve the kind `nightly_update`."""
        self._jobs = jobs
        self._database: Final = jobs.database

    def start(
        self, run: NightlyRun, *, owner: str | None = None, request_key: str | None = None
    ) -> Job:
        """Ask for a run; when this returns, it survives every crash.

        Args:
            run: What to do.
            owner: Who asks.
            request_key: Repeated by the same owner it returns the same run.

        Raises:
            RunConflictError: a run that has not ended has one of the symbols.
            JobConflictError: the request key was used for other parameters.
        """
        kind = self._jobs.kinds[KIND]
        asked = Asked(kind.to_json(run), None, request_key, owner)
        with self._database.write() as session:
            _take_turn(session)
            if earlier := _asked_before(session, asked.scoped_request):
                return asked.same_request(earlier, kind)
            if busy := busy_symbols(session, run.symbols):
                raise _conflict(busy)
            job = asked.row(kind, now=self._jobs.clock())
            session.add(job)
            session.add_all(new_rows(job.id, run.symbols))
        self._jobs.ring(job.id)
        return self._jobs.get(job.id)

    def retry(self, run_id: str, *, owner: str | None = None) -> Job:
        """Ask for a new run that does the rest of one that failed, in part or as a whole.

        Raises:
            UnknownRunError: there is none.
            RunConflictError: it has not ended, has nothing left to do, or a symbol is taken.
        """
        job, rows = self.get(run_id)
        status = status_of(job)
        if not status.is_final:
            raise RunConflictError(
                f"nightly update {job.id} is {status}; wait for it or cancel it", job_id=job.id
            )
        left = unfinished(job, rows)
        if not left:
            raise RunConflictError(
                f"nightly update {job.id} is completed; there is nothing left to retry",
                job_id=job.id,
            )
        changed = {"symbols": left, "retry_of": job.id, "scheduled": False}
        return self.start(run_of(job).model_copy(update=changed), owner=owner)

    def cancel(self, run_id: str) -> Job:
        """End a run that waits, ask one that runs to stop, leave an ended one as it is.

        Raises:
            UnknownRunError: there is none.
        """
        self.get(run_id)
        return self._jobs.cancel(plain_id(run_id))

    def get(self, run_id: str) -> tuple[Job, Sequence[SymbolRow]]:
        """Return a run and its symbols in their order, as of one moment.

        Raises:
            UnknownRunError: there is none.
        """
        with self._database.read() as session:
            job = session.get(Job, plain_id(run_id))
            if job is None or job.kind != KIND:
                raise UnknownRunError(run_id)
            rows = session.scalars(_rows_of([job.id])).all()
        return job, rows or new_rows(job.id, run_of(job).symbols)

    def active(self) -> Sequence[Job]:
        """Return the runs that have not ended, newest first."""
        return self._jobs.list_jobs(states=ACTIVE, kind=KIND, limit=1000)

    def history(
        self,
        *,
        states: Iterable[JobState] = (),
        after: tuple[datetime, str] | None = None,
        limit: int = 50,
    ) -> list[tuple[Job, Sequence[SymbolRow]]]:
        """Return runs, newest first, with their symbols but not their results.

        Args:
            states: Only these.
            after: Creation and id of the last one of the page before.
            limit: At most so many.
        """
        found = self._jobs.list_jobs(states=states, kind=KIND, after=after, limit=limit)
        rows: dict[str, list[SymbolRow]] = {}
        wanted = _rows_of([job.id for job in found]).options(
            defer(SymbolRow.result, raiseload=True)
        )
        with self._database.read() as session:
            for row in session.scalars(wanted):
                rows.setdefault(row.job_id, []).append(row)
        return [(job, rows.get(job.id, [])) for job in found]

    def left(self, job: Job) -> timedelta | None:
        """Return the time a run still takes at the pace so far; None when that cannot be told."""
        if job.state != JobState.RUNNING:
            return None
        now = self.now()
        return time_left(job.done, job.total, since=job.pace_at, done_then=job.pace_done, now=now)

    def now(self) -> datetime:
        """Return the present instant, aware UTC."""
        return self._jobs.clock()


def to_run(
    asked: NightlyUpdateRequest,
    section: NightlyUpdateSection,
    *,
    registry: AssetRegistry,
    now: datetime,
    calendars: Callable[[str], Calendar] = get_calendar,
) -> NightlyRun:
    """Return what a request means: symbols in our spelling, each once, and bounds from settings.

    Args:
        asked: The request.
        section: The symbols that are updated unless others are named, and how many at once.
        registry: Spelling and calendar of each symbol.
        now: Aware.
        calendars: Gives a calendar by its name.

    Raises:
        InputError: a symbol is none, no symbol is named or set, or a date is reversed or to come.
    """
    named = section.symbols if asked.symbols is None else asked.symbols
    symbols = tuple(dict.fromkeys(registry.canonical(symbol) for symbol in named))
    if not symbols:
        raise InputError(
            "no symbols are set (NIGHTLY_UPDATE__LARGE_CAP_SYMBOLS and MID_CAP_SYMBOLS are empty); "
            "name at least one",
            field="symbols",
        )
    run = NightlyRun(
        symbols=symbols,
        force_validation=asked.force_validation,
        max_concurrent=asked.max_concurrent or section.max_concurrent_symbols,
        enable_resampling=asked.enable_resampling,
        start_date=asked.start_date,
        end_date=asked.end_date,
    )
    for name in {registry.get(symbol).calendar for symbol in symbols}:
        check_dates(run.dates, calendar=calendars(name), now=now)
    return run


def busy_symbols(
    session: Session, symbols: Iterable[str], *, before: Job | None = None
) -> Mapping[str, str]:
    """Return the symbols that other runs are about, each with the id of its run.

    Args:
        session: Sees the runs that have not ended.
        symbols: Those in question.
        before: Of two runs that met, the one asked for first has the symbols: only runs asked for
            before this one count. None counts every run.
    """
    wanted = set(symbols)
    found: dict[str, str] = {}
    active = select(Job).where(Job.kind == KIND, Job.state.in_(list(ACTIVE)))
    for other in session.scalars(active):
        if before is not None and _order(other) >= _order(before):
            continue
        found |= dict.fromkeys(wanted.intersection(other.params["symbols"]), other.id)
    return found


def new_rows(job_id: str, symbols: Iterable[str]) -> list[SymbolRow]:
    """Return the rows of symbols that nothing was done for yet."""
    return [
        SymbolRow(
            job_id=job_id,
            symbol=symbol,
            position=at,
            status="pending",
            step=QUEUED,
            percent=0.0,
            attempts=0,
            candles=0,
        )
        for at, symbol in enumerate(dict.fromkeys(symbols))
    ]


def plain_id(run_id: str) -> str:
    """Return the id of a job from that of a run, which may have the dashes of a UUID."""
    return run_id.replace("-", "").lower()


def started_text(run: NightlyRun) -> str:
    """Return the documented message of a run that was asked for."""
    symbols = run.symbols
    if len(symbols) == 1:
        return f"Nightly update started for symbol {symbols[0]}"
    more = ", ..." if len(symbols) > _NAMED else ""
    return f"Nightly update started for {len(symbols)} symbols: {', '.join(symbols[:_NAMED])}{more}"


_NAMED: Final = 3


def _rows_of(job_ids: Sequence[str]) -> Any:
    wanted = select(SymbolRow).where(SymbolRow.job_id.in_(job_ids))
    return wanted.order_by(SymbolRow.job_id, SymbolRow.position)


def _order(job: Job) -> tuple[datetime, str]:
    return job.created_at, job.id


def _asked_before(session: Session, request_key: str | None) -> Job | None:
    if request_key is None:
        return None
    return session.scalars(select(Job).where(Job.request_key == request_key)).first()


def _conflict(busy: Mapping[str, str]) -> RunConflictError:
    symbol, run_id = next(iter(sorted(busy.items())))
    others = f" and {len(busy) - 1} more" if len(busy) > 1 else ""
    return RunConflictError(
        f"nightly update {run_id} is at work on {symbol}{others}; wait for it, cancel it, or leave "
        "these symbols out",
        job_id=run_id,
    )


def _take_turn(session: Session) -> None:
    """Wait for others that start a run; SQLite's write lock does the same by itself."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


__all__ = ["NightlyRuns", "RunStatus", "busy_symbols", "new_rows", "started_text", "to_run"]
