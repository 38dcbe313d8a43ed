"""`simutrador-server config`: what is set, and whether it holds."""

from __future__ import annotations

from typing import Any

import typer
from rich.console import Console

from simutrador_server.cli.options import DebugOption, EnvFileOption, JsonOption
from simutrador_server.cli.output import reporting, write

config = typer.Typer(help="Show or check the settings.", no_args_is_help=True)


@config.command()
def show(
    env_file: EnvFileOption = None, as_json: JsonOption = False, debug: DebugOption = False
) -> None:
    """Show every setting with its value; secrets are masked."""
    with reporting(as_json=as_json, debug=debug):
        from simutrador_server.core.settings import load_settings

        nested: dict[str, dict[str, Any]] = load_settings(env_file=env_file).model_dump(mode="json")
        values = {
            f"{section}__{name}".upper(): value
            for section, fields in nested.items()
            for name, value in fields.items()
        }

        def lines(console: Console) -> None:
            for name, value in values.items():
                console.print(f"{name}={value}", markup=False)

        write({"settings": values}, as_json=as_json, show=lines)


@config.command()
def validate(
    env_file: EnvFileOption = None, as_json: JsonOption = False, debug: DebugOption = False
) -> None:
    """Check the settings; a wrong one is named with what it may hold."""
    with reporting(as_json=as_json, debug=debug):
        from simutrador_server.core.settings import load_settings

        load_settings(env_file=env_file)
        write({"valid": True}, as_json=as_json, show=lambda c: c.print("the settings hold"))
