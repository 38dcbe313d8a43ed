"""`simutrador-data nightly`: update symbols now, look at updates, see when the next one is due."""

from __future__ import annotations

import typer

from simutrador_data.cli.nightly_run import run
from simutrador_data.cli.nightly_schedule import schedule
from simutrador_data.cli.nightly_status import status

nightly = typer.Typer(
    help="Update the newest sessions of many symbols, and see how that went.",
    no_args_is_help=True,
)

nightly.command()(run)
nightly.command()(status)
nightly.command()(schedule)
