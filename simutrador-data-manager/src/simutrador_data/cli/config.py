"""`simutrador-data config`: what is set, and whether it holds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from simutrador_data.cli.options import DebugOption, JsonOption
from simutrador_data.cli.output import reporting, table, write

if TYPE_CHECKING:
    from simutrador_data.core.settings import Settings

config = typer.Typer(help="Show or check the settings.", no_args_is_help=True)

EnvFileOption = Annotated[
    Path | None, typer.Option("--env-file", metavar="FILE", help="Read this file instead.")
]


@config.command()
def show(
    env_file: EnvFileOption = None, as_json: JsonOption = False, debug: DebugOption = False
) -> None:
    """Show every setting with its value; secrets are masked."""
    with reporting(as_json=as_json, debug=debug):
        from simutrador_data.core.setting_names import later_names
        from simutrador_data.core.settings import find_env_file, load_settings, names_in

        settings = load_settings(env_file=env_file)
        file = env_file or find_env_file(os.environ)
        values = _values(settings)
        unread = later_names([*os.environ, *(names_in(file) if file else [])])

        def shown(console: Console) -> None:
            rows = table("", ["setting", "value"])
            for name, value in values.items():
                rows.add_row(name, str(value))
            for name in unread:
                rows.add_row(name, "******** (not read by this release)")
            console.print(rows)
            console.print(f"env file: {file or 'none'}; store: {settings.data_storage.root}")

        document = {
            "settings": values,
            "not_read": unread,
            "env_file": None if file is None else str(file),
            "store": str(settings.data_storage.root),
        }
        write(document, as_json=as_json, show=shown)


@config.command()
def validate(
    env_file: EnvFileOption = None, as_json: JsonOption = False, debug: DebugOption = False
) -> None:
    """Check the settings; a wrong one is named with what it may hold."""
    with reporting(as_json=as_json, debug=debug):
        from simutrador_data.core.addresses import check_host
        from simutrador_data.core.settings import load_settings

        settings = load_settings(env_file=env_file)
        check_host(settings.api.host)
        write({"valid": True}, as_json=as_json, show=lambda c: c.print("the settings hold"))


def _values(settings: Settings) -> dict[str, Any]:
    """Return each setting by its environment name, as plain values; secrets dump masked."""
    nested: dict[str, dict[str, Any]] = settings.model_dump(mode="json")
    return {
        f"{section}__{name}".upper(): value
        for section, fields in nested.items()
        for name, value in fields.items()
    }
