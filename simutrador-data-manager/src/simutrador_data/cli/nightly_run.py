"""`nightly run`: do an update here, with progress, also while the service is down."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from simutrador_data.cli.options import DataOption, SymbolsArgument
from simutrador_data.cli.progress import progress
from simutrador_data.cli.session import settings_for
from simutrador_service.cli import DebugOption, ExitCode, JsonOption, reporting, table, write

if TYPE_CHECKING:
    from simutrador_data.core.settings import Settings
    from simutrador_data.models.nightly_update_api import NightlyUpdateResponse, RunStatus
    from simutrador_data.services.nightly.runs import NightlyRuns
    from simutrador_service.jobs import Job, Jobs

LOOK_EVERY_S: Final = 0.2

FirstOption = Annotated[
    str | None,
    typer.Option("--start", metavar="DATE", help="First session. Default: that of the last bar."),
]
LastOption = Annotated[
    str | None,
    typer.Option("--end", metavar="DATE", help="Last session. Default: the last that is over."),
]


def run(
    symbols: SymbolsArgument = None,
    start: FirstOption = None,
    end: LastOption = None,
    max_concurrent: Annotated[
        int | None, typer.Option("--max-concurrent", min=1, max=100, help="Symbols side by side.")
    ] = None,
    validate: Annotated[bool, typer.Option(help="Judge sessions before and after.")] = True,
    resample: Annotated[bool, typer.Option(help="Make the longer timeframes.")] = True,
    resume: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Go on here with a run whose process is gone."),
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Update symbols, those of the settings unless some are named; Ctrl+C stops after a page.

    Exit code 3 when a part of it is missing or it was stopped, 1 when nothing was updated.
    """
    with reporting(as_json=as_json, debug=debug):
        asked = {
            "symbols": symbols or None,
            "start_date": start,
            "end_date": end,
            "max_concurrent": max_concurrent,
            "force_validation": validate,
            "enable_resampling": resample,
        }
        settings = settings_for(data)
        with _quiet_logs(debug=debug):
            done = _update(asked, resume, settings, as_json=as_json)
        document = done.model_dump(mode="json")
        write(document, as_json=as_json, show=lambda console: show_response(console, done))
        unended = not done.status.is_final  # its worker broke off
        raise typer.Exit(ExitCode.PROBLEMS if unended else exit_code(done.status))


def exit_code(status: RunStatus) -> ExitCode:
    """Return what a command exits with that shows a run which stands so."""
    from simutrador_data.models.nightly_update_api import RunStatus

    codes = {
        RunStatus.PARTIAL: ExitCode.PARTLY,
        RunStatus.CANCELLED: ExitCode.PARTLY,
        RunStatus.FAILED: ExitCode.PROBLEMS,
    }
    return codes.get(status, ExitCode.OK)


def show_response(console: Console, done: NightlyUpdateResponse) -> None:
    """Print a line for each symbol, then the sums, and why the rest is missing."""
    right = ["bars", "made", "days", "with gaps"]
    shown = table("", ["symbol", "status", "sessions", *right], right=right)
    for one in done.symbol_results.values():
        days = one.validation_summary
        sessions = f"{one.start_date} to {one.end_date}" if one.start_date else ""
        shown.add_row(
            escape(one.symbol),
            str(one.status),
            sessions,
            f"{one.candles_updated:,}",
            f"{one.total_resampled_candles:,}",
            str(days.total_validations or ""),
            str(days.invalid_days or ""),
        )
    console.print(shown)
    for error in done.global_errors:
        console.print(f"[red]{escape(error)}[/]", soft_wrap=True)
    for one in done.symbol_results.values():
        if one.error_message:
            text = escape(f"{one.symbol}: {one.error_message}")
            console.print(f"[yellow]{text}[/]", soft_wrap=True)
    sums = done.summary
    console.print(
        f"{done.status}: {sums.successful_updates} of {sums.total_symbols} symbols updated, "
        f"{sums.total_candles_updated:,} bars written (run {done.request_id})"
    )


def _update(
    asked: dict[str, Any], resume: str | None, settings: Settings, *, as_json: bool
) -> NightlyUpdateResponse:
    from simutrador_data.models.nightly_update_api import NightlyUpdateRequest
    from simutrador_data.services.jobs.opening import opened_jobs
    from simutrador_data.services.nightly.runs import NightlyRuns, to_run
    from simutrador_data.services.nightly.views import to_response
    from simutrador_data.services.opening import load_registry, open_store

    open_store(settings.data_storage).close()  # what is wrong with it shows before a run is asked
    with opened_jobs(settings) as jobs:
        runs = NightlyRuns(jobs)
        if resume is None:
            registry, section = load_registry(settings.data_storage), settings.nightly_update
            request = _checked(NightlyUpdateRequest, asked)
            job = runs.start(to_run(request, section, registry=registry, now=runs.now()))
        else:
            job, _ = runs.get(resume)
        _follow(jobs, runs, job, as_json=as_json)
        return to_response(*runs.get(job.id), now=runs.now())


def _checked(model: Any, values: dict[str, Any]) -> Any:
    from pydantic import ValidationError

    from simutrador_core.errors import InputError

    try:
        return model.model_validate(values)
    except ValidationError as e:
        first = e.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{field}: {first['msg']}", field=field) from None


def _follow(jobs: Jobs, runs: NightlyRuns, job: Job, *, as_json: bool) -> None:
    """Do the run here, or follow it where another process has it, until it has ended."""
    from simutrador_data.services.nightly.views import overall
    from simutrador_service.jobs import Worker

    worker, ended = Worker(jobs), Event()

    def work() -> None:
        while not ended.is_set() and jobs.get(job.id).ended_at is None:
            if not worker.run_one(job.id):
                ended.wait(LOOK_EVERY_S)  # another process has it, or its lease must run out

    shown = progress(as_json=as_json)
    shown.start(100, "%", "nightly update")
    thread = Thread(target=work, name="nightly", daemon=True)
    thread.start()
    try:
        with _stopping(lambda: runs.cancel(job.id)):
            while thread.is_alive():
                thread.join(LOOK_EVERY_S)
                worker.beat()
                found, rows = runs.get(job.id)
                told = overall(found, rows, left=None)
                step = f"{told.completed_symbols}/{told.total_symbols} {told.current_step}"
                shown.advance(int(told.progress_percentage), escape(step))
    finally:
        ended.set()
        shown.finish()


@contextmanager
def _stopping(stop: Any) -> Generator[None]:
    """Let the first Ctrl+C (or SIGTERM) stop the run after its page, a second one at once."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ask(number: int, _frame: object) -> None:
        signal.signal(number, before[signal.Signals(number)])
        Thread(target=stop, daemon=True).start()  # the main thread may hold what it needs

    for number in before:
        signal.signal(number, ask)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _quiet_logs(*, debug: bool) -> Generator[None]:
    """Keep what workers log off the terminal: the report says it; `debug` lets it through."""
    import structlog

    if debug:
        yield
        return
    before = structlog.get_config()
    structlog.configure(processors=[_dropped])
    try:
        yield
    finally:
        structlog.configure(**before)


def _dropped(_logger: Any, _method: str, _event: Any) -> NoReturn:
    import structlog

    raise structlog.DropEvent
