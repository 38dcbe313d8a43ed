"""`simutrador-data actions fetch`: corporate actions from a vendor."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from simutrador_data.cli.actions_import import commit_document
from simutrador_data.cli.options import DataOption
from simutrador_data.cli.parsing import parse_day
from simutrador_data.cli.session import Session, open_session
from simutrador_data.cli.update import chain_of
from simutrador_service.cli import DebugOption, ExitCode, JsonOption, reporting, table, write

if TYPE_CHECKING:
    from simutrador_data.services.corporate_actions.fetching import FetchedActions


def fetch(
    symbols: Annotated[list[str], typer.Argument(metavar="SYMBOL...", help="Whose actions.")],
    provider: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Whom to ask; see providers list. Default: "
            "TRADING_DATA_PROVIDER__DEFAULT_PROVIDER.",
            show_default=False,
        ),
    ] = None,
    fallback: Annotated[
        str | None,
        typer.Option(metavar="NAME,...", help="Whom to ask where the first one fails."),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="In effect from this date on. Default: all there are."),
    ] = None,
    end: Annotated[
        str | None, typer.Option(metavar="DATE", help="In effect before this date. Default: today.")
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Ask a vendor for splits and dividends; what it no longer says of the range is taken back.

    Exit code 3 when some symbols failed, 1 when all did.
    """
    with reporting(as_json=as_json, debug=debug), open_session(data, create=True) as session:
        from simutrador_core.utils.validation import parse_symbol
        from simutrador_data.services.corporate_actions.fetching import EARLIEST

        names = [parse_symbol(symbol) for symbol in symbols]
        chain = chain_of(provider, fallback, session.settings)
        tomorrow = datetime.now(UTC).date() + timedelta(days=1)
        first, last = parse_day("start", start) or EARLIEST, parse_day("end", end) or tomorrow
        found = asyncio.run(_fetch(session, names, chain, first, last))
        failed = [one for one in found if one.failure is not None]
        document = [
            {"symbol": one.symbol, "failure": one.failure}
            if one.commit is None
            else {
                "symbol": one.symbol,
                "failure": None,
                "provider": one.provider,
                **commit_document(one.commit),
            }
            for one in found
        ]
        write(
            {"provider": chain[0], "start": first, "end": last, "symbols": document},
            as_json=as_json,
            show=lambda console: _show(console, found),
        )
        if failed:
            raise typer.Exit(ExitCode.PROBLEMS if len(failed) == len(found) else ExitCode.PARTLY)


async def _fetch(
    session: Session, symbols: list[str], chain: list[str], start: date, end: date
) -> list[FetchedActions]:
    from simutrador_data.services.corporate_actions.action_store import ActionStore
    from simutrador_data.services.corporate_actions.fetching import fetch_actions
    from simutrador_data.services.opening_providers import opened_providers

    with closing(ActionStore(session.root)) as store:
        async with opened_providers(
            chain, session.settings, registry=session.registry
        ) as providers:
            return await fetch_actions(
                symbols, providers, store, start=start, end=end, now=lambda: datetime.now(UTC)
            )


def _show(console: Console, found: list[FetchedActions]) -> None:
    right = ["added", "taken back", "commit"]
    shown = table("", ["symbol", *right, "from"], right=right)
    for one in found:
        if one.commit is not None:
            counts = (f"{len(one.commit.added):,}", f"{len(one.commit.removed):,}")
            number = "as before" if one.commit.no_op else f"{one.commit.id}"
            shown.add_row(escape(one.symbol), *counts, number, escape(one.provider or ""))
    console.print(shown)
    for one in found:
        if one.failure is not None:
            console.print(f"[yellow]{escape(f'{one.symbol}: {one.failure}')}[/]", soft_wrap=True)
