"""`simutrador-data fill-gaps`: ask vendors for absent bars, and learn why the rest is absent."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape

from simutrador_data.cli.options import (
    AdjustmentOption,
    DataOption,
    EndOption,
    StartOption,
    TimeframeOption,
)
from simutrador_data.cli.parsing import parse_adjustment
from simutrador_data.cli.session import Session, open_session
from simutrador_data.cli.signals import cancelled_by_signal
from simutrador_service.cli import (
    DebugOption,
    ExitCode,
    JsonOption,
    reporting,
    stderr,
    table,
    write,
)

if TYPE_CHECKING:
    from simutrador_data.services.downloading import Watch
    from simutrador_data.services.gap_filling import FillReport, FillRequest, SymbolFill

SHOWN: Final = 10

SymbolsArgument = Annotated[list[str], typer.Argument(metavar="SYMBOL...", help="Whose gaps.")]


def fill_gaps(
    symbols: SymbolsArgument,
    provider: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Whom to ask; see providers list. Default: "
            "TRADING_DATA_PROVIDER__DEFAULT_PROVIDER.",
            show_default=False,
        ),
    ] = None,
    start: StartOption = None,
    end: EndOption = None,
    timeframe: TimeframeOption = None,
    fallback: Annotated[
        str | None,
        typer.Option(metavar="NAME,...", help="Whom to ask for what the first one does not have."),
    ] = None,
    max_attempts: Annotated[
        int, typer.Option(min=1, max=10_000, help="Periods asked for at most, of each symbol.")
    ] = 50,
    adjustment: AdjustmentOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Ask for the bars that `gaps` lists as absent, each provider once, and note who has none.

    Exit code 3 when a part was not answered, 1 when all of it was not.
    """
    with reporting(as_json=as_json, debug=debug):
        from simutrador_core.models.enums import Timeframe
        from simutrador_core.utils.timeframe_utils import parse_timeframe
        from simutrador_core.utils.validation import parse_symbol
        from simutrador_data.services.gap_filling import FillRequest
        from simutrador_data.services.serving.ranges import parse_range

        request = FillRequest(
            tuple(parse_symbol(symbol) for symbol in symbols),
            timeframe=Timeframe.MINUTE_1 if timeframe is None else parse_timeframe(timeframe),
            range=parse_range(start, end),
            adjustment=parse_adjustment(adjustment),
            max_attempts=max_attempts,
        )
        with open_session(data) as session:
            others = None
            if fallback is not None:
                others = [one.strip() for one in fallback.split(",") if one.strip()]
            report = _fill(request, provider, others, session, as_json=as_json)
        write(
            report.to_document(),
            as_json=as_json,
            show=lambda console: show_report(console, report),
        )
        if code := _code(report):
            raise typer.Exit(code)


def show_report(console: Console, report: FillReport) -> None:
    """Print a line for each symbol, then what was asked for in vain and why."""
    right = ["gaps", "filled", "bars", "no trades", "failed", "left"]
    shown = table("", ["symbol", "status", *right, "from"], right=right)
    for one in report.symbols:
        shown.add_row(
            escape(one.series.symbol),
            str(one.status),
            *(f"{n:,}" for n in (one.periods, one.filled, one.recovered, one.confirmed)),
            *(f"{n:,}" for n in (one.failed, one.left)),
            escape(", ".join(name for name, added in one.sources if added)),
        )
    console.print(shown)
    for one in report.symbols:
        _show_rest(console, one)
    console.print(
        f"{report.status}: {report.recovered:,} bars recovered, {report.confirmed:,} shown to be "
        f"without trades, {report.requests:,} requests"
    )


def _show_rest(console: Console, one: SymbolFill) -> None:
    symbol = one.series.symbol
    if one.message:
        console.print(escape(f"{symbol}: {one.message}"), soft_wrap=True)
    told = [result for result in one.results if result.error_message]
    for result in told[:SHOWN]:
        span = f"{result.start_time:%Y-%m-%d %H:%M} to {result.end_time:%Y-%m-%d %H:%M}"
        text = f"{symbol}: {span}: {result.reason}: {result.error_message}"
        console.print(escape(text), soft_wrap=True)
    if len(told) > SHOWN:
        console.print(f"{escape(symbol)}: {len(told) - SHOWN} more periods; --json lists every one")


def _code(report: FillReport) -> ExitCode:
    from simutrador_data.services.downloading import DownloadStatus

    match report.status:
        case DownloadStatus.COMPLETED:
            return ExitCode.OK
        case DownloadStatus.FAILED:
            return ExitCode.PROBLEMS
        case _:
            return ExitCode.PARTLY


def _fill(
    request: FillRequest,
    provider: str | None,
    fallback: list[str] | None,
    session: Session,
    *,
    as_json: bool,
) -> FillReport:
    console = stderr()
    if console.is_terminal and not as_json:
        from simutrador_data.cli.update_table import UpdateTable

        drawn: UpdateTable | None = UpdateTable(console)
    else:
        drawn = None
    with drawn or nullcontext():
        return asyncio.run(_run(request, provider, fallback, session, drawn))


async def _run(
    request: FillRequest,
    provider: str | None,
    fallback: list[str] | None,
    session: Session,
    watch: Watch | None,
) -> FillReport:
    from simutrador_data.services.choosing_providers import chain_of
    from simutrador_data.services.gap_filling import fill_gaps
    from simutrador_data.services.gap_filling.opening import opened_for_gaps

    cancel = asyncio.Event()
    names = chain_of(provider, fallback, session.settings)
    with cancelled_by_signal(cancel):
        async with opened_for_gaps(names, session.settings, registry=session.registry) as asked:
            return await fill_gaps(
                replace(request, at_once=asked.at_once),
                providers=asked.providers,
                trades_from=asked.trades_from,
                store=session.store,
                registry=session.registry,
                watch=watch,
                cancel=cancel,
                quarantine=session.root / "quarantine",
            )
