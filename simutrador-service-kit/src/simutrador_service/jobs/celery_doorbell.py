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
from typing import TYPE_CHECKING, Any, Final

import structlog

from simutrador_core.errors import MissingExtraError
from simutrador_service.jobs.worker import Worker

if TYPE_CHECKING:
    from simutrador_service.jobs.service import Doorbell

TASK: Final = "simutrador.jobs.run"
_BROKER_WAIT_S: Final = 1.0
_MOST_WAITING: Final = 1000

_log = structlog.get_logger(__name__)


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
        broker_transport_options={"socket_connect_timeout": _BROKER_WAIT_S},
    )
    if make_worker is None:
        return app
    worker = make_worker()
    app.task(name=TASK)(worker.run_one)

    def begin(**_: object) -> None:
        worker.start()

    def end(**_: object) -> None:
        worker.stop()

    celery.signals.worker_ready.connect(begin, weak=False)
    celery.signals.worker_shutdown.connect(end, weak=False)
    return app


def celery_doorbell(app: Any) -> Doorbell:
    """Return a doorbell that sends from a thread of its own: a broker that is gone delays nobody.

    When more than a thousand messages wait for such a broker, further ones are dropped.
    """
    waiting: Queue[str] = Queue(maxsize=_MOST_WAITING)

    def send() -> None:
        while True:
            job_id = waiting.get()
            try:
                app.send_task(TASK, args=[job_id], retry=False, ignore_result=True)
            except Exception as e:  # noqa: BLE001  (pollers find the job; the next may get through)
                _log.warning("doorbell_failed", job_id=job_id, reason=type(e).__name__)

    def ring(job_id: str) -> None:
        with suppress(Full):
            waiting.put_nowait(job_id)

    Thread(target=send, name="job-doorbell", daemon=True).start()
    return ring
