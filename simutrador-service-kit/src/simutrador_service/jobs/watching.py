"""Follow a job from a terminal until it ends: as a bar, or as lines for programs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from simutrador_service.cli import stderr, stdout
from simutrador_service.jobs.models import JobView
from simutrador_service.jobs.printing import show_job, time_text
from simutrador_service.jobs.service import Jobs
from simutrador_service.jobs.table import Job

LOOK_EVERY_S: Final = 0.25


def watch_as_lines(jobs: Jobs, job_id: str) -> Job:
    """Write a line of JSON for each change; return the job at its end.

    Raises:
        UnknownJobError: there is none, or it was forgotten meanwhile.
    """
    told = -1

    def tell(job: Job, view: JobView) -> None:
        nonlocal told
        if job.revision != told:
            typer.echo(view.model_dump_json())
        told = job.revision

    return _follow(jobs, job_id, tell)


def watch_as_bar(jobs: Jobs, job_id: str) -> Job:
    """Show a bar with the time left on standard error, then the job; return it at its end.

    Raises:
        UnknownJobError: there is none, or it was forgotten meanwhile.
    """
    console = stderr()
    columns = (
        TextColumn("{task.fields[state]}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[left]}"),
        TextColumn("{task.description}", markup=False),
    )
    bars = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with bars:
        bar = bars.add_task("", total=None, state="", left="")

        def tell(_job: Job, view: JobView) -> None:
            bars.update(bar, total=view.total, completed=view.done, **_words(view))

        ended = _follow(jobs, job_id, tell)
    show_job(JobView.of(ended, now=jobs.clock()))(stdout())
    return ended


def _follow(jobs: Jobs, job_id: str, tell: Callable[[Job, JobView], None]) -> Job:
    """Look at the job again and again, and tell about it each time, up to its end."""
    while True:
        job = jobs.get(job_id)
        tell(job, JobView.of(job, now=jobs.clock()))
        if job.ended_at is not None:
            return job
        time.sleep(LOOK_EVERY_S)


def _words(view: JobView) -> dict[str, Any]:
    left = "" if view.eta_s is None else f"{time_text(view.eta_s)} left"
    return {"state": view.state, "left": left, "description": view.step}
