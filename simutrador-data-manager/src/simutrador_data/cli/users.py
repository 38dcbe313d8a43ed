"""`simutrador-data users`: add and change the people who log in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simutrador_data.cli.accounts import accounts_at
from simutrador_data.cli.options import DataOption
from simutrador_service.cli import lazy_commands, placed

if TYPE_CHECKING:
    import typer


def _commands() -> typer.Typer:
    from simutrador_service.auth.commands import users_commands

    return users_commands(lambda: accounts_at(_place))


users = lazy_commands("Add and change the people who log in.", _commands)
_place = placed(users, DataOption)
