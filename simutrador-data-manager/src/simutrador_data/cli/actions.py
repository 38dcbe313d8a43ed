"""`simutrador-data actions`: splits, dividends, renames and delistings beside the bars."""

from __future__ import annotations

import typer

from simutrador_data.cli.actions_fetch import fetch
from simutrador_data.cli.actions_import import import_
from simutrador_data.cli.actions_list import diff, list_actions

actions = typer.Typer(
    help="Corporate actions: list, import, fetch and compare what adjusted prices are made with.",
    no_args_is_help=True,
)

actions.command("list")(list_actions)
actions.command("import")(import_)
actions.command()(fetch)
actions.command()(diff)
