"""`simutrador-data store verify`, `compact` and `vacuum`: looking after a store."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from simutrador_data.cli.options import DataOption
from simutrador_data.cli.progress import watching
from simutrador_data.cli.session import open_session
from simutrador_service.cli import DebugOption, ExitCode, JsonOption, reporting, write

if TYPE_CHECKING:
    from simutrador_core.interfaces.storage import Report


def verify(
    backup: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Check this backup instead of the store.")
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Check every file against its checksum; damaged ones are put aside and listed.

    Exit code 1 when something is wrong. What it says to fetch again is missing from the store.
    """
    with reporting(as_json=as_json, debug=debug):
        report = _verify_store(data, as_json) if backup is None else _verify_backup(backup, as_json)
        write(
            _document(report), as_json=as_json, show=lambda console: _show_verified(console, report)
        )
        if report.problems:
            raise typer.Exit(ExitCode.PROBLEMS)


def compact(
    data: DataOption = None, as_json: JsonOption = False, debug: DebugOption = False
) -> None:
    """Gather the bars of each series in one file a year; vacuum then frees what that replaced."""
    with reporting(as_json=as_json, debug=debug), open_session(data) as session:
        with watching("series", "Compacting", as_json=as_json) as watch:
            report = session.store.compact(watch=watch)
        write(
            _document(report),
            as_json=as_json,
            show=lambda console: console.print(
                f"{report.checked:,} files looked at, {report.changed:,} written; "
                "simutrador-data store vacuum frees what they replace",
                soft_wrap=True,
            ),
        )


def vacuum(
    keep_versions_since: Annotated[
        str | None,
        typer.Option(
            metavar="COMMIT|DATE",
            help="Drop versions before this commit or instant. Default: "
            "DATA_STORAGE__KEEP_VERSIONS, or keep all.",
            show_default=False,
        ),
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Delete what no version reads; with --keep-versions-since, older versions too."""
    with reporting(as_json=as_json, debug=debug), open_session(data) as session:
        kept = session.settings.data_storage.keep_versions
        since: int | datetime | None = None if kept is None else datetime.now(UTC) - kept
        if keep_versions_since is not None:
            since = _version(keep_versions_since)
        report = session.store.vacuum(keep_versions_since=since)
        write(
            _document(report),
            as_json=as_json,
            show=lambda console: console.print(
                f"{report.changed:,} objects deleted, {report.freed_bytes / 1e6:,.1f} MB freed"
            ),
        )


def _version(text: str) -> int | datetime:
    if text.isdecimal():
        return int(text)
    from simutrador_data.services.serving.ranges import parse_bound

    found = parse_bound(text, field="keep_versions_since")
    if isinstance(found, datetime):
        return found
    return datetime(found.year, found.month, found.day, tzinfo=UTC)


def _verify_store(data: Path | None, as_json: bool) -> Report:
    with (
        open_session(data) as session,
        watching("files", "Verifying", as_json=as_json) as watch,
    ):
        return session.store.verify(watch=watch)


def _verify_backup(folder: Path, as_json: bool) -> Report:
    from simutrador_core.interfaces.storage import Report
    from simutrador_core.models.enums import Maintenance
    from simutrador_data.services.storage.backup import verify_backup
    from simutrador_data.services.storage.file_ops import FileOps
    from simutrador_data.services.storage.manifest import read_manifest

    with watching("files", "Verifying", as_json=as_json) as watch:
        problems = verify_backup(folder, FileOps(), watch=watch)
    checked = len(read_manifest(folder).files) + 1
    return Report(Maintenance.VERIFY, checked=checked, problems=tuple(problems))


def _document(report: Report) -> dict[str, Any]:
    return {
        "task": str(report.task),
        "checked": report.checked,
        "changed": report.changed,
        "freed_bytes": report.freed_bytes,
        "problems": list(report.problems),
        "refetch": [
            {
                "symbol": one.series.symbol,
                "timeframe": str(one.series.timeframe),
                "adjustment": str(one.series.adjustment),
                "start": one.start,
                "end": one.end,
            }
            for one in report.refetch
        ],
    }


def _show_verified(console: Console, report: Report) -> None:
    for problem in report.problems:
        console.print(f"[red]problem[/] {escape(problem)}", soft_wrap=True)
    for one in report.refetch:
        series = one.series
        console.print(
            f"[yellow]fetch again[/] {escape(series.symbol)} {series.timeframe} "
            f"{series.adjustment} from {one.start.isoformat()} until {one.end.isoformat()}",
            soft_wrap=True,
        )
    found = f"{len(report.problems)} problems" if report.problems else "all is well"
    console.print(f"{report.checked:,} files and blocks checked: {found}")
