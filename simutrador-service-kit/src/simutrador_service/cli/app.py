"""How a command line is made and started.

Exit codes: 0 ok, 1 problems found or failed, 2 usage, 3 partly done, 130 interrupted.
"""

from __future__ import annotations

import sys
from typing import Final, cast

import typer

from simutrador_service.cli.output import ExitCode, fail

# Typer carries a click of its own from some release on; either way this is its usage error.
UsageError: Final = cast("type[Exception]", typer.BadParameter.__mro__[1])


def command_app(help: str, *, version: str) -> typer.Typer:  # noqa: A002  (Typer's own word)
    """Return an empty command line with `--version` and shell completion."""
    app = typer.Typer(help=help, no_args_is_help=True, pretty_exceptions_enable=False)

    def show_version(asked: bool) -> None:
        if asked:
            typer.echo(version)
            raise typer.Exit

    shown = typer.Option(False, "--version", callback=show_version, is_eager=True, help="Show it.")

    @app.callback(help=help)
    def root(version: bool = shown) -> None:
        """Do nothing but offer `--version`."""

    return app


def run(app: typer.Typer) -> None:
    """Run a command line and exit; with `--json` a usage error is a document too."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
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
        text = getattr(e, "message", "") or str(e)
        fail("usage", f"{text}; see --help", as_json=True)
        sys.exit(ExitCode.USAGE)
    sys.exit(code)
