"""`simutrador-data keys`: make, list, renew and revoke API keys."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from simutrador_data.cli.options import DataOption
from simutrador_data.cli.session import settings_for
from simutrador_service.cli import ConfigOption, EnvFileOption, lazy_commands

if TYPE_CHECKING:
    import typer

    from simutrador_service.auth.accounts import Accounts


class _Place:
    """Where the keys of this command are."""

    data: Path | None = None
    env_file: Path | None = None
    config: Path | None = None


@contextmanager
def _open_accounts() -> Generator[Accounts]:
    from simutrador_data.services.accounts import opened_accounts

    settings = settings_for(_Place.data, env_file=_Place.env_file, config_file=_Place.config)
    with opened_accounts(settings) as accounts:
        yield accounts


def _commands() -> typer.Typer:
    from simutrador_data.services.accounts import SCOPES
    from simutrador_service.auth.commands import keys_commands

    return keys_commands(_open_accounts, default_scopes=SCOPES)


keys = lazy_commands("Make, list and end API keys.", _commands)


@keys.callback()
def place(
    data: DataOption = None, env_file: EnvFileOption = None, config: ConfigOption = None
) -> None:
    """Make, list and end API keys."""
    _Place.data, _Place.env_file, _Place.config = data, env_file, config
