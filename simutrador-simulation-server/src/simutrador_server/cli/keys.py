"""`simutrador-server keys`: make, list, renew and revoke API keys."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from simutrador_server.cli.options import DataOption
from simutrador_service.cli import lazy_commands, placed

if TYPE_CHECKING:
    import typer

    from simutrador_service.auth.accounts import Accounts


@contextmanager
def _open_accounts() -> Generator[Accounts]:
    from simutrador_server.auth.door import opened_accounts
    from simutrador_server.core.settings import load_settings

    settings = load_settings(
        env_file=_place.env_file, config_file=_place.config, venue={"data_path": _place.data}
    )
    with opened_accounts(settings) as accounts:
        yield accounts


def _commands() -> typer.Typer:
    from simutrador_server.auth.door import SCOPES
    from simutrador_service.auth.commands import keys_commands

    return keys_commands(_open_accounts, default_scopes=SCOPES)


keys = lazy_commands("Make, list, renew and revoke API keys.", _commands)
_place = placed(keys, DataOption)
