"""`simutrador-server config`: what is set, where, and whether it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simutrador_service.cli import lazy_commands

if TYPE_CHECKING:
    import typer


def _commands() -> typer.Typer:
    from simutrador_server.core.settings import load_settings
    from simutrador_service.config.commands import config_commands

    return config_commands(load_settings)


config = lazy_commands("Show or check the settings.", _commands)
