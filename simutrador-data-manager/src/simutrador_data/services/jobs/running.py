"""Who does the jobs of a service: threads of its own, or Celery workers that it rings for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from simutrador_service.config import JobsSection
from simutrador_service.jobs import Jobs, run_workers


@asynccontextmanager
async def running_jobs(jobs: Jobs, section: JobsSection) -> AsyncGenerator[None]:
    """See to it that jobs are done while the block is entered.

    Args:
        jobs: The table and the kinds.
        section: With `broker_url` Celery workers do the work and this process only rings for them;
            else `threads` of this process do.

    Raises:
        MissingExtraError: a broker is named and Celery is not installed.
    """
    if section.broker_url is None:
        async with run_workers(jobs, section):
            yield
        return
    from simutrador_service.jobs.celery_doorbell import celery_app, celery_doorbell  # an extra

    app = celery_app(section.broker_url.get_secret_value())
    doorbell = celery_doorbell(app)
    end = jobs.on_due(doorbell)
    try:
        async with run_workers(jobs, section.model_copy(update={"threads": 0})):
            yield
    finally:
        end()
        await asyncio.to_thread(doorbell.close)
        app.close()
