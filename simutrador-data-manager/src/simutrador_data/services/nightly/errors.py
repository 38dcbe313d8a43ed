"""What a nightly update can be refused for, each with its HTTP status.

UnknownRunError       404  no such run
RunConflictError      409  another run has a symbol (`job_id`), or the run's own state forbids it
NothingUpdatedError        not one symbol of a run was updated
"""

from __future__ import annotations

from typing import ClassVar

from simutrador_core.errors import SimutradorError
from simutrador_service.errors import JobConflictError, ServiceError


class UnknownRunError(ServiceError):
    """There is no such run."""

    code: ClassVar[str] = "unknown_nightly_update"
    status: ClassVar[int] = 404

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"nightly update {run_id[:64]!r} not found; GET /nightly-update/history lists them"
        )
        self.run_id = run_id


class RunConflictError(JobConflictError):
    """Another run stands in the way, `job_id`; or the run's own state does."""

    code: ClassVar[str] = "nightly_update_conflict"


class NothingUpdatedError(SimutradorError):
    """Not one symbol was updated; the run counts as failed and is not tried again by itself."""

    code: ClassVar[str] = "nothing_updated"
    retryable: ClassVar[bool] = False


__all__ = ["NothingUpdatedError", "RunConflictError", "UnknownRunError"]
