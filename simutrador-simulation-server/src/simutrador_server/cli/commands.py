"""The command `simutrador-server`: one module a command, put together here.

Exit codes: 0 ok, 1 failed, 2 usage.
"""

from __future__ import annotations

from typing import Annotated

import typer

from simutrador_server import __version__
from simutrador_server.cli.config import config
from simutrador_server.cli.demo import demo
from simutrador_server.cli.keys import keys
from simutrador_server.cli.serve import serve

_HELP = "The venue: replays history over WebSocket, fills orders, keeps the account."

app = typer.Typer(help=_HELP, no_args_is_help=True, pretty_exceptions_enable=False)

app.command()(demo)
app.command()(serve)
app.add_typer(keys, name="keys")
app.add_typer(config, name="config")


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback(help=_HELP)
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """Do nothing but offer `--version`."""


def main() -> None:
    """Run the command line."""
    app()
