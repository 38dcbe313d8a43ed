"""Changes of jobs, told to many watchers by one poller of the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import suppress
from typing import Final

from sqlalchemy import select

from simutrador_service.jobs.service import Jobs
from simutrador_service.jobs.table import Job
from simutrador_service.logging.loggers import get_logger

_LONGEST_WAIT_S: Final = 5.0

_log = get_logger(__name__)


class JobFeed:
    """Watches the jobs somebody looks at; belongs to one event loop at a time.

    However many watch, the table is asked once a turn, in a thread; while nobody does, not at all,
    and while the database is away ever more seldom, every 5 s at last.
    """

    def __init__(self, jobs: Jobs, *, every_s: float = 0.5) -> None:
        """Watch these jobs, looking every `every_s` seconds."""
        self._jobs = jobs
        self._every_s = every_s
        self._watchers: dict[str, set[_Watcher]] = {}
        self._called = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_blind = False

    async def watch(
        self,
        job_id: str,
        *,
        seen: int | None = None,
        is_over: Callable[[], bool] = lambda: False,
    ) -> AsyncGenerator[Job]:
        """Yield the job now and after every change, up to its end; nothing more once it is gone.

        A slow watcher gets the newest state, not every one between.

        Args:
            job_id: Which one.
            seen: The revision known already; the job is first yielded when it has another.
            is_over: Asked every turn; once it says so, nothing more is yielded.
        """
        watcher = _Watcher(-1 if seen is None else seen, is_over)
        self._add(job_id, watcher)
        try:
            while (job := await watcher.next()) is not None:
                yield job
                if job.ended_at is not None:
                    return
        finally:
            self._remove(job_id, watcher)

    def _add(self, job_id: str, watcher: _Watcher) -> None:
        self._watchers.setdefault(job_id, set()).add(watcher)
        if self._task is None or self._task.done():
            self._called = asyncio.Event()
            self._task = asyncio.create_task(self._poll(), name="job-feed")
        self._called.set()

    def _remove(self, job_id: str, watcher: _Watcher) -> None:
        self._watchers[job_id].discard(watcher)
        if not self._watchers[job_id]:
            del self._watchers[job_id]
        self._called.set()

    async def _poll(self) -> None:
        wait_s = self._every_s
        while self._watchers:
            self._called.clear()
            self._dismiss()
            if await self._look():
                wait_s = self._every_s
            else:
                wait_s = min(2 * wait_s, max(self._every_s, _LONGEST_WAIT_S))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._called.wait(), wait_s)

    async def _look(self) -> bool:
        """Tell the news; return False while the database is away, which is logged once."""
        known = {job_id: min(w.seen for w in some) for job_id, some in self._watchers.items()}
        try:
            self._tell(known, await asyncio.to_thread(self._read, known))
        except Exception as e:  # noqa: BLE001  (watchers wait)
            if not self._is_blind:
                _log.error("job_feed_blind", exc_info=e)
            self._is_blind = True
            return False
        if self._is_blind:
            _log.info("job_feed_sees_again")
        self._is_blind = False
        return True

    def _read(self, known: Mapping[str, int]) -> Mapping[str, Job | None]:
        """Return the jobs that changed, and None for each that is gone."""
        with self._jobs.database.read() as session:
            wanted = select(Job.id, Job.revision).where(Job.id.in_(known))
            found: dict[str, int] = {row.id: row.revision for row in session.execute(wanted)}
            changed = [job_id for job_id, revision in found.items() if revision != known[job_id]]
            rows = session.scalars(select(Job).where(Job.id.in_(changed))) if changed else ()
            gone: dict[str, Job | None] = {job_id: None for job_id in known if job_id not in found}
            return gone | {row.id: row for row in rows}

    def _dismiss(self) -> None:
        for watcher in [one for some in self._watchers.values() for one in some]:
            if watcher.is_over():
                watcher.offer(None)

    def _tell(self, known: Mapping[str, int], news: Mapping[str, Job | None]) -> None:
        for job_id, job in news.items():
            for watcher in self._watchers.get(job_id, ()):
                watcher.offer(job)


class _Watcher:
    """What one watcher has seen, and what it has still to see."""

    def __init__(self, seen: int, is_over: Callable[[], bool]) -> None:
        self.seen: int = seen
        self.is_over: Final = is_over
        self._job: Job | None = None
        self._news: Final = asyncio.Event()

    def offer(self, job: Job | None) -> None:
        if job is None or job.revision != self.seen:
            self._job = job
            self.seen = self.seen if job is None else job.revision
            self._news.set()

    async def next(self) -> Job | None:
        await self._news.wait()
        self._news.clear()
        return self._job
