"""`simutrador-data store`: what one does with a whole store."""

from __future__ import annotations

import typer

from simutrador_data.cli.store_copy import copy

store = typer.Typer(help="Copy a whole store.", no_args_is_help=True)

store.command()(copy)
