"""`simutrador-data follow`: store bars as they close, from a vendor's stream."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from simutrador_data.cli.options import DataOption, StartOption, TimeframeOption
from simutrador_data.cli.session import Session, open_session
from simutrador_data.cli.signals import cancelled_by_signal
from simutrador_service.cli import DebugOption, JsonOption, reporting, stderr, table, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simutrador_data.services.streaming import FollowReport, FollowRequest, LiveWatch


def follow(
    symbols: Annotated[list[str], typer.Argument(metavar="SYMBOL...", help="Whose bars.")],
    provider: Annotated[
        str, typer.Option(metavar="NAME", help="Whose stream; what it misses is asked of it too.")
    ] = "binance",
    timeframe: TimeframeOption = None,
    start: StartOption = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="End once all bars that close until then are stored."),
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Store bars as they close, until Ctrl+C; without --start, on from the newest stored bar.

    Exit code 3 when closed bars are still missing, 1 when the stream never opened.
    """
    with reporting(as_json=as_json, debug=debug):
        request = to_request(symbols, timeframe, start, until)
        with open_session(data, create=True) as session:
            watch = None if as_json else StreamLines(stderr())
            report = asyncio.run(_run(request, provider, session, watch))
        write(report.document(), as_json=as_json, show=lambda console: show(console, report))
        if report.exit_code:
            raise typer.Exit(report.exit_code)


def to_request(
    symbols: Sequence[str], timeframe: str | None, start: str | None, until: str | None
) -> FollowRequest:
    """Return what the command line asks for; dates are UTC days.

    Raises:
        InputError: a text names no symbol, timeframe or range.
    """
    from simutrador_core.models.enums import Timeframe
    from simutrador_core.utils.timeframe_utils import parse_timeframe
    from simutrador_core.utils.validation import parse_symbol
    from simutrador_data.services.serving.ranges import parse_range, resolve
    from simutrador_data.services.streaming import FollowRequest

    wanted = parse_range(start, until, names=("start", "until"))
    first, last = resolve(wanted)
    return FollowRequest(
        symbols=tuple(parse_symbol(symbol) for symbol in symbols),
        timeframe=Timeframe.MINUTE_1 if timeframe is None else parse_timeframe(timeframe),
        start=None if wanted.start is None else first,
        until=None if wanted.end is None else last,
    )


class StreamLines:
    """Satisfies `LiveWatch`: a line for whatever is not the usual."""

    def __init__(self, console: Console) -> None:
        """Write to `console`."""
        self._console = console

    def connected(self) -> None:
        """Say that the stream is open."""
        self._say("connected")

    def stale(self, after_s: float) -> None:
        """Say that it fell silent."""
        self._say(f"nothing heard for {after_s:.0f} s, connecting again")

    def refused(self, status: int) -> None:
        """Say that the vendor refused."""
        self._say(f"the vendor refused with {status}")

    def backoff(self, wait_s: float) -> None:
        """Say when it is tried again."""
        self._say(f"connecting again in {wait_s:.1f} s")

    def backfilled(self, symbol: str, rows: int) -> None:
        """Say what was filled up."""
        if rows:
            self._say(f"{symbol}: {rows:,} missed bars asked for and stored")

    def bar(self, symbol: str, opened_at: datetime) -> None:
        """Say nothing: that is the usual."""

    def _say(self, text: str) -> None:
        self._console.print(f"{datetime.now().astimezone():%H:%M:%S} {escape(text)}")


def show(console: Console, report: FollowReport) -> None:
    """Print a line for each symbol, then how it went."""
    right = ["live", "asked for"]
    shown = table("", ["symbol", *right, ""], right=right)
    for symbol, written in report.symbols.items():
        state = "bars missing" if symbol in report.owing else ""
        shown.add_row(escape(symbol), f"{written.live:,}", f"{written.backfilled:,}", state)
    console.print(shown)
    if report.message:
        console.print(escape(report.message), soft_wrap=True)
    console.print(
        f"{report.status}: {report.connections:,} connections, {report.refused:,} refused, "
        f"{report.stale:,} stale, {report.cut:,} cut"
    )


async def _run(
    request: FollowRequest, name: str, session: Session, watch: LiveWatch | None
) -> FollowReport:
    from simutrador_data.services.opening_providers import opened_providers
    from simutrador_data.services.streaming import follow as follow_stream
    from simutrador_data.services.streaming import live_source

    settings, registry = session.settings, session.registry
    live = live_source(name, settings, registry=registry)
    cancel = asyncio.Event()
    with cancelled_by_signal(cancel):
        async with opened_providers([name], settings, registry=registry) as (provider,):
            return await follow_stream(
                request,
                provider=provider,
                live=live,
                store=session.store,
                registry=registry,
                watch=watch,
                cancel=cancel,
            )
