"""Rules of jobs as functions of values: when to try again, what failed, how long it will take."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from simutrador_core.errors import InputError, SimutradorError
from simutrador_service.database.json_values import to_text
from simutrador_service.jobs.kinds import Retry
from simutrador_service.logging import mask_text

MAX_ERROR: Final = 2000


def wait_before(attempt: int, retry: Retry, *, chance: float) -> timedelta:
    """Return how long to wait before the run after `attempt` (1 is the first).

    Args:
        attempt: The run that just failed.
        retry: Its policy.
        chance: Uniform in [0, 1); the same bound for all would make them fail together again.
    """
    bound = min(retry.cap_s, retry.base_s * 2.0 ** min(attempt - 1, 30))
    return timedelta(seconds=bound * chance)


def is_retryable(error: BaseException) -> bool:
    """Return whether the same run may succeed later; wrong input never does."""
    said = getattr(error, "retryable", None)
    return said if isinstance(said, bool) else not isinstance(error, InputError)


def error_code(error: BaseException) -> str:
    """Return the stable word for a failure."""
    return error.code if isinstance(error, SimutradorError) else "unexpected_error"


def error_text(error: BaseException) -> str:
    """Return what a client may read: our own errors in full, of others the type only.

    A foreign error may quote a URL, a key or a row; the log has it under the job's id. What looks
    like a secret in one of ours is masked.
    """
    if isinstance(error, SimutradorError):
        return to_text(mask_text(str(error)), most=MAX_ERROR)
    return f"{type(error).__name__}; the worker's log has the details under this job's id"


def time_left(
    done: int, total: int | None, *, since: datetime | None, done_then: int, now: datetime
) -> timedelta | None:
    """Return how long the rest takes at the pace so far; None when that cannot be told.

    Args:
        done: Units finished.
        total: Of so many, if known.
        since: Begin of the time over which the pace is taken.
        done_then: Units finished at `since`: those of an earlier run say nothing about this one.
        now: End of that time.
    """
    if not total or since is None or done <= done_then or now <= since:
        return None
    return (now - since) / (done - done_then) * max(total - done, 0)
