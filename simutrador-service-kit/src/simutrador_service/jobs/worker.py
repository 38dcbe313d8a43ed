"""Workers in this process: threads that claim due jobs, and one that keeps their leases alive."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from threading import Condition, Thread
from typing import Final
from uuid import uuid4

from simutrador_service.jobs.claims import Claim, Claims
from simutrador_service.jobs.context import Interruption
from simutrador_service.jobs.running import Run
from simutrador_service.jobs.service import Jobs
from simutrador_service.logging.loggers import get_logger

_log = get_logger(__name__)
_NONE: Final = timedelta(0)
_PURGE_EVERY_S: Final = 3600.0


class Worker:
    """Runs jobs until it is stopped; any number of workers may share one table."""

    def __init__(
        self,
        jobs: Jobs,
        *,
        threads: int = 1,
        queues: Iterable[str] = ("default",),
        lease: timedelta = timedelta(seconds=30),
        poll: timedelta = timedelta(seconds=1),
        grace: timedelta = timedelta(seconds=10),
        keep: timedelta = timedelta(days=30),
        keep_dead: timedelta = timedelta(days=180),
    ) -> None:
        """Prepare to work.

        Args:
            jobs: The table and the kinds.
            threads: Jobs run at once.
            queues: Only jobs of these queues.
            lease: A worker silent for this long loses its jobs to others.
            poll: How often to look for due jobs without being called.
            grace: How long an interrupted coroutine may go on before it is cancelled.
            keep: How long ended jobs stay in the table.
            keep_dead: How long dead ones do.
        """
        self.name: Final = f"{socket.gethostname()[:50]}:{os.getpid()}:{uuid4().hex[:8]}"
        self._jobs = jobs
        self._claims = Claims(jobs.database, jobs.kinds.values(), lease=lease)
        self._queues = tuple(queues)
        self._poll_s = poll.total_seconds()
        self._renew_s = lease.total_seconds() / 4
        self._beat_s = min(self._renew_s, self._poll_s)
        self._grace_s = grace.total_seconds()
        self._keep = (keep, keep_dead)
        self._bell = Condition()
        self._deaf: Callable[[], None] = lambda: None
        self._stopping = False
        self._rung = 0
        self._running: dict[int, Run] = {}
        self._next_purge = 0.0
        self._threads = [
            Thread(target=self._work, name=f"job-{number}", daemon=True)
            for number in range(threads)
        ]
        self._heart = Thread(target=self._beat, name="job-heart", daemon=True)

    def start(self) -> None:
        """Begin to claim and run jobs."""
        self._deaf = self._jobs.on_due(self.ring)
        for thread in (*self._threads, self._heart):
            thread.start()

    def ring(self, _job_id: str = "") -> None:
        """Look for due jobs now."""
        with self._bell:
            self._rung += 1
            self._bell.notify_all()

    def stop(self, *, timeout_s: float = 30.0) -> None:
        """Claim no more, let runs end, and after half the time ask them to; then return."""
        self._deaf()
        with self._bell:
            self._stopping = True
            self._bell.notify_all()
        until = time.monotonic() + timeout_s
        self._join(time.monotonic() + timeout_s / 2)
        for run in list(self._running.values()):
            run.interrupt(Interruption.SHUTDOWN)
            run.abandon()
        self._join(until)
        if self._heart.ident is not None:
            self._heart.join(timeout=1.0)

    def run_one(self, job_id: str) -> bool:
        """Run this job in the calling thread if it is due; return whether it was."""
        return self._run_next(job_id)

    def run_until_idle(self) -> int:
        """Run due jobs in the calling thread until there are none; return how many runs it took."""
        runs = 0
        while self._run_next(None):
            runs += 1
        return runs

    def beat(self) -> None:
        """Renew leases and pass on requests to stop, once."""
        for run in list(self._running.values()):
            self._watch(run)
        if time.monotonic() >= self._next_purge and not self._purge():
            self._next_purge = time.monotonic() + _PURGE_EVERY_S

    def _purge(self) -> int:
        """Forget some of the jobs that ended long ago; the next beat goes on."""
        return self._jobs.purge(keep=self._keep[0], keep_dead=self._keep[1])

    def _join(self, until: float) -> None:
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout=max(0.0, until - time.monotonic()))

    def _work(self) -> None:
        while not self._stopping:
            seen = self._rung
            try:
                idle = not self._run_next(None)
            except Exception:  # noqa: BLE001  (the outermost loop must survive)
                _log.exception("worker_trouble", worker=self.name)
                idle = True
            if idle:
                with self._bell:
                    if self._rung == seen and not self._stopping:
                        self._bell.wait(self._poll_s)

    def _run_next(self, job_id: str | None) -> bool:
        claim = self._claims.claim(
            self.name, queues=self._queues, now=self._jobs.clock(), job_id=job_id
        )
        if claim is None:
            return False
        self._run(claim)
        return True

    def _run(self, claim: Claim) -> None:
        run = Run(claim, self._claims, self._jobs.clock)
        self._running[id(run)] = run
        try:
            run.execute()
        finally:
            del self._running[id(run)]

    def _beat(self) -> None:
        while not self._stopping or self._running:
            try:
                self.beat()
            except Exception:  # noqa: BLE001  (the outermost loop must survive)
                _log.exception("worker_trouble", worker=self.name)
            with self._bell:
                self._bell.wait_for(lambda: self._stopping and not self._running, self._beat_s)

    def _watch(self, run: Run) -> None:
        verdict = self._claims.verdict(run.claim)
        if not verdict.held:
            run.interrupt(Interruption.LOST)
        elif run.left <= _NONE:
            run.interrupt(Interruption.TIME_LIMIT)
        elif verdict.cancel_requested:
            run.interrupt(Interruption.CANCEL)
        if verdict.held and time.monotonic() - run.renewed_at >= self._renew_s:
            self._claims.renew(run.claim, left=run.left, now=self._jobs.clock())
            run.renewed_at = time.monotonic()
        if run.interrupted_at is not None and (
            run.left <= _NONE or time.monotonic() - run.interrupted_at >= self._grace_s
        ):
            run.abandon()
