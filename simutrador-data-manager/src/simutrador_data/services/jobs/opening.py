"""Opens the jobs of the service, for a command or for a process of workers."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from simutrador_data.core.settings import Settings
from simutrador_data.services.jobs.kinds import job_kinds
from simutrador_data.services.jobs.work import opened_work
from simutrador_data.services.service_database import opened_database
from simutrador_service.jobs import Jobs


@contextmanager
def opened_jobs(settings: Settings) -> Generator[Jobs]:
    """Yield the jobs in the database of the service; each run opens the store for itself.

    Raises:
        SettingsError: the database cannot be used, or its folder cannot be made.
    """
    with opened_database(settings) as database:
        yield Jobs(database, job_kinds(lambda: opened_work(settings)))
