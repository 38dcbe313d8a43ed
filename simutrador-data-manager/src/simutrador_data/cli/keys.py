"""`simutrador-data keys`: make, list, renew and revoke API keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simutrador_data.cli.accounts import accounts_at
from simutrador_data.cli.options import DataOption
from simutrador_service.cli import lazy_commands, placed

if TYPE_CHECKING:
    import typer


def _commands() -> typer.Typer:
    from simutrador_data.services.accounts import SCOPES
    from simutrador_service.auth.commands import keys_commands

    return keys_commands(lambda: accounts_at(_place), default_scopes=SCOPES)


keys = lazy_commands("Make, list and end API keys.", _commands)
_place = placed(keys, DataOption)
