"""`simutrador-data symbols`: what is stored, and what is known about each symbol."""

from __future__ import annotations

import typer

from simutrador_data.cli.options import DataOption, TimeframeOption
from simutrador_data.cli.symbols_add import add
from simutrador_data.cli.symbols_list import list_symbols
from simutrador_data.cli.symbols_show import classify, show
from simutrador_service.cli import DebugOption, JsonOption

symbols = typer.Typer(invoke_without_command=True)


@symbols.callback()
def list_by_default(
    context: typer.Context,
    timeframe: TimeframeOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """List what is stored: every series with its first and last bar. Or show, add, classify."""
    if context.invoked_subcommand is None:
        list_symbols(timeframe, data, as_json, debug)


symbols.command("list")(list_symbols)
symbols.command()(show)
symbols.command()(classify)
symbols.command()(add)
