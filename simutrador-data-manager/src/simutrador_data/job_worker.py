"""A process that does jobs: `celery -A simutrador_data.job_worker worker --pool threads`.

It reads the settings of the service: `JOBS__BROKER_URL` says where Celery's messages are, the store
and the database are those of the service. While the broker is gone it finds due jobs by itself.
"""

from __future__ import annotations

import atexit
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from simutrador_data.core.settings import Settings, get_settings
from simutrador_data.services.jobs.opening import opened_jobs
from simutrador_service.errors import SettingsError
from simutrador_service.jobs import Jobs, Worker
from simutrador_service.logging import configure_logging

if TYPE_CHECKING:
    app: Any


def make_app(settings: Settings, opened: ExitStack) -> Any:
    """Return the Celery application of workers.

    Args:
        settings: Those of the service.
        opened: Closes the database when the process ends.

    Raises:
        SettingsError: no broker is named, or the database cannot be used.
        MissingExtraError: Celery is not installed.
    """
    from simutrador_service.jobs.celery_doorbell import celery_app  # an extra

    if settings.jobs.broker_url is None:
        raise SettingsError(
            "JOBS__BROKER_URL is not set, so there is no broker to listen to; set it to a Redis "
            "server (redis://127.0.0.1:6379/0), here and for the service",
            field="broker_url",
        )
    jobs = opened.enter_context(opened_jobs(settings))
    return celery_app(settings.jobs.broker_url.get_secret_value(), lambda: _worker(jobs, settings))


def _worker(jobs: Jobs, settings: Settings) -> Worker:
    wanted = settings.jobs
    return Worker(
        jobs,
        threads=max(1, wanted.threads),
        lease=timedelta(seconds=wanted.lease_s),
        keep=timedelta(days=wanted.keep_days),
    )


def __getattr__(name: str) -> Any:
    """Build `app` when Celery asks for it, so that importing this module is cheap."""
    if name == "app":
        settings, opened = get_settings(), ExitStack()
        configure_logging(settings.log_level, settings.logging.format)
        atexit.register(opened.close)
        globals()["app"] = made = make_app(settings, opened)
        return made
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
