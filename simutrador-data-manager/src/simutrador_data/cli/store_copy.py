"""`simutrador-data store copy`: move bars between embedded stores and Delta tables."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from simutrador_data.cli.options import DataOption
from simutrador_data.cli.progress import progress
from simutrador_data.cli.session import settings_for
from simutrador_service.cli import DebugOption, ExitCode, JsonOption, reporting, write

if TYPE_CHECKING:
    from simutrador_data.services.workflows.copy_store import CopyReport


def copy(
    to: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="A folder, delta:FOLDER for a Delta table, or s3://BUCKET/FOLDER (gs, az too).",
        ),
    ],
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="URL",
            help="The same. Default: the store of --data.",
            show_default=False,
        ),
    ] = None,
    symbols: Annotated[
        list[str] | None,
        typer.Option(metavar="SYMBOL[,SYMBOL...]", help="Only these. Default: every series."),
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Copy bars to another store and prove both hold the same; run it again to go on.

    Credentials of an object store come from the environment (AWS_ACCESS_KEY_ID, ...), never from
    the URL. Nothing is deleted from the target.
    """
    with reporting(as_json=as_json, debug=debug):
        from simutrador_core.utils.validation import parse_symbol
        from simutrador_data.services.storage.backends import open_store
        from simutrador_data.services.workflows.copy_store import copy_store

        chosen = [
            parse_symbol(name.strip()) for given in symbols or [] for name in given.split(",")
        ]
        origin = from_ or str(settings_for(data).data_storage.root)
        with closing(open_store(origin, create=False)) as source, closing(open_store(to)) as target:
            report = copy_store(
                source,
                target,
                symbols=chosen,
                request=f"store copy from {origin}",
                progress=progress(as_json=as_json),
            )
        write(
            _document(origin, to, report),
            as_json=as_json,
            show=lambda console: _show(console, to, report),
        )
        code = _exit_code(report)
        if code:
            raise typer.Exit(code)


def _document(origin: str, to: str, report: CopyReport) -> dict[str, Any]:
    return {
        "from": origin,
        "to": to,
        "copied": [str(key) for key in report.copied],
        "skipped": [str(key) for key in report.skipped],
        "differs": [str(key) for key in report.differs],
        "rows": report.rows,
        "dataset_id": report.source_id,
        "dataset_id_of_copy": report.target_id,
        "verified": bool(report.source_id) and report.source_id == report.target_id,
    }


def _show(console: Console, to: str, report: CopyReport) -> None:
    console.print(
        f"{len(report.copied)} series copied ({report.rows:,} bars written), "
        f"{len(report.skipped)} were there already",
        soft_wrap=True,
    )
    for key in report.differs:
        console.print(
            f"{key} differs: {to} holds bars of its own, or one side was written meanwhile",
            soft_wrap=True,
        )
    if report.cancelled:
        console.print("stopped before the end; run it again to go on", soft_wrap=True)
    elif not report.differs:
        console.print(f"verified: both hold dataset {report.source_id}", soft_wrap=True)


def _exit_code(report: CopyReport) -> ExitCode:
    if not report.differs and not report.cancelled:
        return ExitCode.OK
    done = len(report.copied) + len(report.skipped) - len(report.differs)
    return ExitCode.PARTLY if done else ExitCode.PROBLEMS
