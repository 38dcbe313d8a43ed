"""`simutrador-server keys`: make, list, renew and revoke API keys."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from simutrador_server.cli.options import DataOption
from simutrador_service.auth.commands import keys_commands
from simutrador_service.cli import ConfigOption, EnvFileOption

if TYPE_CHECKING:
    from simutrador_service.auth.accounts import Accounts


class _Place:
    """Where the keys of this command are."""

    data: Path | None = None
    env_file: Path | None = None
    config: Path | None = None


@contextmanager
def _open_accounts() -> Generator[Accounts]:
    from simutrador_server.auth.door import opened_accounts
    from simutrador_server.core.settings import load_settings

    settings = load_settings(
        env_file=_Place.env_file, config_file=_Place.config, venue={"data_path": _Place.data}
    )
    with opened_accounts(settings) as accounts:
        yield accounts


keys = keys_commands(_open_accounts, default_scopes=("simulations:read", "simulations:write"))


@keys.callback()
def place(
    data: DataOption = None, env_file: EnvFileOption = None, config: ConfigOption = None
) -> None:
    """Make, list, renew and revoke API keys."""
    _Place.data, _Place.env_file, _Place.config = data, env_file, config
