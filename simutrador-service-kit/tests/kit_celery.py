"""The Celery application of the tests: `celery -A kit_celery worker`."""

import os

from kit_jobs import BROKER, make_worker
from simutrador_service.jobs.celery_doorbell import celery_app

app = celery_app(os.environ[BROKER], make_worker)
