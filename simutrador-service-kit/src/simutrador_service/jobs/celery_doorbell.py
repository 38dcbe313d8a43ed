"""Celery as a doorbell: a message only says "job X is due"; all else stays in the table.

A lost, doubled or late message changes nothing: the claim decides who runs a job, and the poller
that every Celery worker starts finds what no message told, also while the broker is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from queue import Full, Queue
from threading import Thread
from typing import Any, Final

from simutrador_core.errors import MissingExtraError
from simutrador_service.jobs.worker import Worker
from simutrador_service.logging.loggers import get_logger

TASK: Final = "simutrador.jobs.run"
_BROKER_WAIT_S: Final = 1.0
_WORKER_WAIT_S: Final = 5.0
"""A worker asks for messages for a second at a time, so silence is known by more than that."""
_MOST_WAITING: Final = 1000

_log = get_logger(__name__)


def celery_app(broker_url: str, make_worker: Callable[[], Worker] | None = None) -> Any:
    """Return the Celery application; start it with `celery -A MODULE worker --pool threads`.

    Args:
        broker_url: For instance `redis://127.0.0.1:6379/0`.
        make_worker: Builds the worker of a Celery process; None in one that only rings.

    Raises:
        MissingExtraError: Celery is not installed.
    """
    try:
        celery: Any = import_module("celery")
    except ModuleNotFoundError as e:
        raise MissingExtraError("celery", extra="celery", package="simutrador-service-kit") from e
    app = celery.Celery("simutrador", broker=broker_url, set_as_current=False)
    app.conf.update(
        task_ignore_result=True,
        task_acks_late=True,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # A worker that ends for a broker which refuses writes would take its poller along.
        broker_channel_error_retry=True,
        broker_transport_options={
            "socket_connect_timeout": _BROKER_WAIT_S,
            "socket_timeout": _BROKER_WAIT_S if make_worker is None else _WORKER_WAIT_S,
        },
    )
    if make_worker is None:
        return app
    worker = make_worker()
    app.task(name=TASK)(worker.run_one)

    def begin(**_: object) -> None:  # before the broker is asked: it may not be there
        worker.start()

    def end(**_: object) -> None:
        worker.stop()

    celery.signals.worker_init.connect(begin, weak=False)
    celery.signals.worker_shutdown.connect(end, weak=False)
    return app


class CeleryDoorbell:
    """Sends from a thread of its own: a broker that is gone delays nobody. Close it when done.

    When more than a thousand messages wait for such a broker, further ones are dropped.
    """

    def __init__(self, app: Any) -> None:
        """Ring through this Celery application."""
        self._app = app
        self._waiting: Queue[str | None] = Queue(maxsize=_MOST_WAITING)
        self._closed = False
        self._thread = Thread(target=self._send, name="job-doorbell", daemon=True)
        self._thread.start()

    def __call__(self, job_id: str) -> None:
        """Tell Celery's workers that a job is due."""
        with suppress(Full):
            self._waiting.put_nowait(job_id)

    def close(self) -> None:
        """Ring no more; what still waits is left to the workers' pollers."""
        self._closed = True
        with suppress(Full):
            self._waiting.put_nowait(None)  # wakes the thread
        self._thread.join(timeout=2 * _BROKER_WAIT_S)

    def _send(self) -> None:
        while (job_id := self._waiting.get()) is not None and not self._closed:
            try:
                self._app.send_task(TASK, args=[job_id], retry=False, ignore_result=True)
            except Exception as e:  # noqa: BLE001  (pollers find the job; the next may get through)
                if not self._closed:
                    _log.warning("doorbell_failed", job_id=job_id, reason=type(e).__name__)


def celery_doorbell(app: Any) -> CeleryDoorbell:
    """Return a doorbell for `jobs.on_due` that rings through this Celery application."""
    return CeleryDoorbell(app)
