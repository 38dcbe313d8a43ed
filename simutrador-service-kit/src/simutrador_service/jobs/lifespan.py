"""Workers that live as long as a service does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

from simutrador_service.config import JobsSection
from simutrador_service.jobs.service import Jobs
from simutrador_service.jobs.worker import Worker


@asynccontextmanager
async def run_workers(
    jobs: Jobs, section: JobsSection | None = None, *, stop_s: float = 20.0
) -> AsyncGenerator[Worker]:
    """Run jobs while the block is entered; for the lifespan of an application.

    Jobs run in threads of their own, each with an event loop of its own: the service's loop never
    waits for one. At the end running jobs may finish for half of `stop_s`, are then asked to stop,
    and what is left goes back into the table.

    Args:
        jobs: The table and the kinds.
        section: The settings; with 0 threads only old jobs are forgotten here, and other processes
            do the work.
        stop_s: How long the end may take.
    """
    wanted = section or JobsSection()
    worker = Worker(
        jobs,
        threads=wanted.threads,
        lease=timedelta(seconds=wanted.lease_s),
        keep=timedelta(days=wanted.keep_days),
    )
    worker.start()
    try:
        yield worker
    finally:
        await asyncio.to_thread(worker.stop, timeout_s=stop_s)
