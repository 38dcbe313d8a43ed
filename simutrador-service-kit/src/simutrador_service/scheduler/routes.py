"""`/schedules`: what runs when, run it now, pause and resume it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response, status

from simutrador_service.auth import require
from simutrador_service.jobs.models import JobView
from simutrador_service.jobs.routes import ADMIN
from simutrador_service.scheduler.models import ScheduleView
from simutrador_service.scheduler.service import Schedules


def schedule_routes(schedules: Schedules) -> APIRouter:
    """Return the routes of these schedules, for `app.include_router` beside those of the jobs.

    Looking needs `jobs:read`, the rest `jobs:admin`: the jobs of a schedule belong to nobody.
    """
    router = APIRouter(prefix="/schedules", tags=["schedules"])
    may_look: list[Any] = [require("jobs:read")]
    may_change: list[Any] = [require(ADMIN)]

    @router.get("", summary="List schedules", dependencies=may_look)
    def list_schedules() -> list[ScheduleView]:
        return [ScheduleView.of(one) for one in schedules.list_schedules()]

    @router.post(
        "/{name}/run",
        status_code=status.HTTP_202_ACCEPTED,
        summary="Run a schedule now",
        dependencies=may_change,
    )
    def run_now(name: str, request: Request, response: Response) -> JobView:
        job = schedules.run_now(name)
        response.headers["Location"] = request.url_for("get_job", job_id=job.id).path
        return JobView.of(job, now=schedules.jobs.clock())

    @router.post("/{name}/pause", summary="Drop its occurrences", dependencies=may_change)
    def pause(name: str) -> ScheduleView:
        schedules.pause(name)
        return ScheduleView.of(schedules.get(name))

    @router.post("/{name}/resume", summary="Go on with its next", dependencies=may_change)
    def resume(name: str) -> ScheduleView:
        schedules.resume(name)
        return ScheduleView.of(schedules.get(name))

    return router
