"""The command `simutrador-client`: one module a command, put together here.

Exit codes: 0 ok, 1 failed, 2 usage.
"""

from __future__ import annotations

from typing import Annotated

import typer

from simutrador_client import __version__
from simutrador_client.cli.auth import auth
from simutrador_client.cli.health import health
from simutrador_client.cli.run import run
from simutrador_client.cli.session import session

app = typer.Typer(
    help="Trade a strategy against replayed market data.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

app.command()(run)
app.command()(health)
app.add_typer(auth, name="auth")
app.add_typer(session, name="session")


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """Trade a strategy against replayed market data."""


def main() -> None:
    """Run the command line."""
    app()
