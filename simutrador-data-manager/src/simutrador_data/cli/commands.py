"""The command `simutrador-data`: one module a command, put together here.

Exit codes: 0 ok, 1 problems found or failed, 2 usage, 3 partly done.
"""

from __future__ import annotations

import sys
from typing import Annotated, Final, cast

import typer

from simutrador_data import __version__
from simutrador_data.cli.bars import bars
from simutrador_data.cli.config import config
from simutrador_data.cli.demo import demo
from simutrador_data.cli.doctor import doctor
from simutrador_data.cli.gaps import gaps
from simutrador_data.cli.import_files import import_
from simutrador_data.cli.output import ExitCode, fail
from simutrador_data.cli.resample import resample
from simutrador_data.cli.serve import serve
from simutrador_data.cli.sql import sql
from simutrador_data.cli.store import store
from simutrador_data.cli.symbols import symbols
from simutrador_data.cli.validate import validate

# Typer carries a click of its own from some release on; either way this is its usage error.
UsageError: Final = cast("type[Exception]", typer.BadParameter.__mro__[1])

app = typer.Typer(
    help="OHLCV bars: import, prove complete, explain every gap, resample, serve.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

app.command()(demo)
app.command(name="import")(import_)
app.command()(symbols)
app.command()(bars)
app.command()(validate)
app.command()(gaps)
app.command()(resample)
app.command()(serve)
app.command()(sql)
app.add_typer(store, name="store")
app.add_typer(config, name="config")
app.command()(doctor)


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
    """OHLCV bars: import, prove complete, explain every gap, resample, serve."""


def main() -> None:
    """Run the command line; with `--json` a usage error is a document too."""
    if reconfigure := getattr(sys.stdout, "reconfigure", None):
        # A name that the terminal's encoding lacks is no reason to fail.
        reconfigure(errors="backslashreplace")
    if "--json" not in sys.argv:
        app()
        return
    try:
        code = app(standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        fail("interrupted", "interrupted; what was finished is kept", as_json=True)
        sys.exit(ExitCode.INTERRUPTED)
    except UsageError as e:
        fail("usage", getattr(e, "message", "") or str(e), as_json=True)
        sys.exit(ExitCode.USAGE)
    sys.exit(code)
