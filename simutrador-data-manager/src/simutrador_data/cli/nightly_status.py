"""`nightly status`: the runs there are, or where one of them stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from simutrador_data.cli.nightly_run import exit_code
from simutrador_data.cli.options import DataOption
from simutrador_data.cli.session import settings_for
from simutrador_service.cli import DebugOption, JsonOption, reporting, table, write

if TYPE_CHECKING:
    from simutrador_data.models.nightly_update_api import (
        PastUpdate,
        UpdateProgress,
        UpdateStatus,
    )


def status(
    run_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A run. Default: the newest ones.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many runs.")] = 10,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show the newest runs, or one with its symbols.

    Of one that has ended: exit code 3 when a part is missing, 1 when nothing was updated.
    """
    from simutrador_data.services.jobs.opening import opened_jobs
    from simutrador_data.services.nightly.runs import NightlyRuns
    from simutrador_data.services.nightly.views import to_past, to_progress_of_symbols, to_status

    with reporting(as_json=as_json, debug=debug):
        with opened_jobs(settings_for(data)) as jobs:
            runs = NightlyRuns(jobs)
            if run_id is None:
                found = [to_past(job, rows) for job, rows in runs.history(limit=limit)]
                document = {"runs": [one.model_dump(mode="json") for one in found]}
                write(document, as_json=as_json, show=lambda console: show_runs(console, found))
                return
            job, rows = runs.get(run_id)
            left = runs.left(job)
            standing = to_status(job, rows, left=left, now=runs.now())
            symbols = to_progress_of_symbols(job, rows, left=left)
        document = standing.model_dump(mode="json")
        document["symbol_progress"] = symbols.model_dump(mode="json")["symbol_progress"]
        write(document, as_json=as_json, show=lambda c: show_status(c, standing, symbols))
        raise typer.Exit(exit_code(standing.status))


def show_runs(console: Console, found: list[PastUpdate]) -> None:
    """Print a line for each run."""
    if not found:
        console.print("no nightly updates yet; start one: simutrador-data nightly run")
        return
    right = ["symbols", "bars"]
    columns = ["run", "status", "started (UTC)", *right, "missing"]
    shown = table("", columns, right=right)
    for one in found:
        shown.add_row(
            one.request_id,
            str(one.status),
            f"{one.started_at:%Y-%m-%d %H:%M:%S}",
            str(one.symbols_count),
            f"{one.candles_updated:,}",
            escape(_few(one.failed_symbols)),
        )
    console.print(shown)


def show_status(console: Console, standing: UpdateStatus, symbols: UpdateProgress) -> None:
    """Print where a run stands, and each of its symbols."""
    right = ["done"]
    shown = table("", ["symbol", "status", *right, "step"], right=right)
    for one in symbols.symbol_progress.values():
        text = one.error_message or one.current_step
        shown.add_row(
            escape(one.symbol), str(one.status), f"{one.progress_percentage:.0f} %", escape(text)
        )
    console.print(shown)
    told = standing.progress
    left = told.estimated_time_remaining_seconds
    more = f", about {left:,.0f} s left" if left is not None else ""
    console.print(
        f"{standing.status}: {told.completed_symbols} of {told.total_symbols} symbols, "
        f"{told.progress_percentage:.0f} %{more}"
    )
    if standing.error:
        console.print(f"[red]{escape(standing.error)}[/]", soft_wrap=True)


def _few(symbols: list[str], most: int = 5) -> str:
    more = f" and {len(symbols) - most} more" if len(symbols) > most else ""
    return ", ".join(symbols[:most]) + more
