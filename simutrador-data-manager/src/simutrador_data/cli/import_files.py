"""`simutrador-data import`: files of bars into the store."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape

from simutrador_core.models.enums import Adjustment, OnConflict
from simutrador_data.cli.options import AdjustmentOption, DataOption
from simutrador_data.cli.parsing import optional_word, parse_word
from simutrador_data.cli.progress import progress
from simutrador_data.cli.session import Session, open_session
from simutrador_service.cli import DebugOption, ExitCode, JsonOption, reporting, table, write

if TYPE_CHECKING:
    from simutrador_data.services.data_providers.files import Description, ImportOptions
    from simutrador_data.services.progress.progress import QuietProgress
    from simutrador_data.services.workflows.import_report import FileReport, ImportReport

FILES_DESCRIBED: Final = 5


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line says about the files, as text."""

    symbol: str | None
    timeframe: str | None
    zone: str | None
    delimiter: str | None
    columns: list[str] | None
    adjustment: str | None
    label: str | None
    calendar: str | None
    price_scale: float | None
    quotes: str | None
    date_order: str | None


def import_(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files or folders.")],
    symbol: Annotated[str | None, typer.Option(help="Symbol of every row.")] = None,
    timeframe: Annotated[str | None, typer.Option("--timeframe", "-t", metavar="TF")] = None,
    zone: Annotated[
        str | None, typer.Option(help="Time zone of times without an offset: America/New_York.")
    ] = None,
    delimiter: Annotated[str | None, typer.Option(help="One character.")] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROLE=COLUMN,...", help="Name or position: time=Date,volume=6; none: absent."
        ),
    ] = None,
    adjustment: AdjustmentOption = None,
    label: Annotated[
        str | None, typer.Option(metavar="open|close", help="Which end of a bar times name.")
    ] = None,
    calendar: Annotated[str | None, typer.Option(help="Exchange calendar: XNYS, 24/7.")] = None,
    price_scale: Annotated[float | None, typer.Option(help="Prices are divided by this.")] = None,
    quotes: Annotated[
        str | None, typer.Option(metavar="mid|bid|ask", help="Side of a quote file to import.")
    ] = None,
    date_order: Annotated[
        str | None, typer.Option(metavar="mdy|dmy", help="How 03/04/2017 is read.")
    ] = None,
    on_conflict: Annotated[
        str, typer.Option(metavar="keep|replace", help="Where a different bar already stands.")
    ] = "keep",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what the files are taken for.")
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Import CSV, Parquet and Lean zip files of bars; what is detected is shown."""
    with reporting(as_json=as_json, debug=debug):
        given = Overrides(
            symbol, timeframe, zone, delimiter, columns, adjustment, label, calendar, price_scale,
            quotes, date_order,
        )  # fmt: skip
        options = to_options(given)
        if dry_run:
            _describe(paths, options, data, as_json=as_json)
            return
        _check(options)
        conflict = parse_word("on_conflict", on_conflict, OnConflict)
        with open_session(data, create=True) as session:
            report = _import(paths, options, conflict, session)
        write(report.to_json(), as_json=as_json, show=lambda console: show_report(console, report))
        if report.exit_code:
            raise typer.Exit(report.exit_code)


def to_options(given: Overrides) -> ImportOptions:
    """Return the options the command line names.

    Raises:
        InputError: a word is none of those an option takes.
    """
    from simutrador_core.utils.timeframe_utils import parse_timeframe
    from simutrador_data.services.data_providers.files import (
        DateOrder,
        ImportOptions,
        Label,
        Quotes,
    )

    return ImportOptions(
        symbol=given.symbol,
        timeframe=None if given.timeframe is None else parse_timeframe(given.timeframe),
        zone=given.zone,
        delimiter=given.delimiter,
        columns=_columns(given.columns),
        adjustment=optional_word("adjustment", given.adjustment, Adjustment),
        label=optional_word("label", given.label, Label),
        calendar=given.calendar,
        price_scale=given.price_scale,
        quotes=optional_word("quotes", given.quotes, Quotes),
        date_order=optional_word("date_order", given.date_order, DateOrder),
    )


def show_report(console: Console, report: ImportReport) -> None:
    """Print what became of the files; of a few, also what they were taken for."""
    if len(report.files) <= FILES_DESCRIBED:
        for file in report.files:
            _show_file(console, file)
    else:
        _show_table(console, report)
    status = f"{report.status}: {report.total('added'):,} bars added"
    for name, text in (("replaced", "replaced"), ("unchanged", "unchanged"), ("kept", "kept")):
        if report.total(name):
            status += f", {report.total(name):,} {text}"
    console.print(f"{status}, {report.total('rejected_rows'):,} rows rejected")


def _check(options: ImportOptions) -> None:
    """Refuse wrong options before a store is made."""
    from simutrador_core.assets.registry import AssetRegistry
    from simutrador_data.services.data_providers.files import RegistryCalendars
    from simutrador_data.services.workflows.import_files import check_options

    check_options(options, RegistryCalendars(AssetRegistry.default()))


def _import(
    paths: list[Path], options: ImportOptions, on_conflict: OnConflict, session: Session
) -> ImportReport:
    from datetime import UTC, datetime

    from simutrador_data.services.workflows.import_files import import_files

    waiting = progress()
    with cancelled_by_ctrl_c(waiting):
        return import_files(
            paths,
            store=session.store,
            registry=session.registry,
            now=datetime.now(UTC),
            options=options,
            progress=waiting,
            on_conflict=on_conflict,
            quarantine=session.root / "quarantine",
        )


@contextmanager
def cancelled_by_ctrl_c(task: QuietProgress) -> Generator[None]:
    """Let the first Ctrl+C end the task at its next safe point, and a second one at once."""

    def cancel(_signal: int, _frame: object) -> None:
        task.cancel()
        signal.signal(signal.SIGINT, before)

    # Arrow would take the signal for itself and call the page that it reads damaged.
    import_module("pyarrow").enable_signal_handlers(False)
    before = signal.signal(signal.SIGINT, cancel)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _describe(
    paths: list[Path], options: ImportOptions, data: Path | None, *, as_json: bool
) -> None:
    """Show what files are taken for, without storing anything."""
    from datetime import UTC, datetime

    from simutrador_core.errors import ImportFileError
    from simutrador_data.cli.session import settings_for
    from simutrador_data.services.data_providers.files import RegistryCalendars, open_bar_file
    from simutrador_data.services.opening import load_registry
    from simutrador_data.services.workflows.import_files import expand

    calendars = RegistryCalendars(load_registry(settings_for(data).data_storage))
    now = datetime.now(UTC)
    found: dict[str, Description | str] = {}
    for file in expand(paths):
        try:
            opened = open_bar_file(file.path, options, calendars=calendars, now=now)
            found[str(file.path)] = opened.description
        except ImportFileError as e:
            found[str(file.path)] = str(e)

    def show(console: Console) -> None:
        for path, description in found.items():
            console.print(f"[bold]{escape(path)}[/]", soft_wrap=True)
            if isinstance(description, str):
                console.print(f"  [red]{escape(description)}[/]", soft_wrap=True)
            else:
                _show_description(console, description)

    document = {
        path: {"error": one} if isinstance(one, str) else one.to_json()
        for path, one in found.items()
    }
    write({"files": document}, as_json=as_json, show=show)
    if any(isinstance(one, str) for one in found.values()):
        raise typer.Exit(ExitCode.PROBLEMS)


def _show_file(console: Console, file: FileReport) -> None:
    console.print(f"[bold]{escape(file.path)}[/]: {file.status}", soft_wrap=True)
    if file.description is not None:
        _show_description(console, file.description)
    if file.message:
        console.print(f"  {escape(file.message)}", soft_wrap=True)
    for row in file.examples:
        place = f"  line {row.line}: {row.reason}: {row.text}"
        console.print(f"[yellow]{escape(place)}[/]", soft_wrap=True)
    if file.quarantine:
        console.print(f"  every rejected row: {escape(file.quarantine)}", soft_wrap=True)


def _show_description(console: Console, description: Description) -> None:
    kind = f"  taken for {description.format}, {description.timeframe}"
    console.print(f"{kind}, {' and '.join(description.adjustments)} prices", soft_wrap=True)
    for fact in description.facts:
        console.print(f"    {escape(f'{fact.name}: {fact.value} ({fact.how})')}", soft_wrap=True)
    for caution in description.cautions:
        console.print(f"  [yellow]{escape(caution)}[/]", soft_wrap=True)


def _show_table(console: Console, report: ImportReport) -> None:
    right = ["rows", "added", "unchanged", "rejected"]
    shown = table("", ["file", "status", *right, "message"], right=right)
    for file in report.files:
        counts = (file.rows, file.added, file.unchanged, file.rejected_rows)
        shown.add_row(
            escape(Path(file.path).name),
            str(file.status),
            *(f"{count:,}" for count in counts),
            escape(file.message),
        )
    console.print(shown)


def _columns(texts: list[str] | None) -> dict[str, str] | None:
    from simutrador_core.errors import InputError

    if not texts:
        return None
    found: dict[str, str] = {}
    for text in ",".join(texts).split(","):
        role, separator, column = text.partition("=")
        if not separator or not role or not column:
            raise InputError(
                f"--columns {text!r} is not ROLE=COLUMN, for instance volume=6", field="columns"
            )
        found[role.strip()] = column.strip()
    return found
