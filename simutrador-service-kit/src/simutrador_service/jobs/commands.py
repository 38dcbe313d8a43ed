"""`jobs list show cancel retry watch`: the same commands in every service.

They speak to the database itself, so whoever may run them sees and changes the jobs of all.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Annotated, Final

import typer

from simutrador_service.cli import DebugOption, ExitCode, JsonOption, reporting, write
from simutrador_service.jobs.models import JobSummary, JobView
from simutrador_service.jobs.printing import show_job, show_jobs
from simutrador_service.jobs.service import MAX_PAGE, Jobs
from simutrador_service.jobs.table import Job, JobState
from simutrador_service.jobs.watching import watch_as_bar, watch_as_lines

OpenJobs = Callable[[], AbstractContextManager[Jobs]]

CODES: Final = {
    JobState.COMPLETED: ExitCode.OK,
    JobState.PARTIAL: ExitCode.PARTLY,
    JobState.FAILED: ExitCode.PROBLEMS,
    JobState.CANCELLED: ExitCode.PROBLEMS,
}
"""What `jobs watch` exits with."""

JobId = Annotated[str, typer.Argument(metavar="ID", help="The job; `jobs list` shows them.")]


def job_commands(open_jobs: OpenJobs) -> typer.Typer:
    """Return the command group `jobs`.

    Args:
        open_jobs: Opens the jobs of the service for one command.
    """
    app = typer.Typer(help="Look at long tasks, stop and repeat them.", no_args_is_help=True)
    _add_views(app, open_jobs)
    _add_changes(app, open_jobs)
    _add_watch(app, open_jobs)
    return app


def _add_views(app: typer.Typer, open_jobs: OpenJobs) -> None:
    @app.command("list")
    def list_jobs(
        state: Annotated[list[JobState] | None, typer.Option(help="Only these.")] = None,
        kind: Annotated[str | None, typer.Option(help="Only this kind.")] = None,
        dead: Annotated[bool, typer.Option("--dead", help="Only dead letters.")] = False,
        limit: Annotated[int, typer.Option(min=1, max=MAX_PAGE, help="At most so many.")] = 50,
        as_json: JsonOption = False,
        debug: DebugOption = False,
    ) -> None:
        """List jobs, newest first."""
        with reporting(as_json=as_json, debug=debug), open_jobs() as jobs:
            found = jobs.list_jobs(
                states=state or (), kind=kind, dead=True if dead else None, limit=limit
            )
            now = jobs.clock()
            lines = [JobSummary.of(job, now=now) for job in found]
            document = {"jobs": [line.model_dump(mode="json") for line in lines]}
            write(document, as_json=as_json, show=show_jobs(lines))

    @app.command()
    def show(job_id: JobId, as_json: JsonOption = False, debug: DebugOption = False) -> None:
        """Show one job: what was asked, how far it is, how it ended."""
        with reporting(as_json=as_json, debug=debug), open_jobs() as jobs:
            _write(jobs, jobs.get(job_id), as_json=as_json)


def _add_changes(app: typer.Typer, open_jobs: OpenJobs) -> None:
    @app.command()
    def cancel(job_id: JobId, as_json: JsonOption = False, debug: DebugOption = False) -> None:
        """End a waiting job, ask a running one to stop."""
        with reporting(as_json=as_json, debug=debug), open_jobs() as jobs:
            _write(jobs, jobs.cancel(job_id), as_json=as_json)

    @app.command()
    def retry(job_id: JobId, as_json: JsonOption = False, debug: DebugOption = False) -> None:
        """Run a failed or cancelled job again, from its last checkpoint."""
        with reporting(as_json=as_json, debug=debug), open_jobs() as jobs:
            _write(jobs, jobs.retry(job_id), as_json=as_json)


def _add_watch(app: typer.Typer, open_jobs: OpenJobs) -> None:
    @app.command()
    def watch(job_id: JobId, as_json: JsonOption = False, debug: DebugOption = False) -> None:
        """Follow a job to its end: exit 0 completed, 3 partly done, 1 failed or cancelled.

        With --json each change is one line.
        """
        with reporting(as_json=as_json, debug=debug), open_jobs() as jobs:
            ended = (watch_as_lines if as_json else watch_as_bar)(jobs, job_id)
            raise typer.Exit(CODES[JobState(ended.state)])


def _write(jobs: Jobs, job: Job, *, as_json: bool) -> None:
    view = JobView.of(job, now=jobs.clock())
    write(view.model_dump(mode="json"), as_json=as_json, show=show_job(view))
