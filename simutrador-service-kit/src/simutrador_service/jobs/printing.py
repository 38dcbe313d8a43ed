"""Jobs as people read them in a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from simutrador_service.cli import table
from simutrador_service.jobs.models import JobSummary, JobView
from simutrador_service.jobs.table import JobState

COLOURS: Final = {
    JobState.RUNNING: "cyan",
    JobState.COMPLETED: "green",
    JobState.PARTIAL: "yellow",
    JobState.FAILED: "red",
    JobState.CANCELLED: "magenta",
}


def show_jobs(lines: Sequence[JobSummary]) -> Callable[[Console], None]:
    """Return what prints a list of jobs."""

    def show(console: Console) -> None:
        if not lines:
            console.print("no jobs")
            return
        made = table("", ["id", "kind", "key", "state", "progress", "created (UTC)", "error"])
        for line in lines:
            made.add_row(
                line.id,
                escape(line.kind),
                escape(line.key or ""),
                state_text(line),
                escape(progress_text(line)),
                f"{line.created_at:%Y-%m-%d %H:%M:%S}",
                line.error_code or "",
            )
        console.print(made)

    return show


def show_job(view: JobView) -> Callable[[Console], None]:
    """Return what prints one job."""
    facts: dict[str, object] = {
        "job": view.id,
        "kind": view.kind,
        "key": view.key,
        "owner": view.owner,
        "state": state_text(view),
        "progress": progress_text(view),
        "attempt": view.attempt,
        "created": view.created_at,
        "started": view.started_at,
        "ended": view.ended_at,
        "params": json.dumps(view.params),
        "result": None if view.result is None else json.dumps(view.result),
        "error": None if view.error is None else f"{view.error_code}: {view.error}",
    }

    def show(console: Console) -> None:
        made = Table(box=None, show_header=False, pad_edge=False)
        for name, fact in facts.items():
            if fact not in (None, ""):
                text = str(fact)
                made.add_row(f"[bold]{name}[/]", text if name == "state" else escape(text))
        console.print(made)

    return show


def state_text(job: JobSummary) -> str:
    """Return the state in its colour, and what else matters about it."""
    colour = COLOURS.get(job.state, "default")
    more = " (dead)" if job.dead else " (stopping)" if _is_stopping(job) else ""
    return f"[{colour}]{job.state}[/]{more}"


def progress_text(job: JobSummary) -> str:
    """Return `3/10 AAPL, 0:01:10 left`, as far as each is known; nothing of an ended job."""
    if job.ended_at is not None or not (job.done or job.total):
        return ""
    units = f"{job.done}/{job.total}" if job.total else str(job.done)
    left = "" if job.eta_s is None else f", {time_text(job.eta_s)} left"
    return f"{units} {job.step}".rstrip() + left


def time_text(seconds: float) -> str:
    """Return `0:01:10`."""
    return str(timedelta(seconds=round(seconds)))


def _is_stopping(job: JobSummary) -> bool:
    return job.cancel_requested and job.ended_at is None
