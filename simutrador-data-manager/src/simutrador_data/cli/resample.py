"""`simutrador-data resample`: longer bars from the shortest stored ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from simutrador_data.cli.options import AdjustmentOption, DataOption, SymbolsArgument
from simutrador_data.cli.parsing import parse_adjustment, parse_alignment
from simutrador_data.cli.progress import progress
from simutrador_data.cli.session import Session, open_session
from simutrador_service.cli import DebugOption, ExitCode, JsonOption, reporting, table, write

if TYPE_CHECKING:
    from simutrador_core.models.enums import Adjustment, Alignment, Timeframe
    from simutrador_data.services.workflows.resample_store import ResampleReport


def resample(
    symbols: SymbolsArgument = None,
    to: Annotated[
        list[str] | None,
        typer.Option(metavar="TF[,TF...]", help="Timeframes to make. Default: all longer ones."),
    ] = None,
    adjustment: AdjustmentOption = None,
    alignment: Annotated[
        str, typer.Option(metavar="session|polygon", help="Start at the session's open, or on UTC.")
    ] = "session",
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Make longer bars of each symbol's shortest stored ones, on its exchange's sessions."""
    with reporting(as_json=as_json, debug=debug), open_session(data) as session:
        from simutrador_core.utils.timeframe_utils import parse_timeframe
        from simutrador_core.utils.validation import parse_symbol

        names = ",".join(to or []).split(",") if to else []
        wanted = [parse_timeframe(name.strip()) for name in names] or None
        prices = parse_adjustment(adjustment)
        grid = parse_alignment(alignment)
        chosen = [parse_symbol(symbol) for symbol in symbols or []]
        chosen = list(dict.fromkeys(chosen)) or _stored(session, prices)
        reports = _resample(session, chosen, wanted, prices, grid)
        write(
            {"symbols": [resample_document(report) for report in reports]},
            as_json=as_json,
            show=lambda console: show_resampled(console, reports),
        )
        code = _exit_code(reports)
        if code:
            raise typer.Exit(code)


def show_resampled(console: Console, reports: list[ResampleReport]) -> None:
    """Print a line for each timeframe made."""
    right = ["bars", "added", "replaced"]
    shown = table("", ["symbol", "from", "to", *right, "note"], right=right)
    for report in reports:
        for one in report.results:
            notes = [
                one.error,
                f"{one.kept:,} kept of another source" if one.kept else "",
                f"{one.outside:,} source bars outside hours" if one.outside else "",
                f"{one.forming:,} source bars still forming" if one.forming else "",
            ]
            shown.add_row(
                report.symbol,
                str(report.source),
                str(one.timeframe),
                f"{one.bars:,}",
                f"{one.added:,}",
                f"{one.replaced:,}",
                escape("; ".join(note for note in notes if note)),
            )
    console.print(shown)


def resample_document(report: ResampleReport) -> dict[str, Any]:
    """Return a report as plain values."""
    return {
        "symbol": report.symbol,
        "from": str(report.source),
        "results": [
            {
                "to": str(one.timeframe),
                "bars": one.bars,
                "added": one.added,
                "replaced": one.replaced,
                "removed": one.removed,
                "kept": one.kept,
                "outside": one.outside,
                "forming": one.forming,
                "error": one.error or None,
            }
            for one in report.results
        ],
    }


def _stored(session: Session, adjustment: Adjustment) -> list[str]:
    held = [i.symbol for i in session.store.symbols() if i.series.adjustment is adjustment]
    return list(dict.fromkeys(held))


def _resample(
    session: Session,
    symbols: list[str],
    to: list[Timeframe] | None,
    adjustment: Adjustment,
    alignment: Alignment,
) -> list[ResampleReport]:
    from datetime import UTC, datetime

    from simutrador_data.services.workflows.resample_store import resample_and_store

    waiting = progress()
    waiting.start(len(symbols), "symbols", "Resampling")
    reports: list[ResampleReport] = []
    try:
        for done, symbol in enumerate(symbols):
            waiting.advance(done, symbol)
            reports.append(
                resample_and_store(
                    session.store,
                    session.registry,
                    symbol,
                    now=datetime.now(UTC),
                    to=to,
                    adjustment=adjustment,
                    alignment=alignment,
                )
            )
    finally:
        waiting.finish()
    return reports


def _exit_code(reports: list[ResampleReport]) -> ExitCode:
    failed = sum(len(report.failed) for report in reports)
    if not failed:
        return ExitCode.OK
    done = sum(len(report.results) for report in reports) - failed
    return ExitCode.PARTLY if done else ExitCode.PROBLEMS
