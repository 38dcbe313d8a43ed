"""`simutrador-data update`: fetch what the store lacks from a vendor, and from others in turn."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
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
from simutrador_service.cli import DebugOption, JsonOption, reporting, stderr, table, write

if TYPE_CHECKING:
    from simutrador_data.cli.update_table import UpdateTable
    from simutrador_data.core.settings import Settings
    from simutrador_data.services.downloading import (
        DownloadReport,
        DownloadRequest,
        SymbolReport,
        Watch,
    )

FAILURES_SHOWN: Final = 10

SymbolsArgument = Annotated[list[str], typer.Argument(metavar="SYMBOL...", help="Whose bars.")]


def update(
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
        typer.Option(metavar="NAME,...", help="Whom to ask for what the first one fails to give."),
    ] = None,
    adjustment: AdjustmentOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Fetch missing bars and store them; without --start, those since the first stored bar.

    Exit code 3 when a part is still missing, 1 when all of it is.
    """
    with reporting(as_json=as_json, debug=debug):
        request = to_request(symbols, timeframe, start, end, adjustment)
        with open_session(data, create=True) as session:
            names = chain_of(provider, fallback, session.settings)
            report = _download(request, names, session, as_json=as_json)
        write(
            report.to_document(),
            as_json=as_json,
            show=lambda console: show_report(console, report),
        )
        if report.exit_code:
            raise typer.Exit(report.exit_code)


def to_request(
    symbols: Sequence[str],
    timeframe: str | None,
    start: str | None,
    end: str | None,
    adjustment: str | None,
) -> DownloadRequest:
    """Return what the command line asks for.

    Raises:
        InputError: a text names no symbol, timeframe, adjustment or range.
    """
    from simutrador_core.models.enums import Timeframe
    from simutrador_core.utils.timeframe_utils import parse_timeframe
    from simutrador_core.utils.validation import parse_symbol
    from simutrador_data.services.downloading import DownloadRequest
    from simutrador_data.services.serving.ranges import parse_range

    return DownloadRequest(
        symbols=tuple(parse_symbol(symbol) for symbol in symbols),
        timeframe=Timeframe.MINUTE_1 if timeframe is None else parse_timeframe(timeframe),
        range=parse_range(start, end),
        adjustment=parse_adjustment(adjustment),
    )


def chain_of(provider: str | None, fallback: str | None, settings: Settings) -> list[str]:
    """Return whom to ask, in this order: as said, else as set."""
    from simutrador_data.services import choosing_providers

    named = None if fallback is None else [one.strip() for one in fallback.split(",")]
    names = None if named is None else [name for name in named if name]
    return choosing_providers.chain_of(provider, names, settings)


def show_report(console: Console, report: DownloadReport) -> None:
    """Print a line for each symbol, then what is still missing and why."""
    right = ["fetched", "written", "rejected", "missing"]
    shown = table("", ["symbol", "status", *right, "from"], right=right)
    for one in report.symbols:
        result = one.result
        shown.add_row(
            escape(one.series.symbol),
            str(one.status),
            f"{result.fetched:,}",
            f"{result.written:,}",
            f"{result.rejected:,}",
            _ranges(len(result.failed)),
            escape(", ".join(source.provider for source in one.sources)),
        )
    console.print(shown)
    for one in report.symbols:
        _show_rest(console, one)
    console.print(
        f"{report.status}: {report.total('written'):,} bars written, "
        f"{report.total('rejected'):,} rejected"
    )


def _show_rest(console: Console, one: SymbolReport) -> None:
    symbol = one.series.symbol
    if one.message:
        console.print(escape(f"{symbol}: {one.message}"), soft_wrap=True)
    for failure in one.failures[:FAILURES_SHOWN]:
        span = f"{failure.start:%Y-%m-%d %H:%M} to {failure.end:%Y-%m-%d %H:%M}"
        text = f"{symbol}: {span}: {failure.reason} ({failure.provider})"
        console.print(f"[yellow]{escape(text)}[/]", soft_wrap=True)
    if len(one.failures) > FAILURES_SHOWN:
        more = len(one.failures) - FAILURES_SHOWN
        console.print(f"{escape(symbol)}: {more} more ranges; --json lists every one")
    kept = sum(source.kept for source in one.sources)
    if kept:
        console.print(f"{escape(symbol)}: {kept:,} bars differ from other sources', which stay")
    if one.quarantine:
        console.print(escape(f"{symbol}: every rejected row: {one.quarantine}"), soft_wrap=True)


def _ranges(count: int) -> str:
    return "" if not count else "1 range" if count == 1 else f"{count:,} ranges"


def _download(
    request: DownloadRequest, names: list[str], session: Session, *, as_json: bool
) -> DownloadReport:
    console = stderr()
    if console.is_terminal and not as_json:
        from simutrador_data.cli.update_table import UpdateTable

        drawn: UpdateTable | None = UpdateTable(console)
    else:
        drawn = None
    with drawn or nullcontext():
        return asyncio.run(_run(request, names, session, drawn))


async def _run(
    request: DownloadRequest, names: list[str], session: Session, watch: Watch | None
) -> DownloadReport:
    from dataclasses import replace

    from simutrador_data.services.choosing_providers import at_once_of
    from simutrador_data.services.downloading import download
    from simutrador_data.services.opening_providers import opened_providers

    cancel = asyncio.Event()
    with cancelled_by_signal(cancel):
        settings, registry = session.settings, session.registry
        async with opened_providers(names, settings, registry=registry) as providers:
            return await download(
                replace(request, at_once=at_once_of(names[0], session.settings)),
                providers=providers,
                store=session.store,
                registry=registry,
                watch=watch,
                cancel=cancel,
                quarantine=session.root / "quarantine",
            )
