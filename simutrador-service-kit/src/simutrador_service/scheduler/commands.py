"""`schedules list run-now pause resume`: the same commands in every service."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from simutrador_service.cli import DebugOption, JsonOption, reporting, table, write
from simutrador_service.jobs.models import JobView
from simutrador_service.jobs.printing import show_job
from simutrador_service.scheduler.models import ScheduleView
from simutrador_service.scheduler.service import Schedules

OpenSchedules = Callable[[], AbstractContextManager[Schedules]]

Name = Annotated[str, typer.Argument(help="The schedule; `schedules list` shows them.")]


def schedule_commands(open_schedules: OpenSchedules) -> typer.Typer:
    """Return the command group `schedules`.

    Args:
        open_schedules: Opens the schedules of the service for one command.
    """
    app = typer.Typer(help="Look at schedules, run, pause and resume.", no_args_is_help=True)

    @app.command("list")
    def list_schedules(as_json: JsonOption = False, debug: DebugOption = False) -> None:
        """List schedules with their next and last occurrence."""
        with reporting(as_json=as_json, debug=debug), open_schedules() as schedules:
            _write([ScheduleView.of(one) for one in schedules.list_schedules()], as_json=as_json)

    @app.command("run-now")
    def run_now(name: Name, as_json: JsonOption = False, debug: DebugOption = False) -> None:
        """Ask for a job of a schedule at once."""
        with reporting(as_json=as_json, debug=debug), open_schedules() as schedules:
            view = JobView.of(schedules.run_now(name), now=schedules.jobs.clock())
            write(view.model_dump(mode="json"), as_json=as_json, show=show_job(view))

    @app.command()
    def pause(name: Name, as_json: JsonOption = False, debug: DebugOption = False) -> None:
        """Drop the occurrences of a schedule until it is resumed."""
        with reporting(as_json=as_json, debug=debug), open_schedules() as schedules:
            schedules.pause(name)
            _write([ScheduleView.of(schedules.get(name))], as_json=as_json)

    @app.command()
    def resume(name: Name, as_json: JsonOption = False, debug: DebugOption = False) -> None:
        """Go on with the next occurrence of a schedule."""
        with reporting(as_json=as_json, debug=debug), open_schedules() as schedules:
            schedules.resume(name)
            _write([ScheduleView.of(schedules.get(name))], as_json=as_json)

    return app


def _write(views: list[ScheduleView], *, as_json: bool) -> None:
    def show(console: Console) -> None:
        made = table("", ["schedule", "trigger", "kind", "next (UTC)", "last (UTC)", "outcome"])
        for view in views:
            soon = "paused" if view.paused else "unknown"
            made.add_row(
                escape(view.name),
                escape(view.trigger),
                escape(view.kind),
                f"{view.next_at:%Y-%m-%d %H:%M:%S}" if view.next_at else soon,
                f"{view.last.due_at:%Y-%m-%d %H:%M:%S}" if view.last else "",
                view.last.outcome if view.last else "",
            )
        console.print(made)

    document = {"schedules": [view.model_dump(mode="json") for view in views]}
    write(document, as_json=as_json, show=show)
