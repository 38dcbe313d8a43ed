"""What a client asked for, and what it gets when the same was asked before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from simutrador_core.errors import InputError
from simutrador_service.errors import JobConflictError
from simutrador_service.jobs.kinds import AnyKind, OnConflict
from simutrador_service.jobs.table import Job, JobState

MAX_KEY: Final = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for a job; `Jobs.submit` says what its fields mean.

    Raises:
        InputError: a key is empty, too long, or holds what cannot be printed.
    """

    params: Any
    key: str | None
    request_key: str | None
    owner: str | None

    def __post_init__(self) -> None:
        """Check the keys."""
        for field, text in (("key", self.key), ("Idempotency-Key", self.request_key)):
            if text is None:
                continue
            if not 0 < len(text) <= MAX_KEY:
                raise InputError(
                    f"{field} has 1 to {MAX_KEY} characters, not {len(text)}", field=field
                )
            if not text.isprintable():
                raise InputError(
                    f"{field} has a character that cannot be printed; leave it out", field=field
                )

    def scoped_key(self, kind: AnyKind) -> str | None:
        """The key as the table keeps it unique: within the kind."""
        return scoped(kind.name, self.key)

    @property
    def scoped_request(self) -> str | None:
        """The request key as the table keeps it unique: within the owner."""
        return scoped(self.owner or "", self.request_key)

    def row(self, kind: AnyKind, *, now: datetime) -> Job:
        """Return a new row for it."""
        return Job(
            id=uuid4().hex,
            kind=kind.name,
            version=kind.version,
            queue=kind.queue,
            owner=self.owner,
            key=self.key,
            active_key=self.scoped_key(kind),
            request_key=self.scoped_request,
            params=self.params,
            state=JobState.PENDING,
            due_at=now,
            created_at=now,
        )

    def same_request(self, earlier: Job, kind: AnyKind) -> Job:
        """Return the job that an earlier request with the same key made.

        Raises:
            JobConflictError: that request was another one.
        """
        if (earlier.kind, earlier.params, earlier.key) != (kind.name, self.params, self.key):
            raise JobConflictError(
                f"this Idempotency-Key made job {earlier.id} from other parameters; use a new one",
                job_id=earlier.id,
            )
        return earlier


def same_key(holder: Job, kind: AnyKind) -> Job:
    """Return the active job that has the key, if its kind lets others join.

    Raises:
        JobConflictError: the kind refuses.
    """
    if kind.on_conflict is OnConflict.JOIN:
        return holder
    raise JobConflictError(
        f"job {holder.id} ({kind.name} {holder.key}) is {holder.state}; wait for it or cancel it",
        job_id=holder.id,
    )


def scoped(scope: str, key: str | None) -> str | None:
    """Return a key within a scope; neither holds the line break that stands between them."""
    return None if key is None else f"{scope}\n{key}"
