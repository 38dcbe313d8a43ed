"""Errors of the service kit, each with the HTTP status it answers with.

ServiceError
├── UnknownJobError          404  no such job, or it belongs to somebody else
├── UnknownScheduleError     404  no such schedule
├── JobConflictError         409  another job has the key, or the state does not allow the request
├── LostLeaseError           409  another worker has the job; whoever still runs it must stop
├── UnauthenticatedError     401  no credential, or one that does not hold
├── ForbiddenError           403  the credential lacks a scope
├── TooManyRequestsError     429  wait `retry_after_s`
├── MigrationError           500  the database could not be brought to this release's schema
└── UnavailableError         503  a server this service needs does not answer
SettingsError (InputError)        a setting is unknown or its value cannot be used
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from simutrador_core.errors import InputError, SimutradorError


class ServiceError(SimutradorError):
    """Root of the kit's errors; `status` is the HTTP status, `headers` go with the answer."""

    code: ClassVar[str] = "service_error"
    status: ClassVar[int] = 500

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers that belong to the answer; none by default."""
        return {}


class UnknownJobError(ServiceError):
    """There is no such job, or it belongs to somebody else."""

    code: ClassVar[str] = "unknown_job"
    status: ClassVar[int] = 404

    def __init__(self, job_id: str) -> None:
        super().__init__(f"there is no job {job_id[:64]!r}; list yours with GET /jobs")
        self.job_id = job_id


class UnknownScheduleError(ServiceError):
    """There is no such schedule."""

    code: ClassVar[str] = "unknown_schedule"
    status: ClassVar[int] = 404

    def __init__(self, name: str, *, known: Iterable[str]) -> None:
        there_are = ", ".join(sorted(known)) or "none"
        super().__init__(f"there is no schedule {name[:100]!r}; there are: {there_are}")
        self.name = name


class JobConflictError(ServiceError):
    """The job that stands in the way is `job_id`."""

    code: ClassVar[str] = "job_conflict"
    status: ClassVar[int] = 409

    def __init__(self, message: str, *, job_id: str) -> None:
        super().__init__(message)
        self.job_id = job_id


class LostLeaseError(ServiceError):
    """Another worker has the job, or it ended: nothing more may be written for this run."""

    code: ClassVar[str] = "lost_lease"
    status: ClassVar[int] = 409

    def __init__(self, job_id: str, fence: int) -> None:
        super().__init__(f"job {job_id} is no longer held under fence {fence}; stop working on it")
        self.job_id = job_id
        self.fence = fence


class UnauthenticatedError(ServiceError):
    """No credential, or one that does not hold; the text never says which part was wrong."""

    code: ClassVar[str] = "unauthenticated"
    status: ClassVar[int] = 401

    @property
    def headers(self) -> Mapping[str, str]:
        """Say how to log in, as HTTP demands."""
        return {"WWW-Authenticate": "Bearer"}


class ForbiddenError(ServiceError):
    """The credential holds but lacks the scope named."""

    code: ClassVar[str] = "forbidden"
    status: ClassVar[int] = 403


class TooManyRequestsError(ServiceError):
    """The caller has used up its share of a window of time.

    Attributes:
        limit: Requests allowed in the window.
        retry_after_s: Whole seconds until the next one is allowed.
    """

    code: ClassVar[str] = "rate_limit_exceeded"
    status: ClassVar[int] = 429

    def __init__(self, *, limit: int, retry_after_s: int) -> None:
        super().__init__(f"the limit of {limit} requests is used up; wait {retry_after_s} s")
        self.limit = limit
        self.retry_after_s = retry_after_s

    @property
    def headers(self) -> Mapping[str, str]:
        """The documented rate-limit headers."""
        return {
            "Retry-After": str(self.retry_after_s),
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(self.retry_after_s),
        }


class MigrationError(ServiceError):
    """The database could not be brought to the schema of this release; it is unchanged."""

    code: ClassVar[str] = "migration_failed"


class UnavailableError(ServiceError):
    """A server that this service needs does not answer; try again later."""

    code: ClassVar[str] = "unavailable"
    status: ClassVar[int] = 503


class SettingsError(InputError):
    """A setting is unknown or its value cannot be used; the text names it."""

    code: ClassVar[str] = "invalid_settings"


__all__ = [
    "ForbiddenError",
    "JobConflictError",
    "LostLeaseError",
    "MigrationError",
    "ServiceError",
    "SettingsError",
    "TooManyRequestsError",
    "UnauthenticatedError",
    "UnavailableError",
    "UnknownJobError",
    "UnknownScheduleError",
]
