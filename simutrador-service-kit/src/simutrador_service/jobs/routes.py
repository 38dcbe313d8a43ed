"""`/jobs`: ask for jobs, look at them, cancel and retry them; any service mounts these routes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Annotated, Final

import anyio
from fastapi import APIRouter, Header, Query, Request, Response, status
from sse_starlette import EventSourceResponse, ServerSentEvent

from simutrador_service.auth import Principal, require, still_may
from simutrador_service.errors import JobConflictError, UnknownJobError
from simutrador_service.jobs.feed import JobFeed
from simutrador_service.jobs.models import (
    JobPage,
    JobRequest,
    JobSummary,
    JobView,
    parse_cursor,
    to_cursor,
)
from simutrador_service.jobs.service import Jobs
from simutrador_service.jobs.table import ACTIVE, Job, JobState

READ: Final = "jobs:read"
ADMIN: Final = "jobs:admin"
"""Scope of those who see and change the jobs of all."""

MOST_LISTED: Final = 200
LEAVING_S: Final = 2.0

Reader = Annotated[Principal, require(READ)]
Writer = Annotated[Principal, require("jobs:write")]


def job_routes(jobs: Jobs, *, heartbeat_s: float = 15.0) -> APIRouter:
    """Return the routes of these jobs, for `app.include_router`.

    A job belongs to whoever asked for it; to others without the scope `jobs:admin` it does not
    exist (404). Errors are the kit's own, which `install_problems` turns into problem+json.

    Args:
        jobs: What they serve.
        heartbeat_s: A stream of events that has nothing to say sends a comment this often, and
            ends once whoever opened it may no longer look.
    """
    router = APIRouter(prefix="/jobs", tags=["jobs"])
    _add_views(router, jobs)
    _add_changes(router, jobs)
    _add_events(router, jobs, heartbeat_s=heartbeat_s)
    return router


def _add_views(router: APIRouter, jobs: Jobs) -> None:
    @router.get("", summary="List jobs, newest first")
    def list_jobs(
        caller: Reader,
        state: Annotated[list[JobState] | None, Query()] = None,
        kind: str | None = None,
        owner: str | None = None,
        dead: bool | None = None,
        cursor: str | None = None,
        limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50,
    ) -> JobPage:
        found = jobs.list_jobs(
            states=state or (),
            kind=kind,
            owner=owner if caller.may(ADMIN) else caller.id,
            dead=dead,
            after=None if cursor is None else parse_cursor(cursor),
            limit=limit + 1,
        )
        page, now = found[:limit], jobs.clock()
        more = len(found) > limit
        return JobPage(
            jobs=[JobSummary.of(job, now=now) for job in page],
            next_cursor=to_cursor((page[-1].created_at, page[-1].id)) if more else None,
        )

    @router.get("/{job_id}", summary="Look at a job")
    def get_job(job_id: str, caller: Reader) -> JobView:
        return JobView.of(_visible(jobs, job_id, caller), now=jobs.clock())


def _add_changes(router: APIRouter, jobs: Jobs) -> None:
    @router.post("", status_code=status.HTTP_202_ACCEPTED, summary="Ask for a job")
    def submit(
        asked: JobRequest,
        caller: Writer,
        request: Request,
        response: Response,
        idempotency_key: Annotated[str | None, Header()] = None,
    ) -> JobView:
        job = jobs.submit_named(
            asked.kind, asked.params, key=asked.key, request_key=idempotency_key, owner=caller.id
        )
        if not _may_see(caller, job):
            raise JobConflictError(
                f"job {job.id} of somebody else is {job.state} with the same key; try again later",
                job_id=job.id,
            )
        response.headers["Location"] = _place(request, job)
        return JobView.of(job, now=jobs.clock())

    @router.delete("/{job_id}", summary="Cancel a job")
    def cancel(job_id: str, caller: Writer, response: Response) -> JobView:
        _visible(jobs, job_id, caller)
        job = jobs.cancel(job_id)
        if job.state in ACTIVE:  # asked to stop, and not yet stopped
            response.status_code = status.HTTP_202_ACCEPTED
        return JobView.of(job, now=jobs.clock())

    @router.post(
        "/{job_id}/retry", status_code=status.HTTP_202_ACCEPTED, summary="Run a failed job again"
    )
    def retry(job_id: str, caller: Writer, request: Request, response: Response) -> JobView:
        _visible(jobs, job_id, caller)
        job = jobs.retry(job_id)
        response.headers["Location"] = _place(request, job)
        return JobView.of(job, now=jobs.clock())


def _add_events(router: APIRouter, jobs: Jobs, *, heartbeat_s: float) -> None:
    feed = JobFeed(jobs)

    async def lapse(request: Request, scope: str) -> None:
        """Return once whoever asked may no longer look."""
        while True:
            await asyncio.sleep(heartbeat_s)
            if not await still_may(request, scope):
                return

    async def to_events(
        job_id: str, seen: int | None, leaving: anyio.Event, lapsed: Callable[[], Awaitable[None]]
    ) -> AsyncGenerator[ServerSentEvent]:
        lapsing = asyncio.ensure_future(lapsed())

        def is_over() -> bool:
            return leaving.is_set() or lapsing.done()

        try:
            async with aclosing(feed.watch(job_id, seen=seen, is_over=is_over)) as changes:
                async for job in changes:
                    said = JobView.of(job, now=jobs.clock()).model_dump_json()
                    name = "progress" if job.ended_at is None else "end"
                    yield ServerSentEvent(said, event=name, id=str(job.revision))
        finally:
            lapsing.cancel()

    @router.get("/{job_id}/events", summary="Follow a job", response_class=EventSourceResponse)
    async def events(
        job_id: str,
        caller: Reader,
        request: Request,
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> Response:
        job = await asyncio.to_thread(_visible, jobs, job_id, caller)
        seen = _revision(last_event_id)
        if job.ended_at is not None and seen == job.revision:
            return Response(status_code=status.HTTP_204_NO_CONTENT)  # an EventSource stops here
        known = seen if seen is not None and seen <= job.revision else None
        leaving = anyio.Event()  # set when the server stops: streams end, and clients come back
        return EventSourceResponse(
            to_events(
                job_id,
                known,
                leaving,
                lambda: lapse(request, READ if job.owner == caller.id else ADMIN),
            ),
            ping=heartbeat_s,
            shutdown_event=leaving,
            shutdown_grace_period=LEAVING_S,
        )


def _visible(jobs: Jobs, job_id: str, caller: Principal) -> Job:
    job = jobs.get(job_id)
    if not _may_see(caller, job):
        raise UnknownJobError(job_id)
    return job


def _may_see(caller: Principal, job: Job) -> bool:
    return job.owner == caller.id or caller.may(ADMIN)


def _place(request: Request, job: Job) -> str:
    return request.url_for("get_job", job_id=job.id).path


def _revision(last_event_id: str | None) -> int | None:
    text = last_event_id or ""
    return int(text) if text.isdecimal() and len(text) < 19 else None
