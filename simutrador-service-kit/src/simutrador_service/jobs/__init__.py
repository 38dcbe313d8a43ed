"""Long tasks: kept in a table, run by workers that may crash, each effect once.

The routes (`jobs.routes`) and commands (`jobs.commands`) are imported by name: a worker needs none.
"""

from simutrador_service.jobs.context import JobCancelled, JobContext
from simutrador_service.jobs.kinds import JobKind, OnConflict, Partly, Retry, job
from simutrador_service.jobs.lifespan import run_workers
from simutrador_service.jobs.service import Jobs
from simutrador_service.jobs.table import Job, JobState
from simutrador_service.jobs.worker import Worker

__all__ = [
    "job",
    "Job",
    "JobCancelled",
    "JobContext",
    "JobKind",
    "Jobs",
    "JobState",
    "OnConflict",
    "Partly",
    "Retry",
    "Worker",
    "run_workers",
]
