"""`/nightly-update`: start runs, follow them, cancel them and do their rest."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Query, Request, Response, status

from simutrador_core.errors import InputError
from simutrador_data.api.dependencies import JobsDep, ServicesDep
from simutrador_data.api.parameters import known_parameters
from simutrador_data.models.nightly_update_api import (
    ActiveUpdate,
    NightlyUpdateRequest,
    NightlyUpdateResponse,
    RunStatus,
    StartedUpdate,
    StillRunning,
    UpdateHistory,
    UpdateProgress,
    UpdateStatus,
)
from simutrador_data.services.nightly.runs import NightlyRuns, started_text, to_run
from simutrador_data.services.nightly.views import (
    run_of,
    status_of,
    to_active,
    to_past,
    to_progress_of_symbols,
    to_response,
    to_status,
)
from simutrador_service.auth import Principal, require
from simutrador_service.errors import ForbiddenError
from simutrador_service.jobs import Job, JobState
from simutrador_service.jobs.models import parse_cursor, to_cursor
from simutrador_service.problems import problem_answers

RETRY_AFTER_S: Final = 2
ADMIN: Final = "jobs:admin"

_ENDED: Final = {
    RunStatus.COMPLETED: JobState.COMPLETED,
    RunStatus.PARTIAL: JobState.PARTIAL,
    RunStatus.FAILED: JobState.FAILED,
    RunStatus.CANCELLED: JobState.CANCELLED,
}

Reader = Annotated[Principal, require("jobs:read")]
Writer = Annotated[Principal, require("jobs:write")]


async def _runs(jobs: JobsDep) -> NightlyRuns:
    return NightlyRuns(jobs)


RunsDep = Annotated[NightlyRuns, Depends(_runs)]

router = APIRouter(
    prefix="/nightly-update",
    tags=["Nightly update"],
    responses=problem_answers(404, 409, 422, 503),
    dependencies=[Depends(known_parameters)],
)


@router.post("/start")
def start(
    asked: NightlyUpdateRequest,
    caller: Writer,
    runs: RunsDep,
    services: ServicesDep,
    request: Request,
    response: Response,
    idempotency_key: Annotated[str | None, Header()] = None,
) -> StartedUpdate:
    """Start an update of some symbols, or of those of the settings.

    One run has a symbol at a time: 409 names the run in `job_id`. Dates are sessions of each
    symbol's exchange; reversed ones and those to come are refused.
    """
    section = services.settings.nightly_update
    run = to_run(asked, section, registry=services.registry, now=runs.now())
    job = runs.start(run, owner=caller.id, request_key=idempotency_key)
    return _started(job, request, response)


@router.get("/status/{request_id}")
def get_status(request_id: str, caller: Reader, runs: RunsDep) -> UpdateStatus:
    """Return where a run stands; ended ones have their summary."""
    job, rows = runs.get(request_id)
    return to_status(job, rows, left=runs.left(job), now=runs.now())


@router.get("/status/{request_id}/progress")
def get_progress(request_id: str, caller: Reader, runs: RunsDep) -> UpdateProgress:
    """Return how far a run and each of its symbols are."""
    job, rows = runs.get(request_id)
    return to_progress_of_symbols(job, rows, left=runs.left(job))


@router.get(
    "/status/{request_id}/details",
    responses={status.HTTP_202_ACCEPTED: {"model": StillRunning}},
)
def get_details(
    request_id: str, caller: Reader, runs: RunsDep, response: Response
) -> NightlyUpdateResponse | StillRunning:
    """Return what a run did, symbol by symbol, however it ended; 202 while it is at work."""
    job, rows = runs.get(request_id)
    found = status_of(job)
    if not found.is_final:
        response.status_code = status.HTTP_202_ACCEPTED
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
        return StillRunning(request_id=job.id, status=found)
    return to_response(job, rows, now=runs.now())


@router.get("/active")
def get_active(caller: Reader, runs: RunsDep) -> list[ActiveUpdate]:
    """List the runs that have not ended, newest first."""
    now = runs.now()
    return [to_active(job, now=now) for job in runs.active()]


@router.get("/history")
def get_history(
    caller: Reader,
    runs: RunsDep,
    state: Annotated[
        list[RunStatus] | None, Query(alias="status", description="Only these; may be repeated.")
    ] = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> UpdateHistory:
    """List runs, newest first, as long as jobs are kept (`JOBS__KEEP_DAYS`)."""
    found = runs.history(
        states=_states(state or []),
        after=None if cursor is None else parse_cursor(cursor),
        limit=limit + 1,
    )
    page = found[:limit]
    more = len(found) > limit
    last = page[-1][0] if page else None
    return UpdateHistory(
        runs=[to_past(job, rows) for job, rows in page],
        next_cursor=to_cursor((last.created_at, last.id)) if more and last else None,
    )


@router.post(
    "/{request_id}/cancel",
    responses={status.HTTP_202_ACCEPTED: {"model": UpdateStatus}},
)
def cancel(request_id: str, caller: Writer, runs: RunsDep, response: Response) -> UpdateStatus:
    """Stop a run: at once if it waits (200), after the page at hand if it works (202)."""
    _check_owner(caller, runs.get(request_id)[0])
    job = runs.cancel(request_id)
    if not status_of(job).is_final:
        response.status_code = status.HTTP_202_ACCEPTED
    return get_status(request_id, caller, runs)


@router.post("/{request_id}/retry")
def retry(
    request_id: str, caller: Writer, runs: RunsDep, request: Request, response: Response
) -> StartedUpdate:
    """Start a new run for the symbols that an ended one did not update whole."""
    return _started(runs.retry(request_id, owner=caller.id), request, response)


def _started(job: Job, request: Request, response: Response) -> StartedUpdate:
    response.headers["Location"] = request.url_for("get_status", request_id=job.id).path
    return StartedUpdate(request_id=job.id, message=started_text(run_of(job)))


def _states(wanted: list[RunStatus]) -> list[JobState]:
    unended = [one for one in wanted if one not in _ENDED]
    if unended:
        raise InputError(
            f"status {unended[0]}: the history lists ended runs by status; "
            "GET /nightly-update/active lists the others",
            field="status",
        )
    return [_ENDED[one] for one in wanted]


def _check_owner(caller: Principal, job: Job) -> None:
    if job.owner != caller.id and not caller.may(ADMIN):
        raise ForbiddenError(
            f"nightly update {job.id} is not yours; whoever has {ADMIN} may cancel it"
        )
