"""`simutrador-data store`: what one does with a whole store, its versions and its files."""

from __future__ import annotations

import typer

from simutrador_data.cli.store_backup import backup, restore
from simutrador_data.cli.store_copy import copy
from simutrador_data.cli.store_diff import diff
from simutrador_data.cli.store_history import history
from simutrador_data.cli.store_status import status
from simutrador_data.cli.store_upkeep import compact, vacuum, verify

store = typer.Typer(
    help="Look after a store: its versions, its files, backups and copies.", no_args_is_help=True
)

store.command()(status)
store.command()(history)
store.command()(diff)
store.command()(verify)
store.command()(compact)
store.command()(vacuum)
store.command()(backup)
store.command()(restore)
store.command()(copy)
